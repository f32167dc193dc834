import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JobError, JobStatus, Receipt, TaskSpec } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, preparedSql, sql } from '../../platform/database/sql.js';
import { NotFound } from '../../platform/http/problem.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { type JobEnding, JobEndings } from './endings.js';
import { isFinal, leaves } from './job-state.js';
import { JobNotCancellable } from './jobs.errors.js';
import {
  type ClaimedJob,
  type FinalStatus,
  type JobRow,
  LeaseEnded,
  type Recovery,
} from './lease.js';

/**
 * The queue of jobs: one table, and the statements that move its rows. The states and the ways between
 * them are in job-state.ts; the loop that calls this is in worker.ts.
 *
 * A job that is worked on is leased: `lease_owner` says to whom, `lease_until` until when, and `fence`
 * counts the claims. The lease is what makes a second worker wait; the fence is what makes a first one
 * harmless. A worker that was stopped for a minute (a debugger, a swapped-out machine, a network cut) wakes
 * up believing that it still holds the job. Nothing it believes matters: every write for the job goes
 * through a statement that names the fence it was given, and the rescue that gave the job to somebody else
 * was followed by a claim that counted it up.
 *
 * Guarantees
 *  - A job is held by at most one worker: claim takes rows with FOR UPDATE SKIP LOCKED.
 *  - Whoever has lost the lease changes nothing: settle, finish, retry, release and heartbeat are fenced,
 *    and assertLease fences the writes of others. It takes the row FOR SHARE, so the lease cannot be
 *    rescued between the check and the commit; and it does not ask for the time: a lease that has run out
 *    but was not taken over is still nobody else's.
 *  - A job ends once, and its end is told in the same transaction (endings.ts).
 *  - A cancel that was asked for is never forgotten: a running job with a request that would wait, retry
 *    or be handed back or over is ended as cancelled instead. If it succeeds first, it has succeeded.
 *  - `attempts` counts tries that broke off or failed, plus the present one. Waiting for a person and
 *    being drained are neither, so they give the count back.
 *
 * Agents. Of the jobs of one agent, at most its `replicas` are running at a time, over all workers. What is one too
 * many `awaits_replica`, and no claim sees it until a place is free. The database does both in its own functions (the
 * migration let-agents-be-scaled tells how); `letGo` does it for an agent that was given more places.
 *
 * Time. Every instant in the table is the database's (`now()`, or `clock_timestamp()` after a possible wait
 * for a lock). No wall clock of a worker is read, so one that is an hour off harms nothing.
 *
 * Order. The highest priority first, then the earliest `run_at`, then the lowest id. `queued` means that it
 * may run now: what is to run later is `scheduled`, and promoted when its time has come.
 *
 * Failure. A process may be killed between any two statements. What it had claimed lapses, and is rescued:
 * queued again with a note of what happened (`recovery`), or ended as failed when its attempts are used up.
 * The rescue walks the lapsed leases by key, page after page, so that jobs that cannot be rescued (their
 * end cannot be written) never hide the ones behind them. A wake-up is sent after commit and only makes
 * things sooner: workers poll as well.
 */

/**
 * The most for one claim or finish. A worker comes up to it only while jobs are over in no time. It makes a
 * quarter of the round trips of 100; what that is worth has been measured on a busy machine only, where 400
 * drained at least as fast as 100 and 200 in most rounds. `npm run bench:jobs` is the place to decide it anew.
 */
export const BATCH = 400;
/** Lapsed leases looked at in one go. */
export const PAGE = 100;

export interface NewJob {
  kind?: string;
  spec: TaskSpec;
  /** The trace of the request. The job takes it if it has no job yet, or a fresh one. Null: untraced. */
  traceId?: string | null;
  priority?: number;
  /** ISO time; in the past is now. */
  scheduledAt?: string | null;
  maxAttempts?: number;
  projectId?: string | null;
  agentId?: string | null;
  conversationId?: string | null;
  rerunOf?: string | null;
  rerun?: Record<string, unknown> | null;
  traceContext?: string | null;
  createdBy?: string;
  createdByUser?: string | null;
}

