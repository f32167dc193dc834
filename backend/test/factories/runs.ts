import { randomUUID } from 'node:crypto';
import type {
  AgentConfig,
  Approval,
  Episode,
  MessageAccepted,
  RunAccepted,
  Step,
  TaskSpec,
} from '@aos/contracts';
import { z } from 'zod';
import { ArtifactStore, ArtifactsModule } from '../../src/modules/artifacts/index.js';
import { BlueprintsModule } from '../../src/modules/blueprints/index.js';
import { ChatModule } from '../../src/modules/chat/index.js';
import { ConfigModule } from '../../src/modules/config/index.js';
import { BUILTIN_SERVERS, builtinServers } from '../../src/modules/integrations/builtin-servers.js';
import { type BuiltinTool, ToolFault, tool } from '../../src/modules/integrations/builtin/tool.js';
import { IntegrationsModule } from '../../src/modules/integrations/index.js';
import {
  JobEndings,
  JobsModule,
  Queue,
  Runners,
  WORKER_OPTIONS,
  Worker,
  type WorkerOptions,
} from '../../src/modules/jobs/index.js';
import { RunsModule } from '../../src/modules/runs/index.js';
import { Relay } from '../../src/platform/outbox/relay.js';
import { Wakeups } from '../../src/platform/outbox/wakeups.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../http-app.js';

export { ToolFault };

/** What a call of a probe tool does; a test sets it. `signal` is the call's. */
type During = (args: ProbeArgs, signal: AbortSignal, tool: string) => unknown;
interface ProbeArgs {
  n?: number;
  text?: string;
  list?: unknown[];
  any?: unknown;
}

/** A server of the test's own: every call is counted, and does what the test says. */
export class Probe {
  readonly calls: { tool: string; args: ProbeArgs }[] = [];
  during: During = (args) => ({ ok: true, ...args });
  private readonly waiting = new Set<() => void>();

  get server() {
    return { description: 'The test', tools: [this.tool('once', false), this.tool('again', true)] };
  }

  count(text?: string): number {
    return this.calls.filter((call) => text === undefined || call.args.text === text).length;
  }

  /** Resolves when so many calls have begun. */
  called(times: number): Promise<void> {
    return new Promise((done) => {
      const look = () => {
        if (this.calls.length < times) return;
        this.waiting.delete(look);
        done();
      };
      this.waiting.add(look);
      look();
    });
  }

  reset(): void {
    this.calls.length = 0;
    this.during = (args) => ({ ok: true, ...args });
  }

  private tool(name: string, idempotent: boolean): BuiltinTool {
    return tool({
      name,
      title: name,
      description: 'Does what the test says.',
      input: z.strictObject({
        n: z.int().max(100).optional(),
        text: z.string().optional(),
        list: z.array(z.unknown()).optional(),
        any: z.unknown().optional(),
      }),
      output: z.looseObject({}),
      idempotent,
      readOnly: false,
      run: async (args, { signal }) => {
        this.calls.push({ tool: name, args: args as ProbeArgs });
        for (const look of [...this.waiting]) look();
        return (await this.during(args as ProbeArgs, signal, name)) as Record<string, unknown>;
      },
    });
  }
}

export interface RunBench extends HttpApp {
  probe: Probe;
  owner: SignedIn;
  /** Starts a worker of its own, as another process would have it. Stopped with the bench. */
  worker(options?: Partial<WorkerOptions>): TestWorker;
  stopWorkers(): Promise<void>;
  run(spec: Partial<TaskSpec>, as?: SignedIn): Promise<RunAccepted>;
  send(body: object, as?: SignedIn): Promise<MessageAccepted>;
  /** Resolves when the job is in one of the states, with its row. */
  reached(jobId: string, ...statuses: string[]): Promise<JobRecord>;
  /** Resolves when the job is over or waits, with its row. */
  settled(jobId: string): Promise<JobRecord>;
  ended(jobId: string): Promise<JobRecord>;
  episode(traceId: string): Promise<Episode>;
  events(traceId: string, type?: string): Promise<EventRecord[]>;
  steps(
    jobId: string,
  ): Promise<
    Record<string, { state: string; attempts: number; error: string | null; result: never }>
  >;
  approval(jobId: string, status?: string): Promise<Approval>;
  agent(config: Partial<AgentConfig>): Promise<string>;
  upload(name: string, data: string): Promise<string>;
}

export interface TestWorker {
  worker: Worker;
  /** Leaves it for dead: nothing it does from now on reaches the database as its own. */
  abandon(): Promise<void>;
}

export interface JobRecord {
  id: string;
  status: string;
  attempts: number;
  error: { code: string; message: string; stepId?: string } | null;
  receipt: {
    status: string;
    summary: string;
    artifacts: { name: string }[];
    attempts: number;
  } & Record<string, never>;
}

export interface EventRecord {
  type: string;
  severity: string;
  summary: string;
  payload: Record<string, never>;
  links: { rel: string; href: string }[];
}

export const step = (
  id: string,
  args: Record<string, unknown> = {},
  more: Partial<Step> = {},
): Step => ({
  id,
  tool: 'probe.again',
  args: { text: id, ...args },
  ...more,
});

