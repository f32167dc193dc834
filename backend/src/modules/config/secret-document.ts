import { say } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { AosError } from '../../platform/http/problem.js';
import type { Document } from '../proposals/index.js';

/** A secret as people see it before they change it. The id tells it from one of the same name that came after it. */
export interface StandingSecret {
  id: string;
  version: number;
  purpose: string;
}

/** Held still until the end of the transaction. */
export async function lockSecret(
  tx: Tx,
  name: string,
  projectId: string | null,
): Promise<StandingSecret | null> {
  const { rows } = await sql<StandingSecret>(
    tx,
    `SELECT id, version, purpose FROM secrets
      WHERE name = $1 AND project_id IS NOT DISTINCT FROM $2 FOR UPDATE`,
    [name, projectId],
  );
  return rows[0] ?? null;
}

export const documentOf = (secret: StandingSecret | null): Document | null =>
  secret && { ...secret, value: 'set' };

/** @throws AosError precondition_failed where a confirmed change was made on another secret, or on none. */
export function requireSeen(present: StandingSecret | null, seen: Document | null): void {
  const isSame =
    present === null
      ? seen === null
      : (['id', 'version', 'purpose'] as const).every((key) => present[key] === seen?.[key]);
  if (!isSame) throw new AosError('precondition_failed', say('secrets-moved'));
}
