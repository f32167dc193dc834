import { type Socket, createServer } from 'node:net';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { type BrokerKind, hasBroker, startBroker } from '../../../test/brokers.js';
import { aValueEvent, eachEvent, openStreamApp } from '../../../test/stream-app.js';
import { Database } from '../database/database.js';
import { Outbox } from '../outbox/outbox.js';
import { Relay } from '../outbox/relay.js';
import { Wakeups } from '../outbox/wakeups.js';
import { EventTail } from '../realtime/event-tail.js';
import { BrokerBus } from './broker-bus.js';
import { NatsBroker } from './nats-broker.js';
import { RedisBroker } from './redis-broker.js';
import { SealedMessages } from './sealed-messages.js';

const key = Buffer.alloc(32, 7);
const SUBJECT = 'aos.test';
const NEVER = 1e9;
const makes = { nats: NatsBroker, redis: RedisBroker };

for (const kind of ['nats', 'redis'] as const) {
  const onServer = isNative && hasBroker(kind) ? describe : describe.skip; // PGlite has one process, see AOS_TEST_DB=native; without a broker: .ci/run installs it
  onServer(`${kind} between two processes`, () => between(kind));
}

function between(kind: BrokerKind): void {
  let db: TestDatabase;
  let broker: Awaited<ReturnType<typeof startBroker>>;
  const open: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    [db, broker] = await Promise.all([openTestDatabase(), startBroker(kind)]);
  });
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await broker.stop();
    await db.close();
  });

  const atBroker = (pingMs?: number) => new makes[kind](new URL(broker.url), SUBJECT, pingMs);

  /** Nothing is polled: what it finds, it was told. */
  async function aProcess(sealedWith = key, at = atBroker()) {
    const bus = new BrokerBus(at, sealedWith);
    await bus.open();
    const wakeups = new Wakeups(db.database, bus);
    open.push(() => wakeups.onApplicationShutdown());
    const reads: string[] = [];
    const watched = new Proxy(db.database, {
      get: (database, name: keyof Database) =>
        name === 'query'
          ? (text: string, values?: unknown[]) => (
              reads.push(text),
              database.query(text, values as never)
            )
          : database[name],
    });
    const relay = new Relay(db.database, wakeups, { pollMs: NEVER });
    const tail = new EventTail(watched, wakeups, relay, { pollMs: NEVER });
    const outbox = new Outbox(wakeups);
    const got: string[] = [];
    const looks = new Set<() => void>();
    const isTrue = (said: () => boolean) =>
      new Promise<void>((resolve) => {
        const look = () => said() && (looks.delete(look), resolve());
        looks.add(look);
        look();
      });
    const changed = () => looks.forEach((look) => look());
    eachEvent(tail, ({ summary }) => (got.push(summary), changed()));
    let woken = 0;
    wakeups.on('jobs', () => (woken++, changed()));
    await wakeups.listen();
    await tail.start();
    await tail.catchUp();
    open.push(() => tail.stop());
    return {
      at,
      bus,
      wakeups,
      tail,
      got,
      reads,
      gets: (summary: string) => isTrue(() => got.includes(summary)),
      wakes: (count: number) => isTrue(() => woken >= count),
      get woken() {
        return woken;
      },
      numbers() {
        relay.start();
        open.push(() => relay.stop());
      },
      publish: (...summaries: string[]) =>
        db.database.transaction((tx) =>
          outbox.append(
            tx,
            summaries.map((summary) => aValueEvent({ summary })),
          ),
        ),
    };
  }

  async function two() {
    const one = await aProcess();
    one.numbers();
    const other = await aProcess();
    await one.publish('hello');
    await other.gets('hello');
    await other.tail.catchUp();
    other.reads.length = 0;
    return { one, other };
  }

  it('hands on what one has numbered, whole, and the other reads nothing', async () => {
    const { one, other } = await two();
    const events: object[] = [[], []];
    eachEvent(one.tail, (event) => void (events[0] as object[]).push(event));
    eachEvent(other.tail, (event) => void (events[1] as object[]).push(event));
    await one.publish('first', 'second');
    await one.publish('third, of 汉字');
    await other.gets('third, of 汉字');
    expect(other.got.slice(-3)).toEqual(['first', 'second', 'third, of 汉字']);
    expect(other.reads).toEqual([]);
    expect(events[1]).toEqual(events[0]);
    expect(events[1]).toHaveLength(3);
  });

  it('hands on what a process has numbered that only numbers', async () => {
    const bus = new BrokerBus(atBroker(), key);
    await bus.open();
    const app = await openStreamApp(db.database, { roles: new Set(['relay']), bus });
    open.push(() => app.close());
    const other = await aProcess();
    await app.publish({ summary: 'from a relay alone' });
    await other.gets('from a relay alone');
    await other.tail.catchUp();
    other.reads.length = 0;
    await app.publish({ summary: 'and on' });
    await other.gets('and on');
    expect(other.reads).toEqual([]);
  });

  it('tells at least that there is something, while it does not know of which numbering', async () => {
    const { one, other } = await two();
    one.wakeups.epoch = undefined;
    await one.publish('of some numbering');
    await other.gets('of some numbering');
  });

  it('wakes the other and not itself', async () => {
    const { one, other } = await two();
    const [mine, theirs] = [one.woken, other.woken];
    one.wakeups.wakeOthers('jobs');
    await other.wakes(theirs + 1);
    expect(one.woken).toBe(mine);
  });

  it('cuts what is too large for one message, and leaves to a read what cannot be cut', async () => {
    const { one, other } = await two();
    Object.assign(one.at, { maxBytes: 2000 });
    const many = Array.from({ length: 12 }, (_, n) => `${n} of many`);
    await one.publish(...many);
    await other.gets('11 of many');
    expect(other.got.slice(-12)).toEqual(many);
    expect(other.reads).toEqual([]);
    await one.publish(`one of ${'x'.repeat(3000)}`);
    await other.gets(`one of ${'x'.repeat(3000)}`);
    expect(other.reads).not.toEqual([]);
  });

  it('believes nobody who has not the key, and nothing of another numbering', async () => {
    const { one, other } = await two();
    const stranger = atBroker();
    await stranger.connect({
      message: () => undefined,
      up: () => undefined,
      down: () => undefined,
    });
    open.push(() => stranger.close());
    const seq = String(other.tail.lastSeq + 1);
    const row = { ...aValueEvent({ summary: 'forged' }), id: '1', seq, links: [], payload: {} };
    const said = (epoch?: string) =>
      JSON.stringify({ epoch, rows: [{ ...row, created_at: new Date() }] });
    await stranger.send(Buffer.from(said(one.wakeups.epoch)));
    await stranger.send(new SealedMessages(Buffer.alloc(32, 8)).seal(said(one.wakeups.epoch)));
    const sealed = new SealedMessages(key).seal(said(one.wakeups.epoch));
    sealed[sealed.length - 1]! ^= 1;
    await stranger.send(sealed);
    await stranger.send(new SealedMessages(key).seal(said('another')));
    await one.publish('true');
    await other.gets('true');
    expect(other.got).not.toContain('forged');
    expect(other.bus.state()).toMatchObject({ isUp: true, refused: 3 });
    // The proof that it would have been taken: the same, of this numbering.
    const next = { ...row, seq: String(other.tail.lastSeq + 1), created_at: new Date() };
    await stranger.send(
      new SealedMessages(key).seal(JSON.stringify({ epoch: one.wakeups.epoch, rows: [next] })),
    );
    await other.gets('forged');
  });

  it('tells what it had to say while the broker was away, once it is back', async () => {
    const { one, other } = await two();
    await broker.stop();
    const down = () => !one.bus.state().isUp && !other.bus.state().isUp;
    while (!down()) await new Promise((turn) => setImmediate(turn)); // it is told by the connection's end
    await one.publish('meanwhile');
    await broker.startAgain();
    await other.gets('meanwhile');
    expect(other.bus.state().isUp).toBe(true);
    await one.publish('afterwards');
    await other.gets('afterwards');
  });

  if (kind === 'nats')
    it('comes back after a broker that refused it more than once', async () => {
      const { one, other } = await two();
      await broker.stop();
      let refused = 0;
      let enough: () => void = () => undefined;
      const sockets = new Set<Socket>();
      const refusing = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined); // the client may be gone first
        socket.write(
          'INFO {"server_id":"x","version":"2.9.10","proto":1,"max_payload":1048576}\r\n',
        );
        socket.once('data', () => {
          socket.end("-ERR 'Authorization Violation'\r\n");
          if (++refused >= 6) enough();
        });
      });
      await new Promise<void>((done) => refusing.listen(broker.port, '127.0.0.1', done));
      await new Promise<void>((done) => (enough = done));
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => refusing.close(done));
      await broker.startAgain();
      await one.publish('after all');
      await other.gets('after all');
      expect(other.bus.state().isUp).toBe(true);
    });

  it('tells of one that stands still, and goes on with it', async () => {
    const one = await aProcess(key, atBroker(300));
    one.numbers();
    const other = await aProcess();
    broker.freeze();
    while (one.bus.state().isUp) await new Promise((turn) => setImmediate(turn)); // an answer was waited for
    broker.thaw();
    await one.publish('once more');
    await other.gets('once more');
    while (!one.bus.state().isUp) await new Promise((turn) => setImmediate(turn));
  });

  it('keeps no more than some megabytes for a broker that stands still', async () => {
    const { one, other } = await two();
    const rows = [{ ...aValueEvent({ summary: 'x'.repeat(900_000) }), created_at: new Date() }];
    const events = { epoch: 'another', rows: rows as never };
    broker.freeze();
    let sent = 0;
    while (one.bus.tell(events)) sent++;
    expect(sent).toBe(9);
    broker.thaw();
    await one.publish('on again');
    await other.gets('on again');
  });
}

describe('a sealed message', () => {
  it('opens for who has the key, and says nothing to who has not', () => {
    const [one, other, stranger] = [key, key, Buffer.alloc(32)].map((k) => new SealedMessages(k));
    const [first, second] = [one!.seal('the same'), one!.seal('the same')];
    expect(other!.open(first)).toBe('the same');
    expect(other!.open(second)).toBe('the same');
    expect(one!.open(first)).toBe('mine');
    expect(stranger!.open(first)).toBeUndefined();
    expect(first.includes('same')).toBe(false);
    expect(first.subarray(45).equals(second.subarray(45))).toBe(false);
  });

  it('opens for nobody once a byte of it was changed, or when it is cut short', () => {
    const [one, other] = [new SealedMessages(key), new SealedMessages(key)];
    const message = one.seal('{"wake":["jobs"]}');
    for (let at = 0; at < message.length; at++) {
      const changed = Buffer.from(message);
      changed[at]! ^= 1;
      expect(other.open(changed)).toBeUndefined();
      expect(other.open(message.subarray(0, at))).toBeUndefined();
    }
  });
});
