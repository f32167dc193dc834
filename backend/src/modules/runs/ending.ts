import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  type ArtifactRef,
  type JobError,
  type Receipt,
  type Said,
  inEnglish,
  say,
} from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type NewEvent, Outbox } from '../../platform/outbox/outbox.js';
import { type JobEnding, JobEndings, type JobRow } from '../jobs/index.js';
import { forgetCheckpoints } from './checkpoints.js';
import { listed } from './findings.js';
import {
  abortedBy,
  downloadLink,
  episodeLink,
  eventOf,
  saying,
  sentence,
  whole,
} from './run-record.js';

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
      `UPDATE job_steps SET error = CASE WHEN state = 'running' THEN $2 ELSE $4 END,
              error_said = CASE WHEN state = 'running' THEN $3::jsonb ELSE $5::jsonb END,
              state = CASE WHEN state = 'running' THEN 'failed' ELSE 'skipped' END, finished_at = now()
        WHERE job_id = $1 AND state IN ('pending', 'running', 'waiting')`,
      [job.id, ...stored(say('step-cut-off')), ...stored(say('step-not-reached'))],
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
      `SELECT step_id, state, error, error_said, (result->'rejected'->>'count')::float8 AS rejected,
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
    const said = sayingsOf(ending, steps, files);
    return {
      status: ending.status,
      summary: inEnglish(said),
      said,
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
        summary: say('run-stopped', { why: whyEnded(error) }),
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
    ...saying(abortedBy(by.decided_by, by.comment)),
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
    summary: receipt.said ?? receipt.summary,
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
  error_said: Said | null;
  rejected: number | null;
  reused: unknown;
}

function sayingsOf(ending: JobEnding, steps: StepEnd[], files: ArtifactRef[]): Said[] {
  const done = steps.filter((step) => step.state === 'done').length;
  const total = steps.length;
  const names = { files: listed(files.map((file) => file.name)) };
  const made: Said[] = [];
  if (files.length === 1) made.push(say('files-ready-one', names));
  if (files.length > 1) made.push(say('files-ready', { count: files.length, ...names }));
  if (ending.status !== 'succeeded')
    return [
      whyNot(ending),
      ...(total > 0 ? [say('steps-were-done', { done, total })] : []),
      ...made,
    ];
  const rejected = steps.reduce((sum, step) => sum + (step.rejected ?? 0), 0);
  return [
    done < total
      ? say('steps-some-done', { done, total })
      : done === 1
        ? say('steps-all-done-one')
        : say('steps-all-done', { count: done }),
    ...made,
    ...(rejected === 1 ? [say('rows-unparsed-one')] : []),
    ...(rejected > 1 ? [say('rows-unparsed', { count: rejected })] : []),
    ...steps
      .filter((step) => step.state === 'skipped')
      .slice(0, 5)
      .map((step) => say('lacking-step', { step: step.step_id, why: whole(whySkipped(step)) })),
  ];
}

function whyNot({ error, status, reason }: JobEnding): Said {
  if (error !== null) return whyEnded(error);
  if (status !== 'cancelled') return say('task-failed');
  return reason ? say('task-cancelled-because', { why: sentence(reason) }) : say('task-cancelled');
}

/** A whole sentence, with the step that it is about. */
function whyEnded({ said, message, stepId }: JobError): Said {
  const what = whole({ said, message });
  if (stepId !== undefined) return say('of-step', { step: stepId, what });
  return typeof what === 'string' ? say('as-it-is', { what }) : what;
}

const whySkipped = ({ error, error_said: said }: StepEnd) =>
  error === null ? saying(say('skipped')) : { message: error, ...(said ? { said } : {}) };

/** As the two columns keep it. */
const stored = (said: Said) => [inEnglish(said), JSON.stringify(said)];
