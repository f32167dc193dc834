import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { MasterKey } from '../../platform/config/master-key.js';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { Ctx } from '../../platform/http/context.js';
import { AosError } from '../../platform/http/problem.js';
import { openSealed, seal } from '../config/index.js';
import { WrongCode } from './auth.errors.js';
import { hashRecoveryCode, kindOfCode, newRecoveryCodes, stepOf } from './second-factor-codes.js';

/** Typing mistakes; every further one doubles a pause in which not even the right code is looked at. */
const FREE_FAILURES = 10;
const LONGEST_PAUSE_SECONDS = 900;

export interface Factor {
  userId: string;
  isOn: boolean;
  /** The key as it is stored, and by which master key. */
  ciphertext: Buffer;
  keyId: string;
  /** Of the database, in seconds. */
  now: number;
  pausedSeconds: number;
}

export type ShownBy = 'app' | 'recovery';

/**
 * The second factors of people, each under a lock on its row until the transaction ends: of two who show the same code
 * at one moment, in whatever process, the second waits and then finds it used. Time is the database's, the one clock
 * that all processes share.
 *
 * Six figures are guessed in a few hundred thousand tries, and whoever knows a password can try from many addresses at
 * once. So wrong codes are counted here, in the row and for the person, besides what LoginAttempts counts.
 */
@Injectable()
export class SecondFactors {
  private readonly key: Buffer;

