import { type AgentConfig, type Budget, type JobError, type Permission, say } from '@aos/contracts';
import type { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import type { Capability, Ctx, Principal } from '../../platform/http/context.js';
import type { Outbox } from '../../platform/outbox/outbox.js';
import type { Gateway, KnownTool } from '../integrations/index.js';
import {
  type ClaimedJob,
  type Lease,
  LeaseEnded,
  type Queue,
  type Recovery,
} from '../jobs/index.js';
import { ApprovalRequests } from './approval-requests.js';
import type { LanguageModels, ModelUse, RunModel } from './language-models.js';
import type { PlanGivens } from './plan.js';
import { secretVarsOf } from './plan-submission.js';
import { type ReferenceValues, findReferences } from './references.js';
import { type RunStep, RunRecord, reasonOf, saying } from './run-record.js';

/** What a claim cannot even begin with. Ends the job as failed. */
export class RunRefused extends Error {
  override name = 'RunRefused';
  constructor(readonly error: JobError) {
    super(error.message);
  }
}

export interface RunAgent {
  id: string;
  name: string;
  config: AgentConfig;
}

export interface RunParts {
  database: Database;
  queue: Queue;
  outbox: Outbox;
  gateway: Gateway;
  models: LanguageModels;
}

/** Steps of a task without an agent run side by side up to this many. */
const DEFAULT_CONCURRENCY = 4;

/** One claim of a task, with all that its nodes share. Made by `openRun`, and closed when the claim ends. */
export class Run {
  readonly record: RunRecord;
  readonly approvals: ApprovalRequests;
  /** Aborts calls under way. A drain does not: it lets them finish. */
  readonly callSignal: AbortSignal;
  /** Steps that failed in a way that another try cannot change. */
  readonly hopeless = new Set<string>();
  isRecovering = false;
  private readonly calls = new AbortController();
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly onLeaseEnd: () => void;
  private isTimeSpent = false;

  constructor(
    private readonly parts: RunParts,
    readonly job: ClaimedJob,
    readonly lease: Lease,
    readonly agent: RunAgent | undefined,
    readonly ctx: Ctx,
    readonly tools: ReadonlyMap<string, KnownTool>,
    readonly budget: Budget,
    readonly model: RunModel | undefined,
    approvalTimeoutMs: number,
  ) {
    const { database, queue, outbox } = parts;
    this.record = new RunRecord(database, queue, outbox, job, lease);
    this.approvals = new ApprovalRequests(database, this.record, approvalTimeoutMs);
    this.callSignal = this.calls.signal;
    this.onLeaseEnd = () => {
      const reason: unknown = lease.signal.reason;
      if (!(reason instanceof LeaseEnded && reason.why === 'drained')) this.calls.abort(reason);
    };
    if (lease.signal.aborted) this.onLeaseEnd();
    else lease.signal.addEventListener('abort', this.onLeaseEnd);
    if (budget.timeoutMs !== undefined) {
      const left = Math.min(budget.timeoutMs - job.activeMs, 2 ** 31 - 1);
      this.timer = setTimeout(() => {
        this.isTimeSpent = true;
        this.calls.abort(new LeaseEnded('timeout'));
      }, left);
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.lease.signal.removeEventListener('abort', this.onLeaseEnd);
  }

  get isOverTime(): boolean {
    const reason: unknown = this.lease.signal.reason;
    return this.isTimeSpent || (reason instanceof LeaseEnded && reason.why === 'timeout');
  }

  overTime(): JobError {
    const { done, total } = this.record.progress;
    return {
      code: 'budget_timeout',
      ...saying(say('budget-time', { ms: this.budget.timeoutMs ?? 0, done, total })),
    };
  }

  get concurrency(): number {
    return this.agent?.config.concurrency ?? DEFAULT_CONCURRENCY;
  }

  /** Names of the secrets that calls of this run may use. */
  get env(): string[] {
    return [...new Set([...(this.job.spec.env ?? []), ...(this.agent?.config.env ?? [])])];
  }

  /** The gateway holds the agent to its tools, whatever a plan came to say. */
  get capability(): Capability | undefined {
    const { allowedTools } = this;
    return (
      allowedTools && {
        kind: 'grant',
        id: `run:${this.job.id}`,
        tools: allowedTools,
        limits: {},
        expiresAt: new Date(8.64e15),
      }
    );
  }

  get allowedTools(): readonly string[] | undefined {
    return this.agent?.config.tools;
  }

  /** Nothing new may be begun. */
  get isEnded(): boolean {
    return this.lease.signal.aborted || this.isTimeSpent;
  }

  throwIfEnded(): void {
    if (this.lease.signal.aborted) throw this.lease.signal.reason;
    if (this.isTimeSpent) throw new LeaseEnded('timeout');
  }

  async givens(): Promise<PlanGivens> {
    const { values, secretVars } = await this.vars();
    return {
      inputs: (this.job.spec.inputs ?? []).map((input) => input.name),
      vars: [...Object.keys(values), ...Object.keys(secretVars)],
      secretVars,
      secrets: this.env,
      allowedTools: this.allowedTools,
    };
  }

  /** What the references of these arguments stand for, read now. */
  async valuesFor(args: unknown): Promise<ReferenceValues> {
    const { found } = findReferences(args);
    const named = (kind: string) =>
      new Set(
        found
          .filter(({ reference }) => reference.kind === kind)
          .map(({ reference }) => reference.name),
      );
    const { values, secretVars } =
      named('vars').size > 0 ? await this.vars() : { values: {}, secretVars: {} };
    return {
      inputs: Object.fromEntries(
        (this.job.spec.inputs ?? []).map((input) => [input.name, input.artifactId]),
      ),
      vars: values,
      secretVars,
      steps: await this.record.results(named('steps')),
    };
  }

  /** Adds what a model has used to the trace, at once: also a run that fails has cost what it cost. */
  async charge(use: ModelUse): Promise<void> {
    await this.record.write(async (tx) => {
      await sql(
        tx,
        `UPDATE traces SET cost_cny = coalesce(cost_cny, 0) + $2, input_tokens = input_tokens + $3,
                output_tokens = output_tokens + $4 WHERE trace_id = $1`,
        [this.job.traceId, use.cny, use.inputTokens, use.outputTokens],
      );
    });
  }

  /** Set when no further call fits the budget. */
  spentSteps(): JobError | undefined {
    const { maxSteps } = this.budget;
    const calls = [...this.record.steps.values()].reduce((sum, step) => sum + step.attempts, 0);
    if (maxSteps === undefined || calls < maxSteps) return undefined;
    return {
      code: 'budget_steps',
      ...saying(say('budget-steps', { most: maxSteps, calls })),
    };
  }

  /** Set when the models have cost more than the budget allows. */
  async spentCost(): Promise<JobError | undefined> {
    const { maxCostCny } = this.budget;
    if (maxCostCny === undefined) return undefined;
    const rows = await this.parts.database.query<{ cost: string | null }>(
      'SELECT cost_cny AS cost FROM traces WHERE trace_id = $1',
      [this.job.traceId],
    );
    const cost = Number(rows[0]?.cost ?? 0);
    if (cost <= maxCostCny) return undefined;
    return {
      code: 'budget_cost',
      ...saying(say('budget-cost', { most: maxCostCny, cost: cost.toFixed(4) })),
    };
  }

  async tellRecovery(recovery: Recovery): Promise<void> {
    await this.record.load();
    const { done, total } = this.record.progress;
    this.isRecovering = true;
    const about = { before: this.job.attempts - 1, attempt: this.job.attempts, done, total };
    await this.record.tell({
      type: 'recovery.start',
      severity: 'warning',
      summary:
        recovery.why === 'lease-expired'
          ? say('worker-lost', about)
          : say('attempt-broke', { ...about, why: reasonOf(recovery.error) }),
      payload: { attempt: this.job.attempts, done, total, why: recovery.why, at: recovery.at },
    });
  }

  /** A run that waited for an answer on its way back is still on it: what a process knew of that ended with the wait. */
  async rememberRecovery(): Promise<void> {
    if (this.job.attempts < 2) return;
    const [last] = await this.parts.database.query<{ type: string }>(
      `SELECT type FROM events WHERE trace_id = $1 AND type IN ('recovery.start', 'recovery.done')
        ORDER BY id DESC LIMIT 1`,
      [this.job.traceId],
    );
    this.isRecovering = last?.type === 'recovery.start';
  }

  toolOf(step: RunStep): KnownTool | undefined {
    return this.tools.get(step.tool);
  }

  private async vars(): Promise<{
    values: Record<string, unknown>;
    secretVars: Record<string, string>;
  }> {
    if (this.job.projectId === null) return { values: {}, secretVars: {} };
    const rows = await this.parts.database.query<{
      name: string;
      value: unknown;
      secret_ref: string | null;
    }>(
      `SELECT name, value, secret_ref FROM project_vars WHERE project_id = $1 AND name IS NOT NULL`,
      [this.job.projectId],
    );
    const plain = rows.filter((row) => row.secret_ref === null);
    return {
      values: Object.fromEntries(plain.map((row) => [row.name, row.value])),
      secretVars: secretVarsOf(rows),
    };
  }
}

export async function openRun(parts: RunParts, job: ClaimedJob, lease: Lease): Promise<Run> {
  const agent = job.agentId === null ? undefined : await findAgent(parts.database, job.agentId);
  const ctx = { actor: await actorOf(parts.database, job, agent), traceId: job.traceId, ip: null };
  const tools = new Map((await parts.gateway.tools()).map((tool) => [tool.tool, tool]));
  const { model, approvalTimeoutMs } = await parts.models.forRun(ctx, job, agent);
  const run = new Run(
    parts,
    job,
    lease,
    agent,
    ctx,
    tools,
    stricter(job.spec.budget, agent?.config.budget),
    model,
    approvalTimeoutMs,
  );
  await run.record.load();
  return run;
}

async function findAgent(database: Database, id: string): Promise<RunAgent> {
  const rows = await database.query<{
    id: string;
    name: string;
    config: AgentConfig;
    deleted_at: Date | null;
  }>('SELECT id, name, config, deleted_at FROM agents WHERE id = $1', [id]);
  const agent = rows[0];
  if (!agent || agent.deleted_at)
    throw new RunRefused({
      code: 'unknown_agent',
      ...saying(say('agent-deleted', { agent: agent?.name ?? id })),
    });
  return { id: String(agent.id), name: agent.name, config: agent.config };
}

/** What a run may do on behalf of whoever asked for it; the rest of their rights stays with them. */
const rightsOfRun: Permission[] = ['tool.call', 'artifact.read', 'artifact.write'];

/** Asked at every claim: who may no longer create tasks has none run either. */
async function actorOf(
  database: Database,
  job: ClaimedJob,
  agent: RunAgent | undefined,
): Promise<Principal> {
  let remembered: Principal['grants'] = [];
  if (job.createdByUser !== null) {
    const rows = await database.query<{
      project_id: string | null;
      creates: boolean;
      reads: boolean;
    }>(
      `SELECT b.project_id, bool_or('task.create' = ANY(r.permissions)) AS creates,
              bool_or('memory.read' = ANY(r.permissions)) AS reads
         FROM users u JOIN role_bindings b ON b.user_id = u.id JOIN roles r ON r.name = b.role
        WHERE u.id = $1 AND NOT u.is_disabled AND (b.project_id IS NULL OR b.project_id = $2)
        GROUP BY b.project_id`,
      [job.createdByUser, job.projectId],
    );
    remembered = rows
      .filter(({ reads }) => reads)
      .map(({ project_id }) => ({ permission: 'memory.read', projectId: project_id }));
    if (!rows.some(({ creates }) => creates))
      throw new RunRefused({
        code: 'forbidden',
        ...saying(say('asker-may-no-more')),
      });
  }
  return {
    kind: agent ? 'agent' : 'system',
    id: agent ? `agent:${agent.id}` : job.createdBy,
    name: agent?.name ?? job.createdBy,
    userId: job.createdByUser,
    grants: [
      ...rightsOfRun.map((permission) => ({ permission, projectId: job.projectId })),
      ...remembered,
    ],
  };
}

function stricter(a: Budget = {}, b: Budget = {}): Budget {
  const least = (x: number | undefined, y: number | undefined) =>
    x === undefined ? y : y === undefined ? x : Math.min(x, y);
  return {
    maxSteps: least(a.maxSteps, b.maxSteps),
    maxCostCny: least(a.maxCostCny, b.maxCostCny),
    timeoutMs: least(a.timeoutMs, b.timeoutMs),
  };
}
