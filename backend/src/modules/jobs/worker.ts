import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Logger } from '@nestjs/common';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { type JobError, inEnglish, say } from '@aos/contracts';
import { describeFailure } from '../../platform/database/away.js';
import type { Database } from '../../platform/database/database.js';
import type { Wakeups } from '../../platform/outbox/wakeups.js';
import { contextOf, inSpan } from '../../platform/telemetry/span.js';
import type { JobEndings } from './endings.js';
import {
  type ClaimedJob,
  type FinalStatus,
  type JobOutcome,
  type Lease,
  LeaseEnded,
} from './lease.js';
import { BATCH, type Claim, type Hold, type Queue } from './queue.js';
import type { Runners } from './runners.js';

/**
 * The loop that works on jobs. One per process with the role `worker`; any number of processes.
 *
 *     jobs ──claim, up to BATCH──> buffer ──> running (concurrency) ──> done ──finish, up to BATCH──> jobs
 *              ^                    │           │  heartbeat every third of a lease
 *      wake-up or poll              └───────────┴──release on stop──> jobs
 *
 * How much is claimed. A job in the buffer is one that no other worker can take, so normally a worker
 * claims what it can start at once. When the claimed jobs turn out to be over in no time, the round trip
 * is what costs, and each claim takes more than the last, up to BATCH; claiming, running and finishing then
 * overlap. When jobs in the buffer have not been started within `bufferTtlMs` they go back. A process that is
 * killed costs every job in the buffer an attempt, begun or not; another reason to keep slow ones out of it.
 *
 * What it promises
 *  - Every claim ends in exactly one of: finished, settled by its runner, retried, released, lost.
 *  - A runner's signal is aborted with a LeaseEnded that says why: 'lost' when the heartbeat finds the
 *    fence gone, when the job is claimed here once more, or when no heartbeat could be sent for a whole lease
 *    (the worker must then assume the worst); 'cancelled' at the wake-up on 'control' or, if that is lost, at
 *    the next heartbeat; 'timeout' when the task's time budget is used up; 'drained' when a stop has waited
 *    long enough.
 *  - `stop` claims nothing more, hands back what was not begun, gives the running jobs `graceMs` to end by
 *    themselves, then aborts them and waits `graceMs` again. Whoever has not come back by then loses the
 *    lease; its fence is worthless from then on. `start` and `stop` may be called twice.
 *  - A killed worker leaves only leases, which lapse. On a database of its own (`isAlone`) it takes up what
 *    a former process left at once, without waiting for that.
 *
 * Failure. The database may be away for a while: claims and heartbeats are tried again at the next tick,
 * finished jobs are kept and tried again until their lease has certainly run out. A runner that throws
 * costs its job an attempt, never the worker.
 *
 * Timers are monotonic, and whether a lease has run out is decided by the database: no wall clock matters.
 */
export interface WorkerOptions {
  isEnabled: boolean;
  concurrency: number;
  leaseMs: number;
  pollMs: number;
  /** Between two searches for lapsed leases. */
  rescueMs: number;
  graceMs: number;
  bufferTtlMs: number;
  backoff: { firstMs: number; maxMs: number };
  /** True when no other process can be working on this database. */
  isAlone: boolean;
  /** Told of what the loop does, so that a test need not sleep. */
  onSignal?: (signal: WorkerSignal) => void;
}

export type WorkerSignal =
  | { what: 'claimed'; jobIds: string[] }
  | { what: 'ended'; jobId: string }
  | { what: 'beaten' | 'rescued' | 'handed-back'; jobIds: string[] };

const workerDefaults: WorkerOptions = {
  isEnabled: true,
  concurrency: 4,
  leaseMs: 30_000,
  pollMs: 1_000,
  rescueMs: 5_000,
  graceMs: 3_000,
  bufferTtlMs: 500,
  backoff: { firstMs: 1_000, maxMs: 300_000 },
  isAlone: false,
};

/** A batch that is used up within this time, by jobs that take no longer than that, makes the next one larger. */
const QUICK_MS = 100;
const QUICK_JOB_MS = 5;
/** Claims at a time, once jobs are so quick that the round trip is what costs. */
const LANES = 2;

