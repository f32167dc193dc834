import type { JobError, JobStatus, TaskSpec } from '@aos/contracts';

/** A job as its row stands when a worker has claimed it. */
export interface ClaimedJob {
  id: string;
  kind: string;
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
  startedAt: Date;
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
  constructor(readonly why: 'lost' | 'cancelled' | 'drained') {
    super(`the lease on the job has ended: ${why}`);
  }
}

export type JobOutcome =
  | { status: Extract<JobStatus, 'succeeded' | 'failed' | 'cancelled'>; error?: JobError }
  /** Give the place back without finishing: another attempt after a pause, from the last checkpoint. */
  | { status: 'retry'; delayMs?: number; error: JobError }
  /** Handed back untouched (drain): queued again at once, and the attempt is not counted. */
  | { status: 'released' }
  /** The runner has settled the job itself, in a transaction of its own (Queue.settle). */
  | { status: 'settled' };

/** What a worker does with jobs of one kind. Called once per claim, several at a time. */
export interface JobRunner {
  readonly kind: string;
  run(job: ClaimedJob, lease: Lease): Promise<JobOutcome>;
}
