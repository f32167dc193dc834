import {
  type EventLink,
  type EventType,
  type Filling,
  type JobError,
  type Said,
  type Severity,
  type Step,
  inEnglish,
  say,
} from '@aos/contracts';
import type { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { NewEvent, Outbox } from '../../platform/outbox/outbox.js';
import type { JobRow, Lease, Queue } from '../jobs/index.js';

export interface RunStep {
  id: string;
  position: number;
  tool: string;
  needs: string[];
  approval: 'auto' | 'required';
  args: Record<string, unknown>;
  state: 'pending' | 'running' | 'waiting' | 'done' | 'failed' | 'skipped';
  attempts: number;
  onError: 'revise' | 'skip' | 'abort';
  retries: number;
  /** Grows when the arguments are revised: a revised call is another call, a retried one is the same. */
  round: number;
  error: string | null;
  /** The error by its code, where it has one. */
  errorSaid: Said | null;
}

/** What of a step changes; an error comes with its code or has none. */
type StepChange = Partial<
  Pick<RunStep, 'state' | 'attempts' | 'round' | 'args' | 'error' | 'errorSaid'>
> & { result?: unknown };

/** What an event of a run says; where it belongs is known. */
export interface RunEvent {
  type: EventType;
  summary: NewEvent['summary'];
  severity?: Severity;
  payload?: Record<string, unknown>;
  links?: EventLink[];
}

/**
 * Everything that a run writes about itself: steps, progress, events, in transactions that each begin by
 * asking whether the lease still stands. One process works on a job at a time, so the steps are held in
 * memory and every change goes to the row first; `load` reads them anew for a worker that takes over.
 *
 * Writes of one run take turns: two steps that end at the same moment must count each other.
 */
export class RunRecord {
  readonly steps = new Map<string, RunStep>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly queue: Queue,
    private readonly outbox: Outbox,
    readonly job: JobRow,
    private readonly lease: Lease,
  ) {}

  async load(): Promise<void> {
    const rows = await this.database.query<StepRow>(
      `SELECT step_id, position, tool, needs, approval, args, state, attempts, on_error, retries, round, error, error_said
         FROM job_steps WHERE job_id = $1 ORDER BY position`,
      [this.job.id],
    );
    this.steps.clear();
    for (const row of rows) this.steps.set(row.step_id, toStep(row));
  }

  /** One fenced transaction. It must be short, and must not call a tool or a model. */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const run = () =>
      this.database.transaction(async (tx) => {
        await this.queue.assertLease(tx, this.lease);
        return work(tx);
      });
    const mine = this.turn.then(run);
    this.turn = mine.catch(() => undefined); // the caller is told; the next in line is not concerned
    return mine;
  }

  async tell(...events: RunEvent[]): Promise<void> {
    await this.write((tx) => this.append(tx, events));
  }

  async append(tx: Tx, events: RunEvent[]): Promise<void> {
    await this.outbox.append(
      tx,
      events.map((event) => eventOf(this.job, event)),
    );
  }

  /** Results of the named steps, as far as they are done. */
  async results(ids: Iterable<string>): Promise<Record<string, unknown>> {
    const wanted = [...ids];
    if (wanted.length === 0) return {};
    const rows = await this.database.query<{ step_id: string; result: unknown }>(
      `SELECT step_id, result FROM job_steps WHERE job_id = $1 AND step_id = ANY($2) AND state = 'done'`,
      [this.job.id, wanted],
    );
    return Object.fromEntries(rows.map((row) => [row.step_id, row.result]));
  }

  /** The plan, all at once. `reused` are results of an earlier run that stand for their steps. */
  async plan(
    steps: readonly (Step & { needs: string[] })[],
    reused: ReadonlyMap<string, unknown>,
    events: RunEvent[],
  ): Promise<void> {
    await this.write(async (tx) => {
      for (const [position, step] of steps.entries()) {
        const isReused = reused.has(step.id);
        await sql(
          tx,
          `INSERT INTO job_steps (job_id, step_id, position, tool, needs, approval, args, on_error, retries, state, result, finished_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, CASE WHEN $10 = 'done' THEN now() END)`,
          [
            this.job.id,
            step.id,
            position,
            step.tool,
            step.needs,
            step.approval ?? 'auto',
            json(step.args),
            step.onError ?? 'revise',
            step.retries ?? 1,
            isReused ? 'done' : 'pending',
            isReused ? json(reused.get(step.id)) : null,
          ],
        );
      }
      await this.append(tx, events);
    });
    await this.load();
  }

  /** Moves a step and tells of it, in one transaction. */
  async move(step: RunStep, change: StepChange, events: RunEvent[] = []): Promise<void> {
    await this.write((tx) => this.moveIn(tx, step, change, events));
  }

  async moveIn(tx: Tx, step: RunStep, change: StepChange, events: RunEvent[] = []): Promise<void> {
    const next = { ...step, ...('error' in change ? { errorSaid: null } : {}), ...change };
    const isOver = ['done', 'failed', 'skipped'].includes(next.state);
    await sql(
      tx,
      `UPDATE job_steps SET state = $3, attempts = $4, round = $5, args = $6, error = $7,
              result = CASE WHEN $8::boolean THEN $9::jsonb ELSE result END,
              started_at = CASE WHEN $3 = 'running' THEN now() ELSE started_at END,
              finished_at = CASE WHEN $10::boolean THEN now() END, error_said = $11
        WHERE job_id = $1 AND step_id = $2`,
      [
        this.job.id,
        step.id,
        next.state,
        next.attempts,
        next.round,
        json(next.args),
        next.error === null ? null : text(next.error),
        'result' in change,
        'result' in change ? json(change.result ?? null) : null,
        isOver,
        next.errorSaid && json(next.errorSaid),
      ],
    );
    const { result: _, ...kept } = next as RunStep & { result?: unknown };
    await this.append(tx, events);
    Object.assign(step, kept);
  }

  get progress(): { done: number; total: number } {
    const over = [...this.steps.values()].filter(
      ({ state }) => state === 'done' || state === 'skipped',
    );
    return { done: over.length, total: this.steps.size };
  }
}

