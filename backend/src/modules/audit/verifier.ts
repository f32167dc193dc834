import { Injectable } from '@nestjs/common';
import { type AuditFault, type AuditVerification, type Said, inEnglish, say } from '@aos/contracts';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { AosError } from '../../platform/http/problem.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { type AuditLogRow, BEFORE_THE_FIRST, chained, entryColumns, entryOf } from './chain.js';
import { Checkpoints } from './checkpoints.js';
import { Sealer } from './sealer.js';

const PAGE = 1000;
/** One request checks for so long, and says where the next one goes on. */
const MOST_MS = 20_000;
const MOST_FAULTS = 100;
/** Beside the check that is under way; whoever asks for more is told to come back. */
const MOST_WAITING = 2;

interface SealedRow extends AuditLogRow {
  seq: string;
  audit_id: string;
  hash: string;
}

/** Holds the audit record against its chain, and the chain against what was signed of it outside the database. */
@Injectable()
export class AuditVerifier {
  /** By where they begin. */
  private readonly waiting = new Map<number, Promise<AuditVerification>>();
  private walking: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    private readonly checkpoints: Checkpoints,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  /** As `verify`, on record; and where something does not hold, as an anomaly. */
  async verifyFor(ctx: Ctx, from: number | undefined): Promise<AuditVerification> {
    const found = await this.verify(from);
    const { ok, entries, last, faultCount, faults } = found;
    await this.database.transaction(async (tx) => {
      await this.audit.record(tx, ctx, {
        action: 'audit.verify',
        resource: 'audit:logs',
        outcome: ok ? 'allowed' : 'failed',
        diff: { entries, last, faults: faultCount },
      });
      if (!ok)
        await this.outbox.append(tx, [
          {
            traceId: ctx.traceId,
            topic: 'config',
            type: 'anomaly.detected',
            severity: 'error',
            summary: say('audit-broken', { count: faultCount, first: faults[0]!.said }),
            payload: { code: 'audit_broken', faults: faults.slice(0, 10) },
            actor: ctx.actor.id,
          },
        ]);
    });
    return found;
  }

  /**
   * In order, a page at a time, from entry `from` on. One check at a time reads the record. Who asks while one is under way
   * waits for another, since what was done meanwhile is to be found as well; all who wait for the same one share it.
   * @throws AosError when too many different ones wait
   */
  async verify(from = 1, mostMs = MOST_MS): Promise<AuditVerification> {
    const shared = this.waiting.get(from);
    if (shared) return shared;
    if (this.waiting.size >= MOST_WAITING)
      throw new AosError('too_many_requests', say('audit-checks-wait'), {
        retryAfterSeconds: (MOST_WAITING * MOST_MS) / 1000,
      });
    const mine = this.walking.then(() => {
      this.waiting.delete(from);
      return this.walk(from, mostMs);
    });
    this.waiting.set(from, mine);
    this.walking = mine.catch(() => undefined); // told to whoever asked
    return mine;
  }

  private async walk(from: number, mostMs: number): Promise<AuditVerification> {
    const began = performance.now();
    await this.sealer.seal();
    const faults = new Faults();
    const { own, foreign } = await this.checkpoints.read();
    const signed = new Map(own.map((each) => [each.seq, each.hash]));
    let [checked, entries, last] = [0, 0, await this.before(from)];
    let next: number | null = null;
    for (;;) {
      const rows = await this.page(last.seq);
      for (const row of rows) {
        const seq = Number(row.seq);
        if (seq !== last.seq + 1)
          faults.add('gap', say('audit-gap', { from: last.seq + 1, to: seq - 1 }), last.seq + 1);
        else this.check(faults, row, seq, last.hash);
        if (signed.has(seq)) {
          checked++;
          if (signed.get(seq) !== row.hash)
            faults.add('checkpoint', say('audit-not-as-signed', { seq }), seq);
        }
        last = { seq, hash: row.hash };
        entries++;
      }
      if (rows.length < PAGE) break;
      if (performance.now() - began > mostMs) {
        next = last.seq + 1;
        break;
      }
    }
    if (next === null) await this.checkTheEnd(faults, own.at(-1), last.seq);
    if (foreign > 0) faults.add('checkpoint', say('audit-foreign-checkpoints', { count: foreign }));
    return {
      ok: faults.count === 0,
      entries,
      last: last.seq === 0 ? null : last,
      next,
      faults: faults.told,
      faultCount: faults.count,
      checkpoints: {
        checked,
        latest: own.at(-1) ?? null,
        key: this.checkpoints.publicKey,
      },
      durationMs: Math.round(performance.now() - began),
    };
  }

  private check(faults: Faults, row: SealedRow, seq: number, before: string): void {
    if (row.id === null) faults.add('missing', say('audit-missing', { seq }), seq, row.audit_id);
    else if (chained(before, seq, entryOf(row)) !== row.hash)
      faults.add('changed', say('audit-changed', { seq }), seq, row.id);
  }

  private async checkTheEnd(
    faults: Faults,
    latest: { seq: number } | undefined,
    end: number,
  ): Promise<void> {
    if (latest && latest.seq > end)
      faults.add('checkpoint', say('audit-cut-off', { signed: latest.seq, there: end }), end + 1);
    const strays = await this.database.query<{ id: string }>(
      `SELECT l.id::text AS id FROM audit_logs AS l
        WHERE NOT EXISTS (SELECT 1 FROM audit_seals AS s WHERE s.audit_id = l.id)
          AND NOT EXISTS (SELECT 1 FROM audit_unsealed AS u WHERE u.audit_id = l.id)
        ORDER BY l.id LIMIT ${MOST_FAULTS}`,
    );
    for (const { id } of strays) faults.add('unchained', say('audit-unchained', { id }), null, id);
  }

  /** The entry in front of the first that is checked. */
  private async before(from: number): Promise<{ seq: number; hash: string }> {
    const [row] = await this.database.query<{ seq: string; hash: string }>(
      `SELECT seq::text AS seq, encode(hash, 'hex') AS hash FROM audit_seals AS s WHERE s.seq < $1 ORDER BY s.seq DESC LIMIT 1`,
      [from],
    );
    return row ? { seq: Number(row.seq), hash: row.hash } : { seq: 0, hash: BEFORE_THE_FIRST };
  }

  private page(after: number): Promise<SealedRow[]> {
    return this.database.query<SealedRow>(
      `SELECT s.seq::text AS seq, s.audit_id::text AS audit_id, encode(s.hash, 'hex') AS hash, ${entryColumns}
         FROM audit_seals AS s LEFT JOIN audit_logs AS l ON l.id = s.audit_id
        WHERE s.seq > $1 ORDER BY s.seq LIMIT ${PAGE}`,
      [after],
    );
  }
}

class Faults {
  readonly told: AuditFault[] = [];
  count = 0;

  add(kind: AuditFault['kind'], said: Said, seq: number | null = null, id: string | null = null) {
    this.count++;
    if (this.told.length < MOST_FAULTS)
      this.told.push({ kind, seq, id, says: inEnglish(said), said });
  }
}
