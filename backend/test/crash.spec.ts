import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type AosEvent, type Job, type Step, isValueEvent, valueEventTypes } from '@aos/contracts';
import { Database } from '../src/platform/database/database.js';
import { isNative, openTestDatabase } from './harness.js';
import { temporaryFolder } from './temporary-folder.js';

/**
 * The server is killed with SIGKILL, again and again, in the middle of 50 tasks whose steps have effects: lines of a
 * counter server of the test's own, some under a key that it knows again and some not, and files of the
 * workspace. A client follows the value events by `since`, and an operator answers what is asked about calls
 * that the crash left open, by looking whether the effect is there.
 *
 * The points are drawn by a seeded generator over what has happened, never by time: inside a call, before or
 * after its effect (counter-server.mjs signals the process), or after so many events. The seed is told when
 * the test fails; AOS_TEST_SEED repeats it.
 *
 * What must hold is in `violations`. The same tasks without the ledger, and without the fence, show that it
 * would see them gone. Needs the build; `npm test` makes it first.
 */
const entry = join(import.meta.dirname, '../dist/src/main.js');
const { PATH, NODE_COMPILE_CACHE } = process.env;
const seed = Number(process.env['AOS_TEST_SEED'] ?? 20_261_122);
const owner = { email: 'owner@example.test', password: 'crash-test-password' };
/** Against a hang only: where six others want the same two cores, it has taken more than two minutes. */
const LIMIT_MS = 300_000;

// --- what must hold -------------------------------------------------------------------------------------

interface Task {
  name: string;
  jobId: string;
  traceId: string;
}

/** An event as the table has it, or as the client got it. */
type Told = Pick<AosEvent, 'seq' | 'traceId' | 'type' | 'payload'>;

interface Outcome {
  tasks: Task[];
  /** `<task>/<step>`, as often as it happened. */
  effects: string[];
  jobs: { id: string; status: string; error: unknown }[];
  /** Value events that are committed, by seq; null when they were never given one. */
  committed: (Omit<Told, 'seq'> & { seq: number | null })[];
  /** What the client got over all its connections, in the order of arrival. */
  received: Told[];
}

const effectful = ['a', 'b', 'c', 'd'];

/** Every sentence is something that a crash must not do. */
function violations({ tasks, effects, jobs, committed, received }: Outcome): string[] {
  const found: string[] = [];
  const counted = countBy(effects, (effect) => effect);
  for (const task of tasks) {
    for (const step of effectful) {
      const times = counted.get(`${task.name}/${step}`) ?? 0;
      if (times !== 1) found.push(`effect ${task.name}/${step} happened ${times} times`);
    }
    const job = jobs.find(({ id }) => id === task.jobId);
    if (job?.status !== 'succeeded')
      found.push(`${task.name} is ${job?.status}: ${JSON.stringify(job?.error)}`);
    const told = committed.filter((event) => event.traceId === task.traceId);
    const receipts = told.filter((event) => event.type === 'task.receipt').length;
    if (receipts !== 1) found.push(`${task.name} has ${receipts} receipts`);
    const last = told.at(-1)?.type;
    if (last !== 'task.receipt') found.push(`${task.name} went on after its end: ${last}`);
    const milestones = told.filter((event) => event.type === 'task.progress.milestone');
    for (const [step, times] of countBy(milestones, ({ payload }) => payload['stepId']))
      if (times > 1) found.push(`${task.name}/${String(step)} was told as done ${times} times`);
  }
  if (jobs.length !== tasks.length) found.push(`${tasks.length} tasks became ${jobs.length} jobs`);
  const seen = new Set(received.map(({ seq }) => seq));
  const known = new Set(committed.map(({ seq }) => seq));
  for (const { seq, type } of committed)
    if (seq === null) found.push(`a ${type} was committed and never published`);
    else if (!seen.has(seq)) found.push(`event ${seq} (${type}) was committed and never seen`);
  for (const { seq, type } of received)
    if (!known.has(seq)) found.push(`event ${seq} (${type}) was seen and is not committed`);
  for (const [index, { seq }] of received.entries())
    if (index > 0 && seq <= received[index - 1]!.seq)
      found.push(`event ${seq} came after ${received[index - 1]!.seq}`);
  return found;
}

