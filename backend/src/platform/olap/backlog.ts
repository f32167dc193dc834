import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { sources } from './sources.js';

export interface Behind {
  source: string;
  /** How long the oldest row has waited that is not copied yet; 0 when all is. */
  seconds: number;
  /** Rows that retention took away before they were copied. */
  lost: number;
}

/** How far the copy is behind, whichever process makes it: a look along an index for each source. */
@Injectable()
export class Backlog {
  constructor(private readonly database: Database) {}

  async look(): Promise<Behind[]> {
    const noted = await this.database.query<{ source: string; position: string; lost: string }>(
      'SELECT source, position, lost FROM olap_copies',
    );
    const of = new Map(noted.map((row) => [row.source, row]));
    const behind: Behind[] = [];
    for (const { name, waiting } of sources) {
      const { position = '0', lost = '0' } = of.get(name) ?? {};
      const [row] = await this.database.query<{ seconds: number | null }>(waiting, [position]);
      behind.push({
        source: name,
        seconds: Math.max(0, row?.seconds ?? 0),
        lost: Number(lost),
      });
    }
    return behind;
  }
}