/** A job from its start until what came of it is written. */
interface InFlight {
  readonly hold: Hold;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
}

interface Done extends Hold {
  status: FinalStatus;
  error?: JobError;
  /** performance.now() until which the lease certainly held. */
  until: number;
  settled: () => void;
}

export class Worker {
  readonly owner = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  private readonly logger = new Logger(Worker.name);
  private readonly options: WorkerOptions;
  /**
   * A wake-up comes in the middle of somebody's request or of another job's run; what it starts is part of
   * neither: not of its trace, and not of its graph, which would take the new run for one of its own nodes.
   */
  private readonly outside = AsyncLocalStorage.snapshot();
  private buffer: Claim[] = [];
  private readonly inFlight = new Map<string, InFlight>();
  /** Those whose job was claimed here once more: lost, told so, and still to come back. */
  private readonly superseded = new Set<InFlight>();
  /** Runners at work: at most `concurrency`. Those in flight beyond that only wait to be written. */
  private active = 0;
  private done: Done[] = [];
  private readonly background = new Set<Promise<unknown>>();
  private readonly unsubscribe: (() => void)[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private promoteTimer: NodeJS.Timeout | undefined;
  private bufferTimer: NodeJS.Timeout | undefined;
  private state: 'idle' | 'working' | 'stopping' = 'idle';
  private stopped: Promise<void> | undefined;

  private readonly claiming = new Set<Promise<void>>();
  private pendingClaims = 0;
  /** There may be jobs to claim. */
  private isClaimWanted = false;
  private wakes = 0;
  private batchSize: number;
  private lastClaimAt = 0;
  /** Jobs that ended since the last claim, and the time they took together. */
  private ran = { jobs: 0, ms: 0 };
  private finishing: Promise<void> | undefined;
  private beating: Promise<void> | undefined;
  private lastBeatAt = 0;
  private controlling: Promise<void> | undefined;
  private isControlWanted = false;
  private tending: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly queue: Queue,
    private readonly runners: Runners,
    private readonly endings: JobEndings,
    private readonly wakeups: Wakeups,
    options: Partial<WorkerOptions> = {},
  ) {
    this.options = { ...workerDefaults, ...options };
    this.batchSize = this.options.concurrency;
  }

  /** For health and metrics. */
  get load(): { running: number; buffered: number; concurrency: number } {
    return {
      running: this.active,
      buffered: this.buffer.length,
      concurrency: this.options.concurrency,
    };
  }

  start(): void {
    if (this.state !== 'idle') return;
    this.state = 'working';
    this.stopped = undefined;
    const { leaseMs, pollMs, rescueMs, isAlone } = this.options;
    this.unsubscribe.push(
      this.wakeups.on('jobs', () => this.outside(() => this.claimMore())),
      this.wakeups.on('control', () => this.outside(() => this.checkCancels())),
    );
    this.every(pollMs, () => this.claimMore());
    this.every(leaseMs / 3, () => void this.beat());
    this.every(rescueMs, () => this.tend());
    this.promoteIn(0);
    this.tend(isAlone);
    this.claimMore();
  }

  async stop(): Promise<void> {
    if (this.state === 'idle') return;
    this.state = 'stopping';
    this.stopped ??= this.drain();
    await this.stopped;
  }

  private async drain(): Promise<void> {
    for (const each of this.unsubscribe.splice(0)) each();
    clearTimeout(this.promoteTimer);
    clearTimeout(this.bufferTimer);
    await Promise.all(this.claiming);
    await this.tending;
    await this.handBack(this.buffer.splice(0));
    const ends = () =>
      Promise.all([...this.inFlight.values(), ...this.superseded].map((each) => each.ended));
    await within(this.options.graceMs, ends());
    for (const { controller } of this.inFlight.values())
      controller.abort(new LeaseEnded('drained'));
    await within(this.options.graceMs, ends());
    // What has not come back by now is beyond reach: its lease goes to others, its fence is worthless.
    for (const { hold, controller } of this.inFlight.values()) {
      controller.abort(new LeaseEnded('lost'));
      await this.attempt('hand a job back', () => this.queue.release(hold));
    }
    for (const timer of this.timers) clearInterval(timer);
    this.timers.clear();
    await Promise.all([this.finishing, this.beating, this.controlling, ...this.background]);
    this.inFlight.clear();
    this.superseded.clear();
    this.state = 'idle';
  }

