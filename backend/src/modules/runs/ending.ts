import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { ArtifactRef, JobError, Receipt } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type NewEvent, Outbox } from '../../platform/outbox/outbox.js';
import { type JobEnding, JobEndings, type JobRow } from '../jobs/index.js';
import { forgetCheckpoints } from './checkpoints.js';
import { listed } from './findings.js';
import { downloadLink, episodeLink, eventOf, toMessage } from './run-record.js';

/**
 * What the end of a task means, whoever ends it: one receipt, the steps and approvals that will not happen
 * any more, the agent's record of the run, and no checkpoints. All of it in the transaction that makes the
 * job's status final, and from the tables alone: the run may be gone, or may never have been.
 */
@Injectable()
export class RunEndings implements OnModuleInit {
  constructor(
    private readonly endings: JobEndings,
    private readonly outbox: Outbox,
  ) {}

  onModuleInit(): void {
    this.endings.register('task', (tx, job, ending) => this.end(tx, job, ending));
  }

  private async end(tx: Tx, job: JobRow, ending: JobEnding): Promise<Receipt> {
    await sql(
      tx,
      `UPDATE job_steps SET error = CASE WHEN state = 'running' THEN 'was under way when the run ended'
                                         ELSE 'the run ended before it' END,
              state = CASE WHEN state = 'running' THEN 'failed' ELSE 'skipped' END, finished_at = now()
        WHERE job_id = $1 AND state IN ('pending', 'running', 'waiting')`,
      [job.id],
    );
    await sql(tx, `UPDATE approvals SET status = 'void' WHERE job_id = $1 AND status = 'pending'`, [
      job.id,
    ]);
    await sql(
      tx,
      `UPDATE agent_runs SET status = $3, finished_at = now() WHERE agent_id = $1 AND trace_id = $2`,
      [job.agentId, job.traceId, ending.status],
    );
    await forgetCheckpoints(tx, job.id);
    const error = ending.error ?? (await abortOf(tx, job, ending));
    const receipt = await this.receiptOf(tx, job, { ...ending, error });
    await this.outbox.append(tx, [
      ...this.anomalies(job, error),
      receiptEvent(job, receipt, error),
    ]);
    return receipt;
  }

  private async receiptOf(tx: Tx, job: JobRow, ending: JobEnding): Promise<Receipt> {
    const { rows: steps } = await sql<StepEnd>(
      tx,
      `SELECT step_id, state, error, (result->'rejected'->>'count')::float8 AS rejected,
              CASE WHEN attempts = 0 AND state = 'done' THEN result END AS reused
         FROM job_steps WHERE job_id = $1 ORDER BY position`,
      [job.id],
    );
    const reusedIds = [
      ...JSON.stringify(steps.map((step) => step.reused)).matchAll(
        /"artifactId":"([0-9a-f-]{36})"/g,
      ),
    ];
    const { rows: artifacts } = await sql<{ id: string; name: string; media_type: string }>(
      tx,
      'SELECT id, name, media_type FROM artifacts WHERE job_id = $1 OR id = ANY($2::uuid[]) ORDER BY created_at, id',
      [job.id, reusedIds.map((match) => match[1])],
    );
    const { rows: cost } = await sql<{ cny: string | null; input: string; output: string }>(
      tx,
      'SELECT cost_cny AS cny, input_tokens AS input, output_tokens AS output FROM traces WHERE trace_id = $1',
      [job.traceId],
    );
    const files = artifacts.map((row): ArtifactRef => ({
      artifactId: row.id,
      name: row.name,
      mediaType: row.media_type,
    }));
    return {
      status: ending.status,
      summary: summaryOf(ending, steps, files),
      artifacts: files,
      cost: {
        cny: Number(cost[0]?.cny ?? 0),
        inputTokens: Number(cost[0]?.input ?? 0),
        outputTokens: Number(cost[0]?.output ?? 0),
      },
      durationMs: Math.round(ending.activeMs),
      attempts: job.attempts,
    };
  }

  /** Ends that come from outside the graph have no node to tell of them. */
  private anomalies(job: JobRow, error: JobError | null): NewEvent[] {
    if (!error || !toldHere.test(error.code)) return [];
    return [
      eventOf(job, {
        type: 'anomaly.detected',
        severity: 'error',
        summary: `The run was stopped. ${sentence(toMessage(error))}`,
        payload: { ...error },
      }),
    ];
  }
}

/** A cancelled job keeps no error; who aborted it stands in the approval. */
async function abortOf(tx: Tx, job: JobRow, ending: JobEnding): Promise<JobError | null> {
  if (ending.status !== 'cancelled' || ending.reason !== null) return null;
  const { rows } = await sql<{ step_id: string; decided_by: string; comment: string | null }>(
    tx,
    `SELECT step_id, decided_by, comment FROM approvals WHERE job_id = $1 AND status = 'aborted'
      ORDER BY decided_at LIMIT 1`,
    [job.id],
  );
  const by = rows[0];
  if (!by) return null;
  return {
    code: 'aborted',
    stepId: by.step_id,
    message: `${by.decided_by} aborted the run${by.comment ? `: ${by.comment}` : ''}`,
  };
}

/** Everything else was told by the node that met it. */
const toldHere =
  /^(budget_|attempts_exhausted$|internal$|approval_expired$|forbidden$|unknown_agent$)/;

function receiptEvent(job: JobRow, receipt: Receipt, error: JobError | null): NewEvent {
  return eventOf(job, {
    type: 'task.receipt',
    severity:
      receipt.status === 'succeeded'
        ? 'success'
        : receipt.status === 'failed'
          ? 'error'
          : 'warning',
    summary: receipt.summary,
    payload: { ...receipt, error },
    links: [
      episodeLink(job),
      ...receipt.artifacts.slice(0, 5).map((file) => downloadLink(file.artifactId, file.name)),
      { rel: 'replay', href: `/jobs/${job.id}/rerun`, title: 'Run again' },
    ],
  });
}

interface StepEnd {
  step_id: string;
  state: string;
  error: string | null;
  rejected: number | null;
  reused: unknown;
}

function summaryOf(ending: JobEnding, steps: StepEnd[], files: ArtifactRef[]): string {
  const done = steps.filter((step) => step.state === 'done').length;
  const made =
    files.length > 0
      ? `${files.length === 1 ? 'One file is' : `${files.length} files are`} ready: ${listed(files.map((file) => file.name))}.`
      : '';
  if (ending.status === 'succeeded') {
    const skipped = steps.filter((step) => step.state === 'skipped');
    const rejected = steps.reduce((sum, step) => sum + (step.rejected ?? 0), 0);
    return [
      `${done === steps.length ? (done === 1 ? 'The step is' : `All ${done} steps are`) : `${done} of ${steps.length} steps are`} done.`,
      made,
      rejected > 0 ? `${rejected} ${rejected === 1 ? 'row' : 'rows'} could not be parsed.` : '',
      ...skipped.slice(0, 5).map((step) => `Without ${step.step_id}: ${step.error ?? 'skipped'}.`),
    ]
      .filter(Boolean)
      .join(' ');
  }
  const why =
    ending.error !== null
      ? sentence(toMessage(ending.error))
      : ending.status === 'cancelled'
        ? `The task was cancelled${ending.reason ? `: ${sentence(ending.reason)}` : '.'}`
        : 'The task failed.';
  return [why, steps.length > 0 ? `${done} of ${steps.length} steps were done.` : '', made]
    .filter(Boolean)
    .join(' ');
}

const sentence = (text: string) =>
  /[.!?…。]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;
