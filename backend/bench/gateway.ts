/**
 * `npm run bench:gateway`: a tool call through AOS beside the direct way, a plain reverse proxy, and other gateways.
 *
 *   the SDK client   the echo of server-everything, one SDK client with its defaults, 1, 16 and 64 calls at a time.
 *                    direct, nginx, mcp-hub and AOS reach the server over Streamable HTTP; mcp-proxy and supergateway
 *                    take only servers that they start, over pipes, which spares them a hop over HTTP; AOS does that
 *                    too, and so is held against each of them on the same way. AOS runs as `npm start` runs it, on
 *                    native Postgres with fsync: sign-in, the whole chain, ledger and audit.
 *   plain requests   64 kept connections and a server that answers at once: what a gateway costs by itself.
 *   memory           of the process and its children, the tool server over a pipe for both: fresh, after calls, and
 *                    after clients that connected, called and left. Postgres is told apart.
 *
 * Each is a process of its own, so is the caller; turn and turn about, medians of the rounds. About six minutes.
 * The machine's noise hits all of them: read the ratios.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startNativePostgres } from '../test/native-postgres.js';
import {
  type Contender,
  isOnPath,
  killAll,
  removeFolders,
  startAos,
  startEverything,
  startMcpHub,
  startMcpProxy,
  startNginx,
  startStub,
  startSupergateway,
} from './gateway-contenders.js';
import { treeMegabytes } from './gateway-memory.js';
import { installPeers, peers } from './gateway-peers.js';
import { type Answer, type Measured, type Order, measured } from './gateway-protocol.js';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);
const calls = Number(process.env['BENCH_CALLS'] ?? 10_000);
const visitors = Number(process.env['BENCH_CLIENTS'] ?? 1000);
const parts = (process.env['BENCH_PARTS'] ?? 'sdk,plain,memory').split(',');
const concurrencies = [1, 16, 64];
const noNginx = 'nginx: not on PATH (Debian: apt-get install nginx-light)';

/** Calls before anything is measured: a server that has run for a while has its code compiled. */
const WARM_UP = 4000;

/** What counts as flat: heaps grow a little before they are swept. */
const FLAT = 1.15;

let missed = false;
const caller = fork(fileURLToPath(new URL('gateway-client.js', import.meta.url)));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.once('exit', killAll);
const postgres = await startNativePostgres({ durable: true, maxConnections: 100 });
try {
  await tellCommit();
  const scripts = await installPeers();
  if ('why' in scripts) console.log(`without mcp-proxy, supergateway and mcp-hub: ${scripts.why}`);
  if (parts.includes('sdk')) await compareSdk('why' in scripts ? undefined : scripts);
  if (parts.includes('plain')) await comparePlain();
  if (parts.includes('memory')) await compareMemory('why' in scripts ? undefined : scripts);
} finally {
  caller.kill('SIGKILL');
  killAll();
  await postgres.stop();
  await removeFolders();
}
process.exit(missed ? 1 : 0);

/**
 * A recorded call waits for one of these, by itself or shared with others: what is dear here is dear for every call, and no
 * other contender has it.
 */
async function tellCommit(): Promise<void> {
  const client = new pg.Client(postgres.url);
  await client.connect();
  await client.query('CREATE TABLE commits (n int)');
  const durations: number[] = [];
  for (let n = 0; n < 200; n++) {
    const began = performance.now();
    await client.query('INSERT INTO commits VALUES ($1)', [n]);
    durations.push(performance.now() - began);
  }
  await client.end();
  const { p50, p99 } = measured(durations, 1);
  console.log(
    `one commit of Postgres on this disk: ${p50.toFixed(2)} / ${p99.toFixed(1)} ms (p50 / p99)`,
  );
}

type Scripts = Record<keyof typeof peers, string>;

async function compareSdk(scripts: Scripts | undefined): Promise<void> {
  const direct = await startEverything();
  const all = new Map<string, Contender>([['direct', direct]]);
  if (isOnPath('nginx')) all.set('nginx', await startNginx(direct.door));
  if (scripts) {
    all.set('mcp-proxy', await startMcpProxy(scripts['mcp-proxy']));
    all.set('supergateway', await startSupergateway(scripts.supergateway));
    all.set('mcp-hub', await startMcpHub(scripts['mcp-hub'], direct.door));
  }
  all.set('AOS', await startAos(postgres, 'everything', direct.door));
  all.set('AOS, pipe', await startAos(postgres, 'piped', 'everything over a pipe'));
  const results = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++)
    for (const [name, { door }] of all) {
      await ask({ op: 'connect', door });
      await ask({ op: 'count', atOnce: 16, calls: round === 0 ? WARM_UP : 200 });
      for (const atOnce of concurrencies)
        add(results, `${name} ${atOnce}`, await measure({ op: 'calls', atOnce, seconds }));
    }
  for (const each of all.values()) await each.stop();

  console.log(`\ncalls per second of server-everything's echo, SDK client (p50 / p99 ms)`);
  console.log(
    `${''.padEnd(14)}${concurrencies.map((n) => `${n} at a time`.padStart(24)).join('')}`,
  );
  const of = (name: string, atOnce: number) => medians(results.get(`${name} ${atOnce}`)!);
  for (const name of all.keys())
    console.log(
      `${name.padEnd(14)}${concurrencies.map((n) => shown(of(name, n)).padStart(24)).join('')}`,
    );
  if (!isOnPath('nginx')) console.log(noNginx);
  console.log('ratios');
  for (const ours of ['AOS', 'AOS, pipe'])
    for (const n of concurrencies)
      tell(`${ours} : direct at ${n}`, of(ours, n).perSecond / of('direct', n).perSecond, 1);
  if (!scripts) return;
  for (const n of [16, 64]) {
    const [ours, theirs] = [of('AOS, pipe', n), of('mcp-proxy', n)];
    tell(`AOS, pipe : mcp-proxy at ${n}`, ours.perSecond / theirs.perSecond, 1.1);
    tell(`p99 of mcp-proxy : AOS, pipe at ${n}`, theirs.p99 / ours.p99, 1);
  }
}

