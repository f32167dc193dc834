import { Injectable } from '@nestjs/common';
import type { Episode, Receipt, Said, StepState, AcceptedTask, ToolCall } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { NotFound } from '../../platform/http/problem.js';
import { type EventRow, eventColumns, toAosEvent } from '../../platform/outbox/event-row.js';
import { ArtifactStore } from '../artifacts/index.js';
import { type CallRow, callColumns, toToolCall } from '../integrations/index.js';
import { JobsQueries } from '../jobs/index.js';
import { ApprovalsQueries } from './approvals.queries.js';

const MAX_EVENTS = 500;
const MAX_CALLS = 2_000;

/** Everything of one run, as it stands: for replay, for analysis, and for whoever asks "what happened?". */
@Injectable()
export class EpisodesQueries {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsQueries,
    private readonly approvals: ApprovalsQueries,
    private readonly artifacts: ArtifactStore,
  ) {}

  /** @throws NotFound, also for a run that the actor may not see. */
  async get(ctx: Ctx, traceId: string): Promise<Episode> {
    const rows = await this.database.query<JobEnd>(
      'SELECT id, spec, receipt FROM jobs WHERE trace_id = $1',
      [traceId],
    );
    const row = rows[0];
    if (!row) throw new NotFound(`The run ${traceId}`);
    const job = await this.jobs.get(ctx, String(row.id)); // asks whether they may see it
    const cost = await this.database.query<{ cny: string | null; input: string; output: string }>(
      'SELECT cost_cny AS cny, input_tokens AS input, output_tokens AS output FROM traces WHERE trace_id = $1',
      [traceId],
    );
    const steps = await this.steps(job.id);
    return {
      traceId,
      job,
      task: row.spec,
      plan: steps.map(({ result: _, ...step }) => ({
        ...step,
        state: 'pending' as const,
        attempts: 0,
        startedAt: null,
        finishedAt: null,
        error: null,
      })),
      steps,
      toolCalls: await this.toolCalls(job.id),
      approvals: await this.approvals.ofJob(ctx, job.id),
      events: await this.events(traceId),
      artifacts: await this.artifacts.ofJob(job.id),
      cost: {
        cny: Number(cost[0]?.cny ?? 0),
        inputTokens: Number(cost[0]?.input ?? 0),
        outputTokens: Number(cost[0]?.output ?? 0),
      },
      attempts: job.attempts,
      receipt: row.receipt,
    };
  }

  private async steps(jobId: string): Promise<StepState[]> {
    const rows = await this.database.query<StepRow>(
      `SELECT step_id, tool, needs, approval, args, state, attempts, result, error, error_said, started_at, finished_at
         FROM job_steps WHERE job_id = $1 ORDER BY position`,
      [jobId],
    );
    return rows.map((row) => ({
      id: row.step_id,
      tool: row.tool,
      needs: row.needs,
      approval: row.approval,
      state: row.state,
      attempts: row.attempts,
      startedAt: row.started_at?.toISOString() ?? null,
      finishedAt: row.finished_at?.toISOString() ?? null,
      args: row.args,
      result: row.result ?? undefined,
      error: row.error,
      ...(row.error_said ? { said: row.error_said } : {}),
    }));
  }

  private async toolCalls(jobId: string): Promise<ToolCall[]> {
    const rows = await this.database.query<CallRow>(
      `SELECT ${callColumns} FROM tool_calls WHERE job_id = $1 ORDER BY started_at, id LIMIT ${MAX_CALLS}`,
      [jobId],
    );
    return rows.map(toToolCall);
  }

  private async events(traceId: string) {
    const rows = await this.database.query<EventRow>(
      `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.trace_id = $1 AND e.seq IS NOT NULL ORDER BY e.seq LIMIT ${MAX_EVENTS}`,
      [traceId],
    );
    return rows.map(toAosEvent);
  }
}

interface JobEnd {
  id: string;
  spec: AcceptedTask;
  receipt: Receipt | null;
}

interface StepRow {
  step_id: string;
  tool: string;
  needs: string[];
  approval: StepState['approval'];
  args: Record<string, unknown>;
  state: StepState['state'];
  attempts: number;
  result: unknown;
  error: string | null;
  error_said: Said | null;
  started_at: Date | null;
  finished_at: Date | null;
}
