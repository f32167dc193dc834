import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import {
  type AuditLogRow,
  BEFORE_THE_FIRST,
  chained,
  entryColumns,
  entryOf,
  type Sealable,
} from './chain.js';
import { Checkpoints } from './checkpoints.js';

const BATCH = 500;
/** On the embedded database each look costs a laptop more than on a server, and nobody else can write. */
const PAUSE_MS = { server: 1_000, embedded: 2_000 };
/** Held by the one that numbers, until its commit is visible. */
export const LOCK = `SELECT pg_advisory_xact_lock(hashtextextended('audit:seal', 726305))`;

/**
 * The chain over the audit record: so that a row cannot be changed, taken out, put in or moved afterwards without anybody
 * noticing, not even by whoever owns the database.
 *
 *     change + audit row, one commit
 *          └─(trigger)─> audit_unsealed ──seal──> audit_seals (seq, audit_id, hash) ──sign──> a file beside the database
 *
 *     hash of entry n = SHA-256(hash of entry n-1, newline, entry n with its number in canonical JSON)
 *
 * The row itself is written in the transaction of its change, plain: a chain inside it would make every change of the
 * installation wait for every other. Numbering and hashing follow, in batches, within a second or two. In a batch one
 * transaction takes what waits, reads those rows, numbers them and writes their hashes.
 *
 * Guarantees
 *   - Every committed row is sealed, once, whoever wrote it and with whatever build: the trigger queues it in the
 *     transaction that writes it, and it leaves the queue in the transaction that seals it.
 *   - Numbers have no gaps: they are given under a lock that is held until the commit. Any number of sealers may run.
 *   - The order is that of sealing. Clocks that go wrong change nothing; within what one transaction writes it is that of
 *     the rows.
 *   - After each batch how far the chain has come is signed with a key that is not in the database, and kept in a file
 *     that is not either (Checkpoints). Whoever rewrites rows and hashes alike is told of by that; so is whoever takes
 *     the end of both away.
 *
 * What it cannot see: a row that is taken out together with its place in the queue before it is sealed, within that second
 * or two; and a checkpoint file that is taken away together with the record. An auditor who keeps an earlier answer of
 * `/audit/verify` elsewhere has a checkpoint of their own.
 *
 * Failure
 *   - Killed before the commit: nothing happened. Killed after it, before the checkpoint was written: the next one says it.
 *   - The database is away, or the disk for the checkpoint is full: said in the log, tried again at the next look.
 *   - A row that waits and is gone: it is sealed as missing, so that the check tells of it for good.
 */
@Injectable()
export class Sealer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Sealer.name);
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private isStopped = false;
  private failures = 0;
  /** How far the chain has come, where that could not be kept yet. */
  private unsigned: { seq: number; hash: string } | undefined;

  constructor(
    private readonly database: Database,
    private readonly checkpoints: Checkpoints,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.environment.roles.has('relay')) return;
    this.working = this.findUnsigned().catch((error: unknown) =>
      this.logger.error({ msg: 'the checkpoints of the audit record cannot be read', err: error }),
    );
    this.lookAgain(0);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** Everything that is committed when it begins is sealed when it returns. */
  async seal(): Promise<void> {
    // One after another: the embedded database has one session, and the file one writer.
    const mine = this.working.then(() => this.sealAll());
    this.working = mine.catch(() => undefined); // told to whoever asked
    return mine;
  }

  private lookAgain(inMs: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void this.look(), inMs).unref();
  }

  private async look(): Promise<void> {
    try {
      await this.seal();
      this.failures = 0;
    } catch (error) {
      if (this.failures++ === 0)
        this.logger.error({
          msg: 'the audit record could not be sealed yet, and will be tried again',
          err: error,
        });
    }
    this.lookAgain(PAUSE_MS[this.database.kind] * Math.min(30, 2 ** this.failures));
  }

  private async sealAll(): Promise<void> {
    for (let more = true; more && !this.isStopped;) {
      const sealed = await this.sealBatch();
      this.unsigned = sealed ?? this.unsigned;
      if (this.unsigned) await this.sign(this.unsigned);
      more = sealed?.count === BATCH;
    }
  }

  /** A disk that is full keeps nobody from the record: what could not be written now is at the next look. */
  private async sign({ seq, hash }: { seq: number; hash: string }): Promise<void> {
    try {
      await this.checkpoints.write(this.checkpoints.of(seq, hash));
      this.unsigned = undefined;
    } catch (error) {
      this.logger.error({ msg: 'a checkpoint of the audit record could not be kept', err: error });
    }
  }

  /** A process that was killed between the commit and the checkpoint has left none. */
  private async findUnsigned(): Promise<void> {
    const { own } = await this.checkpoints.read();
    const last = await this.database.query<{ seq: string; hash: string }>(lastSeal);
    const seq = Number(last[0]?.seq ?? 0);
    if (seq > (own.at(-1)?.seq ?? 0)) this.unsigned = { seq, hash: last[0]!.hash };
  }

  private async sealBatch(): Promise<{ seq: number; hash: string; count: number } | undefined> {
    // Without a transaction and its lock: most looks find nothing.
    const [waits] = await this.database.query('SELECT 1 FROM audit_unsealed LIMIT 1');
    if (!waits) return undefined;
    return this.database.transaction(async (tx) => {
      await sql(tx, LOCK);
      const { rows: taken } = await sql<{ id: string }>(
        tx,
        `DELETE FROM audit_unsealed WHERE audit_id IN (SELECT audit_id FROM audit_unsealed ORDER BY audit_id LIMIT ${BATCH})
         RETURNING audit_id::text AS id`,
      );
      if (taken.length === 0) return undefined;
      const ids = taken.map(({ id }) => BigInt(id)).sort((a, b) => (a < b ? -1 : 1));
      const { rows } = await sql<AuditLogRow>(
        tx,
        `SELECT ${entryColumns} FROM audit_logs AS l WHERE l.id = ANY($1::bigint[])`,
        [ids.map(String)],
      );
      const entries = new Map(rows.map((row) => [row.id, entryOf(row)]));
      const { rows: last } = await sql<{ seq: string; hash: string }>(tx, lastSeal);
      let [seq, hash] = [Number(last[0]?.seq ?? 0), last[0]?.hash ?? BEFORE_THE_FIRST];
      const seals = ids.map((id) => {
        hash = chained(hash, ++seq, entries.get(String(id)) ?? missing(String(id)));
        return [seq, String(id), hash];
      });
      await sql(
        tx,
        `INSERT INTO audit_seals (seq, audit_id, hash)
         SELECT (s->>0)::bigint, (s->>1)::bigint, decode(s->>2, 'hex') FROM jsonb_array_elements($1::jsonb) AS s`,
        [JSON.stringify(seals)],
      );
      return { seq, hash, count: ids.length };
    });
  }
}

const lastSeal = `SELECT seq::text AS seq, encode(hash, 'hex') AS hash FROM audit_seals ORDER BY audit_seals.seq DESC LIMIT 1`;

/** No row reads like this. */
const missing = (id: string): Sealable => ({
  ...{ id, actor: '', action: '', resource: '', outcome: 'failed', diff: 'missing' },
  ...{ traceId: null, ip: null, actorUser: null, projectId: null, createdAt: '' },
});
