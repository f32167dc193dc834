import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { aValueEvent } from '../../../test/stream-app.js';
import { type EventRow, smallEventColumns } from './event-row.js';
import { Outbox } from './outbox.js';
import { Relay } from './relay.js';
import { Wakeups } from './wakeups.js';

let db: TestDatabase;
beforeEach(async () => {
  db = await openTestDatabase();
});
afterEach(() => db.close());

function setup() {
  const wakeups = new Wakeups(db.database);
  const outbox = new Outbox(wakeups);
  const rows: EventRow[] = [];
  const waiting = new Set<() => void>();
  const listenTo = (relay: Relay) => {
    relay.onStamped((stamped) => {
      rows.push(...stamped);
      for (const look of waiting) look();
    });
    return relay;
  };
  const relay = listenTo(new Relay(db.database, wakeups));
  return {
    wakeups,
    relay,
    rows,
    listenTo,
    publish: (...summaries: string[]) =>
      db.database.transaction((tx) =>
        outbox.append(
          tx,
          summaries.map((summary) => aValueEvent({ summary })),
        ),
      ),
    outbox,
    stamped: (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => rows.length >= count && resolve();
        waiting.add(look);
        look();
      }),
  };
}

const seqs = (rows: EventRow[]) => rows.map((row) => Number(row.seq));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the relay', () => {
  it('numbers committed events without gaps, in the order of their ids, and hands them over', async () => {
    const { relay, publish, rows, stamped } = setup();
    relay.start();
    await publish('one', 'two');
    await publish('three');
    await stamped(3);
    expect(rows.map((row) => row.summary)).toEqual(['one', 'two', 'three']);
    expect(seqs(rows)).toEqual([1, 2, 3]);
    await relay.stop();
  });

  it('gives no number to what was rolled back', async () => {
    const { relay, publish, outbox, rows, stamped } = setup();
    relay.start();
    const failing = db.database.transaction(async (tx) => {
      await outbox.append(tx, [aValueEvent({ summary: 'never' })]);
      throw new Error('the change fails');
    });
    await expect(failing).rejects.toThrow('the change fails');
    await publish('after');
    await stamped(1);
    expect(rows.map((row) => row.summary)).toEqual(['after']);
    expect(seqs(rows)).toEqual([1]);
    await relay.stop();
  });

  it('finds what was committed while no relay ran (killed after COMMIT, before publishing)', async () => {
    const { relay, publish, rows, stamped } = setup();
    await db.database.query(
      `INSERT INTO events (trace_id, topic, type, payload, summary, created_at)
       VALUES ('t', 'task', 'task.receipt', '{}', 'one', now() - interval '1 minute')`,
    );
    await publish('two');
    expect((await relay.metrics()).oldestUnstampedMs).toBeGreaterThanOrEqual(60_000);
    relay.start();
    await stamped(2);
    expect(seqs(rows)).toEqual([1, 2]);
    expect(await relay.metrics()).toMatchObject({
      lastSeq: 2,
      oldestUnstampedMs: 0,
      isRunning: true,
    });
    await relay.stop();
  });

  it('finds by polling what no wake-up told of', async () => {
    const { publish, wakeups, rows, stamped, listenTo } = setup();
    const relay = listenTo(new Relay(db.database, wakeups, { pollMs: 5 }));
    relay.start();
    wakeups.on = () => () => false; // whoever comes later hears nothing
    await db.database.query(
      `INSERT INTO events (trace_id, topic, type, payload, summary) VALUES ('t', 'task', 'task.receipt', '{}', 'silent')`,
    );
    await stamped(1);
    expect(rows[0]!.summary).toBe('silent');
    await relay.stop();
    await publish('unused');
  });

  it('works a backlog off in batches', async () => {
    const { wakeups, publish, rows, stamped, listenTo } = setup();
    await publish(...upTo(25).map(String));
    const sizes: number[] = [];
    const relay = listenTo(new Relay(db.database, wakeups, { batchSize: 10 }));
    relay.onStamped((stamps) => sizes.push(stamps.length));
    relay.start();
    await stamped(25);
    expect(sizes).toEqual([10, 10, 5]);
    expect(seqs(rows)).toEqual(upTo(25));
    await relay.stop();
  });

  it('tolerates being started and stopped twice, and goes on after a stop', async () => {
    const { relay, publish, rows, stamped } = setup();
    relay.start();
    relay.start();
    await publish('one');
    await stamped(1);
    await relay.stop();
    await relay.stop();
    await publish('two');
    expect(rows).toHaveLength(1);
    relay.start();
    await stamped(2);
    expect(seqs(rows)).toEqual([1, 2]);
    await relay.stop();
  });

  it('hands over payloads that live beside the row', async () => {
    const { relay, outbox, rows, stamped } = setup();
    relay.start();
    const text = 'x'.repeat(20_000);
    await db.database.transaction((tx) => outbox.append(tx, [aValueEvent({ payload: { text } })]));
    await stamped(1);
    expect(rows[0]!.large_payload).toEqual({ text });
    await relay.stop();
  });

  it('gives each number once when two relays run', async () => {
    const { wakeups, publish, rows, stamped, listenTo, relay } = setup();
    const other = listenTo(new Relay(db.database, wakeups));
    relay.start();
    other.start();
    const writers = upTo(8).map(async (writer) => {
      for (const n of upTo(10)) await publish(`${writer}/${n}`);
    });
    await Promise.all(writers);
    await stamped(80);
    expect(seqs(rows).sort((a, b) => a - b)).toEqual(upTo(80));
    expect(new Set(rows.map((row) => row.summary)).size).toBe(80);
    await Promise.all([relay.stop(), other.stop()]);
  });

  it('never gives a number a second time after Postgres crashed and lost the last ones', async () => {
    const { relay, publish, rows, stamped } = setup();
    relay.start();
    await publish('seen, kept');
    await stamped(1);
    await publish('seen, lost');
    await stamped(2);
    await relay.stop();
    // What crash recovery leaves when the last commit of the relay did not reach the disk.
    await db.database.query('UPDATE events SET seq = NULL WHERE seq = 2');
    await db.database.query('UPDATE relay_state SET last_seq = 1');
    await db.database.query('DELETE FROM relay_alive');
    await publish('after the crash');
    relay.start();
    await stamped(4);
    const [, seen, again, next] = seqs(rows);
    expect(rows.slice(1).map((row) => row.summary)).toEqual([
      'seen, lost',
      'seen, lost',
      'after the crash',
    ]);
    // On the embedded database no number is given out before it is written, so none can be lost there.
    if (isNative) expect(again).toBeGreaterThan(seen!);
    expect(next).toBe(again! + 1);
    await relay.stop();
  });

  const onServer = isNative ? it : it.skip; // a connection can only be cut on a server: AOS_TEST_DB=native, which npm test also runs
  onServer('goes on by itself after its connection was cut', async () => {
    const { relay, publish, rows, stamped } = setup();
    relay.start();
    await publish('before');
    await stamped(1);
    const cut = await db.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aos-relay' AND datname = current_database()`,
    );
    expect(cut).toHaveLength(1);
    await publish('after');
    await stamped(2);
    expect(seqs(rows)).toEqual([1, 2]);
    await relay.stop();
  });

  onServer(
    'waits for another relay that is in the middle of a batch, and sees what it did',
    async () => {
      const { relay, publish, rows, stamped } = setup();
      const pg = await import('pg');
      const holder = new pg.default.Client(db.url);
      await holder.connect();
      await publish('one');
      await holder.query('BEGIN');
      await holder.query('SELECT last_seq FROM relay_state WHERE id = 1 FOR UPDATE');
      relay.start();
      await untilSomebodyWaits();
      // What a relay does, by hand, while ours waits with an older snapshot.
      await holder.query(`INSERT INTO relay_alive VALUES (1) ON CONFLICT DO NOTHING`);
      await holder.query(`UPDATE events SET seq = 1 WHERE seq IS NULL`);
      await holder.query(`UPDATE relay_state SET last_seq = 1 WHERE id = 1`);
      await holder.query('COMMIT');
      await publish('two');
      await stamped(1);
      expect(rows.map((row) => [row.summary, Number(row.seq)])).toEqual([['two', 2]]);
      await relay.stop();
      await holder.end();
    },
  );

  onServer('numbers an event with its COMMIT, on the connection of the writer', async () => {
    const { wakeups, publish, rows, stamped, listenTo } = setup();
    const relay = listenTo(new Relay(db.database, wakeups, { pollMs: 60_000 }));
    relay.start();
    // The first ones may still meet the relay at what its start told it to do.
    let isAlong = false;
    for (let n = 1; n <= 50 && !isAlong; n++) {
      const before = await lastAskedByRelay();
      await publish(String(n));
      await stamped(n);
      isAlong = (await lastAskedByRelay()) === before;
    }
    expect(isAlong).toBe(true);
    expect(seqs(rows)).toEqual(upTo(rows.length));
    // What is handed over is what whoever reads it later gets.
    const stored = await db.database.query<EventRow>(
      `SELECT ${smallEventColumns} FROM events e ORDER BY e.seq`,
    );
    expect(rows).toEqual(stored);
    await relay.stop();
  });

  onServer('lets nothing of a trace overtake what waits there for its number', async () => {
    const { wakeups, publish, rows, stamped, listenTo } = setup();
    const relay = listenTo(new Relay(db.database, wakeups, { pollMs: 60_000 }));
    relay.start();
    for (const n of upTo(10)) {
      const { traceId } = aValueEvent({});
      await db.database.query(
        `INSERT INTO events (trace_id, topic, type, payload, summary) VALUES ($1, 'task', 'task.receipt', '{}', $2)`,
        [traceId, `${n} waits`],
      );
      await publish(`${n} comes later`);
      await stamped(2 * n);
    }
    expect(rows.map((row) => row.summary)).toEqual(
      upTo(10).flatMap((n) => [`${n} waits`, `${n} comes later`]),
    );
    await relay.stop();
  });

  onServer('keeps no writer waiting for another relay', async () => {
    const { relay, publish, rows, stamped } = setup();
    const pg = await import('pg');
    const holder = new pg.default.Client(db.url);
    await holder.connect();
    relay.start();
    await publish('before');
    await stamped(1);
    await holder.query('BEGIN');
    await holder.query('SELECT last_seq FROM relay_state WHERE id = 1 FOR UPDATE');
    for (const n of upTo(20)) await publish(String(n));
    expect(rows).toHaveLength(1);
    await holder.query('COMMIT');
    await stamped(21);
    expect(rows.map((row) => row.summary)).toEqual(['before', ...upTo(20).map(String)]);
    await relay.stop();
    await holder.end();
  });

  onServer('does a transaction again whose numbering failed', async () => {
    const { relay, publish, rows, stamped } = setup();
    relay.start();
    await db.database.query('CREATE SEQUENCE tries'); // no rollback takes it back
    await db.database.query(
      `CREATE OR REPLACE FUNCTION number_events(ids bigint[], reserve bigint) RETURNS bigint
         LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'out of order'; END $$`,
    );
    const wasTried = async () =>
      (await db.database.query<{ is_called: boolean }>('SELECT is_called FROM tries'))[0]!
        .is_called;
    // Those that meet the relay at work go without it.
    let count = 0;
    do {
      await publish(String(++count));
      await stamped(count);
    } while (count < 50 && !(await wasTried()));
    expect(await wasTried()).toBe(true);
    expect(rows.map((row) => row.summary)).toEqual(upTo(count).map(String));
    expect(seqs(rows)).toEqual(upTo(count));
    await relay.stop();
  });
});

async function lastAskedByRelay(): Promise<string | undefined> {
  const [row] = await db.database.query<{ at: string }>(
    `SELECT query_start::text AS at FROM pg_stat_activity
      WHERE application_name = 'aos-relay' AND datname = current_database()`,
  );
  return row?.at;
}

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const waiting = await db.database.query(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = 'aos-relay' AND wait_event_type = 'Lock' AND datname = current_database()`,
    );
    if (waiting.length > 0) return;
  }
}