  // --- claim, start ---------------------------------------------------------------------------------

  private claimMore(): void {
    this.wakes++;
    this.isClaimWanted = true;
    this.fetch();
  }

  private fetch(): void {
    const kinds = this.runners.kinds();
    while (kinds.length > 0 && this.isClaimWanted && this.state === 'working') {
      const lanes = this.batchSize === BATCH ? LANES : 1;
      const wanted = this.claiming.size < lanes ? this.wanted() : 0;
      if (wanted <= 0) return;
      const claim = this.claim(kinds, wanted).finally(() => {
        this.claiming.delete(claim);
        this.fetch();
      });
      this.claiming.add(claim);
    }
  }

  /** How many to claim now: what can be started at once, or, when jobs are quick, batches ahead of need. */
  private wanted(): number {
    const ahead = this.buffer.length + this.pendingClaims;
    if (this.batchSize <= this.options.concurrency)
      return this.options.concurrency - this.active - ahead;
    return ahead <= this.batchSize * 1.5 ? this.batchSize : 0;
  }

  private async claim(kinds: readonly string[], wanted: number): Promise<void> {
    const wakes = this.wakes;
    const since = performance.now();
    this.pendingClaims += wanted;
    let claims: Claim[];
    try {
      claims = await this.queue.claim(this.owner, kinds, wanted, this.options.leaseMs);
    } catch (error) {
      this.logger.warn(`Jobs could not be claimed; trying again soon. ${describeFailure(error)}`);
      this.isClaimWanted = false;
      return;
    } finally {
      this.pendingClaims -= wanted;
    }
    const isFull = claims.length === wanted;
    // Nothing is left, unless a wake-up came since the statement was sent.
    if (!isFull && wakes === this.wakes) this.isClaimWanted = false;
    if (claims.length > 0) this.take(claims, since, isFull);
  }

  private take(claims: Claim[], at: number, isFull: boolean): void {
    const { jobs, ms } = this.ran;
    const isQuick = at - this.lastClaimAt < QUICK_MS && ms <= jobs * QUICK_JOB_MS;
    if (!isQuick) this.batchSize = this.options.concurrency;
    else if (isFull && jobs > 0) this.batchSize = Math.min(BATCH, this.batchSize * 4);
    this.lastClaimAt = at;
    this.ran = { jobs: 0, ms: 0 };
    for (const { jobId } of claims) this.supersede(jobId);
    if (this.inFlight.size === 0 && this.buffer.length === 0) this.lastBeatAt = at;
    this.buffer.push(...claims);
    this.signal({ what: 'claimed', jobIds: claims.map((claim) => claim.jobId) });
    this.startMore();
  }

  /** After a pause longer than its lease a worker can claim a job anew before it hears that it had lost it. */
  private supersede(jobId: string): void {
    const before = this.inFlight.get(jobId);
    if (!before) return;
    this.inFlight.delete(jobId);
    this.superseded.add(before);
    before.controller.abort(new LeaseEnded('lost'));
  }

  private startMore(): void {
    if (this.state !== 'working') return;
    const before = this.buffer.length;
    while (this.active < this.options.concurrency && this.done.length < 2 * BATCH) {
      const claim = this.buffer.shift();
      if (!claim) break;
      this.begin(claim);
    }
    if (this.buffer.length !== before || this.buffer.length === 0) {
      clearTimeout(this.bufferTimer);
      this.bufferTimer = undefined;
    }
    // Nothing was started for a while, so these jobs are better off with somebody else.
    if (this.buffer.length > 0)
      this.bufferTimer ??= setTimeout(() => {
        this.bufferTimer = undefined;
        this.batchSize = this.options.concurrency;
        this.inBackground(this.handBack(this.buffer.splice(0)));
      }, this.options.bufferTtlMs);
  }