export interface EnqueuedJob {
  id: string;
  traceId: string;
  status: Extract<JobStatus, 'queued' | 'scheduled'>;
}

/** What a worker knows of a lease; `Lease` is this with a signal. */
export interface Hold {
  readonly jobId: string;
  readonly fence: string;
}

export interface Claim extends Hold {
  job: ClaimedJob;
}

export type Settlement =
  | { status: FinalStatus; error?: JobError; receipt?: Receipt }
  /** Gives the lease up until `resume`. */
  | { status: 'waiting' };

export interface Beat extends Hold {
  isCancelRequested: boolean;
  /** False when the row was locked at that moment: beat again soon. */
  isExtended: boolean;
}

export interface Rescue {
  requeued: string[];
  ended: string[];
  /** Jobs that could not be ended, with what their ending hook threw; met again at the next round. */
  failures: { jobId: string; error: unknown }[];
}

@Injectable()
export class Queue {
  constructor(
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    private readonly endings: JobEndings,
  ) {}

  // --- in --------------------------------------------------------------------------------------

  /** One statement for any number of jobs. The answers are in the order of the jobs. */
  async enqueue(tx: Tx, jobs: readonly NewJob[]): Promise<EnqueuedJob[]> {
    if (jobs.length === 0) return [];
    const { rows } = await preparedSql<{
      id: string;
      trace_id: string | null;
      status: EnqueuedJob['status'];
    }>(tx, 'aos-jobs-enqueue', enqueueSql, [JSON.stringify(jobs.map(toInput))]);
    this.wakeups.afterCommit(tx, 'jobs');
    return rows.map((row) => ({ id: row.id, traceId: row.trace_id ?? '', status: row.status }));
  }

  /**
   * Up to `limit` jobs for `owner`, in the order in which they are to be started.
   * The snapshot that finds them is the one that takes them, so the statement needs no transaction.
   */
  async claim(
    owner: string,
    kinds: readonly string[],
    limit: number,
    leaseMs: number,
  ): Promise<Claim[]> {
    const { rows } = await this.database.pool.query<ClaimRow>({
      name: 'aos-jobs-claim',
      text: claimSql,
      values: [limit, kinds, owner, leaseMs],
    });
    return rows.sort(inOrderOfStart).map(toClaim);
  }

  /** Jobs whose time has come, and how long until the next one's has. */
  async promote(): Promise<{ promoted: number; nextInMs: number | undefined }> {
    const { rows } = await this.database.run<{ promoted: number; next_in_ms: number | null }>(
      promoteSql,
      [PAGE * 5],
    );
    const { promoted, next_in_ms } = rows[0]!;
    if (promoted > 0) this.wakeups.wake('jobs');
    return { promoted, nextInMs: next_in_ms ?? undefined };
  }

  // --- while it runs ---------------------------------------------------------------------------

  /** @throws LeaseEnded 'lost' unless the caller's claim is the last one. Call it in every writing transaction. */
  async assertLease(tx: Tx, lease: Hold): Promise<void> {
    const { rows } = await sql(
      tx,
      `SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND ${leaves('finish')} FOR SHARE`,
      [lease.jobId, lease.fence],
    );
    if (rows.length === 0) throw new LeaseEnded('lost');
  }

  /**
   * Extends the leases that are still held and answers those; a hold without an answer is lost. A row that
   * somebody has locked (a runner that is writing, a cancel) is skipped rather than waited for, so that one
   * slow transaction cannot make all the other leases run out.
   */
  async heartbeat(holds: readonly Hold[], leaseMs: number): Promise<Beat[]> {
    if (holds.length === 0) return [];
    const { rows } = await this.database.run<{
      id: string;
      fence: string;
      is_cancel_requested: boolean;
      is_extended: boolean;
    }>(heartbeatSql, [holds.map((hold) => hold.jobId), holds.map((hold) => hold.fence), leaseMs]);
    return rows.map((row) => ({
      jobId: row.id,
      fence: row.fence,
      isCancelRequested: row.is_cancel_requested,
      isExtended: row.is_extended,
    }));
  }