async function comparePlain(): Promise<void> {
  const stub = await startStub();
  const all = new Map<string, Contender>([['stub', stub]]);
  if (isOnPath('nginx')) all.set('nginx', await startNginx(stub.door));
  all.set('AOS', await startAos(postgres, 'stub', stub.door));
  const results = new Map<string, Measured[]>();
  for (const { door } of all.values()) await measure({ op: 'raw', door, atOnce: 64, seconds: 2 }); // warms up
  for (let round = 0; round < rounds; round++)
    for (const [name, { door }] of all)
      add(results, name, await measure({ op: 'raw', door, atOnce: 64, seconds }));
  for (const each of all.values()) await each.stop();

  console.log('\nplain requests, 64 at a time, a server that answers at once (p50 / p99 ms)');
  const of = (name: string) => medians(results.get(name)!);
  for (const name of all.keys()) console.log(`${name.padEnd(14)}${shown(of(name)).padStart(24)}`);
  console.log('ratios');
  if (isOnPath('nginx')) tell('AOS : nginx', of('AOS').perSecond / of('nginx').perSecond, 0.4);
  else console.log(noNginx);
  tell('AOS : stub', of('AOS').perSecond / of('stub').perSecond);
}

async function compareMemory(scripts: Scripts | undefined): Promise<void> {
  const begin: [string, () => Promise<Contender>][] = [
    ...(scripts
      ? [
          ['mcp-proxy', () => startMcpProxy(scripts['mcp-proxy'])] as [
            string,
            () => Promise<Contender>,
          ],
        ]
      : []),
    ['AOS', () => startAos(postgres, 'memory', 'everything over a pipe')],
  ];
  console.log(
    `\nmemory of the process tree in MB: fresh, after ${calls / 5}, after ${calls} calls, after ${visitors} clients`,
  );
  const peaks = new Map<string, number>();
  for (const [name, startOne] of begin) {
    const one = await startOne();
    if (treeMegabytes(one.pid) === undefined) return console.log('  not told here: no /proc');
    await ask({ op: 'connect', door: one.door });
    const seen = [treeMegabytes(one.pid)!];
    for (const count of [calls / 5, calls - calls / 5]) {
      await ask({ op: 'count', atOnce: 16, calls: count });
      seen.push(treeMegabytes(one.pid)!);
    }
    await ask({ op: 'clients', door: one.door, atOnce: 20, clients: visitors });
    seen.push(treeMegabytes(one.pid)!);
    await one.stop();
    console.log(`${name.padEnd(14)}${seen.map((mb) => mb.toFixed(0).padStart(8)).join('')}`);
    peaks.set(name, Math.max(...seen));
    if (name !== 'AOS') continue;
    tell('after all calls : after a fifth of them', seen[2]! / seen[1]!, FLAT, 'at most');
    tell('after the clients : before them', seen[3]! / seen[2]!, FLAT, 'at most');
  }
  const theirs = peaks.get('mcp-proxy');
  if (theirs !== undefined)
    tell('AOS : mcp-proxy, the most seen', peaks.get('AOS')! / theirs, 1, 'at most');
}

function tell(
  title: string,
  ratio: number,
  aim?: number,
  sense: 'at least' | 'at most' = 'at least',
) {
  const isMet = aim === undefined || (sense === 'at least' ? ratio >= aim : ratio <= aim);
  missed ||= !isMet;
  const verdict = aim === undefined ? '' : ` (aim: ${sense} ${aim}; ${isMet ? 'met' : 'MISSED'})`;
  console.log(`  ${title.padEnd(42)} ${ratio.toFixed(2)}${verdict}`);
}

async function measure(order: Order): Promise<Measured> {
  return (await ask(order)).measured!;
}

async function ask(order: Order): Promise<Answer> {
  const answer = await new Promise<Answer>((done, fail) => {
    const ended = (code: number | null) =>
      fail(new Error(`the caller ended with ${code} at ${order.op}`));
    (caller as ChildProcess).once('exit', ended);
    caller.once('message', (message) => {
      caller.off('exit', ended);
      done(message as Answer);
    });
    caller.send(order);
  });
  if (answer.error) throw new Error(answer.error);
  return answer;
}

function add<T>(to: Map<string, T[]>, key: string, value: T): void {
  to.set(key, [...(to.get(key) ?? []), value]);
}

function medians(results: Measured[]): Measured {
  const of = (key: keyof Measured) =>
    results.map((result) => result[key]).sort((a, b) => a - b)[results.length >> 1]!;
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99') };
}

function shown({ perSecond, p50, p99 }: Measured): string {
  return `${Math.round(perSecond).toLocaleString('en')} (${p50.toFixed(1)} / ${p99.toFixed(1)})`;
}
