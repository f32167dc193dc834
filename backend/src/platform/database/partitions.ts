import { SystemConfig } from '@aos/contracts';
import type { Database } from './database.js';
import { type Tx, sql } from './sql.js';

/** What is partitioned, by the time of its rows, and the setting that says for how many days it is kept. */
const partitioned = {
  events: { setting: 'events', time: 'created_at' },
  tool_calls: { setting: 'toolCalls', time: 'created_at' },
  spans: { setting: 'spans', time: 'started_at' },
  logs: { setting: 'logs', time: 'created_at' },
  metric_samples: { setting: 'measurements', time: 'at' },
} as const;
type PartitionedTable = keyof typeof partitioned;
type KeptSetting = (typeof partitioned)[PartitionedTable]['setting'];
const tables = Object.keys(partitioned) as PartitionedTable[];
const settingOf = (table: PartitionedTable): KeptSetting => partitioned[table].setting;

/** Days, by the setting. Partitions are weeks, so a row lives at most 7 days longer. Null: not to be told, so nothing goes. */
export type KeptDays = Record<KeptSetting, number | null>;

/**
 * As the newest settings say, read where they are stored: also a process that is only starting drops nothing that they keep.
 * What another build has written and this one cannot read keeps everything, where a default would take history away.
 */
export async function readKeptDays(database: Database): Promise<KeptDays> {
  const [row] = await database.query<{ kept: unknown }>(
    `SELECT config->'database'->'keptDays' AS kept FROM config_versions WHERE scope = 'system' ORDER BY version DESC LIMIT 1`,
  );
  const stored = (row?.kept ?? {}) as Record<string, unknown>;
  const { keptDays } = SystemConfig.parse({}).database;
  const daysOf = (setting: KeptSetting) => {
    const value = typeof stored === 'object' ? stored[setting] : null;
    if (value === undefined) return keptDays[setting];
    return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
  };
  return Object.fromEntries(
    tables.map((table) => [settingOf(table), daysOf(settingOf(table))]),
  ) as KeptDays;
}

/**
 * A row of a call is written twice, at its beginning and at its end. With room for its second version on its own page, no
 * index has to be told of that; with full pages, three of them are (measured: 7 of 100 ends found room, with this 80).
 */
const fillPercent: Partial<Record<string, number>> = { tool_calls: 50 };

const DAY_MS = 24 * 3600_000;
const WEEK_MS = 7 * DAY_MS;
/** A Monday, so that partitions of all installations fall on the same days. */
const EPOCH_MS = Date.UTC(2024, 0, 1);
/** So much longer is a week kept that was not copied yet, where history is copied; then it goes, and is counted. */
const HELD_DAYS = 30;

interface Partition {
  parent: string;
  name: string;
  options: string[];
}

const partitionsOf = (database: Database) =>
  database.query<Partition>(
    `SELECT p.relname AS parent, c.relname AS name, coalesce(c.reloptions, '{}') AS options FROM pg_inherits i
       JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
      WHERE p.relnamespace = current_schema()::regnamespace`,
  );

/**
 * Makes the partitions of this week and the next three, and drops those past retention. Run once an hour; safe in several
 * processes at once, since each statement is idempotent and a loser of the
 * race finds the partition there. A week nobody made in time falls into the default partition, which
 * keeps writing possible; that week then stays there until retention by age removes it.
 *
 * @param isCopied history goes to ClickHouse: what is not there yet is held for a while
 */
export async function ensurePartitions(
  database: Database,
  now = Date.now(),
  isCopied = false,
): Promise<void> {
  const existing = await makePartitions(database, now);
  const kept = await readKeptDays(database);
  for (const table of tables) {
    const days = kept[settingOf(table)];
    if (days === null) continue;
    const oldest = oldestWeek(days, now);
    const heldFrom = isCopied ? oldestWeek(days + HELD_DAYS, now) : oldest;
    for (const row of existing) {
      const week = row.parent === table ? weekOf(row.name) : undefined;
      if (week !== undefined && week < oldest)
        await dropPartition(database, table, row.name, week >= heldFrom);
    }
    await emptyDefault(database, table, new Date(startOf(heldFrom)));
  }
}

/** Those of this week and the next three, which is all that a start needs. @returns all that were there before */
export async function makePartitions(database: Database, now = Date.now()): Promise<Partition[]> {
  const existing = await partitionsOf(database);
  const known = new Map(existing.map((row) => [row.name, row]));
  const thisWeek = Math.floor((now - EPOCH_MS) / WEEK_MS);
  for (const table of tables)
    for (let week = thisWeek - 1; week <= thisWeek + 3; week++) {
      const name = partitionName(table, week);
      const row = known.get(name);
      const fill = fillPercent[table];
      if (!row) await makePartition(database, table, name, week, fill);
      // Of a build that made them full; what they hold by now stays as it is, and nobody who writes waits for this.
      else if (fill !== undefined && !row.options.some((each) => each.startsWith('fillfactor=')))
        await database.query(`ALTER TABLE "${name}" SET (fillfactor = ${fill})`);
    }
  return existing;
}

export interface KeptTable {
  setting: KeptSetting;
  /** Weeks that hold something. */
  weeks: number;
  bytes: number;
  /** The beginning of the first and the end of the last of them. */
  from: Date | null;
  until: Date | null;
}

