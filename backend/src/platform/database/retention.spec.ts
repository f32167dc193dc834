import { Logger } from '@nestjs/common';
import { SystemConfig } from '@aos/contracts';
import { type TestDatabase, openTestDatabase } from '../../../test/harness.js';
import type { Olap } from '../olap/olap.js';
import { LogStore } from '../telemetry/log-store.js';
import { Redactor } from '../telemetry/redactor.js';
import { startTelemetry } from '../telemetry/telemetry.js';
import { Database } from './database.js';
import { Maintenance } from './maintenance.js';
import { ensurePartitions, keptTables, makePartitions, readKeptDays } from './partitions.js';
import { sql } from './sql.js';

const DAY_MS = 24 * 3600_000;
const olap = {} as Olap;

describe('how long history is kept', () => {
  let test: TestDatabase;
  let database: Database;
  let version = 1;
  beforeAll(async () => {
    test = await openTestDatabase();
    database = test.database;
    // Weeks of half a year.
    for (let days = 0; days <= 196; days += 28) await makePartitions(database, ago(days).getTime());
  });
  afterAll(() => test.close());
  beforeEach(async () => {
    await keep({});
    await database.query('DELETE FROM olap_copies');
    for (let days = 0; days <= 196; days += 28) await makePartitions(database, ago(days).getTime());
    await database.query('DELETE FROM logs');
    await database.query(
      `INSERT INTO logs (created_at, level, logger, message)
       SELECT now() - make_interval(days => d), 'info', 'test', d::text FROM generate_series(196, 0, -7) AS d`,
    );
  });
  const ago = (days: number) => new Date(Date.now() - days * DAY_MS);
  const store = (config: unknown) =>
    database.query(
      `INSERT INTO config_versions (scope, version, config, comment, created_by) VALUES ('system', $1, $2, '', 'test')`,
      [(version += 1), JSON.stringify(config)],
    );
  const keep = (keptDays: object) => store({ database: { keptDays } });
  const oldest = async (table: string, time: string) => {
    const [row] = await database.query<{ days: number }>(
      `SELECT extract(day FROM now() - min(${time}))::int AS days FROM ${table}`,
    );
    return row!.days;
  };
  const sweep = (copied?: Olap) => new Maintenance(database, copied).run();
  const partitions = async (table: string) => {
    const rows = await database.query<{ name: string }>(
      'SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::regclass',
      [table],
    );
    return rows.length;
  };

  it('is what the settings say, table by table, from the next look on', async () => {
    await keep({ logs: 150, spans: 7 });
    const spans = await partitions('spans');
    await sweep();
    expect(await oldest('logs', 'created_at')).toBeGreaterThanOrEqual(147);
    expect(await oldest('logs', 'created_at')).toBeLessThanOrEqual(156);
    expect(await partitions('spans')).toBeLessThan(spans - 15);
    await keep({ logs: 14 });
    await sweep();
    expect(await oldest('logs', 'created_at')).toBeLessThanOrEqual(20);
    expect(await oldest('logs', 'created_at')).toBeGreaterThanOrEqual(14);
  });

  it('is not decided by a process that starts', async () => {
    await keep({ logs: 7 });
    await makePartitions(database);
    expect(await oldest('logs', 'created_at')).toBe(196);
  });

  it('is without end where another build has stored what cannot be read', async () => {
    await keep({ logs: '7 days' });
    expect(await readKeptDays(database)).toMatchObject({ logs: null, spans: 30 });
    await sweep();
    expect(await oldest('logs', 'created_at')).toBe(196);
    await store({ database: { keptDays: 'all' } });
    expect(Object.values(await readKeptDays(database))).toEqual([null, null, null, null, null]);
    await store({});
    expect(await readKeptDays(database)).toEqual(SystemConfig.parse({}).database.keptDays);
  });

  it('covers rows of weeks that had no partition', async () => {
    await database.query(
      `INSERT INTO logs (created_at, level, logger, message) VALUES
         (now() - interval '3 years', 'info', 'test', 'old'), (now() + interval '1 year', 'info', 'test', 'of a clock that is off')`,
    );
    await database.query(
      `INSERT INTO olap_copies (source, position, copied_at) VALUES ('logs', 0, now())`,
    );
    await sweep();
    const left = await database.query('SELECT message FROM logs_default');
    expect(left).toEqual([{ message: 'of a clock that is off' }]);
    await database.query('DELETE FROM logs_default');
  });

  it('holds for a while what was not copied to ClickHouse yet, and lets go of what was', async () => {
    await keep({ logs: 28 });
    const lost = async () =>
      (await database.query<{ lost: string }>('SELECT lost FROM olap_copies'))[0]?.lost;
    // Nothing was copied yet: what has waited for longer than a month besides goes.
    await sweep(olap);
    expect(await oldest('logs', 'created_at')).toBeGreaterThanOrEqual(49);
    expect(await oldest('logs', 'created_at')).toBeLessThanOrEqual(64);
    // Up to six weeks ago all is there.
    await database.query(
      `INSERT INTO olap_copies (source, position, copied_at)
       SELECT 'logs', max(id), now() FROM logs WHERE created_at < now() - interval '41 days'`,
    );
    await sweep(olap);
    expect(await oldest('logs', 'created_at')).toBe(35);
    expect(await lost()).toBe('0');
    // Without ClickHouse nobody is waited for, and what was never copied is counted as ever.
    await sweep();
    expect(await oldest('logs', 'created_at')).toBeLessThanOrEqual(34);
    expect(Number(await lost())).toBeGreaterThan(0);
  });

  it('is told before it is shortened: what would go, and no more', async () => {
    const days = await readKeptDays(database);
    const gone = async (logs: number) =>
      (await keptTables(database, { past: { ...days, logs }, than: days })).find(
        ({ setting }) => setting === 'logs',
      )!;
    // What is past already goes without it.
    const early = await gone(7);
    await ensurePartitions(database);
    expect(await gone(7)).toEqual(early);
    expect(await gone(30)).toMatchObject({ weeks: 0, bytes: 0, from: null, until: null });
    expect(await gone(365)).toMatchObject({ weeks: 0 });
    const { weeks, bytes, from, until } = await gone(7);
    const kept = (await keptTables(database)).find(({ setting }) => setting === 'logs')!;
    expect(weeks).toBeGreaterThanOrEqual(3);
    expect(bytes).toBeGreaterThan(0);
    expect(from).toEqual(kept.from);
    expect(until!.getTime() - from!.getTime()).toBe(weeks * 7 * DAY_MS);
    await keep({ logs: 7 });
    await sweep();
    const after = (await keptTables(database)).find(({ setting }) => setting === 'logs')!;
    expect(after).toMatchObject({ weeks: kept.weeks - weeks, from: until });
  });
});