  /** Those of the given jobs that somebody has asked to cancel. */
  async cancelRequested(jobIds: readonly string[]): Promise<Set<string>> {
    if (jobIds.length === 0) return new Set();
    const rows = await this.database.query<{ id: string }>(
      'SELECT id FROM jobs WHERE id = ANY($1::bigint[]) AND cancel_requested_at IS NOT NULL',
      [jobIds],
    );
    return new Set(rows.map((row) => row.id));
  }

  // --- out of `running`, by the holder ------------------------------------------------------------

  /**
   * Ends the job, or gives it up until `resume`, in the caller's transaction.
   * @returns the state it is in now: `cancelled` when it was to wait but a cancel had been asked for.
   * @throws LeaseEnded 'lost'
   */
  async settle(tx: Tx, lease: Hold, outcome: Settlement): Promise<JobStatus> {
    if (outcome.status === 'waiting') return this.leave(tx, lease, { wish: 'waiting' });
    return this.leave(tx, lease, {
      wish: outcome.status,
      error: outcome.error,
      receipt: outcome.receipt,
    });
  }

  /** Another attempt, after a pause. @throws LeaseEnded 'lost' */
  async retry(lease: Hold, error: JobError, delayMs: number): Promise<JobStatus> {
    return this.database.transaction((tx) =>
      this.leave(tx, lease, { wish: 'retry', error, delayMs }),
    );
  }

  /** Hands back what was begun, uncounted, for now or for later. @throws LeaseEnded 'lost' */
  async release(
    lease: Hold,
    later: { error?: JobError; delayMs?: number } = {},
  ): Promise<JobStatus> {
    return this.database.transaction((tx) => this.leave(tx, lease, { wish: 'released', ...later }));
  }

  /**
   * Hands back what was claimed and never begun, uncounted and at its old place. One that somebody has
   * asked to cancel is not handed back; it is answered, for the caller to end.
   */
  async releaseUnstarted(holds: readonly Hold[]): Promise<{ toCancel: Hold[] }> {
    if (holds.length === 0) return { toCancel: [] };
    const { rows } = await this.database.run<{ id: string; fence: string; is_released: boolean }>(
      releaseSql,
      [holds.map((hold) => hold.jobId), holds.map((hold) => hold.fence)],
    );
    if (rows.some((row) => row.is_released)) this.wakeups.wake('jobs');
    return {
      toCancel: rows
        .filter((row) => !row.is_released)
        .map((row) => ({ jobId: row.id, fence: row.fence })),
    };
  }

  /** Ends jobs of kinds that no ending hook is registered for, in one statement. Lost ones are left alone. */
  async finish(done: readonly (Hold & { status: FinalStatus; error?: JobError })[]): Promise<void> {
    await this.database.pool.query({
      name: 'aos-jobs-finish',
      text: finishSql,
      values: [
        done.map((each) => each.jobId),
        done.map((each) => each.fence),
        done.map((each) => each.status),
        done.map((each) => (each.error ? JSON.stringify(each.error) : null)),
      ],
    });
  }

  // --- by others -----------------------------------------------------------------------------------

  /** Lets a waiting job go on. False when it does not wait (any more). */
  async resume(tx: Tx, jobId: string): Promise<boolean> {
    const { count } = await sql(
      tx,
      `UPDATE jobs SET status = 'queued', run_at = now() WHERE id = $1 AND ${leaves('resume')}`,
      [jobId],
    );
    if (count > 0) this.wakeups.afterCommit(tx, 'jobs');
    return count > 0;
  }

