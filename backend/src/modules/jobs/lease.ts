import type { JobError, JobStatus, TaskSpec } from '@aos/contracts';

/**
 * What a module that runs jobs codes against. How a job moves is told in queue.ts; who is told of its
 * end, and who writes its one receipt, in endings.ts.
 *
 * In short, for whoever writes a runner:
 *  - `run` is called once per claim. After a crash it is called again, on any process, with
 *    `job.recovery` set (and `job.attempts` grown): go on from the last checkpoint. A job that waited
 *    (`settle(…, 'waiting')`) and was resumed comes back with `recovery: null` and the same `attempts`,
 *    because waiting is no failure.
 *  - Every transaction that writes for the job calls `Queue.assertLease(tx, lease)` in it.
 *  - End by returning a JobOutcome, or settle in a transaction of your own and return 'settled'.
 *  - Never write the receipt in `run`: the ending hook (JobEndings) is called exactly once per job, in the
 *    transaction that makes the status final, whoever ends the job: the runner, a cancel, or a rescue
 *    that finds the attempts used up.
 *  - When `lease.signal` is aborted, stop soon. Whatever is thrown or returned afterwards, the worker does
 *    what the reason asks for: 'lost' nothing, 'drained' hand back, 'cancelled' end as cancelled,
 *    'timeout' end as failed. To end with a word of your own, return an outcome that is final.
 */

/** A job as its row stands. */
export interface JobRow {
  id: string;
  kind: string;
  /** Empty for a job of the house that was enqueued untraced; a task always has one. */
  traceId: string;
  spec: TaskSpec;
  attempts: number;
  maxAttempts: number;
  projectId: string | null;
  agentId: string | null;
  conversationId: string | null;
  rerunOf: string | null;
  rerun: Record<string, unknown> | null;
  /** W3C traceparent of the request that asked for the job. */
  traceContext: string | null;
  createdBy: string;
  createdByUser: string | null;
  createdAt: Date;
  /** The first claim; null when the job ended before any worker took it. */
  startedAt: Date | null;
}

/** A job as a worker has claimed it. */
export interface ClaimedJob extends JobRow {
  startedAt: Date;
  /** Milliseconds of work before this claim: all earlier attempts, without the time spent waiting. */
  activeMs: number;
  /** Set when an earlier attempt broke off: this one recovers. Null at a first claim and after waiting. */
  recovery: Recovery | null;
}

export interface Recovery {
  /** `lease-expired`: the worker died or was cut off. `retry`: the attempt failed and is tried again. */
  why: 'lease-expired' | 'retry';
  /** The worker of the attempt that broke off. */
  owner: string | null;
  /** ISO time by the database's clock at which that was noticed. */
  at: string;
  error: JobError | null;
}

/**
 * The right to work on a job, for a while. `fence` grows with every claim: whoever writes for the job
 * checks it in the same transaction (Queue.assertLease), so that a worker that was paused and then
 * rescued can change nothing more. `signal` is aborted when the lease is lost, the job is cancelled, its
 * time budget ends, or the process drains; `signal.reason` is a LeaseEnded that says which.
 */
export interface Lease {
  readonly jobId: string;
  readonly fence: string;
  readonly owner: string;
  readonly signal: AbortSignal;
}

export class LeaseEnded extends Error {
  override name = 'LeaseEnded';
  constructor(readonly why: 'lost' | 'cancelled' | 'drained' | 'timeout') {
    super(`the lease on the job has ended: ${why}`);
  }
}

export type FinalStatus = Extract<JobStatus, 'succeeded' | 'failed' | 'cancelled'>;

export type JobOutcome =
  | { status: FinalStatus; error?: JobError }
  /**
   * Give the place back without finishing: another attempt after a pause (exponential with jitter unless
   * `delayMs` is given), from the last checkpoint. Ends as failed when the attempts are used up.
   */
  | { status: 'retry'; delayMs?: number; error: JobError }
  /**
   * Handed back, and the attempt is not counted: queued again at once (drain), or after a pause where this process cannot do
   * it at present and says why.
   */
  | { status: 'released'; delayMs?: number; error?: JobError }
  /** The runner has settled the job itself, in a transaction of its own (Queue.settle). */
  | { status: 'settled' };

/** What a worker does with jobs of one kind. Called once per claim, several at a time. */
export interface JobRunner {
  readonly kind: string;
  run(job: ClaimedJob, lease: Lease): Promise<JobOutcome>;
}