// --- tasks -------------------------------------------------------------------------------------------------

function stepsOf(name: string, isChain: boolean): Step[] {
  const steps: Step[] = [
    { id: 'a', tool: 'counter.bump', args: { label: `${name}/a` } },
    { id: 'b', tool: 'counter.bump_once', args: { label: `${name}/b` } },
    { id: 'c', tool: 'env.files.append', args: { path: 'log.txt', content: `${name}/c\n` } },
    { id: 'd', tool: 'env.files.write', args: { path: 'note.txt', content: `${name}/d\n` } },
  ];
  return steps.map((step, index) =>
    isChain && index > 0 ? { ...step, needs: [steps[index - 1]!.id] } : step,
  );
}

// --- the server, its operator and its client ----------------------------------------------------------------

interface Scene {
  data: string;
  /** Of the counter server: truth, pid, points. */
  folder: string;
  /** Native only. */
  databaseUrl: string | undefined;
  query<T>(text: string, params?: unknown[]): Promise<T[]>;
  close(): Promise<void>;
}

/** Where things lie, with a database of its own on native Postgres. */
async function openScene(): Promise<Scene> {
  const root = await temporaryFolder();
  const scene = { data: join(root, 'data'), folder: join(root, 'counter') };
  await mkdir(join(scene.data, 'mcp-servers'), { recursive: true });
  await mkdir(scene.folder);
  await copyFile(
    join(import.meta.dirname, 'counter-server.mjs'),
    join(scene.data, 'mcp-servers/counter-server.mjs'),
  );
  if (!isNative) {
    // The embedded database has one process: it is read when the server has stopped.
    let opened: Promise<Database> | undefined;
    return {
      ...scene,
      databaseUrl: undefined,
      query: async (text, params) =>
        (await (opened ??= Database.open({ dataDir: scene.data }))).query(text, params),
      async close() {
        await (await opened)?.close();
        await rm(root, { recursive: true, force: true });
      },
    };
  }
  const over = await openTestDatabase({ poolSize: 2 });
  return {
    ...scene,
    databaseUrl: over.url,
    query: (text, params) => over.database.query(text, params),
    async close() {
      await over.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

class Server {
  readonly exited: Promise<unknown>;
  private output = '';

  constructor(readonly child: ChildProcess) {
    this.exited = once(child, 'exit');
  }

  /** Resolves with the address once it is ready; undefined when it was killed before. */
  async url(): Promise<string | undefined> {
    const ready = new Promise<string>((resolve) => {
      const read = (chunk: Buffer) => {
        this.output += chunk.toString();
        const url = /ready at (http\S+)\/console\//.exec(this.output)?.[1];
        if (url) resolve(url);
      };
      this.child.stdout!.on('data', read);
      this.child.stderr!.on('data', read);
    });
    const url = await Promise.race([ready, this.exited.then(() => undefined)]);
    if (url === undefined && this.child.signalCode === null)
      throw new Error(`it did not start: ${this.output}`);
    return url;
  }
}

const running = new Set<ChildProcess>();

function start({ data, databaseUrl }: Scene, without?: 'ledger' | 'fencing'): Server {
  if (!existsSync(entry)) throw new Error('dist is missing: run `npm run build` first');
  const preload = without ? ['--import', join(import.meta.dirname, 'without-protection.mjs')] : [];
  const child = spawn(process.execPath, [...preload, entry], {
    env: {
      PATH,
      NODE_COMPILE_CACHE,
      PORT: '0',
      AOS_DEMO: 'off',
      AOS_DATA_DIR: data,
      AOS_OWNER_EMAIL: owner.email,
      AOS_OWNER_PASSWORD: owner.password,
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
      ...(without ? { CRASH_TEST_WITHOUT: without } : {}),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return new Server(child);
}

/** What a person at the console has: a sign-in that outlives the server, the events, and the decisions. */
class Client {
  readonly received: Told[] = [];
  readonly ended = new Set<string>();
  /** Open calls that were asked about. */
  asked = 0;
  private token = '';
  private readonly undecided = new Map<string, AosEvent>();

  constructor(private readonly scene: Scene) {}

  async call<T>(url: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.token ? { authorization: `Bearer ${this.token}` } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Refused(response.status, `${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async signIn(url: string): Promise<void> {
    const answer = await this.call<{ accessToken: string }>(url, '/auth/login', owner);
    this.token = answer.accessToken;
  }

  async setUp(url: string): Promise<void> {
    await this.call(url, '/mcp/registry', {
      name: 'counter',
      transport: 'stdio',
      command: 'node',
      args: [join(this.scene.data, 'mcp-servers/counter-server.mjs'), this.scene.folder],
      idempotentTools: ['bump'],
    });
  }

  async submit(url: string, name: string, isChain: boolean): Promise<Task> {
    const spec = { goal: `Count ${name}`, steps: stepsOf(name, isChain) };
    return {
      name,
      ...(await this.call<{ jobId: string; traceId: string }>(url, '/api/run', spec)),
    };
  }

  /** Reads the value events from where it left off until the connection ends, which is no error here. */
  async follow(url: string, signal: AbortSignal, onEvent: () => void): Promise<void> {
    try {
      const response = await fetch(`${url}/agent/events?since=${this.received.at(-1)?.seq ?? 0}`, {
        headers: { authorization: `Bearer ${this.token}` },
        signal,
      });
      // Decisions that the crash cut off are made again.
      for (const event of this.undecided.values()) void this.decide(url, event);
      let rest = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const frames = (rest + chunk).split('\n\n');
        rest = frames.pop()!;
        for (const frame of frames) this.take(url, frame, onEvent);
      }
    } catch (error) {
      if (!isDisconnect(error)) throw error;
    }
  }

  private take(url: string, frame: string, onEvent: () => void): void {
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    if (!data || /^event: (end|resync)$/m.test(frame)) return;
    const event = JSON.parse(data) as AosEvent;
    this.received.push(event);
    if (event.type === 'task.receipt') this.ended.add(event.jobId!);
    if (event.type === 'approval.request') {
      this.asked++;
      this.undecided.set(String(event.payload['approvalId']), event);
      void this.decide(url, event);
    }
    onEvent();
  }

  /** Looks whether the effect is there: then the call is taken as done, and else it is made again. */
  private async decide(url: string, { payload, jobId }: AosEvent): Promise<void> {
    const approvalId = String(payload['approvalId']);
    const args = payload['args'] as { label?: string; content?: string };
    const effect = args.label ?? args.content!.trim();
    const isThere = effectsOf(this.scene, [jobId!]).includes(effect);
    try {
      const decision = isThere ? 'degrade' : 'continue';
      await this.call(url, '/agent/approve', { approvalId, decision });
      this.undecided.delete(approvalId);
    } catch (error) {
      // Decided before the crash already, or asked anew since.
      if (error instanceof Refused && error.status < 500) this.undecided.delete(approvalId);
      else if (!isDisconnect(error)) throw error;
    }
  }
}

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Of `fetch`: refused, reset, cut in the middle, or given up by us. */
const isDisconnect = (error: unknown) =>
  ['TypeError', 'AbortError'].includes((error as Error).name);

function effectsOf({ data, folder }: Scene, jobIds: string[]): string[] {
  const linesOf = (path: string) =>
    existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  return [
    ...linesOf(join(folder, 'truth')).map((line) => line.slice(line.lastIndexOf(' ') + 1)),
    ...jobIds.flatMap((id) =>
      ['log.txt', 'note.txt'].flatMap((name) => linesOf(join(data, 'workspaces', id, name))),
    ),
  ];
}

async function outcomeOf(scene: Scene, tasks: Task[], received: Told[]): Promise<Outcome> {
  const committed = await scene.query<{
    seq: string | null;
    traceId: string;
    type: AosEvent['type'];
    payload: Record<string, unknown>;
  }>(
    `SELECT seq, trace_id AS "traceId", type, payload FROM events WHERE type = ANY($1) ORDER BY seq NULLS LAST`,
    [valueEventTypes],
  );
  return {
    tasks,
    effects: effectsOf(
      scene,
      tasks.map(({ jobId }) => jobId),
    ),
    jobs: (
      await scene.query<Pick<Job, 'id' | 'status' | 'error'>>('SELECT id, status, error FROM jobs')
    ).map((job) => ({ ...job, id: String(job.id) })),
    committed: committed.map((event) => ({
      ...event,
      seq: event.seq === null ? null : Number(event.seq),
    })),
    received: received.filter(({ type }) => isValueEvent(type)),
  };
}

/** A lease lasts 30 s, and a test does not wait: what the dead process had is taken as lapsed. */
const lapse = (scene: Scene) =>
  scene.query(
    `UPDATE jobs SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'running'`,
  );

// --- the tests -------------------------------------------------------------------------------------------------

interface Plan {
  tasks: number;
  /** Kills inside a call, alternating between before and after its effect. */
  inCalls: number;
  /** Kills after so many events of one life of the server. */
  afterEvents: number;
  without?: 'ledger';
}

interface Played {
  outcome: Outcome;
  kills: number;
  asked: number;
}

async function play(scene: Scene, plan: Plan): Promise<Played> {
  const random = mulberry32(seed);
  const among = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  const names = Array.from({ length: plan.tasks }, (_, index) => `task-${index + 1}`);
  const chains = new Set(names.filter(() => random() < 0.5));
  const points: Record<string, { when: 'before' | 'after'; signal: string }> = {};
  for (let n = 0; n < plan.inCalls; n++) {
    // Spread over the tasks, so that each is reached in a life of its own.
    const share = plan.tasks / (plan.inCalls + 1);
    const name = names[Math.floor((n + 1) * share + random() * (share - 1))]!;
    const step = random() < 0.5 ? 'a' : 'b';
    points[`${name}/${step}`] = { when: n % 2 ? 'before' : 'after', signal: 'SIGKILL' };
  }
  await writeFile(join(scene.folder, 'points.json'), JSON.stringify(points));
  const afterEvents = Array.from({ length: plan.afterEvents }, () => among(3, 30));

  const client = new Client(scene);
  const tasks: Task[] = [];
  const limit = AbortSignal.timeout(LIMIT_MS);
  let kills = 0;
  // A life may be cut short before its kill is spent, so there are some to spare.
  for (let life = 0; life <= 2 * (plan.inCalls + plan.afterEvents); life++) {
    const server = start(scene, plan.without);
    const arm = () => writeFileSync(join(scene.folder, 'pid'), String(server.child.pid));
    if (life > 0) arm(); // at once: it may be killed while it takes up what was left, before it is ready
    const url = await server.url();
    if (url !== undefined) {
      if (life === 0) {
        await client.signIn(url);
        await client.setUp(url);
        const submit = (name: string) => client.submit(url, name, chains.has(name));
        tasks.push(...(await Promise.all(names.map(submit))));
        arm();
      }
      await live(server, url);
    }
    await server.exited;
    if (server.child.signalCode !== 'SIGKILL') break;
    kills++;
    if (scene.databaseUrl) await lapse(scene);
  }
  return { outcome: await outcomeOf(scene, tasks, client.received), kills, asked: client.asked };

  /** Until it is killed, by a call or after so many events, or all is done and it is stopped. */
  async function live(server: Server, url: string): Promise<void> {
    let left = afterEvents[0] ?? Infinity;
    const stopped = new AbortController();
    const isOver = () => client.ended.size === tasks.length || limit.aborted;
    const look = () => {
      if (isOver()) server.child.kill('SIGTERM');
      else if (--left === 0) {
        server.child.kill('SIGKILL');
        afterEvents.shift();
      }
    };
    limit.addEventListener('abort', look, { signal: stopped.signal });
    const following = client.follow(url, stopped.signal, look);
    if (isOver()) look();
    await server.exited;
    await following;
    stopped.abort();
  }
}

/**
 * A process is stopped, not killed, in the middle of a call; its lease runs out, a second process takes the
 * task and ends it; then the first one wakes up, and believes that the task is still its own.
 */
async function playStopped(scene: Scene, without?: 'fencing'): Promise<Outcome> {
  const point = { 'task-1/b': { when: 'after', signal: 'SIGSTOP' } };
  await writeFile(join(scene.folder, 'points.json'), JSON.stringify(point));
  const client = new Client(scene);
  const first = start(scene, without);
  writeFileSync(join(scene.folder, 'pid'), String(first.child.pid));
  const firstUrl = (await first.url())!;
  await client.signIn(firstUrl);
  await client.setUp(firstUrl);
  const task = await client.submit(firstUrl, 'task-1', true);
  await appears(join(scene.folder, 'reached-task-1-b'));
  await lapse(scene);

  const second = start(scene, without);
  const stopping = new AbortController();
  const url = (await second.url())!;
  await new Promise<void>((done, fail) => {
    client.follow(url, stopping.signal, () => client.ended.size > 0 && done()).catch(fail);
  });
  first.child.kill('SIGCONT');
  first.child.kill('SIGTERM'); // it lets what is under way come to its end
  await first.exited;
  second.child.kill('SIGTERM');
  await second.exited;
  stopping.abort();
  return outcomeOf(scene, [task], client.received);
}

async function appears(path: string): Promise<void> {
  await new Promise<void>((done) => {
    const changes = watch(dirname(path), look);
    function look(): void {
      if (!existsSync(path)) return;
      changes.close();
      done();
    }
    look();
  });
}

/** The same numbers for the same seed, from 0 up to 1. */
function mulberry32(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function countBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, number> {
  const counts = new Map<K, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
}, 60_000);
afterEach(async () => {
  for (const child of [...running]) {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await scene.close();
}, 60_000);

describe(`a server that is killed again and again (AOS_TEST_SEED=${seed})`, () => {
  test('ends every task once, with no effect missing or doubled and no event lost', async () => {
    const plan = isNative
      ? { tasks: 50, inCalls: 8, afterEvents: 8 }
      : { tasks: 50, inCalls: 4, afterEvents: 3 };
    const { outcome, kills, asked } = await play(scene, plan);
    expect(violations(outcome)).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(plan.inCalls + plan.afterEvents - 2);
    expect(asked).toBeGreaterThan(0);
  }, 360_000);

  const onEitherTheSame = isNative ? test : test.skip; // effects, and what is put out of order, are outside the database: npm test runs it on native Postgres

  onEitherTheSame(
    'doubles effects when the ledger is out of order',
    async () => {
      const plan = { tasks: 6, inCalls: 2, afterEvents: 0, without: 'ledger' as const };
      const { outcome, kills } = await play(scene, plan);
      expect(kills).toBeGreaterThan(0);
      expect(violations(outcome)).toContainEqual(
        expect.stringMatching(/happened ([2-9]|\d{2,}) times$/),
      );
    },
    360_000,
  );

  const withTwoProcesses = isNative ? test : test.skip; // PGlite has one process, so nobody can take its job: npm test runs this on native Postgres too

  withTwoProcesses(
    'does nothing more for a task that another has taken and ended',
    async () => {
      expect(violations(await playStopped(scene))).toEqual([]);
    },
    60_000,
  );

  withTwoProcesses(
    'goes on with such a task when the fence is out of order',
    async () => {
      const found = violations(await playStopped(scene, 'fencing'));
      expect(found).toContainEqual(expect.stringContaining('went on after its end'));
    },
    60_000,
  );
});