  /**
   * Ends a job that nobody works on, at once; asks for the end of one that is running.
   * @throws NotFound, JobNotCancellable
   */
  async requestCancel(
    tx: Tx,
    jobId: string,
    reason: string | null,
  ): Promise<'cancelled' | 'cancelling'> {
    const { rows } = await sql<{ status: JobStatus }>(
      tx,
      'SELECT status FROM jobs WHERE id = $1 FOR UPDATE',
      [jobId],
    );
    const status = rows[0]?.status;
    if (status === undefined) throw new NotFound(`The job ${jobId}`);
    if (isFinal(status)) throw new JobNotCancellable(jobId, status);
    if (status === 'running') {
      await sql(
        tx,
        `UPDATE jobs SET cancel_requested_at = coalesce(cancel_requested_at, now()),
                cancel_reason = coalesce(cancel_reason, $2) WHERE id = $1`,
        [jobId, reason],
      );
      this.wakeups.afterCommit(tx, 'control');
      return 'cancelling';
    }
    const ended = await sql<Row>(
      tx,
      `UPDATE jobs SET status = 'cancelled', finished_at = now(), cancel_requested_at = now(), cancel_reason = $2
        WHERE id = $1 AND ${leaves('cancel')} RETURNING ${columns}`,
      [jobId, reason],
    );
    await this.tellEnd(tx, ended.rows[0]!, {
      status: 'cancelled',
      error: null,
      why: 'cancelled',
      reason,
      receipt: null,
    });
    return 'cancelled';
  }

  /**
   * Takes jobs whose lease has run out from whoever had them. Of the jobs of `owner`, the caller, those in
   * `held` are left alone: it works on them, and may just be late with its heartbeat. Others in its name it
   * does not know of, since the answer to a claim was lost, or since it could not write what came of them. With
   * `evenIfLeased`, every other owner's jobs are taken: for a process that knows itself to be the only one, at
   * its start.
   */
  async rescue(
    kinds: readonly string[],
    options: { owner?: string; held?: readonly string[]; evenIfLeased?: boolean } = {},
  ): Promise<Rescue> {
    const outcome: Rescue = { requeued: [], ended: [], failures: [] };
    const from = [options.owner ?? '', options.evenIfLeased ?? false, options.held ?? []] as const;
    let after: [string, string] = ['-infinity', '0'];
    for (;;) {
      const lapsed = await this.database.query<{
        id: string;
        lease_until: string;
        is_again: boolean;
      }>(lapsedSql, [kinds, ...from, ...after, PAGE]);
      const again = lapsed.filter((row) => row.is_again).map((row) => row.id);
      if (again.length > 0) {
        const { rows } = await this.database.run<{ id: string }>(requeueSql, [again, ...from]);
        outcome.requeued.push(...rows.map((row) => row.id));
      }
      for (const { id } of lapsed.filter((row) => !row.is_again)) {
        try {
          if (await this.endLapsed(id, from)) outcome.ended.push(id);
        } catch (error) {
          outcome.failures.push({ jobId: id, error });
        }
      }
      const last = lapsed.at(-1);
      if (!last || lapsed.length < PAGE) break;
      after = [last.lease_until, last.id];
    }
    if (outcome.requeued.length > 0) this.wakeups.wake('jobs');
    return outcome;
  }

  /**
   * Lets jobs go on that await a replica of an agent with places free: of the one that was scaled, or of all, for what
   * was passed over because somebody had it locked when its turn came. One too many does no harm: the claim holds it back again.
   */
  async letGo(tx: Tx, agentId: string | null = null): Promise<number> {
    const { rows } = await sql<{ gone: number }>(tx, letGoSql, [agentId]);
    const { gone } = rows[0]!;
    if (gone > 0) this.wakeups.afterCommit(tx, 'jobs');
    return gone;
  }

