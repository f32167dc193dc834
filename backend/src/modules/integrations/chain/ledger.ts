import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type Said, inEnglish, say } from '@aos/contracts';
import { type Asks, Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { type NewEvent, Outbox } from '../../../platform/outbox/outbox.js';
import { LedgerKeyReused, PoliciesMoved } from '../integrations.errors.js';
import { OpenCall, type GatewayCall } from '../call.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import type { FailureKind } from './error-fingerprint.js';
import { GatheredWrites, isOfARow } from './gathered-writes.js';

const HOUR_MS = 3600_000;
/** Longer than a call outside a run can take. */
const OVER_AFTER_HOURS = 2;
/** When the process starts; later, what has come of that age since the last look. */
const LOOKED_BACK_HOURS = 48;

/**
 * The record of calls, so that no effect happens twice and none is lost from sight.
 *
 *     (none) --begin--> started --complete--> succeeded | failed | unknown
 *                          |                                        |
 *                          +---- taken over by a later attempt -----+
 *
 * Keys. A row is unique by (created_at, idempotency_key), where created_at is the birth of the run. The
 * first attempt of a step has the step's key; attempt n has `key~n`, since the row of a failed attempt stays.
 * All rows of a step are looked at together, under a lock on the step:
 *
 *   one has succeeded           its result is given again, whatever the attempt; nothing is called
 *   this attempt has failed     its failure is given again: a graph that is replayed after a crash takes the
 *                               same way; the tool is tried anew only under a higher attempt
 *   one is started or unknown   a worker died, or a timeout or a cut connection hid the end. An idempotent
 *                               tool is called again, with the same key; for any other, OpenCall is thrown,
 *                               or the call is repeated when the operator has said so (`call-again`)
 *   otherwise                   a new row, `started`, is committed before the call is made
 *
 * Fencing. `begin` runs the job's guard in its transaction: a worker that has lost its job begins nothing.
 * `complete` does not. When a worker loses its lease in the middle of a call, the effect has happened all the
 * same; if the guard then refused the record, the row would stay open and the effect be repeated, or the
 * operator be asked about a call whose end is known. So `complete` asks another question: is the row still
 * this call's own (same call id, still open)? If so it is completed; the worker learns of its loss at its
 * next guarded write. If a later attempt has taken the row over, it has another call id: the late answer
 * changes nothing, and `complete` says so.
 *
 * Ends. In a run the end is committed before the step hears of it: whoever takes the run over must find it. Outside
 * a run nobody will ever ask the ledger what to do next, so the answer does not wait for its record. It is written
 * behind: a few milliseconds later, with others, again and again while the database is away, and before the process
 * ends. Who reads the ledger in this process waits for it (`settled`). A process that is killed in between leaves the row
 * `started`; as one whose end nobody saw it becomes `unknown` (`giveUp`), never anything false.
 *
 * Policies. The statement that writes a beginning also asks whether the policies are still those by which the call was let
 * pass, and writes nothing if not (`PoliciesMoved`): a change that another process has committed is heard of some
 * milliseconds later, and a call may have waited for its turn since it was decided. So a call that begins after the commit
 * goes by the new rules, in every process, for no trip of its own.
 *
 * Cost. A call makes one trip to the disk that somebody waits for, its row before it, and in a run a second one, its end
 * after it. Calls that are under way at the same time share them (see GatheredWrites). What begins outside a run goes into
 * one statement with one commit, and what ends, with its events, into another: an end costs three times what a beginning
 * does, and in one statement with it the next call would wait for that. Each of the two has a connection of its own, whose
 * plans are made once. The beginning of a call of a run is a transaction of its own, since it is the job's guard and the
 * rows of its step that decide there.
 */
@Injectable()
export class Ledger implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Ledger.name);
  /** Ends that nobody waits for, until they are written or given up. */
  private readonly behind = new Set<Promise<void>>();
  /** Every try to write one of them that is under way. */
  private readonly tries = new Set<Promise<unknown>>();
  private readonly over = new AbortController();
  private sweeping: Promise<void> | undefined;
  private isStopped = false;
  private readonly beginnings: GatheredWrites<Beginning, boolean>;
  private readonly ends: GatheredWrites<End, boolean>;

  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {
    const [first, second] = [database.ownLine('ledger-begin'), database.ownLine('ledger-end')];
    this.beginnings = new GatheredWrites(
      (rows: readonly Beginning[]) => writeBeginnings(first, rows),
      { sizeOf },
    );
    this.ends = new GatheredWrites((rows: readonly End[]) => this.writeEnds(second, rows), {
      sizeOf,
    });
  }

  /**
   * Commits the row before the call, or finds what there is instead of a call.
   * @param policies the version that let it pass
   * @throws PoliciesMoved when there is a newer one: then nothing is recorded
   */
  async begin(
    ctx: Ctx,
    call: GatewayCall,
    isIdempotent: boolean,
    policies: number,
  ): Promise<Begun> {
    const { run } = call;
    const key = call.idempotencyKey ?? `call:${randomUUID()}`;
    const row: LedgerRow = {
      callId: randomUUID(),
      key: run && run.attempt > 1 ? `${key}~${run.attempt}` : key,
      createdAt: run?.createdAt ?? new Date(),
      upstreamKey: key,
    };
    const argsHash = hashOf(call.args);
    const values = JSON.stringify(valuesOf(ctx, call, row, argsHash));
    // Outside a run nobody else can be at the same step.
    if (!run) {
      if (!(await this.beginnings.add({ policies, values }))) throw new PoliciesMoved();
      return { kind: 'call', row };
    }
    return this.database.transaction(async (tx) => {
      await run.guard(tx);
      const earlier = await this.rowsOfStep(tx, row.createdAt, key);
      const known = decide(earlier, row.key, argsHash, call, isIdempotent);
      if (known?.kind === 'recorded') return known;
      if (known?.kind === 'take-over') {
        const { count } = await sql(
          tx,
          `UPDATE tool_calls SET id = $3, status = 'started', fence = $4, started_at = now(), finished_at = NULL,
                  error = NULL, error_said = NULL, error_kind = NULL, error_fingerprint = NULL
            WHERE created_at = $1 AND idempotency_key = $2 AND $5::int = ${policiesNow}`,
          [row.createdAt, known.key, row.callId, run.fence, policies],
        );
        if (count === 0) throw new PoliciesMoved();
        return { kind: 'call', row: { ...row, key: known.key } };
      }
      const { count } = await sql(tx, insertRows, [`[${values}]`, policies]);
      if (count === 0) throw new PoliciesMoved();
      return { kind: 'call', row };
    });
  }

  /**
   * Of a call of a run, commits its end; of any other, sees to it that it will be.
   * @returns false when a later attempt has taken the row over: this end of the call counts for nothing.
   */
  async complete(
    ctx: Ctx,
    call: GatewayCall,
    row: LedgerRow,
    end: CallEnd,
    spanId: string | undefined,
  ): Promise<boolean> {
    const failure = end.status === 'succeeded' ? undefined : end;
    const values = [
      row.createdAt,
      row.key,
      row.callId,
      end.status,
      end.result ?? null,
      failure?.error ?? null,
      failure?.kind ?? null,
      failure?.fingerprint ?? null,
      spanId ?? null,
      failure?.said ?? null,
    ];
    const written: End = {
      createdAt: row.createdAt,
      values: JSON.stringify(values),
      event: eventOf(ctx, call, row, end),
    };
    if (call.run) return this.ends.add(written);
    const behind = this.writeBehind(written, row.callId).finally(() => this.behind.delete(behind));
    this.behind.add(behind);
    return true;
  }

  /** Every end so far is in the table when this returns, unless the database is away. */
  async settled(): Promise<void> {
    this.ends.flush();
    await Promise.allSettled(this.tries);
  }

  onApplicationBootstrap(): void {
    this.sweeping = this.sweep();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.over.abort();
    await this.sweeping;
    this.ends.flush();
    await Promise.all(this.behind);
  }

  private async writeBehind(end: End, callId: string): Promise<void> {
    for (let failures = 0; ;) {
      const written = this.ends.add(end, { behind: !this.isStopped });
      this.tries.add(written);
      try {
        await written;
        return;
      } catch (error) {
        const isLost = this.isStopped || isOfARow(error);
        if (isLost || failures === 0)
          this.logger.error({
            msg: isLost
              ? 'the end of a call could not be recorded'
              : 'the end of a call could not be recorded yet, and will be tried again',
            callId,
            err: error,
          });
        if (isLost) return;
      } finally {
        this.tries.delete(written);
      }
      const { signal } = this.over;
      // Cut short by the end of the process, which is the time for a last try.
      await pause(Math.min(5_000, 100 * 2 ** failures++), undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  private async sweep(): Promise<void> {
    const { signal } = this.over;
    for (let hours = LOOKED_BACK_HOURS; !signal.aborted; hours = 2) {
      await this.giveUp(hours).catch((error: unknown) =>
        this.logger.error({ msg: 'open calls could not be looked at', err: error }),
      );
      await pause(HOUR_MS, undefined, { signal, ref: false }).catch(() => undefined); // the end
    }
  }

  /**
   * Calls outside a run that no process can be making any more: whoever made them ended before they did. An hour of
   * the ledger at a time, whatever is in it.
   */
  private async giveUp(hours: number): Promise<void> {
    for (let age = OVER_AFTER_HOURS; age < OVER_AFTER_HOURS + hours; age++) {
      if (this.isStopped) return;
      await this.database.query(
        `UPDATE tool_calls SET status = 'unknown', finished_at = now(), error_kind = 'internal', error = $2, error_said = $3
          WHERE created_at > now() - make_interval(hours => $1 + 1) AND created_at <= now() - make_interval(hours => $1)
            AND job_id IS NULL AND status = 'started'`,
        [age, inEnglish(forgotten), JSON.stringify(forgotten)],
      );
    }
  }

  /** Whether the step has succeeded already, asked without opening a row: spares an audited look at secrets. */
  async hasRecorded(call: GatewayCall): Promise<boolean> {
    if (!call.run || call.idempotencyKey === undefined) return false;
    const { run, idempotencyKey: key } = call;
    const rows = await this.database.query(
      `SELECT 1 FROM tool_calls WHERE created_at = $1 AND ${ofStep} AND status IN ('succeeded', 'failed')`,
      [run.createdAt, key, `${key}~`],
    );
    return rows.length > 0;
  }

  /** With the events of those that are written, in one statement. @returns for each whether it was. */
  private async writeEnds(line: Asks, ends: readonly End[]): Promise<boolean[]> {
    const births = ends.map(({ createdAt }) => createdAt).sort((a, b) => a.getTime() - b.getTime());
    const own = await this.outbox.appendWith(
      line,
      { name: 'aos-ledger-end', change: finishRows },
      [arrayOf(ends), births, births[0], births.at(-1)],
      ends.map(({ event }) => event),
    );
    return ends.map((_, index) => own.has(index + 1));
  }

  private async rowsOfStep(tx: Tx, createdAt: Date, key: string): Promise<StoredCall[]> {
    // Two workers that believe they hold the job look one after the other.
    await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 726304))`, [
      `${createdAt.toISOString()} ${key}`,
    ]);
    const { rows } = await sql<StoredCall>(
      tx,
      `SELECT id, idempotency_key, status, args_hash, result, error, error_said, error_kind, started_at, finished_at
         FROM tool_calls WHERE created_at = $1 AND ${ofStep} ORDER BY started_at DESC`,
      [createdAt, key, `${key}~`],
    );
    return rows;
  }
}

const forgotten = say('call-forgotten');

/**
 * Answers which of them are in the table now: those that the policies as they are have let pass. Versions only grow, so what
 * an older one has let pass than another row beside it is out of date without asking.
 */
async function writeBeginnings(line: Asks, rows: readonly Beginning[]): Promise<boolean[]> {
  const newest = Math.max(...rows.map(({ policies }) => policies));
  const isOfNow = ({ policies }: Beginning) => policies === newest;
  const current = rows.every(isOfNow) ? rows : rows.filter(isOfNow);
  const { count } = await line.run(insertRows, [arrayOf(current), newest], 'aos-ledger-begin');
  return rows.map((row) => count > 0 && isOfNow(row));
}

const policiesNow = `coalesce((SELECT max(version) FROM config_versions WHERE scope = 'policies'), 0)`;

/** $1: an array of the values of `valuesOf`. $2: the version of the policies by which they were let pass. */
const insertRows = `INSERT INTO tool_calls (id, created_at, idempotency_key, job_id, trace_id, step_id, attempt, fence,
    server, tool, args, args_hash, status, actor, project_id)
  SELECT (r->>0)::uuid, (r->>1)::timestamptz, r->>2, (r->>3)::bigint, r->>4, r->>5, (r->>6)::int, (r->>7)::bigint,
         r->>8, r->>9, r->10, r->>11, 'started', r->>12, r->>13
    FROM jsonb_array_elements($1::jsonb) AS r
   WHERE $2::int = ${policiesNow}`;

/**
 * $4: an array of the values of `End`. $5: their births, by which the rows are found in the index. $6 and $7: the first
 * and the last of them, by which only the partitions are opened that they lie in. Rows that are not this call's own any
 * more are left as they are, and not told of.
 */
const finishRows = `UPDATE tool_calls AS t
    SET status = r->>3, result = nullif(r->4, 'null'), error = r->>5, error_kind = r->>6, error_fingerprint = r->>7,
        span_id = r->>8, error_said = nullif(r->9, 'null'), finished_at = now()
   FROM jsonb_array_elements($4::jsonb) WITH ORDINALITY AS a(r, n)
  WHERE t.created_at BETWEEN $6::timestamptz AND $7::timestamptz AND t.created_at = ANY($5::timestamptz[])
    AND t.created_at = (r->>0)::timestamptz AND t.idempotency_key = r->>1 AND t.id = (r->>2)::uuid AND t.status = 'started'
  RETURNING a.n`;

/** The values of a row in JSON: they are put together once, and their size is known. */
interface Written {
  values: string;
}

interface Beginning extends Written {
  policies: number;
}

interface End extends Written {
  createdAt: Date;
  event: NewEvent;
}

const sizeOf = ({ values }: Written) => values.length;
const arrayOf = (rows: readonly Written[]) => `[${rows.map(({ values }) => values).join(',')}]`;

const valuesOf = (ctx: Ctx, call: GatewayCall, row: LedgerRow, argsHash: string): unknown[] => [
  row.callId,
  row.createdAt,
  row.key,
  call.run?.jobId ?? null,
  call.run?.traceId ?? ctx.traceId,
  call.run?.stepId ?? null,
  call.run?.attempt ?? 1,
  call.run?.fence ?? null,
  call.server,
  call.tool,
  call.args,
  argsHash,
  ctx.actor.id,
  call.run?.projectId ?? call.projectId ?? null,
];

/** $2 is the step's key and $3 the same with `~` behind it. */
const ofStep = `(idempotency_key = $2 OR (starts_with(idempotency_key, $3) AND substr(idempotency_key, length($3) + 1) ~ '^[0-9]+$'))`;

export interface LedgerRow {
  callId: string;
  key: string;
  createdAt: Date;
  /** What the tool is told: the same on every retry of the step. */
  upstreamKey: string;
}

export type Begun =
  { kind: 'call'; row: LedgerRow } | { kind: 'recorded'; callId: string; end: CallEnd };

export interface StoredResult {
  content: Record<string, unknown>[];
  structuredContent: Record<string, unknown> | null;
  isError: boolean;
  /** What was structured is no object, and lies in `value` of one. */
  isWrapped?: true;
  /** What the server said beside it (`_meta`); for MCP clients alone. */
  meta?: Record<string, unknown>;
}

export interface CallSuccess {
  status: 'succeeded';
  result: StoredResult;
  /** What a tool of this process said, by its code, of an answer that is none. */
  said?: Said;
  durationMs: number;
}

export interface CallFailure {
  /** `unknown`: the call went out and its end was not seen. */
  status: 'failed' | 'unknown';
  kind: FailureKind;
  error: string;
  /** The error by its code, where it has one. */
  said?: Said | undefined;
  /** Made of the redacted error, when the end is recorded. */
  fingerprint?: string;
  retryAfterSeconds?: number | undefined;
  /** When the tool itself answered that it failed. */
  result?: StoredResult;
  durationMs: number;
}

export type CallEnd = CallSuccess | CallFailure;

interface StoredCall {
  id: string;
  idempotency_key: string;
  status: 'started' | 'succeeded' | 'failed' | 'unknown';
  args_hash: string;
  result: StoredResult | null;
  error: string | null;
  error_said: Said | null;
  error_kind: FailureKind | null;
  started_at: Date;
  finished_at: Date | null;
}

type Known = Extract<Begun, { kind: 'recorded' }> | { kind: 'take-over'; key: string } | undefined;

function decide(
  rows: readonly StoredCall[],
  key: string,
  argsHash: string,
  call: GatewayCall,
  isIdempotent: boolean,
): Known {
  const done = rows.find((row) => row.status === 'succeeded');
  if (done) {
    if (done.args_hash !== argsHash) throw new LedgerKeyReused(`${call.server}.${call.tool}`);
    return recorded(done);
  }
  const own = rows.find((row) => row.idempotency_key === key);
  if (own?.status === 'failed') return recorded(own);
  const open = rows.find((row) => row.status === 'started' || row.status === 'unknown');
  if (!open) return undefined;
  if (!isIdempotent && call.run!.onOpenCall === 'ask')
    throw new OpenCall(open.id, call.server, call.tool, open.started_at);
  return { kind: 'take-over', key: open.idempotency_key };
}

function recorded(row: StoredCall): Extract<Known, { kind: 'recorded' }> {
  const durationMs =
    (row.finished_at?.getTime() ?? row.started_at.getTime()) - row.started_at.getTime();
  const kind = row.error_kind ?? 'internal';
  const error = row.error ?? 'the call failed';
  const end: CallEnd =
    row.status === 'succeeded' && row.result
      ? { status: 'succeeded', result: row.result, durationMs }
      : {
          status: 'failed',
          kind,
          error,
          ...(row.error_said ? { said: row.error_said } : {}),
          ...(row.result ? { result: row.result } : {}),
          durationMs,
        };
  return { kind: 'recorded', callId: row.id, end };
}

function eventOf(ctx: Ctx, call: GatewayCall, row: LedgerRow, end: CallEnd): NewEvent {
  const name = `${call.server}.${call.tool}`;
  const failure = end.status === 'succeeded' ? undefined : end;
  return {
    traceId: call.run?.traceId ?? ctx.traceId,
    jobId: call.run?.jobId ?? null,
    projectId: call.run?.projectId ?? null,
    topic: 'tool',
    type: 'tool.call',
    severity: failure ? 'warning' : 'info',
    summary: failure
      ? say('tool-failed', { tool: name, why: toldShort(failure) })
      : say('tool-answered', { tool: name, ms: end.durationMs }),
    payload: {
      callId: row.callId,
      server: call.server,
      tool: call.tool,
      stepId: call.run?.stepId ?? null,
      attempt: call.run?.attempt ?? 1,
      status: end.status,
      durationMs: end.durationMs,
      ...(failure
        ? { kind: failure.kind, error: failure.error, fingerprint: failure.fingerprint }
        : {}),
    },
    actor: ctx.actor.id,
  };
}

const toldShort = ({ error, said }: CallFailure) =>
  said && error.length <= 300 ? said : error.slice(0, 300);

/** The hash of the arguments with their references, keys in order: never of a secret's value. */
const hashOf = (args: Record<string, unknown>) => canonicalHash(args);
