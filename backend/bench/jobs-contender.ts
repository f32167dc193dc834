/** One contender of `jobs.ts`, in a process of its own. */
import pg from 'pg';
import { aos, graphileWorker, pgBoss } from './jobs-contenders.js';
import type { Answer, Contender, Order } from './jobs-protocol.js';

const contender: Contender = { aos, graphileWorker, pgBoss }[
  process.argv[2] as 'aos' | 'graphileWorker' | 'pgBoss'
]();

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send!(answer),
    (error: Error) => process.send!({ error: error.stack ?? error.message } satisfies Answer),
  );
});

async function obey(order: Order): Promise<Answer> {
  switch (order.op) {
    case 'set-up':
      await createDatabase(order.adminUrl, order.database);
      await contender.setUp(order.url);
      return {};
    case 'drain':
      return { ms: await drain(order.n) };
    case 'latency':
      return { samples: await latency(order.n, order.from) };
    case 'enqueue':
      return { ms: await enqueue(order.n) };
    case 'end':
      await contender.tearDown();
      return {};
  }
}

async function drain(n: number): Promise<number> {
  await contender.clear();
  await contender.fill(n);
  let started = 0;
  const all = gate();
  const since = performance.now();
  const worker = await contender.startWorker(() => {
    if (++started === n) all.open();
  });
  await all.promise;
  while ((await contender.left()) > 0) await pause(1);
  const ms = performance.now() - since;
  await worker.stop();
  if (started !== n) throw new Error(`${started} starts of ${n} jobs`);
  return ms;
}

async function latency(n: number, from: 'same' | 'other'): Promise<number[]> {
  await contender.clear();
  let begun = gate<number>();
  const worker = await contender.startWorker(() => begun.open(performance.now()));
  const samples: number[] = [];
  await pause(300);
  for (let done = 0; done < n; done++) {
    begun = gate<number>();
    const since = performance.now();
    const [at] = await Promise.all([begun.promise, contender.enqueueOne(from)]);
    samples.push(at - since);
    // Until the queue is idle again, and then at no fixed beat.
    while ((await contender.left()) > 0) await pause(1);
    await pause(5 + Math.random() * 20);
  }
  await worker.stop();
  return samples;
}

async function enqueue(n: number): Promise<number> {
  await contender.clear();
  let given = 0;
  const since = performance.now();
  const caller = async () => {
    while (given++ < n) await contender.enqueueOne('same');
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  return performance.now() - since;
}

async function createDatabase(adminUrl: string, name: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
}

function gate<T = void>(): { promise: Promise<T>; open: (value: T) => void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((done) => (open = done));
  return { promise, open };
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