  /** True when this call ended it. */
  private async endLapsed(jobId: string, from: readonly unknown[]): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const { rows } = await sql<Row>(tx, endLapsedSql, [jobId, ...from]);
      const row = rows[0];
      if (!row) return false;
      const status = row.status as FinalStatus;
      await this.tellEnd(tx, row, {
        status,
        error: row.error,
        why: status === 'cancelled' ? 'cancelled' : 'exhausted',
        reason: row.cancel_reason,
        receipt: null,
      });
      return true;
    });
  }

  private async leave(
    tx: Tx,
    lease: Hold,
    leaving: {
      wish: FinalStatus | 'waiting' | 'retry' | 'released';
      error?: JobError;
      delayMs?: number;
      receipt?: Receipt;
    },
  ): Promise<JobStatus> {
    const { wish, error, delayMs, receipt } = leaving;
    const { rows } = await sql<Row>(tx, leaveSql, [
      lease.jobId,
      lease.fence,
      wish,
      error ? JSON.stringify(error) : null,
      delayMs ?? 0,
    ]);
    const row = rows[0];
    if (!row) throw new LeaseEnded('lost');
    if (isFinal(row.status)) {
      await this.tellEnd(tx, row, {
        status: row.status,
        error: row.error,
        why: row.status === 'cancelled' ? 'cancelled' : wish === 'retry' ? 'exhausted' : 'finished',
        reason: row.cancel_reason,
        receipt: receipt ?? null,
      });
    } else if (row.status !== 'waiting' || row.agent_id !== null)
      this.wakeups.afterCommit(tx, 'jobs');
    return row.status;
  }

  private async tellEnd(tx: Tx, row: Row, ending: Omit<JobEnding, 'activeMs'>): Promise<void> {
    // Its place is free for the next one of its agent.
    if (row.agent_id !== null) this.wakeups.afterCommit(tx, 'jobs');
    await sql(tx, endTraceSql, [row.trace_id, ending.status]);
    const receipt =
      (await this.endings.end(tx, toJob(row), { ...ending, activeMs: Number(row.active_ms) })) ??
      ending.receipt;
    if (receipt)
      await sql(tx, 'UPDATE jobs SET receipt = $2 WHERE id = $1', [
        row.id,
        JSON.stringify(receipt),
      ]);
  }
}

// --- statements -------------------------------------------------------------------------------------

const columns = `jobs.id, jobs.kind, jobs.trace_id, jobs.spec, jobs.status, jobs.priority, jobs.attempts,
  jobs.max_attempts, jobs.project_id, jobs.agent_id, jobs.conversation_id, jobs.rerun_of, jobs.rerun,
  jobs.trace_context, jobs.created_by, jobs.created_by_user, jobs.created_at, jobs.started_at, jobs.error,
  jobs.cancel_reason, jobs.active_ms`;

/** The trace of the request goes to the first job that asks for it; whoever comes later gets the spare one. */
const enqueueSql = `
  WITH input AS MATERIALIZED (
    SELECT nextval('jobs_id_seq') AS id, x.*,
           CASE WHEN x.scheduled_at > now() THEN 'scheduled' ELSE 'queued' END AS status
      FROM jsonb_array_elements($1::jsonb) AS j, LATERAL jsonb_to_record(j) AS x(
        kind text, spec jsonb, trace_id text, spare_trace_id text, priority int, scheduled_at timestamptz,
        max_attempts int, project_id text, agent_id bigint, conversation_id uuid, rerun_of bigint, rerun jsonb,
        trace_context text, created_by text, created_by_user uuid)),
  asked AS (
    INSERT INTO traces (trace_id, status, started_at, job_id, project_id, name)
    SELECT trace_id, 'running', now(), id, project_id, left(spec->>'goal', 200) FROM input
     WHERE trace_id IS NOT NULL ORDER BY id
    ON CONFLICT (trace_id) DO NOTHING RETURNING trace_id, job_id),
  spare AS (
    INSERT INTO traces (trace_id, status, started_at, job_id, project_id, name)
    SELECT spare_trace_id, 'running', now(), id, project_id, left(spec->>'goal', 200) FROM input
     WHERE spare_trace_id IS NOT NULL AND id NOT IN (SELECT job_id FROM asked)
    RETURNING trace_id, job_id),
  queued AS (
    INSERT INTO jobs (id, kind, trace_id, spec, status, priority, scheduled_at, run_at, max_attempts, project_id,
                      agent_id, conversation_id, rerun_of, rerun, trace_context, created_by, created_by_user)
    SELECT i.id, i.kind, t.trace_id, i.spec, i.status, i.priority, i.scheduled_at,
           greatest(i.scheduled_at, now()), i.max_attempts, i.project_id, i.agent_id, i.conversation_id, i.rerun_of,
           i.rerun, i.trace_context, i.created_by, i.created_by_user
      FROM input i LEFT JOIN (SELECT * FROM asked UNION ALL SELECT * FROM spare) AS t ON t.job_id = i.id
    RETURNING id, trace_id, status)
  SELECT * FROM queued ORDER BY id`;

