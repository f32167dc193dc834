/**
 * `npm run bench:events`: from the commit to the socket, AOS beside the least that could do the job.
 *
 *   bare, per client    INSERT + pg_notify(the whole event) in one transaction; one LISTEN connection;
 *                       JSON.stringify and ws.send for each client. No resume, no order, no filter, 8 kB at most.
 *   bare, framed once   the same, but the frame is built once and written to every socket.
 *   AOS                 outbox append, relay (its own commit), tail, filter, WebSocket: all of the product's way.
 *
 * Same Postgres (fsync on), same event, same writers, one run, turn and turn about. Each server is a process
 * with its writers in it, as `npm start` runs AOS; the clients are another process. Measured from the moment
 * COMMIT is sent to the moment the frame is read from the client's TCP socket. All on 127.0.0.1; under three
 * minutes. The machine's noise hits all three: read the ratios.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startNativePostgres } from '../test/native-postgres.js';
import type { Answer, Order } from './events-protocol.js';

interface Scenario {
  clients: number;
  perSecond: number;
  /** p50 against `bare, framed once`; undefined: shown only. */
  aim?: number;
}

const scenarios: Scenario[] = [
  { clients: 1, perSecond: 100, aim: 1.5 },
  { clients: 100, perSecond: 1000 },
  { clients: 1000, perSecond: 100, aim: 1.5 },
];
const contenders = ['bare, per client', 'bare, framed once', 'AOS'] as const;
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);

const children: ChildProcess[] = [];
// Stopped by a signal, it still ends by way of `exit`, where Postgres is stopped; the others end with the channel.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const postgres = await startNativePostgres({ durable: true, maxConnections: 100 });
try {
  await run();
} finally {
  for (const child of children) child.kill('SIGKILL');
  await postgres.stop();
}

async function run(): Promise<void> {
  const clients = start('events-clients.js');
  const servers = {
    'bare, per client': start('events-bare.js', 'per-client'),
    'bare, framed once': start('events-bare.js', 'framed-once'),
    AOS: start('events-aos.js'),
  };
  const ports = new Map<string, number>();
  for (const contender of contenders) {
    const name = `bench_${contender.replace(/\W/g, '')}`.toLowerCase();
    const answer = await ask(servers[contender], {
      op: 'listen',
      adminUrl: postgres.url,
      database: name,
    });
    ports.set(contender, answer.port!);
  }

  let missed = false;
  console.log(`commit to socket, p50 / p99 ms; medians of ${rounds} rounds of ${seconds} s`);
  const wanted = process.env['BENCH_CLIENTS']?.split(',').map(Number);
  for (const scenario of scenarios) {
    if (wanted && !wanted.includes(scenario.clients)) continue;
    const results = new Map<string, { p50: number; p99: number; lost: number }[]>();
    for (let round = 0; round < rounds; round++)
      for (const contender of contenders) {
        const result = await measure(servers[contender], clients, ports.get(contender)!, scenario);
        results.set(contender, [...(results.get(contender) ?? []), result]);
      }
    console.log(`\n${scenario.clients} client(s) x ${scenario.perSecond} events/s`);
    const median = (contender: string, of: 'p50' | 'p99') =>
      results
        .get(contender)!
        .map((result) => result[of])
        .sort((a, b) => a - b)[rounds >> 1]!;
    for (const contender of contenders) {
      const lost = results.get(contender)!.reduce((sum, result) => sum + result.lost, 0);
      console.log(
        `  ${contender.padEnd(18)} ${median(contender, 'p50').toFixed(2).padStart(8)} / ${median(contender, 'p99').toFixed(1).padStart(6)}${lost ? `   ${lost} LOST` : ''}`,
      );
    }
    for (const bare of contenders.slice(0, 2)) {
      const ratio = median('AOS', 'p50') / median(bare, 'p50');
      const isAim = scenario.aim !== undefined && bare === 'bare, framed once';
      const isMet = !isAim || ratio <= scenario.aim!;
      missed ||= !isMet;
      console.log(
        `  p50 AOS : ${bare.padEnd(18)} ${ratio.toFixed(2)}${isAim ? ` (aim ${scenario.aim}: ${isMet ? 'met' : 'MISSED'})` : ''}`,
      );
    }
  }
  if (missed) process.exitCode = 1;
}

async function measure(
  server: ChildProcess,
  clients: ChildProcess,
  port: number,
  scenario: Scenario,
) {
  await ask(clients, { op: 'connect', port, clients: scenario.clients });
  await ask(server, { op: 'write', perSecond: scenario.perSecond, seconds: 1 }); // warms up
  await ask(clients, { op: 'forget' });
  const { committedAt } = await ask(server, {
    op: 'write',
    perSecond: scenario.perSecond,
    seconds,
  });
  return (await ask(clients, { op: 'tell', committedAt: committedAt! })).result!;
}

function start(file: string, ...args: string[]): ChildProcess {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    serialization: 'advanced',
  });
  children.push(child);
  return child;
}

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  child.send(order);
  const answer = await new Promise<Answer>((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`${child.spawnargs.at(-1)} ended with ${code} at ${order.op}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Answer);
    });
  });
  if (answer.error) throw new Error(answer.error);
  return answer;
}
