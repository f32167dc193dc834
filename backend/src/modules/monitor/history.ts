import { Inject, Injectable, Optional } from '@nestjs/common';
import type { HistoryState } from '@aos/contracts';
import { OLAP, type Olap, OlapAway } from '../../platform/olap/olap.js';

/** What the copy in ClickHouse had to say, and whether it could. */
export interface Told<T> {
  history: HistoryState;
  rows: T[];
}

/**
 * What Postgres keeps no longer. Whoever asks has an answer without it: away or not there at all is a state of the answer
 * and no failure.
 */
@Injectable()
export class History {
  constructor(@Optional() @Inject(OLAP) private readonly olap?: Olap) {}

  /** As it was when somebody asked last. */
  get state(): HistoryState {
    return this.olap ? (this.olap.wasUp ? 'there' : 'away') : 'off';
  }

  async ask<T>(query: string, params: Record<string, unknown>): Promise<Told<T>> {
    if (!this.olap) return { history: 'off', rows: [] };
    // Else each question would wait anew for one that stands still.
    if (!(await this.olap.isUp())) return { history: 'away', rows: [] };
    try {
      return { history: 'there', rows: await this.olap.query<T>(query, params) };
    } catch (error) {
      if (!(error instanceof OlapAway)) throw error;
      return { history: 'away', rows: [] };
    }
  }
}

/** Microseconds since 1970 that ClickHouse has a date for, of whatever a reader may have sent. */
export const inRange = (micros: string | number): string =>
  String(Math.round(Math.min(Math.max(Number(micros), 0), 4e15)));

export const dateOf = (text: string): Date => new Date(`${text.replace(' ', 'T')}Z`);