/** The statement itself is in the migration, with the settings that its plan needs. */
const claimSql = `SELECT ${columns}, jobs.fence, jobs.recovery, extract(epoch FROM jobs.run_at)::float8 AS run_at
  FROM claim_jobs($1, $2, $3, $4) AS jobs`;

const promoteSql = `
  WITH due AS (
    UPDATE jobs SET status = 'queued' WHERE id IN (
      SELECT id FROM jobs WHERE ${leaves('promote')} AND run_at <= now()
       ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id)
  SELECT (SELECT count(*)::int FROM due) AS promoted,
         (SELECT (extract(epoch FROM min(run_at) - now()) * 1000)::float8
            FROM jobs WHERE ${leaves('promote')} AND run_at > now()) AS next_in_ms`;

/** The last SELECT sees the rows as they were before `beat`: what is in it is still ours. */
const heartbeatSql = `
  WITH hold AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS h(id, fence)),
  free AS MATERIALIZED (
    SELECT j.id FROM jobs j JOIN hold h ON j.id = h.id AND j.fence = h.fence
     WHERE ${leaves('finish', 'j.status')} ORDER BY j.id FOR NO KEY UPDATE OF j SKIP LOCKED),
  beat AS (
    UPDATE jobs SET lease_until = clock_timestamp() + $3::float8 * interval '1 millisecond'
      FROM free WHERE jobs.id = free.id RETURNING jobs.id)
  SELECT j.id, j.fence, j.cancel_requested_at IS NOT NULL AS is_cancel_requested, beat.id IS NOT NULL AS is_extended
    FROM jobs j JOIN hold h ON j.id = h.id AND j.fence = h.fence LEFT JOIN beat ON beat.id = j.id
   WHERE ${leaves('finish', 'j.status')}`;

/** Work counts while it is under a lease: after a crash, up to the end of that lease and not of the outage. */
const workedMs = `greatest(0, extract(epoch FROM least(clock_timestamp(), jobs.lease_until) - jobs.claimed_at) * 1000)::bigint`;
const noLease = 'lease_owner = NULL, lease_until = NULL';
/** `owner` is who had it; the row is read before it is written, so the old value is meant. */
const recoveryNote = (why: string, error: string) =>
  `jsonb_build_object('why', '${why}', 'owner', jobs.lease_owner, 'at', clock_timestamp(), 'error', ${error})`;

