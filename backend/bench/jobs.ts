/**
 * `npm run bench:jobs`: the queue of AOS beside graphile-worker (with its local queue) and pg-boss.
 *
 * The same Postgres (fsync on), 24 handlers and 24 connections each, every contender a process of its own,
 * turn and turn about; medians of the rounds. No-op jobs: the queue's own cost, no graph and no ledger.
 *
 *   drain     20,000 jobs, put in outside the clock; from the worker's start until the last one is recorded
 *             as finished. AOS and pg-boss keep the finished rows, graphile-worker deletes its own.
 *   start     one job into an idle queue: from the call to the start of its handler. AOS twice: worker in
 *             the process of the call, as `npm start` runs it, and in another, woken by NOTIFY. For the
 *             others it makes no difference: they always go by NOTIFY.
 *   enqueue   one job a call, 16 calls at a time, no worker.
 *
 * A last line tells what a whole task costs: one step through the orchestrator, from submission to receipt.
 *
 * The machine's noise hits all of them: read the ratios.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startNativePostgres } from '../test/native-postgres.js';
import type { Answer, Order } from './jobs-protocol.js';

const names = { aos: 'AOS', graphileWorker: 'graphile-worker', pgBoss: 'pg-boss' } as const;
type Name = keyof typeof names;
const contenders = Object.keys(names) as Name[];
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const jobs = Number(process.env['BENCH_JOBS'] ?? 20_000);

const children = new Map<Name, ChildProcess>();
const postgres = await startNativePostgres({
  durable: true,
  maxConnections: 150,
  settings: { shared_buffers: '256MB', max_wal_size: '2GB' },
});
let missed = false;
try {
  for (const name of contenders) children.set(name, start(name));
  await run();
  await runTasks();
} finally {
  for (const child of children.values()) child.kill('SIGKILL');
  await postgres.stop();
}
process.exit(missed ? 1 : 0);

async function run(): Promise<void> {
  for (const name of contenders) {
    const database = `bench_${name.toLowerCase()}`;
    await ask(name, {
      op: 'set-up',
      adminUrl: postgres.url,
      database,
      url: postgres.urlOf(database),
    });
  }
  const perSecond = new Map<Name, number[]>();
  const starts = new Map<string, number[]>();
  const enqueues = new Map<Name, number[]>();
  for (const name of contenders) await ask(name, { op: 'drain', n: 2_000 }); // warm
  for (let round = 0; round < rounds; round++)
    for (const name of contenders) {
      const { ms } = await ask(name, { op: 'drain', n: jobs });
      add(perSecond, name, (jobs / ms!) * 1000);
      for (const from of name === 'aos' ? (['same', 'other'] as const) : (['other'] as const)) {
        const { samples } = await ask(name, { op: 'latency', n: 40, from });
        for (const sample of samples!) add(starts, `${name} ${from}`, sample);
      }
      const { ms: enqueueMs } = await ask(name, { op: 'enqueue', n: 2_000 });
      add(enqueues, name, (2_000 / enqueueMs!) * 1000);
    }
  for (const name of contenders) await ask(name, { op: 'end' });

  console.log(`${jobs} no-op jobs; medians of ${rounds} rounds\n`);
  console.log('                              drain/s   start p50 ms      p99   enqueue/s');
  const rows: [string, Name, string][] = [
    ['AOS, worker in the process', 'aos', 'aos same'],
    ['AOS, worker in another', 'aos', 'aos other'],
    ['graphile-worker, local queue', 'graphileWorker', 'graphileWorker other'],
    ['pg-boss, batches of 100', 'pgBoss', 'pgBoss other'],
  ];
  for (const [title, name, start] of rows)
    console.log(
      `${title.padEnd(28)} ${whole(median(perSecond.get(name)!))} ${fixed(median(starts.get(start)!))} ${fixed(
        quantile(starts.get(start)!, 0.99),
      ).slice(4)} ${whole(median(enqueues.get(name)!))}`,
    );
  const peer = (of: Map<string, number[]>, key: string) => median(of.get(key)!);
  const ratios: [string, number, number][] = [
    ['drain, AOS : graphile-worker', peer(perSecond, 'aos') / peer(perSecond, 'graphileWorker'), 1],
    ['drain, AOS : pg-boss', peer(perSecond, 'aos') / peer(perSecond, 'pgBoss'), 1],
    [
      'start p50, graphile-worker : AOS in the process',
      peer(starts, 'graphileWorker other') / peer(starts, 'aos same'),
      1,
    ],
    [
      'start p50, graphile-worker : AOS in another',
      peer(starts, 'graphileWorker other') / peer(starts, 'aos other'),
      1,
    ],
    ['enqueue, AOS : graphile-worker', peer(enqueues, 'aos') / peer(enqueues, 'graphileWorker'), 0],
  ];
  console.log('\nratios (more is better for AOS)');
  for (const [title, ratio, aim] of ratios) {
    const isMissed = aim > 0 && ratio < aim;
    missed ||= isMissed;
    console.log(
      `  ${title.padEnd(50)} ${ratio.toFixed(2).padStart(6)}${isMissed ? `   aim ${aim} missed` : ''}`,
    );
  }
}

/** Not a ratio: nobody else has the graph, the ledger, the events and the receipt. */
async function runTasks(): Promise<void> {
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query('CREATE DATABASE bench_tasks');
  await admin.end();
  const program = fileURLToPath(new URL('jobs-orchestrator.js', import.meta.url));
  const child = fork(program, [postgres.urlOf('bench_tasks'), '100']);
  try {
    const { p50, perSecond } = await new Promise<{ p50: number; perSecond: number }>(
      (done, fail) => {
        child.once('message', (message) => done(message as { p50: number; perSecond: number }));
        child.once('exit', (code) =>
          fail(new Error(`the run of whole tasks ended with code ${code}`)),
        );
      },
    );
    console.log('\na one-step task through the whole orchestrator, from submission to receipt');
    console.log(
      `  alone, p50 ${p50.toFixed(1)} ms; a hundred at once, ${perSecond.toFixed(1)} a second`,
    );
  } finally {
    child.kill('SIGKILL');
  }
}

function start(name: Name): ChildProcess {
  return fork(fileURLToPath(new URL('jobs-contender.js', import.meta.url)), [name]);
}

async function ask(name: Name, order: Order): Promise<Answer> {
  const child = children.get(name)!;
  const answer = await new Promise<Answer>((done, fail) => {
    const onExit = () => fail(new Error(`${names[name]} ended in the middle of "${order.op}"`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      done(message as Answer);
    });
    child.send(order);
  });
  if (answer.error) throw new Error(`${names[name]}, ${order.op}: ${answer.error}`);
  return answer;
}

function add<K>(to: Map<K, number[]>, key: K, value: number): void {
  to.set(key, [...(to.get(key) ?? []), value]);
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

function median(values: number[]): number {
  return quantile(values, 0.5);
}
function whole(value: number): string {
  return Math.round(value).toLocaleString('en').padStart(10);
}

function fixed(value: number): string {
  return value.toFixed(2).padStart(13);
}
