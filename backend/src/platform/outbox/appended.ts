import type { QueryRunner } from 'typeorm';
import type { Tx } from '../database/sql.js';
import type { AppendedRow } from './event-row.js';

/** What a transaction has appended so far. Its traces are locked until it ends. */
export interface Appended {
  rows: AppendedRow[];
  traces: Set<string>;
  /** No earlier event of its traces waits for a number, so that these may be numbered next. */
  isNext: boolean;
}

const byRunner = new WeakMap<QueryRunner, Appended>();

export function appendedIn({ queryRunner }: Tx): Appended {
  if (!queryRunner) throw new Error('events are appended in a transaction');
  const appended = byRunner.get(queryRunner) ?? { rows: [], traces: new Set(), isNext: true };
  byRunner.set(queryRunner, appended);
  return appended;
}

export const appendedBy = (runner: QueryRunner): Appended | undefined => byRunner.get(runner);