const leaveSql = `
  WITH held AS MATERIALIZED (
    SELECT id, CASE
        WHEN $3::text IN ('succeeded', 'failed', 'cancelled') THEN $3
        WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN $3 = 'waiting' THEN 'waiting'
        WHEN $3 = 'released' AND $5::float8 = 0 THEN 'queued'
        WHEN $3 = 'released' THEN 'scheduled'
        WHEN attempts >= max_attempts THEN 'failed'
        WHEN $5::float8 > 0 THEN 'scheduled'
        ELSE 'queued' END AS next
      FROM jobs WHERE id = $1 AND fence = $2 AND ${leaves('finish')} FOR UPDATE)
  UPDATE jobs SET status = held.next, ${noLease}, active_ms = active_ms + ${workedMs},
         attempts = attempts - CASE WHEN held.next = 'waiting' OR ($3 = 'released' AND held.next IN ('queued', 'scheduled')) THEN 1 ELSE 0 END,
         run_at = CASE WHEN $3 = 'retry' OR held.next = 'scheduled' THEN clock_timestamp() + $5 * interval '1 millisecond' ELSE run_at END,
         error = CASE WHEN held.next IN ('succeeded', 'cancelled') THEN NULL ELSE $4::jsonb END,
         finished_at = CASE WHEN held.next IN ('succeeded', 'failed', 'cancelled') THEN clock_timestamp() END,
         recovery = CASE WHEN $3 = 'retry' THEN ${recoveryNote('retry', '$4::jsonb')} END
    FROM held WHERE jobs.id = held.id RETURNING ${columns}`;

const releaseSql = `
  WITH held AS MATERIALIZED (
    SELECT j.id, j.fence, j.cancel_requested_at IS NULL AS is_free
      FROM jobs j JOIN unnest($1::bigint[], $2::bigint[]) AS h(id, fence) ON j.id = h.id AND j.fence = h.fence
     WHERE ${leaves('release', 'j.status')} ORDER BY j.id FOR UPDATE OF j),
  freed AS (
    UPDATE jobs SET status = 'queued', ${noLease}, attempts = attempts - 1,
           started_at = CASE WHEN attempts = 1 AND active_ms = 0 THEN NULL ELSE started_at END
      FROM held WHERE jobs.id = held.id AND held.is_free RETURNING jobs.id)
  SELECT held.id, held.fence, freed.id IS NOT NULL AS is_released FROM held LEFT JOIN freed ON freed.id = held.id`;

const finishSql = 'SELECT finish_jobs($1, $2, $3, $4)';

const endTraceSql = `UPDATE traces SET status = $2, finished_at = clock_timestamp(),
  latency_ms = extract(epoch FROM clock_timestamp() - started_at) * 1000 WHERE trace_id = $1`;

/** $2, $3 and $4 say who asks, whether leases count, and what the one who asks is at work on. */
const isLapsed = `${leaves('rescue', 'jobs.status')} AND CASE WHEN jobs.lease_owner = $2::text
     THEN jobs.lease_until < clock_timestamp() AND jobs.id <> ALL($4::bigint[])
     ELSE $3::boolean OR jobs.lease_until < clock_timestamp() END`;
const mayTryAgain = 'jobs.attempts < jobs.max_attempts AND jobs.cancel_requested_at IS NULL';

/** The key goes out and back as text: a JavaScript Date would lose its microseconds, and rows with them. */
const lapsedSql = `
  SELECT id, lease_until::text AS lease_until, ${mayTryAgain} AS is_again FROM jobs
   WHERE ${isLapsed} AND kind = ANY($1::text[]) AND (lease_until, id) > ($5::timestamptz, $6::bigint)
   ORDER BY lease_until, id LIMIT $7`;

const requeueSql = `
  UPDATE jobs SET status = 'queued', ${noLease}, run_at = clock_timestamp(), active_ms = active_ms + ${workedMs},
         recovery = ${recoveryNote('lease-expired', 'NULL::jsonb')}
   WHERE id IN (SELECT id FROM jobs WHERE id = ANY($1::bigint[]) AND ${isLapsed} AND ${mayTryAgain}
                 ORDER BY id FOR UPDATE SKIP LOCKED)
  RETURNING id`;

