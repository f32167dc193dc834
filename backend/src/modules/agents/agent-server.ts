import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { McpServer } from '@modelcontextprotocol/server';
import { context } from '@opentelemetry/api';
import { Receipt, say, TaskInput } from '@aos/contracts';
import { z } from 'zod';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { AosError } from '../../platform/http/problem.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { InProcessServers } from '../integrations/index.js';
import type { Caller } from '../integrations/index.js';
import { JobSubmission } from '../jobs/index.js';
import { type AgentRow, AgentsRepository } from './agents.repository.js';

export const serverNameOf = (agentName: string) => `agent-${agentName}`;

const runInput = z.strictObject({
  goal: z.string().trim().min(1).max(20_000).describe('What the agent is to do'),
  inputs: z.array(TaskInput).max(100).optional().describe('Files it may read, by name'),
});

const runOutput = z.object({
  jobId: z.string(),
  traceId: z.string(),
  status: z.enum(['succeeded', 'failed', 'cancelled', 'under-way']),
  summary: z.string(),
  artifacts: Receipt.shape.artifacts,
});
type RunOutput = z.infer<typeof runOutput>;

/** Wake-ups make it sooner; this makes it sure. */
const LOOK_EVERY_MS = 1000;

/**
 * An agent as a tool that others call: `run` gives it a task on behalf of the caller and waits for the
 * receipt, for as long as the caller waits; after that it answers where to look. The task's trace is made
 * from the idempotency key of the call, so a repeated call finds the task that the first one made.
 */
@Injectable()
export class AgentServer implements OnModuleInit {
  /**
   * A call comes from within the caller's graph, and the commit of the new task may wake a worker of this
   * process right there: the new graph would then take itself for a part of the calling one. So the task is
   * given from outside, with nothing of the caller's surroundings but its trace.
   */
  private readonly outside = AsyncLocalStorage.snapshot();

  constructor(
    private readonly inProcess: InProcessServers,
    private readonly agents: AgentsRepository,
    private readonly submission: JobSubmission,
    private readonly database: Database,
    private readonly wakeups: Wakeups,
  ) {}

  onModuleInit(): void {
    this.inProcess.provide('agent', (server) => this.make(server.slice(serverNameOf('').length)));
  }

  private make(agentName: string): McpServer {
    const server = new McpServer({ name: serverNameOf(agentName), version: '1' });
    server.registerTool(
      'run',
      {
        title: `Give a task to ${agentName}`,
        description: `Gives the agent ${agentName} a task and waits for its receipt. When it takes longer than the call may, the answer has the status "under-way" and says which job to look at.`,
        inputSchema: runInput,
        outputSchema: runOutput,
        annotations: { idempotentHint: true },
      },
      async (input, { mcpReq }) => {
        try {
          const caller = this.inProcess.callerOf(mcpReq._meta);
          const trace = context.active();
          const answer = await this.outside(() =>
            context.with(trace, () => this.run(agentName, input, caller, mcpReq.signal)),
          );
          const isError = answer.status === 'failed' || answer.status === 'cancelled';
          return {
            content: [{ type: 'text' as const, text: answer.summary }],
            structuredContent: answer,
            isError,
          };
        } catch (error) {
          if (!(error instanceof AosError)) throw error;
          const faults = error.errors?.map((each) => `${each.path} ${each.message}`).join('; ');
          return {
            content: [
              {
                type: 'text' as const,
                text: faults ? `${error.message} ${faults}` : error.message,
              },
            ],
            isError: true,
          };
        }
      },
    );
    return server;
  }

  private async run(
    agentName: string,
    input: z.infer<typeof runInput>,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<RunOutput> {
    const agent = await this.agents.find(agentName);
    if (caller.ctx.actor.id === `agent:${agent.id}`)
      throw new AosError('agent_state', say('agent-to-itself', { agent: agent.name }));
    const traceId = createHash('sha256').update(caller.idempotencyKey).digest('hex').slice(0, 32);
    const waitUntil = performance.now() + caller.timeoutMs - Math.min(2000, caller.timeoutMs / 4);
    if (!(await this.look(traceId)))
      await this.submit(agent, input, contextOf(caller, traceId), caller);
    return this.receipt(traceId, waitUntil, signal);
  }

  private async submit(
    agent: AgentRow,
    input: z.infer<typeof runInput>,
    ctx: Ctx,
    caller: Caller,
  ): Promise<void> {
    const spec = {
      goal: input.goal,
      agentId: String(agent.id),
      ...(input.inputs ? { inputs: input.inputs } : {}),
      ...(caller.run?.projectId ? { projectId: caller.run.projectId } : {}),
    };
    const task = await this.submission.check(ctx, { spec });
    await this.database.transaction((tx) => this.submission.submit(tx, ctx, task));
  }

  private async receipt(
    traceId: string,
    waitUntil: number,
    signal: AbortSignal,
  ): Promise<RunOutput> {
    for (;;) {
      const job = await this.look(traceId);
      if (!job) throw new Error(`the job of trace ${traceId} is gone`);
      const at = { jobId: String(job.id), traceId };
      if (job.receipt) {
        const { status, summary, artifacts } = job.receipt;
        return { ...at, status, summary, artifacts };
      }
      if (performance.now() >= waitUntil || signal.aborted)
        return {
          ...at,
          status: 'under-way',
          summary: `Job ${job.id} is ${job.status}; GET /jobs/${job.id} tells how it goes on.`,
          artifacts: [],
        };
      await this.change(Math.min(LOOK_EVERY_MS, waitUntil - performance.now()), signal);
    }
  }

  private async look(traceId: string) {
    const rows = await this.database.query<{ id: string; status: string; receipt: Receipt | null }>(
      'SELECT id, status, receipt FROM jobs WHERE trace_id = $1',
      [traceId],
    );
    return rows[0];
  }

  /** Until something was committed, or the time is up. */
  private change(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((done) => {
      const end = () => {
        off();
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        done();
      };
      const off = this.wakeups.on('outbox', end);
      const timer = setTimeout(end, Math.max(1, ms));
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

/**
 * The caller, in the trace of the new task. A run acts with a part of its person's rights only; that this
 * person may give tasks here was checked when the run was claimed, so its agent may pass one on.
 */
function contextOf({ ctx, run }: Caller, traceId: string): Ctx {
  if (!run) return { ...ctx, traceId };
  const grants = [
    ...ctx.actor.grants,
    { permission: 'task.create' as const, projectId: run.projectId },
  ];
  return { ...ctx, traceId, actor: { ...ctx.actor, grants } };
}