  private begin(claim: Claim): void {
    const { jobId, fence, job } = claim;
    const controller = new AbortController();
    const hold = { jobId, fence };
    this.active++;
    const began = performance.now();
    let isActive = true;
    const free = () => {
      if (!isActive) return;
      isActive = false;
      this.active--;
      this.ran.jobs++;
      this.ran.ms += performance.now() - began;
    };
    const ended = this.work(
      job,
      { ...hold, owner: this.owner, signal: controller.signal },
      controller,
      free,
    )
      .catch((error: unknown) => {
        // Not even the failure could be written. The lease lapses, and the job is rescued.
        this.logger.error(
          `The outcome of job ${jobId} could not be written: ${describeFailure(error)}`,
        );
      })
      .finally(() => {
        free();
        this.superseded.delete(flight);
        if (this.inFlight.get(jobId) === flight) this.inFlight.delete(jobId);
        // The place of its agent is free.
        if (job.agentId !== null) this.isClaimWanted = true;
        this.signal({ what: 'ended', jobId });
        this.next();
      });
    const flight: InFlight = { hold, controller, ended };
    this.inFlight.set(jobId, flight);
  }

  private next(): void {
    this.startMore();
    this.fetch();
  }

  // --- run, and write what came of it ------------------------------------------------------------------

  private async work(
    job: ClaimedJob,
    lease: Lease,
    controller: AbortController,
    free: () => void,
  ): Promise<void> {
    const budgetMs = job.spec.budget?.timeoutMs;
    const alarm =
      budgetMs === undefined
        ? undefined
        : setTimeout(
            () => controller.abort(new LeaseEnded('timeout')),
            Math.max(0, budgetMs - job.activeMs),
          );
    let outcome: JobOutcome | undefined;
    try {
      outcome = await inSpan(
        'job',
        `job ${job.kind}`,
        { 'aos.job.id': job.id, 'aos.job.attempt': job.attempts },
        () => this.runners.of(job.kind)!.run(job, lease),
        jobContext(job),
      );
    } catch (error) {
      if (error instanceof LeaseEnded && error.why === 'lost') controller.abort(error);
      if (!lease.signal.aborted)
        this.logger.error(
          `Job ${job.id} (trace ${job.traceId}) threw in attempt ${job.attempts}: ${describeFailure(error)}`,
        );
    } finally {
      clearTimeout(alarm);
    }
    await this.write(job, lease, resolve(job, outcome, lease.signal), free);
  }

  private async write(
    job: ClaimedJob,
    lease: Lease,
    outcome: JobOutcome | 'nothing',
    free: () => void,
  ): Promise<void> {
    if (outcome === 'nothing' || outcome.status === 'settled') return;
    try {
      if (outcome.status === 'retry')
        await this.queue.retry(
          lease,
          outcome.error,
          outcome.delayMs ?? this.backoffMs(job.attempts),
        );
      else if (outcome.status === 'released') await this.queue.release(lease, outcome);
      else if (!this.endings.has(job.kind)) await this.finish(lease, outcome, free);
      else await this.database.transaction((tx) => this.queue.settle(tx, lease, outcome));
    } catch (error) {
      if (error instanceof LeaseEnded) return; // somebody else has the job: what came of it here is nothing
      if (outcome.status === 'retry') throw error;
      this.logger.error(
        `Job ${job.id} could not be ended, and is tried again: ${describeFailure(error)}`,
      );
      await this.write(job, lease, { status: 'retry', error: unexpected(job) }, free);
    }
  }

  /** Between half and all of 1, 2, 4… times the first pause, so that what failed together does not return together. */
  private backoffMs(attempts: number): number {
    const { firstMs, maxMs } = this.options.backoff;
    return Math.min(maxMs, firstMs * 2 ** (attempts - 1)) * (0.5 + Math.random() / 2);
  }

