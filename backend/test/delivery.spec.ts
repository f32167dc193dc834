import pg from 'pg';
import { aValueEvent, type EventSocket, type StreamApp, openStreamApp } from './stream-app.js';
import { type TestDatabase, isNative, openTestDatabase } from './harness.js';

/**
 * Promise 1 of the product: a committed event reaches every subscriber who may see it, in order per trace.
 * Sixteen writers, each with connections of its own, hold their transactions open for random times, so that
 * ids are handed out in another order than they are committed; one in ten rolls back. The obvious cursor,
 * `id > last seen`, runs over the same writers and has to lose some: otherwise this test could not fail.
 */
const WRITERS = 16;
const EACH = 60;
const TRACES = 8;

const onServer = isNative ? describe : describe.skip; // sixteen sessions need a server: AOS_TEST_DB=native, which npm test also runs
onServer('sixteen writers with random commit delays and rollbacks', () => {
  let db: TestDatabase;
  let app: StreamApp;
  beforeAll(async () => {
    db = await openTestDatabase({ poolSize: WRITERS + 8 });
    app = await openStreamApp(db.database);
    app.tokens.issue('owner', 'all');
  });
  afterAll(async () => {
    await app.close();
    await db.close();
  });

  it('lose nothing on the way to a WebSocket client, while the naive cursor does', async () => {
    const socket = await app.socket('owner').subscribe();
    const naive = await startNaiveCursor(db.url!);
    const committed = (
      await Promise.all(Array.from({ length: WRITERS }, (_, n) => write(app, n)))
    ).flat();
    await until(socket, committed.length);
    const naivelySeen = await naive.finish();

    // Everything, nothing else, nothing twice, and without gaps in the numbers.
    expect(sorted(socket.events.map((event) => event.id))).toEqual(
      sorted(committed.map(({ id }) => id)),
    );
    const first = socket.seqs[0]!;
    expect(socket.seqs).toEqual(committed.map((_, index) => first + index));
    // Within a trace in the order in which the transactions got hold of it, which is that of their commits.
    for (let trace = 0; trace < TRACES; trace++) {
      const seen = socket.events.filter((event) => event.traceId === `trace-${trace}`);
      const orders = seen.map((event) => event.payload['order'] as number);
      expect(orders).toEqual([...orders].sort((a, b) => a - b));
    }

    const lost = committed.filter(({ id }) => !naivelySeen.has(id));
    console.info(
      `committed ${committed.length}; the relay lost 0, the naive cursor ${lost.length}`,
    );
    expect(lost.length).toBeGreaterThan(0);
    socket.close();
  }, 120_000);

  it('lose nothing across reconnects either', async () => {
    const seen: string[] = [];
    let since = app.tail.lastSeq;
    const writing = Promise.all(Array.from({ length: WRITERS }, (_, n) => write(app, n)));
    let isWriting = true;
    void writing.then(() => (isWriting = false));
    while (isWriting) {
      const socket = await app.socket('owner').subscribe({ since });
      await Promise.race([until(socket, 40), writing]);
      seen.push(...socket.events.map((event) => event.id));
      since = socket.seqs.at(-1) ?? since;
      socket.close();
    }
    const committed = (await writing).flat();
    await app.settled();
    const rest = await app.socket('owner').subscribe({ since });
    seen.push(...rest.events.map((event) => event.id));
    rest.close();
    expect(sorted(seen)).toEqual(sorted(committed.map(({ id }) => id)));
  }, 120_000);
});

let order = 0;

/** One writer: transactions one after the other, some of which do not come to anything. */
async function write(app: StreamApp, writer: number): Promise<{ id: string }[]> {
  const committed: { id: string }[] = [];
  for (let n = 0; n < EACH; n++) {
    const isRolledBack = Math.random() < 0.1;
    const trace = Math.floor(Math.random() * TRACES);
    try {
      const ids = await app.database.transaction(async (tx) => {
        const traceId = `trace-${trace}`;
        // The trace is locked first, so `order` is taken in the order in which commits will follow.
        await tx.query('SELECT lock_traces($1)', [[traceId]]);
        const [id] = await app.outbox.append(tx, [
          aValueEvent({ traceId, summary: `${writer}/${n}`, payload: { order: ++order } }),
        ]);
        await tx.query('SELECT pg_sleep($1)', [Math.random() * 0.01]);
        if (isRolledBack) throw new RolledBack();
        return [id!];
      });
      committed.push(...ids.map((id) => ({ id })));
    } catch (error) {
      if (!(error instanceof RolledBack)) throw error;
    }
  }
  return committed;
}

class RolledBack extends Error {}

/** What one would write first: remember the highest id, ask for higher ones. */
async function startNaiveCursor(url: string): Promise<{ finish(): Promise<Set<string>> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const seen = new Set<string>();
  let last = '0';
  let isFinished = false;
  const read = async () => {
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM events WHERE id > $1 ORDER BY id',
      [last],
    );
    for (const { id } of rows) seen.add((last = id));
  };
  const reading = (async () => {
    while (!isFinished) await read();
    await read();
  })();
  return {
    async finish() {
      isFinished = true;
      await reading;
      await client.end();
      return seen;
    },
  };
}

const until = (socket: EventSocket, count: number) =>
  socket.until(() => socket.events.length >= count);
const sorted = (ids: string[]) => [...ids].sort((a, b) => Number(a) - Number(b));