export async function openRunBench(): Promise<RunBench> {
  const probe = new Probe();
  const app = await openHttpApp({
    imports: [
      ConfigModule,
      ArtifactsModule,
      JobsModule,
      IntegrationsModule,
      RunsModule,
      BlueprintsModule,
      ChatModule,
    ],
    providers: [Relay],
    overrides: [
      { provide: BUILTIN_SERVERS, useValue: { ...builtinServers, probe: probe.server } },
      { provide: WORKER_OPTIONS, useValue: { isEnabled: false } },
    ],
  });
  const { database } = app;
  const get = <T>(type: abstract new (...args: never[]) => T): T =>
    app.app.get(type as never, { strict: false });
  get(Relay).start();
  const owner = await app.signIn('owner');
  const workers: Worker[] = [];
  const looks = new Set<() => void>();
  const wakeups = get(Wakeups);

  const bench: RunBench = {
    ...app,
    probe,
    owner,
    worker(options = {}) {
      const worker = new Worker(database, get(Queue), get(Runners), get(JobEndings), wakeups, {
        ...{ pollMs: 50, rescueMs: 50, graceMs: 2_000, backoff: { firstMs: 1, maxMs: 10 } },
        ...options,
        onSignal(signal) {
          options.onSignal?.(signal);
          for (const look of [...looks]) look();
        },
      });
      workers.push(worker);
      worker.start();
      return {
        worker,
        async abandon() {
          const held = await database.query<{ id: string }>(
            `UPDATE jobs SET lease_until = now() - interval '1 hour' WHERE lease_owner = $1 RETURNING id`,
            [worker.owner],
          );
          if (held.length === 0) throw new Error('the worker holds nothing');
        },
      };
    },
    async run(spec, as = owner) {
      const answer = await app.call<RunAccepted>('/api/run', {
        method: 'POST',
        as,
        body: { goal: 'test', ...spec },
      });
      if (answer.status !== 202) throw new Error(answer.text);
      return answer.body;
    },
    async send(body, as = owner) {
      const answer = await app.call<MessageAccepted>('/api/chat/send', {
        method: 'POST',
        as,
        body,
      });
      if (answer.status !== 202) throw new Error(answer.text);
      return answer.body;
    },
    reached: (jobId, ...statuses) => until(jobId, statuses),
    settled: (jobId) => until(jobId, ['succeeded', 'failed', 'cancelled', 'waiting']),
    ended: (jobId) => until(jobId, ['succeeded', 'failed', 'cancelled']),
    async episode(traceId) {
      const answer = await app.call<Episode>(`/api/episodes/${traceId}`, { as: owner });
      if (answer.status !== 200) throw new Error(answer.text);
      return answer.body;
    },
    events: (traceId, type) =>
      database.query(
        `SELECT e.type, e.severity, e.summary, coalesce(p.payload, e.payload) AS payload, e.links
           FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
          WHERE e.trace_id = $1 AND ($2::text IS NULL OR e.type = $2) ORDER BY e.id`,
        [traceId, type ?? null],
      ),
    async steps(jobId) {
      const rows = await database.query<{ step_id: string }>(
        'SELECT step_id, state, attempts, error, result FROM job_steps WHERE job_id = $1 ORDER BY position',
        [jobId],
      );
      return Object.fromEntries(rows.map(({ step_id, ...row }) => [step_id, row])) as never;
    },
    async approval(jobId, status = 'pending') {
      const answer = await app.call<{ items: Approval[] }>(`/agent/approvals?status=${status}`, {
        as: owner,
      });
      const found = answer.body.items.find((item) => item.jobId === jobId);
      if (!found) throw new Error(`no ${status} approval for job ${jobId}: ${answer.text}`);
      return found;
    },
    async agent(config) {
      const rows = await database.query<{ id: string }>(
        `INSERT INTO agents (name, type, version, status, config) VALUES ($1, 'local', '1', 'running', $2) RETURNING id`,
        [
          `agent-${randomUUID().slice(0, 8)}`,
          JSON.stringify({ prompt: '', sop: [], tools: [], env: [], concurrency: 2, ...config }),
        ],
      );
      return String(rows[0]!.id);
    },
    async upload(name, data) {
      const ctx = {
        actor: {
          ...{
            kind: 'user' as const,
            id: `user:${owner.userId}`,
            name: 'owner',
            userId: owner.userId,
          },
          grants: [],
        },
        traceId: 'f'.repeat(32),
        ip: null,
      };
      const saved = await get(ArtifactStore).save(ctx, { name, mediaType: 'text/csv', data });
      return saved.artifactId;
    },
    async stopWorkers() {
      await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    },
    async close() {
      await bench.stopWorkers();
      await app.close();
    },
  };

  /** Looks at every signal of a worker and at every wake-up; both come after the commit. */
  function until(jobId: string, statuses: string[]): Promise<JobRecord> {
    return new Promise((done, fail) => {
      let isLooking = false;
      let again = false;
      const look = () => {
        if (isLooking) return void (again = true);
        isLooking = true;
        database
          .query<JobRecord>('SELECT id, status, attempts, error, receipt FROM jobs WHERE id = $1', [
            jobId,
          ])
          .then(([row]) => {
            isLooking = false;
            if (row && statuses.includes(row.status)) {
              looks.delete(look);
              off();
              done(row);
            } else if (again) {
              again = false;
              look();
            }
          }, fail);
      };
      const off = wakeups.on('outbox', look);
      looks.add(look);
      look();
    });
  }
  return bench;
}