/** How much there is of each, and of when; with `past`, of what is past retention under it and not under `than`. */
export async function keptTables(
  database: Database,
  { past, than }: { past?: KeptDays; than?: KeptDays } = {},
  now = Date.now(),
): Promise<KeptTable[]> {
  const rows = await database.query<{ parent: string; name: string; bytes: string }>(
    `SELECT p.relname AS parent, c.relname AS name, pg_total_relation_size(c.oid) AS bytes
       FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
      WHERE p.relnamespace = current_schema()::regnamespace AND pg_relation_size(c.oid) > 0`,
  );
  return tables.map((table) => {
    const setting = settingOf(table);
    const isPast = (week: number, days?: KeptDays) => {
      const most = days?.[setting];
      return typeof most === 'number' && week < oldestWeek(most, now);
    };
    const those = rows.flatMap(({ parent, name, bytes }) => {
      const week = parent === table ? weekOf(name) : undefined;
      const isMeant = week !== undefined && (!past || (isPast(week, past) && !isPast(week, than)));
      return isMeant ? [{ week, bytes: Number(bytes) }] : [];
    });
    const weeks = those.map(({ week }) => week).sort((a, b) => a - b);
    return {
      setting,
      weeks: weeks.length,
      bytes: those.reduce((sum, { bytes }) => sum + bytes, 0),
      from: weeks.length > 0 ? new Date(startOf(weeks[0]!)) : null,
      until: weeks.length > 0 ? new Date(startOf(weeks.at(-1)! + 1)) : null,
    };
  });
}

const oldestWeek = (days: number, now: number) =>
  Math.floor((now - days * DAY_MS - EPOCH_MS) / WEEK_MS);
const startOf = (week: number) => EPOCH_MS + week * WEEK_MS;

/** By what the copy in ClickHouse is read on (see Shipper), in those that it has. */
const copiedBy: Partial<Record<string, string>> = {
  logs: 'id',
  spans: 'id',
  events: 'seq',
  metric_samples: 'CASE step_s WHEN 300 THEN (extract(epoch FROM at) * 1000)::bigint END',
};

/** What goes before it was copied is counted, so that somebody can be told: see Shipper. */
async function dropPartition(
  database: Database,
  table: string,
  name: string,
  mayHold: boolean,
): Promise<void> {
  await database.transaction(async (tx) => {
    const position = await lockCopy(tx, table);
    const isThere = await sql<{ it: string | null }>(tx, 'SELECT to_regclass($1) AS it', [name]);
    if (isThere.rows[0]!.it === null) return;
    if (mayHold && (await hasUncopied(tx, table, name, position ?? '0'))) return;
    if (position !== undefined) await countLost(tx, table, name);
    await sql(tx, `DROP TABLE IF EXISTS "${name}"`);
  });
}

/** Rows of weeks that had no partition. */
async function emptyDefault(
  database: Database,
  table: PartitionedTable,
  before: Date,
): Promise<void> {
  const name = `${table}_default`;
  const { time } = partitioned[table];
  const old = await database.query(`SELECT 1 FROM "${name}" WHERE ${time} < $1 LIMIT 1`, [before]);
  if (old.length === 0) return;
  await database.transaction(async (tx) => {
    if ((await lockCopy(tx, table)) !== undefined)
      await countLost(tx, table, name, `AND ${time} < $2`, [before]);
    await sql(tx, `DELETE FROM "${name}" WHERE ${time} < $1`, [before]);
  });
}

/** How far it has come, and stays until the transaction ends; undefined where nothing was copied yet. */
async function lockCopy(tx: Tx, table: string): Promise<string | undefined> {
  if (copiedBy[table] === undefined) return undefined;
  const { rows } = await sql<{ position: string }>(
    tx,
    'SELECT position FROM olap_copies WHERE source = $1 FOR UPDATE',
    [table],
  );
  return rows[0]?.position;
}

async function hasUncopied(tx: Tx, table: string, name: string, after: string): Promise<boolean> {
  const number = copiedBy[table];
  if (number === undefined) return false;
  const { rows } = await sql(tx, `SELECT 1 FROM "${name}" WHERE ${number} > $1 LIMIT 1`, [after]);
  return rows.length > 0;
}

async function countLost(
  tx: Tx,
  table: string,
  name: string,
  and = '',
  params: unknown[] = [],
): Promise<void> {
  await sql(
    tx,
    `UPDATE olap_copies SET lost = lost + (SELECT count(*) FROM "${name}" WHERE ${copiedBy[table]} > position ${and})
      WHERE source = $1`,
    [table, ...params],
  );
}

async function makePartition(
  database: Database,
  table: string,
  name: string,
  week: number,
  fill: number | undefined,
): Promise<void> {
  const from = new Date(startOf(week)).toISOString();
  const to = new Date(startOf(week + 1)).toISOString();
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
  `${table}_w${new Date(startOf(week)).toISOString().slice(0, 10).replaceAll('-', '')}`;

function weekOf(name: string): number | undefined {
  const match = /_w(\d{4})(\d{2})(\d{2})$/.exec(name);
  if (!match) return undefined;
  return Math.round(
    (Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) - EPOCH_MS) / WEEK_MS,
  );
}
