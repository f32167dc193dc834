import { Injectable } from '@nestjs/common';
import type { JobError, Receipt } from '@aos/contracts';
import type { Tx } from '../../platform/database/sql.js';
import type { FinalStatus, JobRow } from './lease.js';

/**
 * The end of a job, told exactly once.
 *
 *   runner returns a final outcome ─┐
 *   Queue.settle by the runner      ├─> one UPDATE makes the status final ─> onEnd(tx, job, ending)
 *   cancel of a job that is not     │   (fenced, or guarded by the status)    in the same transaction
 *     running                       │
 *   rescue or retry with no         │
 *     attempts left                ─┘
 *
 * Guarantees. A job's status becomes final once: the UPDATE names the state it leaves (and the fence, when
 * a worker does it), and a final state has no way out. The hook runs in that transaction, so the end of a
 * job, its receipt, and whatever else its end means (approvals made void, the last message of a
 * conversation) commit together or not at all. Hence: write `task.receipt` in the hook and nowhere else.
 *
 * Failure. When a hook throws, the transaction is rolled back and the job is not ended: a runner's outcome
 * is then retried like any failed attempt; a cancel answers with the error; a rescue goes on with the next
 * job and meets this one again at its next round.
 *
 * Use. In `onModuleInit`: `endings.register('task', (tx, job, ending) => …)`. The hook may be called in a
 * process without workers (a cancel in an API process), for a job that never ran (`startedAt: null`), and
 * in a transaction that has just been opened by somebody else: use `tx` for every statement, call no tool
 * and no model, and take what it needs from the tables, not from memory of the run. A Receipt that the
 * hook returns is kept in `jobs.receipt`. Several hooks of one kind run in the order of registration.
 */
export interface JobEnding {
  status: FinalStatus;
  error: JobError | null;
  /**
   * finished   a runner said so (its outcome, or Queue.settle)
   * cancelled  somebody asked for it; `reason` and `by` say why and who
   * exhausted  the last attempt broke off or failed, and there are none left
   */
  why: 'finished' | 'cancelled' | 'exhausted';
  reason: string | null;
  /** What the runner gave to Queue.settle, if it did. */
  receipt: Receipt | null;
  /** Milliseconds of work over all attempts, without waiting. */
  activeMs: number;
}

export type OnJobEnd = (tx: Tx, job: JobRow, ending: JobEnding) => Promise<Receipt | void>;

@Injectable()
export class JobEndings {
  private readonly hooks = new Map<string, OnJobEnd[]>();

  register(kind: string, onEnd: OnJobEnd): void {
    this.hooks.set(kind, [...(this.hooks.get(kind) ?? []), onEnd]);
  }

  /** Kinds without a hook may be ended a hundred at a time, without a transaction each. */
  has(kind: string): boolean {
    return this.hooks.has(kind);
  }

  /** Called by the queue alone, in the transaction that has made the status final. */
  async end(tx: Tx, job: JobRow, ending: JobEnding): Promise<Receipt | undefined> {
    let receipt: Receipt | undefined;
    for (const hook of this.hooks.get(job.kind) ?? [])
      receipt = (await hook(tx, job, ending)) ?? receipt;
    return receipt;
  }
}