  constructor(
    private readonly masterKey: MasterKey,
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {
    this.key = masterKey.derive('second-factor');
  }

  async lock(tx: Tx, userId: string): Promise<Factor | undefined> {
    const { rows } = await sql<FactorRow>(tx, locked, [userId]);
    const row = rows[0];
    return (
      row && {
        userId,
        isOn: row.is_on,
        ciphertext: row.ciphertext,
        keyId: row.key_id,
        now: row.now,
        pausedSeconds: row.paused_seconds,
      }
    );
  }

  /** In place of one that was begun and never confirmed. */
  async begin(tx: Tx, userId: string, secret: string): Promise<void> {
    await sql(
      tx,
      `INSERT INTO second_factors AS f (user_id, ciphertext, key_id) VALUES ($1, $2, $3)
       ON CONFLICT (user_id) DO UPDATE SET ciphertext = excluded.ciphertext, key_id = excluded.key_id,
         last_step = 0, created_at = now() WHERE f.confirmed_at IS NULL`,
      [userId, seal(this.key, Buffer.from(secret), userId), this.masterKey.id],
    );
  }

  /**
   * By what the code lets in, which it does this once; undefined when it is wrong, and that is counted: let the
   * transaction commit.
   *
   * @throws AosError too_many_requests while wrong ones pause.
   */
  async take(tx: Tx, factor: Factor, typed: string): Promise<ShownBy | undefined> {
    if (factor.pausedSeconds > 0)
      throw new AosError('too_many_requests', say('code-pause'), {
        retryAfterSeconds: Math.ceil(factor.pausedSeconds),
      });
    const shown = kindOfCode(typed);
    const isRight =
      shown?.kind === 'app'
        ? await this.useStep(tx, factor, shown.code)
        : shown?.kind === 'recovery' && (await useRecoveryCode(tx, factor.userId, shown.code));
    await sql(tx, isRight ? forgetFailures : countFailure, [factor.userId]);
    return isRight ? shown?.kind : undefined;
  }

  /** Whether a code of a factor that was begun shows that the app has its secret. It is used up by that. */
  async confirm(tx: Tx, factor: Factor, typed: string): Promise<boolean> {
    const shown = kindOfCode(typed);
    if (shown?.kind !== 'app' || !(await this.useStep(tx, factor, shown.code))) return false;
    await sql(tx, 'UPDATE second_factors SET confirmed_at = now() WHERE user_id = $1', [
      factor.userId,
    ]);
    return true;
  }

  /**
   * What somebody who is signed in does by showing a code, in the transaction in which the code is used up. A wrong one is
   * counted and recorded, and nothing else is done.
   *
   * @throws WrongCode
   */
  async byCode<T>(
    ctx: Ctx,
    action: string,
    work: (tx: Tx, factor: Factor | undefined) => Promise<T | undefined>,
  ): Promise<T> {
    const { userId } = ctx.actor;
    const done = await this.database.transaction(async (tx) =>
      work(tx, await this.lock(tx, userId!)),
    );
    if (done !== undefined) return done;
    await this.audit.recordAlone(ctx, { action, resource: `user:${userId}`, outcome: 'failed' });
    throw new WrongCode();
  }

  /** A new set in place of the old: what was printed before is worth nothing. */
  async renewRecoveryCodes(tx: Tx, userId: string): Promise<string[]> {
    const codes = newRecoveryCodes();
    await sql(tx, 'DELETE FROM recovery_codes WHERE user_id = $1', [userId]);
    await sql(
      tx,
      'INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])',
      [userId, codes.map(hashRecoveryCode)],
    );
    return codes;
  }

  async remove(tx: Tx, userId: string): Promise<void> {
    await sql(tx, 'DELETE FROM second_factors WHERE user_id = $1', [userId]);
  }

  private async useStep(tx: Tx, factor: Factor, code: string): Promise<boolean> {
    const step = stepOf(this.secretOf(factor), code, factor.now);
    if (step === undefined) return false;
    const { count } = await sql(
      tx,
      'UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2',
      [factor.userId, step],
    );
    return count === 1;
  }

  private secretOf({ userId, ciphertext, keyId }: Factor): string {
    if (keyId !== this.masterKey.id) throw new AosError('unavailable', say('factor-other-key'));
    return openSealed(this.key, ciphertext, userId).toString();
  }
}

async function useRecoveryCode(tx: Tx, userId: string, code: string): Promise<boolean> {
  const { count } = await sql(
    tx,
    'UPDATE recovery_codes SET used_at = now() WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL',
    [userId, hashRecoveryCode(code)],
  );
  return count === 1;
}

interface FactorRow {
  is_on: boolean;
  ciphertext: Buffer;
  key_id: string;
  now: number;
  paused_seconds: number;
}

const locked = `
  SELECT confirmed_at IS NOT NULL AS is_on, ciphertext, key_id,
         extract(epoch FROM clock_timestamp())::float8 AS now,
         coalesce(extract(epoch FROM paused_until - clock_timestamp()), 0)::float8 AS paused_seconds
    FROM second_factors WHERE user_id = $1 FOR UPDATE`;

const forgetFailures =
  'UPDATE second_factors SET failures = 0, paused_until = NULL WHERE user_id = $1';
const countFailure = `
  UPDATE second_factors SET failures = failures + 1,
         paused_until = CASE WHEN failures + 1 >= ${FREE_FAILURES} THEN clock_timestamp() + make_interval(secs =>
           least(${LONGEST_PAUSE_SECONDS}, 2 ^ least(failures + 1 - ${FREE_FAILURES}, 20))) END
   WHERE user_id = $1`;

/**
 * Whether the settings want a second factor of the user `u` of the surrounding query. Asked of the table, with the rights
 * and as fresh as they are. A table of settings that is empty, or older than this setting, wants none.
 */
export const wantsSecondFactor = `(
  SELECT coalesce((c.rule->>'everybody')::boolean, false)
      OR EXISTS (SELECT FROM role_bindings b WHERE b.user_id = u.id AND c.rule->'roles' ? b.role)
    FROM (SELECT (SELECT config->'security'->'secondFactor' FROM config_versions
                   WHERE scope = 'system' ORDER BY version DESC LIMIT 1) AS rule) AS c)`;

export const hasSecondFactor = `EXISTS (
  SELECT FROM second_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)`;