  /** Resolves when it is written. The slot is free before that, so that the next jobs make the batch full. */
  private finish(
    hold: Hold,
    outcome: { status: FinalStatus; error?: JobError },
    free: () => void,
  ): Promise<void> {
    return new Promise((settled) => {
      const until = this.lastBeatAt + this.options.leaseMs;
      const { jobId, fence } = hold;
      this.done.push({
        jobId,
        fence,
        status: outcome.status,
        error: outcome.error,
        until,
        settled,
      });
      this.finishing ??= this.flush().finally(() => (this.finishing = undefined));
      free();
      this.next();
    });
  }

  private async flush(): Promise<void> {
    await new Promise(setImmediate); // whoever ends in the same turn goes along
    while (this.done.length > 0) {
      const batch = this.done.splice(0, BATCH);
      try {
        await this.queue.finish(batch);
        for (const each of batch) each.settled();
      } catch (error) {
        this.logger.warn(
          `${batch.length} finished jobs could not be written yet: ${describeFailure(error)}`,
        );
        const now = performance.now();
        for (const each of batch) {
          if (each.until < now)
            each.settled(); // lapsed: whoever rescues it runs it again
          else this.done.push(each);
        }
        await pause(this.options.pollMs / 4);
      }
    }
  }

  private async handBack(claims: Claim[]): Promise<void> {
    if (claims.length === 0) return;
    await this.attempt('hand jobs back', async () => {
      const { toCancel } = await this.queue.releaseUnstarted(claims);
      for (const hold of toCancel) await this.queue.release(hold);
    });
    this.signal({ what: 'handed-back', jobIds: claims.map((claim) => claim.jobId) });
  }

  // --- keep ---------------------------------------------------------------------------------------------

  /** Extends what is held, and tells runners whose lease is lost or whose job is to be cancelled. */
  private beat(): Promise<void> {
    return (this.beating ??= this.beatOnce().finally(() => (this.beating = undefined)));
  }

  private async beatOnce(): Promise<void> {
    const buffered = this.buffer.slice();
    const inFlight = [...this.inFlight.values()];
    const holds = [...buffered, ...inFlight.map((each) => each.hold)];
    if (holds.length === 0) return;
    const since = performance.now();
    let beats;
    try {
      beats = new Map(
        (await this.queue.heartbeat(holds, this.options.leaseMs)).map((beat) => [beat.jobId, beat]),
      );
    } catch (error) {
      this.logger.warn(`Leases could not be extended: ${describeFailure(error)}`);
      if (performance.now() - this.lastBeatAt > this.options.leaseMs) {
        for (const { controller } of inFlight) controller.abort(new LeaseEnded('lost'));
        this.buffer = [];
      }
      return;
    }
    this.lastBeatAt = since;
    for (const { hold, controller } of inFlight) {
      const beat = beats.get(hold.jobId);
      if (!beat) controller.abort(new LeaseEnded('lost'));
      else if (beat.isCancelRequested) controller.abort(new LeaseEnded('cancelled'));
    }
    this.buffer = this.buffer.filter(
      (claim) => !buffered.includes(claim) || beats.has(claim.jobId),
    );
    const extended = [...beats.values()].filter((beat) => beat.isExtended);
    if (extended.length < beats.size) this.after(this.options.leaseMs / 30, () => void this.beat());
    this.signal({ what: 'beaten', jobIds: extended.map((beat) => beat.jobId) });
  }

  private checkCancels(): void {
    this.isControlWanted = true;
    this.controlling ??= this.cancelLoop().finally(() => (this.controlling = undefined));
  }

  private async cancelLoop(): Promise<void> {
    while (this.isControlWanted) {
      this.isControlWanted = false;
      await this.attempt('look for cancelled jobs', async () => {
        const held = [...this.inFlight.keys(), ...this.buffer.map((claim) => claim.jobId)];
        const asked = await this.queue.cancelRequested(held);
        for (const jobId of asked)
          this.inFlight.get(jobId)?.controller.abort(new LeaseEnded('cancelled'));
        const unstarted = this.buffer.filter((claim) => asked.has(claim.jobId));
        this.buffer = this.buffer.filter((claim) => !asked.has(claim.jobId));
        for (const hold of unstarted) await this.queue.release(hold); // which ends it, as it was asked to
      });
    }
  }

