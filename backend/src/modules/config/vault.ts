import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { MasterKey } from '../../platform/config/master-key.js';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { Ctx } from '../../platform/http/context.js';
import { AosError } from '../../platform/http/problem.js';
import { Redactor } from '../../platform/telemetry/redactor.js';
import { open, seal } from './cipher.js';

interface SealedRow {
  id: string;
  name: string;
  project_id: string | null;
  version: number;
  ciphertext: Buffer;
  wrapped_key: Buffer;
  key_id: string;
}

interface Proposed {
  name: string;
  projectId: string | null;
  value: string;
}

export interface Sealed {
  ciphertext: Buffer;
  wrappedKey: Buffer;
  keyId: string;
}

/**
 * Secrets at rest and in use.
 *
 *   at rest   each version of each value has a data key of its own, which encrypts it (AES-256-GCM) and is
 *             itself encrypted by a key derived from the master key. Name, version and project are bound
 *             into both, so that a row copied over another does not open.
 *   in use    `reveal` is the only way out. It writes the audit row first; when that cannot be committed
 *             there is no value. What was revealed is known to the redactor from then on.
 *
 * Nothing here logs, and no error holds more than the secret's name.
 */
@Injectable()
export class Vault {
  private readonly wrappingKey: Buffer;

  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly masterKey: MasterKey,
    private readonly known: Redactor,
  ) {
    this.wrappingKey = masterKey.derive('vault');
  }

  seal(name: string, version: number, projectId: string | null, value: string): Sealed {
    const aad = bind(name, version, projectId);
    const dataKey = randomBytes(32);
    const sealed = {
      ciphertext: seal(dataKey, Buffer.from(value), aad),
      wrappedKey: seal(this.wrappingKey, dataKey, `key\0${aad}`),
      keyId: this.masterKey.id,
    };
    dataKey.fill(0);
    return sealed;
  }

  /** Of a value that waits for a second person. It is bound to its proposal, and opens as no other's and as no secret. */
  async keepProposed(tx: Tx, proposal: string, { name, projectId, value }: Proposed) {
    const sealed = this.seal(`${name}@${proposal}`, 0, projectId, value);
    await sql(
      tx,
      'INSERT INTO proposed_secrets (proposal_id, ciphertext, wrapped_key, key_id) VALUES ($1, $2, $3, $4)',
      [proposal, sealed.ciphertext, sealed.wrappedKey, sealed.keyId],
    );
  }

  /** For the moment in which it is confirmed. @returns undefined where it is gone: what it was made on has changed. */
  async proposedValue(
    tx: Tx,
    proposal: string,
    { name, projectId }: Omit<Proposed, 'value'>,
  ): Promise<string | undefined> {
    const { rows } = await sql<Omit<SealedRow, 'id' | 'name' | 'project_id' | 'version'>>(
      tx,
      'SELECT ciphertext, wrapped_key, key_id FROM proposed_secrets WHERE proposal_id = $1',
      [proposal],
    );
    if (!rows[0]) return undefined;
    return this.openRow(
      { ...rows[0], name, project_id: projectId, version: 0 },
      `${name}@${proposal}`,
    );
  }

  /**
   * The value of a secret, for one use: the project's own, else the one for everywhere. `usedFor` names the
   * use in the audit trail, such as `tool:env.http.get`.
   *
   * @throws AosError unknown_secret; unavailable when the use cannot be recorded or the value not opened.
   */
  async reveal(ctx: Ctx, name: string, projectId: string | null, usedFor: string): Promise<string> {
    const row = await this.recordUse(ctx, name, projectId, usedFor);
    const value = this.openRow(row);
    this.known.know(name, value);
    return value;
  }

  /** Whether `reveal` would find it; used to refuse a plan before it starts. Records nothing. */
  async has(tx: Tx | undefined, name: string, projectId: string | null): Promise<boolean> {
    const text =
      'SELECT 1 FROM secrets WHERE name = $1 AND (project_id IS NULL OR project_id = $2) LIMIT 1';
    const rows = tx
      ? (await sql(tx, text, [name, projectId])).rows
      : await this.database.query(text, [name, projectId]);
    return rows.length > 0;
  }

  /** Takes every value revealed in this process out of a string or of anything made of JSON. */
  redactor(): <T>(subject: T) => T {
    return (subject) => this.known.redact(subject);
  }

  /** The same for what is sent bit by bit: a value may lie in two of them. */
  pieces(): <T>(piece: T) => T {
    return this.known.pieces();
  }

  private async recordUse(
    ctx: Ctx,
    name: string,
    projectId: string | null,
    usedFor: string,
  ): Promise<SealedRow> {
    try {
      return await this.database.transaction(async (tx) => {
        const { rows } = await sql<SealedRow>(
          tx,
          `UPDATE secrets SET last_used_at = now()
            WHERE id = (SELECT id FROM secrets WHERE name = $1 AND (project_id IS NULL OR project_id = $2)
                         ORDER BY project_id NULLS LAST LIMIT 1)
           RETURNING id, name, project_id, version, ciphertext, wrapped_key, key_id`,
          [name, projectId],
        );
        const row = rows[0];
        if (!row) throw new AosError('unknown_secret', say('no-secret-here', { name }));
        await this.audit.record(tx, ctx, {
          action: 'secret.use',
          resource: `secret:${row.id}`,
          diff: { name, version: row.version, usedFor },
          projectId: row.project_id,
        });
        return row;
      });
    } catch (cause) {
      if (cause instanceof AosError) throw cause;
      throw new AosError('unavailable', say('secret-unrecorded'), {
        cause,
        retryAfterSeconds: 5,
      });
    }
  }

  private openRow(row: Omit<SealedRow, 'id'>, boundTo = row.name): string {
    const aad = bind(boundTo, row.version, row.project_id);
    if (row.key_id !== this.masterKey.id)
      throw new AosError('unavailable', say('secret-other-key', { name: row.name }));
    try {
      const dataKey = open(this.wrappingKey, row.wrapped_key, `key\0${aad}`);
      return open(dataKey, row.ciphertext, aad).toString('utf8');
    } catch (cause) {
      throw new AosError('unavailable', say('secret-damaged', { name: row.name }), { cause });
    }
  }
}

const bind = (name: string, version: number, projectId: string | null) =>
  `${name}\0${version}\0${projectId ?? ''}`;
