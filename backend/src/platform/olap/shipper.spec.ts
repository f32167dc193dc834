import { Logger } from '@nestjs/common';
import pg from 'pg';
import { PASSWORD, hasClickHouse, startClickHouse } from '../../../test/clickhouse.js';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { insertSpans } from '../../../test/monitor-app.js';
import { ensurePartitions } from '../database/partitions.js';
import { Backlog } from './backlog.js';
import { type Olap, OlapAway } from './olap.js';
import { olapAt } from './open-olap.js';
import { Shipper } from './shipper.js';

const DAY_MS = 24 * 3600_000;
const onEngine = hasClickHouse ? describe : describe.skip; // no engine of ClickHouse: npm run add:clickhouse, as .ci/run does
const onServer = isNative ? it : it.skip; // PGlite has one session, so nobody writes beside another: see AOS_TEST_DB=native

onEngine('what is copied to ClickHouse', () => {
  let db: TestDatabase;
  let clickhouse: Awaited<ReturnType<typeof startClickHouse>>;
  let olap: Olap;
  let shipper: Shipper;
  const roles = new Set(['relay'] as const);
  const aShipper = (to = olap) => new Shipper(db.database, { roles }, to);
  beforeAll(async () => {
    [db, clickhouse] = await Promise.all([openTestDatabase(), startClickHouse()]);
    olap = await olapAt(clickhouse.url, 'one');
  });
  beforeEach(async () => {
    for (const table of ['logs', 'spans', 'events', 'metric_samples', 'olap_copies'])
      await db.database.query(`DELETE FROM ${table}`);
    await db.database.query(`UPDATE olap_lease SET lease_until = '-infinity'`);
    shipper = aShipper();
    await shipper.run();
    for (const table of ['logs', 'spans', 'events', 'metric_samples'])
      await olap.command(`TRUNCATE TABLE ${table}`);
  });
  afterAll(async () => {
    await olap.close();
    await clickhouse.stop();
    await db.close();
  });

  const insertLog = `INSERT INTO logs (level, logger, message, attributes)
    SELECT 'info', 'test', m, '{"n": "9007199254740993"}' FROM unnest($1::text[]) AS m`;
  const log = (...messages: string[]) => db.database.query(insertLog, [messages]);
  const lines = async () => {
    const rows = await olap.query<{ message: string }>(
      'SELECT message FROM logs FINAL WHERE installation = {installation:String} ORDER BY id',
    );
    return rows.map(({ message }) => message);
  };
  /** Another session, as another process has it. */
  async function writer() {
    const client = new pg.Client({ connectionString: db.url });
    await client.connect();
    return client;
  }

  it('is the same there, whole, in all of its parts', async () => {
    const traceId = 'a'.repeat(32);
    await log('one of 汉字', `with 'quotes', {a:String}, a \\ and a\nline`);
    await insertSpans(db.database, [
      {
        traceId,
        spanId: 's1',
        name: 'tool skills.csv.clean',
        kind: 'tool',
        startedAt: new Date('2026-11-01T10:00:00.123Z'),
        durationUs: 1500,
        attributes: { 'aos.step.id': 'a' },
      },
    ]);
    await db.database.query(
      `INSERT INTO events (seq, type, topic, summary, payload, trace_id) VALUES
         (1, 'tool.call', 'tool', 'called', '{"server": "skills", "tool": "csv.clean", "status": "succeeded", "durationMs": 12, "attempt": 1}', $1),
         (2, 'task.receipt', 'task', 'ended', '{"status": "succeeded", "durationMs": 40, "attempts": 1, "cost": {"cny": 0.25, "inputTokens": 7, "outputTokens": 3}}', $1)`,
      [traceId],
    );
    await db.database.query(`UPDATE relay_state SET last_seq = 2`);
    await shipper.run();
    expect(await lines()).toEqual(['one of 汉字', `with 'quotes', {a:String}, a \\ and a\nline`]);
    expect(await olap.query('SELECT attributes FROM logs FINAL LIMIT 1')).toEqual([
      { attributes: '{"n": "9007199254740993"}' },
    ]);
    expect(
      await olap.query('SELECT trace_id, span_id, started_at, duration_us, attributes FROM spans'),
    ).toEqual([
      {
        trace_id: traceId,
        span_id: 's1',
        started_at: '2026-11-01 10:00:00.123000',
        duration_us: '1500',
        attributes: '{"aos.step.id": "a"}',
      },
    ]);
    expect(await olap.query('SELECT server, tool, status, duration_ms FROM tool_calls')).toEqual([
      { server: 'skills', tool: 'csv.clean', status: 'succeeded', duration_ms: '12' },
    ]);
    expect(await olap.query('SELECT status, cost_cny, input_tokens FROM ended_jobs')).toEqual([
      { status: 'succeeded', cost_cny: 0.25, input_tokens: '7' },
    ]);
  });

  it('is copied in batches, each from where the last one ended', async () => {
    await db.database.query(
      `INSERT INTO logs (level, logger, message) SELECT 'info', 'test', repeat('x', 9000) || n FROM generate_series(1, 2500) n`,
    );
    const sizes: number[] = [];
    const watched = Object.assign(Object.create(olap) as Olap, {
      insert: (table: string, rows: object[]) => (
        table === 'logs' && sizes.push(rows.length),
        olap.insert(table, rows)
      ),
    });
    await aShipperAlone(watched).run();
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2500);
    // 4 MB each, of lines of 9 kB
    expect(Math.max(...sizes)).toBeLessThan(500);
    expect(await olap.query('SELECT toUInt32(count()) AS n FROM logs FINAL')).toEqual([
      { n: 2500 },
    ]);
  });

  onServer('misses no line of a writer that ended after a later one', async () => {
    const slow = await writer();
    try {
      await slow.query('BEGIN');
      await slow.query(insertLog, [['first, and slow']]);
      await log('second, and there at once');
      await shipper.run();
      await shipper.run();
      await slow.query('COMMIT');
      await log('third');
      await shipper.run();
      await shipper.run();
      expect(await lines()).toEqual(['first, and slow', 'second, and there at once', 'third']);
    } finally {
      await slow.end();
    }
  });

  onServer('goes on behind one that never wrote its line, and one that came later', async () => {
    const [undone, later] = [await writer(), await writer()];
    try {
      await undone.query('BEGIN');
      await undone.query(insertLog, [['undone']]);
      await log('there');
      await shipper.run();
      await later.query('BEGIN');
      await later.query(insertLog, [['later']]);
      await undone.query('ROLLBACK');
      await shipper.run();
      expect(await lines()).toEqual(['there']);
      await later.query('COMMIT');
      await shipper.run();
      expect(await lines()).toEqual(['there', 'later']);
    } finally {
      await undone.end();
      await later.end();
    }
  });

  it('counts once what was copied twice, by a process that ended before it noted that', async () => {
    await olap.command('SYSTEM STOP MERGES');
    await log('a', 'b');
    const killed = Object.assign(Object.create(olap) as Olap, {
      async insert(table: string, rows: object[]) {
        await olap.insert(table, rows);
        throw new OlapAway('killed behind the insert', false);
      },
    });
    await expect(aShipperAlone(killed).run()).rejects.toThrow(OlapAway);
    await log('c');
    await aShipperAlone(olap).run();
    expect(await olap.query('SELECT toUInt32(count()) AS n FROM logs')).toEqual([{ n: 5 }]);
    expect(await lines()).toEqual(['a', 'b', 'c']);
    await olap.command('SYSTEM START MERGES');
  });

  it('is copied by one process at a time, and one that has lost the lease notes nothing', async () => {
    const other = aShipper();
    expect(await other.run()).toBe(false);
    await log('a');
    const before = await positionOf('logs');
    let taken = false;
    const losesIt = Object.assign(Object.create(olap) as Olap, {
      async insert(table: string, rows: object[]) {
        await olap.insert(table, rows);
        taken ||= (await db.database.run(`UPDATE olap_lease SET owner = 'another'`)).count > 0;
      },
    });
    expect(await aShipperAlone(losesIt).run()).toBe(false);
    expect(taken).toBe(true);
    expect(await positionOf('logs')).toBe(before);
    await db.database.query(`UPDATE olap_lease SET lease_until = '-infinity'`);
    await other.run();
    expect(await lines()).toEqual(['a']);
  });

  it('goes on where it was when ClickHouse was away, and says how far it is behind', async () => {
    const backlog = new Backlog(db.database);
    await log('before');
    await shipper.run();
    await clickhouse.stop();
    await db.database.query(
      `INSERT INTO logs (created_at, level, logger, message) VALUES (now() - interval '1 hour', 'info', 'test', 'meanwhile')`,
    );
    await expect(shipper.run()).rejects.toThrow(OlapAway);
    const behind = (await backlog.look()).find(({ source }) => source === 'logs')!;
    expect(behind.seconds).toBeGreaterThanOrEqual(3600);
    await clickhouse.startAgain();
    await shipper.run();
    expect(await lines()).toEqual(['before', 'meanwhile']);
    expect((await backlog.look()).map(({ seconds }) => seconds)).toEqual([0, 0, 0, 0]);
  });

  it('goes on with the rest where a row is refused, and with that once it is taken', async () => {
    const traceId = 'b'.repeat(32);
    await log('kept back');
    await insertSpans(db.database, [{ traceId, spanId: 's1', name: 'x' }]);
    await olap.command('RENAME TABLE logs TO gone');
    const warned = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    await expect(shipper.run()).rejects.toMatchObject({ isRefusal: true });
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('ClickHouse refused a write'));
    await expect(olap.query('SELECT nothing_of_that_name')).rejects.toThrow(OlapAway);
    warned.mockRestore();
    expect(olap.wasUp).toBe(true);
    expect(await olap.query('SELECT name FROM spans FINAL')).toEqual([{ name: 'x' }]);
    // The tables are looked at again.
    await shipper.run();
    expect(await lines()).toEqual(['kept back']);
    await olap.command('DROP TABLE gone');
  });

  it('says how many rows retention took before they were copied, and counts none twice', async () => {
    await log('copied');
    await shipper.run();
    const then = Date.now() - 60 * DAY_MS;
    // As the processes of that time made it.
    await ensurePartitions(db.database, then);
    await db.database.query(
      `INSERT INTO logs (created_at, level, logger, message) SELECT $1, 'info', 'test', 'old' FROM generate_series(1, 3)`,
      [new Date(then).toISOString()],
    );
    await Promise.all([ensurePartitions(db.database), ensurePartitions(db.database)]);
    const lost = async () =>
      (await new Backlog(db.database).look()).find(({ source }) => source === 'logs')!.lost;
    expect(await lost()).toBe(3);
    await ensurePartitions(db.database);
    expect(await lost()).toBe(3);
  });

  it('is kept apart by installation in one database of ClickHouse', async () => {
    await log('of one');
    await shipper.run();
    const two = await olapAt(clickhouse.url, 'two');
    await two.insert('logs', [
      { id: 1, created_at: '2026-11-01 00:00:00', level: 'info', logger: 'x', message: 'of two' },
    ]);
    await two.close();
    expect(await lines()).toEqual(['of one']);
  });

  it('is not copied with a wrong password, which nobody is told', async () => {
    const wrong = await olapAt(clickhouse.url.replace(PASSWORD, 'hunter2'), 'one');
    try {
      const error = await wrong.query('SELECT 1').catch((each: Error) => each);
      expect(error).toBeInstanceOf(OlapAway);
      expect(String(error)).toContain('Authentication failed');
      expect(`${String(error)} ${wrong.place}`).not.toMatch(/hunter2/);
      expect(await wrong.isUp()).toBe(false);
    } finally {
      await wrong.close();
    }
    expect(await olap.isUp()).toBe(true);
  });

  it('is not waited for by a process that stops', async () => {
    await log('a');
    const at = await olapAt(clickhouse.url, 'one');
    let begun: () => void = () => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const watched = Object.assign(Object.create(at) as Olap, {
      command: (text: string) => (begun(), at.command(text)),
    });
    const stopping = aShipperAlone(watched);
    clickhouse.freeze();
    try {
      const run = stopping.run().catch((error: Error) => error);
      await hasBegun;
      await stopping.onApplicationShutdown();
      expect(await run).toBeInstanceOf(OlapAway);
      await expect(at.query('SELECT 1')).rejects.toThrow('it is closed');
    } finally {
      clickhouse.thaw();
    }
  });

  /** One that has the lease, whoever had it. */
  function aShipperAlone(to: Olap): Shipper {
    const alone = aShipper(to);
    const run = alone.run.bind(alone);
    alone.run = async () => {
      await db.database.query(`UPDATE olap_lease SET lease_until = '-infinity'`);
      return run();
    };
    return alone;
  }

  async function positionOf(source: string): Promise<string | undefined> {
    const [row] = await db.database.query<{ position: string }>(
      'SELECT position FROM olap_copies WHERE source = $1',
      [source],
    );
    return row?.position;
  }
});