  private tend(evenIfLeased = false): void {
    this.tending ??= this.rescue(evenIfLeased).finally(() => (this.tending = undefined));
  }

  private async rescue(evenIfLeased: boolean): Promise<void> {
    await this.attempt('look for lapsed leases', async () => {
      const rescued = await this.queue.rescue(this.runners.kinds(), {
        owner: this.owner,
        held: [...this.inFlight.keys(), ...this.buffer.map(({ jobId }) => jobId)],
        evenIfLeased,
      });
      for (const { jobId, error } of rescued.failures)
        this.logger.error(
          `Job ${jobId} has no attempts left and could not be ended: ${describeFailure(error)}`,
        );
      const jobIds = [...rescued.requeued, ...rescued.ended];
      if (jobIds.length > 0) this.signal({ what: 'rescued', jobIds });
    });
    await this.attempt('let waiting tasks of agents go on', () =>
      this.database.transaction((tx) => this.queue.letGo(tx)),
    );
  }

  /** Promotes what is due, then sleeps until the next one is, or for a poll period. */
  private promoteIn(ms: number): void {
    if (this.state !== 'working') return;
    this.promoteTimer = setTimeout(() => {
      this.inBackground(
        this.attempt('promote scheduled jobs', () => this.queue.promote()).then((next) =>
          this.promoteIn(Math.min(this.options.pollMs, Math.max(5, next?.nextInMs ?? Infinity))),
        ),
      );
    }, ms);
  }

  // --- plumbing -------------------------------------------------------------------------------------------

  private async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LeaseEnded))
        this.logger.warn(`Could not ${what}: ${describeFailure(error)}`);
      return undefined;
    }
  }

  private inBackground(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.background.delete(tracked));
    this.background.add(tracked);
  }

  private every(ms: number, work: () => void): void {
    this.timers.add(setInterval(work, ms));
  }

  private after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }

  private signal(signal: WorkerSignal): void {
    this.options.onSignal?.(signal);
  }
}

/** What is to be written, given what the runner said (undefined: it threw) and whether it was told to stop. */
function resolve(
  job: ClaimedJob,
  outcome: JobOutcome | undefined,
  signal: AbortSignal,
): JobOutcome | 'nothing' {
  if (outcome?.status === 'settled') return outcome;
  if (signal.aborted) {
    const why = signal.reason instanceof LeaseEnded ? signal.reason.why : 'lost';
    if (why === 'lost') return 'nothing';
    const isFinalWord = outcome && outcome.status !== 'retry' && outcome.status !== 'released';
    if (isFinalWord) return outcome;
    if (why === 'drained') return { status: 'released' };
    if (why === 'cancelled') return { status: 'cancelled' };
    const said = say('budget-worked-off', { ms: job.spec.budget?.timeoutMs ?? 0 });
    return {
      status: 'failed',
      error: { code: 'budget_exhausted', message: inEnglish(said), said },
    };
  }
  return outcome ?? { status: 'retry', error: unexpected(job) };
}

/** Stored and shown, so it holds nothing of the error itself; the log does. */
function unexpected(job: ClaimedJob): JobError {
  const { attempts: attempt, maxAttempts: most, traceId: trace } = job;
  const said = say('attempt-unforeseen', { attempt, most, trace });
  return { code: 'internal', message: inEnglish(said), said };
}

/** Spans of the run belong to the job's trace, which is not the request's when that had a job already. */
function jobContext(job: ClaimedJob) {
  const isOfRequest = job.traceContext?.slice(3, 35) === job.traceId;
  if (isOfRequest) return contextOf(job.traceContext);
  if (!job.traceId) return ROOT_CONTEXT;
  return contextOf(`00-${job.traceId}-${randomBytes(8).toString('hex')}-01`);
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((done) => (timer = setTimeout(done, ms)))]);
  clearTimeout(timer);
}
