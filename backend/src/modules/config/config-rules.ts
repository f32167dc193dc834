import { type SystemConfig, say } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { AosError, faultAt } from '../../platform/http/problem.js';
import type { Vault } from './vault.js';

/** What a schema cannot say. The answers never repeat a value: someone may have pasted a key into it. */
export async function requireSoundConfig(
  vault: Vault,
  tx: Tx | undefined,
  { llm, security }: SystemConfig,
): Promise<void> {
  if (tx) await requireRoles(tx, security.secondFactor.roles);
  if (llm.apiKeySecret !== undefined && !(await vault.has(tx, llm.apiKeySecret, null)))
    throw new AosError('unknown_secret', say('llm-secret'), {
      errors: [faultAt('llm.apiKeySecret', say('not-a-secret'))],
    });
  const url = llm.baseUrl === undefined ? undefined : new URL(llm.baseUrl);
  if (url && (url.username || url.password))
    throw new AosError('validation_failed', say('llm-url'), {
      errors: [faultAt('llm.baseUrl', say('url-no-user'))],
    });
}

/** A mistyped name would ask nothing of anybody, and nobody would hear of it. */
async function requireRoles(tx: Tx, wanted: readonly string[]): Promise<void> {
  if (wanted.length === 0) return;
  const { rows } = await sql<{ name: string }>(tx, 'SELECT name FROM roles WHERE name = ANY ($1)', [
    wanted,
  ]);
  const known = new Set(rows.map(({ name }) => name));
  const errors = wanted.flatMap((name, n) =>
    known.has(name) ? [] : [faultAt(`security.secondFactor.roles.${n}`, say('not-a-role'))],
  );
  if (errors.length > 0) throw new AosError('validation_failed', say('factor-role'), { errors });
}
