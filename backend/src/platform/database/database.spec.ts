import { openTestDatabase, type TestDatabase } from '../../../test/harness.js';
import { Outbox } from '../outbox/outbox.js';
import { Wakeups } from '../outbox/wakeups.js';
import { sql } from './sql.js';

describe('the database', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase();
  });
  afterAll(() => test.close());

  it('rolls a transaction back as a whole', async () => {
    await expect(
      test.database.transaction(async (tx) => {
        await sql(tx, `INSERT INTO projects (id, name, created_by) VALUES ('p', 'P', 't')`);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await test.database.query('SELECT * FROM projects')).toEqual([]);
  });

  it('lets a statement that fails harm none of the others', async () => {
    const { database } = test;
    const insert = () =>
      database.query(`INSERT INTO roles (name, permissions) VALUES ('twice', '{}')`);
    await insert();
    const all = await Promise.allSettled([insert(), database.query('SELECT 1 AS one')]);
    expect(all).toMatchObject([
      { status: 'rejected', reason: { code: '23505' } },
      { status: 'fulfilled', value: [{ one: 1 }] },
    ]);
    expect(await database.query('SELECT 2 AS two')).toEqual([{ two: 2 }]);
  });

  it('appends events in order and wakes only after the commit', async () => {
    const wakeups = new Wakeups(test.database);
    const outbox = new Outbox(wakeups);
    let wakes = 0;
    wakeups.on('outbox', () => wakes++);
    const event = (n: number) => ({
      traceId: 't1',
      topic: 'run' as const,
      type: 'run.exec' as const,
      summary: `event ${n}`,
      payload: n === 2 ? { big: 'x'.repeat(20_000) } : { n },
    });
    const ids = await test.database.transaction(async (tx) => {
      const ids = await outbox.append(tx, [event(1), event(2), event(3)]);
      expect(wakes).toBe(0);
      return ids;
    });
    expect(wakes).toBe(1);
    const rows = await test.database.query<{ id: string; summary: string; payload_ref: string }>(
      'SELECT id, summary, payload_ref FROM events ORDER BY id',
    );
    expect(rows.map((row) => row.id)).toEqual(ids);
    expect(rows.map((row) => row.summary)).toEqual(['event 1', 'event 2', 'event 3']);
    expect(rows[1]!.payload_ref).toBeTruthy();
    await expect(
      test.database.transaction(async (tx) => {
        await outbox.append(tx, [event(4)]);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow();
    expect(wakes).toBe(1);
    await test.database.transaction((tx) => outbox.append(tx, [event(5)]));
    expect(wakes).toBe(2);
    await wakeups.onApplicationShutdown();
  });

  it('refuses to change or empty the audit table', async () => {
    await test.database.query(`INSERT INTO audit_logs (actor, action) VALUES ('a', 'b')`);
    await expect(test.database.query(`UPDATE audit_logs SET actor = 'x'`)).rejects.toThrow(
      'append-only',
    );
    await expect(test.database.query('DELETE FROM audit_logs')).rejects.toThrow('append-only');
    await expect(test.database.query('TRUNCATE audit_logs')).rejects.toThrow('append-only');
  });
});
