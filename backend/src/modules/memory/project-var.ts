import { type ProjectVar, say } from '@aos/contracts';
import type { Tx } from '../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { AosError, NotFound, faultAt } from '../../platform/http/problem.js';
import type { Vault } from '../config/index.js';

export interface VarRow {
  name: string;
  value: unknown;
  secret_ref: string | null;
  usage: string | null;
  version: number;
  updated_at: Date;
  rotated_at: Date | null;
}

/** `v` is the variable; the moment of rotation is that of the secret which a run of this project would get. */
export const varColumns = `v.name, v.value, v.secret_ref, v.usage, v.version, v.updated_at,
  (SELECT s.last_rotated FROM secrets s
    WHERE s.name = v.secret_ref AND (s.project_id IS NULL OR s.project_id = v.project_id)
    ORDER BY s.project_id NULLS LAST LIMIT 1) AS rotated_at`;

export const toProjectVar = (row: VarRow): ProjectVar => ({
  name: row.name,
  value: row.value,
  secretRef: row.secret_ref,
  lastRotatedAt: row.rotated_at?.toISOString() ?? null,
  usage: row.usage ?? '',
  version: row.version,
  updatedAt: row.updated_at.toISOString(),
});

export const toldOfVar = ({ name, value, secretRef, usage }: ProjectVar) => ({
  name,
  usage,
  ...(secretRef === null ? { value } : { secretRef }),
});

export function requireVarWrite(ctx: Ctx, projectId: string): void {
  if (!isAllowed(ctx.actor, 'memory.write', projectId)) throw new NotFound('This project');
}

/** A variable is a value or stands for a secret, never both. */
export async function requireSource(
  tx: Tx,
  vault: Vault,
  projectId: string,
  { value, secretRef }: { value?: unknown; secretRef?: string | undefined },
): Promise<void> {
  if ((value === undefined) === (secretRef === undefined))
    throw new AosError('validation_failed', say('variable-value'), {
      errors: [faultAt('value', say('value-or-secret'))],
    });
  if (secretRef !== undefined && !(await vault.has(tx, secretRef, projectId)))
    throw new AosError('unknown_secret', say('variable-secret-name'), {
      errors: [faultAt('secretRef', say('not-a-secret'))],
    });
}