export function eventOf(job: JobRow, event: RunEvent): NewEvent {
  return {
    traceId: job.traceId,
    jobId: job.id,
    projectId: job.projectId,
    topic: event.type.startsWith('task.')
      ? 'task'
      : event.type.startsWith('approval.')
        ? 'approval'
        : 'run',
    type: event.type,
    severity: event.severity ?? 'info',
    summary: storable(event.summary) as RunEvent['summary'],
    payload: storable(event.payload ?? {}) as Record<string, unknown>,
    links: event.links ?? [episodeLink(job)],
    actor: job.agentId ? `agent:${job.agentId}` : 'system',
  };
}

export const episodeLink = (job: JobRow): EventLink => ({
  rel: 'episode',
  href: `/api/episodes/${job.traceId}`,
  title: 'Open the run',
});

export const downloadLink = (artifactId: string, name: string): EventLink => ({
  rel: 'download',
  href: `/api/artifacts/${artifactId}/content`,
  title: `Download ${name}`,
});

/** The parts of a JobError that tell what it is. */
export const saying = (said: Said): Pick<JobError, 'message' | 'said'> => ({
  message: inEnglish(said),
  said,
});

/** The parts of a step that tell what went wrong with it. */
export const failing = ({
  message: error,
  said,
}: Pick<JobError, 'message' | 'said'>): Pick<RunStep, 'error' | 'errorSaid'> => ({
  error,
  errorSaid: said ?? null,
});

/** A whole sentence, with its full stop. */
export const whole = ({ said, message }: Pick<JobError, 'message' | 'said'>): Said | string =>
  said
    ? say('whole', { what: said, stop: /[.!?…。]$/.test(message.trim()) ? '' : say('stop') })
    : sentence(message);

export const sentence = (text: string) =>
  /[.!?…。]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`;

/** As it fills a sentence. */
export const reasonOf = (error: Pick<JobError, 'message' | 'said'> | null | undefined): Filling =>
  error?.said ?? error?.message ?? 'no reason given';

export const abortedBy = (who: string, comment: string | null): Said =>
  comment ? say('aborted-because', { who, comment }) : say('aborted', { who });

/**
 * Postgres keeps neither NUL nor half a surrogate pair, and tools answer with both (a binary file read as
 * text). The replacement character stands for them.
 */
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return value.map(storable);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [text(key), storable(item)]),
  );
}

const text = (value: string): string => value.replaceAll('\u0000', '\ufffd').toWellFormed();
export const json = (value: unknown): string => JSON.stringify(storable(value) ?? null);

interface StepRow {
  step_id: string;
  position: number;
  tool: string;
  needs: string[];
  approval: RunStep['approval'];
  args: Record<string, unknown>;
  state: RunStep['state'];
  attempts: number;
  on_error: RunStep['onError'];
  retries: number;
  round: number;
  error: string | null;
  error_said: Said | null;
}

const toStep = (row: StepRow): RunStep => ({
  id: row.step_id,
  position: row.position,
  tool: row.tool,
  needs: row.needs,
  approval: row.approval,
  args: row.args,
  state: row.state,
  attempts: row.attempts,
  onError: row.on_error,
  retries: row.retries,
  round: row.round,
  error: row.error,
  errorSaid: row.error_said,
});
