import pg from 'pg';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { Wakeups } from './wakeups.js';

const onServer = isNative ? describe : describe.skip; // one process only on PGlite: AOS_TEST_DB=native, which npm test also runs
onServer('wake-ups of other processes', () => {
  let db: TestDatabase;
  const open: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    db = await openTestDatabase();
  });
  afterEach(async () => {
    for (const close of open.splice(0)) await close();
    await db.close();
  });

  async function process() {
    const wakeups = new Wakeups(db.database);
    open.push(() => wakeups.onApplicationShutdown());
    let heard = 0;
    let next: () => void = () => undefined;
    const hears = async () => {
      while (heard === 0) await new Promise<void>((resolve) => (next = resolve));
      heard--;
    };
    wakeups.on('jobs', () => {
      heard++;
      next();
    });
    await wakeups.listen();
    await hears(); // by itself: it cannot know what it has missed
    return {
      hears,
      tell: () => wakeups.wakeOthers('jobs'),
      /** With all that it had to tell. */
      leave: () => wakeups.onApplicationShutdown(),
    };
  }

  /** Sees what is sent, and is nobody that anything would be sent for. */
  async function bystander() {
    const client = new pg.Client(db.database.url);
    const seen: string[] = [];
    client.on('notification', ({ channel }) => seen.push(channel));
    await client.connect();
    open.push(() => client.end());
    await client.query('LISTEN aos_jobs; LISTEN aos_mark');
    return async () => {
      await client.query('NOTIFY aos_mark');
      expect(seen.pop()).toBe('aos_mark');
      return seen.splice(0);
    };
  }

  it('are sent only while somebody listens', async () => {
    const sent = await bystander();
    const alone = await process();
    alone.tell();
    await alone.leave();
    expect(await sent()).toEqual([]);

    const one = await process();
    const two = await process();
    await two.hears(); // from one, which greets it
    await sent();
    one.tell();
    await two.hears();
    expect(await sent()).toEqual(['aos_jobs']);
    await two.leave();
    await one.leave();
    await sent();

    const again = await process();
    again.tell();
    await again.leave();
    expect(await sent()).toEqual([]);
  });

  it('are not waited for any more by a process that ends while it connects', async () => {
    const wakeups = new Wakeups(db.database);
    const listening = wakeups.listen();
    await wakeups.onApplicationShutdown();
    await listening;
    const left = await db.database.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'aos-listener' AND datname = current_database()`,
    );
    expect(left).toEqual([]);
  });

  it('are sent once to who begins to listen, since they missed what was not', async () => {
    const one = await process();
    one.tell();
    const two = await process();
    await two.hears();
    one.tell();
    await two.hears();
  });
});
