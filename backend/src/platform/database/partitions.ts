import type { Database } from './database.js';
import { sql } from './sql.js';

/** Retention in days, by default. Partitions are weeks, so a row lives at most 7 days longer. */
export const retentionDays = {
  events: 60,
  tool_calls: 180,
  spans: 30,
  logs: 30,
  metric_samples: 14,
} as const;
export type PartitionedTable = keyof typeof retentionDays;

/**
 * A row of a call is written twice, at its beginning and at its end. With room for its second version on its own page, no
 * index has to be told of that; with full pages, three of them are (measured: 7 of 100 ends found room, with this 80).
 */
const fillPercent: Partial<Record<string, number>> = { tool_calls: 50 };

const WEEK_MS = 7 * 24 * 3600_000;
/** A Monday, so that partitions of all installations fall on the same days. */
const EPOCH_MS = Date.UTC(2024, 0, 1);

/**
 * Makes the partitions of this week and the next three, and drops those past retention. Run at start and
 * once an hour; safe in several processes at once, since each statement is idempotent and a loser of the
 * race finds the partition there. A week nobody made in time falls into the default partition, which
 * keeps writing possible; that week then stays there until retention by age removes it.
 */
export async function ensurePartitions(database: Database, now = Date.now()): Promise<void> {
  const existing = await database.query<{ parent: string; name: string; options: string[] }>(
    `SELECT p.relname AS parent, c.relname AS name, coalesce(c.reloptions, '{}') AS options FROM pg_inherits i
       JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
      WHERE p.relnamespace = current_schema()::regnamespace`,
  );
  const known = new Map(existing.map((row) => [row.name, row]));
  const thisWeek = Math.floor((now - EPOCH_MS) / WEEK_MS);
  for (const [table, days] of Object.entries(retentionDays)) {
    for (let week = thisWeek - 1; week <= thisWeek + 3; week++) {
      const name = partitionName(table, week);
      const row = known.get(name);
      const fill = fillPercent[table];
      if (!row) await makePartition(database, table, name, week, fill);
      // Of a build that made them full; what they hold by now stays as it is, and nobody who writes waits for this.
      else if (fill !== undefined && !row.options.some((each) => each.startsWith('fillfactor=')))
        await database.query(`ALTER TABLE "${name}" SET (fillfactor = ${fill})`);
    }
    const oldest = Math.floor((now - days * 24 * 3600_000 - EPOCH_MS) / WEEK_MS);
    for (const row of existing) {
      const week = row.parent === table ? weekOf(row.name) : undefined;
      if (week !== undefined && week < oldest) await dropPartition(database, table, row.name);
    }
  }
}

/** By what the copy in ClickHouse is read on (see Shipper), in those that it has. */
const copiedBy: Partial<Record<string, string>> = {
  logs: 'id',
  spans: 'id',
  events: 'seq',
  metric_samples: 'CASE step_s WHEN 300 THEN (extract(epoch FROM at) * 1000)::bigint END',
};

/** What goes before it was copied is counted, so that somebody can be told: see Shipper. */
async function dropPartition(database: Database, table: string, name: string): Promise<void> {
  const number = copiedBy[table];
  await database.transaction(async (tx) => {
    if (number !== undefined) {
      const { rows } = await sql(tx, 'SELECT 1 FROM olap_copies WHERE source = $1 FOR UPDATE', [
        table,
      ]);
      const isThere = await sql<{ it: string | null }>(tx, 'SELECT to_regclass($1) AS it', [name]);
      if (rows.length > 0 && isThere.rows[0]!.it !== null)
        await sql(
          tx,
          `UPDATE olap_copies SET lost = lost + (SELECT count(*) FROM "${name}" WHERE ${number} > position)
            WHERE source = $1`,
          [table],
        );
    }
    await sql(tx, `DROP TABLE IF EXISTS "${name}"`);
  });
}

async function makePartition(
  database: Database,
  table: string,
  name: string,
  week: number,
  fill: number | undefined,
): Promise<void> {
  const from = new Date(EPOCH_MS + week * WEEK_MS).toISOString();
  const to = new Date(EPOCH_MS + (week + 1) * WEEK_MS).toISOString();
  try {
    await database.query(
      `CREATE TABLE IF NOT EXISTS "${name}" PARTITION OF "${table}" FOR VALUES FROM ('${from}') TO ('${to}')
         ${fill === undefined ? '' : `WITH (fillfactor = ${fill})`}`,
    );
  } catch (error) {
    const code = (error as { code?: string }).code;
    // 42P07 or 23505: another process made it just now. 23514: the default partition holds rows of that week.
    if (code !== '42P07' && code !== '23505' && code !== '23514') throw error;
  }
}

const partitionName = (table: string, week: number) =>
  `${table}_w${new Date(EPOCH_MS + week * WEEK_MS).toISOString().slice(0, 10).replaceAll('-', '')}`;

function weekOf(name: string): number | undefined {
  const match = /_w(\d{4})(\d{2})(\d{2})$/.exec(name);
  if (!match) return undefined;
  return Math.round(
    (Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) - EPOCH_MS) / WEEK_MS,
  );
}