const endLapsedSql = `
  UPDATE jobs SET status = CASE WHEN cancel_requested_at IS NULL THEN 'failed' ELSE 'cancelled' END, ${noLease},
         finished_at = clock_timestamp(), active_ms = active_ms + ${workedMs},
         error = CASE WHEN cancel_requested_at IS NULL THEN jsonb_build_object('code', 'attempts_exhausted', 'message',
           'The worker was lost in attempt ' || attempts || ' of ' || max_attempts || '; there will be no other. Run it again when the cause is found.',
           'said', jsonb_build_object('code', 'attempts-lost', 'params', jsonb_build_object('attempt', attempts, 'most', max_attempts))) END
   WHERE id = (SELECT id FROM jobs WHERE id = $1 AND ${isLapsed} AND NOT (${mayTryAgain})
                FOR UPDATE SKIP LOCKED)
  RETURNING ${columns}`;

const letGoSql = `
  SELECT coalesce(sum(let_go(a.id, a.replicas - busy.n)), 0)::int AS gone
    FROM agents a, LATERAL (SELECT count(*)::int AS n FROM jobs r
      WHERE r.agent_id = a.id AND r.status = 'running' AND NOT r.awaits_replica) AS busy
   WHERE ($1::bigint IS NULL OR a.id = $1) AND busy.n < a.replicas
     AND EXISTS (SELECT 1 FROM jobs h WHERE h.agent_id = a.id AND h.awaits_replica AND h.status = 'queued')`;

// --- rows -----------------------------------------------------------------------------------------------

interface Row {
  id: string;
  kind: string;
  trace_id: string | null;
  spec: TaskSpec;
  status: JobStatus;
  priority: number;
  attempts: number;
  max_attempts: number;
  project_id: string | null;
  agent_id: string | null;
  conversation_id: string | null;
  rerun_of: string | null;
  rerun: Record<string, unknown> | null;
  trace_context: string | null;
  created_by: string;
  created_by_user: string | null;
  created_at: Date;
  started_at: Date | null;
  error: JobError | null;
  cancel_reason: string | null;
  active_ms: string;
}

interface ClaimRow extends Row {
  fence: string;
  recovery: Recovery | null;
  /** Seconds with microseconds, which a JavaScript Date would lose. */
  run_at: number;
  started_at: Date;
}

/** RETURNING answers in no order. */
function inOrderOfStart(a: ClaimRow, b: ClaimRow): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.run_at !== b.run_at) return a.run_at - b.run_at;
  return a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

function toInput(job: NewJob) {
  return {
    kind: job.kind ?? 'task',
    spec: job.spec,
    trace_id: job.traceId ?? null,
    spare_trace_id: job.traceId === null ? null : randomBytes(16).toString('hex'),
    priority: job.priority ?? 0,
    scheduled_at: job.scheduledAt ?? null,
    max_attempts: job.maxAttempts ?? 5,
    project_id: job.projectId ?? null,
    agent_id: job.agentId ?? null,
    conversation_id: job.conversationId ?? null,
    rerun_of: job.rerunOf ?? null,
    rerun: job.rerun ?? null,
    trace_context: job.traceContext ?? null,
    created_by: job.createdBy ?? 'system',
    created_by_user: job.createdByUser ?? null,
  };
}

function toJob(row: Row): JobRow {
  return {
    id: row.id,
    kind: row.kind,
    traceId: row.trace_id ?? '',
    spec: row.spec,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    projectId: row.project_id,
    agentId: row.agent_id,
    conversationId: row.conversation_id,
    rerunOf: row.rerun_of,
    rerun: row.rerun,
    traceContext: row.trace_context,
    createdBy: row.created_by,
    createdByUser: row.created_by_user,
    createdAt: row.created_at,
    startedAt: row.started_at,
  };
}

function toClaim(row: ClaimRow): Claim {
  return {
    jobId: row.id,
    fence: row.fence,
    job: {
      ...toJob(row),
      startedAt: row.started_at,
      activeMs: Number(row.active_ms),
      recovery: row.recovery,
    },
  };
}