describe('a statement that takes longer than the settings allow', () => {
  it('is told of without its values, once, and not where it writes the log itself', async () => {
    const telemetry = startTelemetry(process.env); // by which it is known who asks
    telemetry.store.detach();
    const test = await openTestDatabase();
    const { database } = test;
    const warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const said = () =>
      warned.mock.calls.map(([text]) => String(text)).filter((text) => /took \d+ ms/.test(text));
    const slow = `SELECT pg_sleep(0.06), $1::text`;
    await database.query(slow, ['canary']);
    expect(said()).toEqual([]);
    database.slowStatements.limitMs = 50;
    await database.query(slow, ['canary']);
    await database.query(slow, ['canary']);
    expect(said()).toEqual([
      expect.stringMatching(/^A statement took \d+ ms: SELECT pg_sleep\(0.06\), \$1::text$/),
    ]);
    await database.transaction((tx) => sql(tx, `${slow} -- in a transaction`, ['canary']));
    expect(said()).toHaveLength(2);
    await database.query('SELECT 1');
    expect(said()).toHaveLength(2);
    await database.query(
      `CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.06); RETURN NEW; END'`,
    );
    await database.query(
      'CREATE TRIGGER slowly BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION slowly()',
    );
    const logs = new LogStore(database, new Redactor());
    logs.add({ level: 'info', logger: 'test', message: 'x' });
    await logs.flush();
    expect(said().filter((text) => text.includes('INSERT INTO logs'))).toEqual([]);
    expect(await database.query('SELECT message FROM logs')).toHaveLength(1);
    warned.mockRestore();
    await test.close();
    await telemetry.shutdown();
  });
});
