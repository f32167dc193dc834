import { type SystemConfig, say } from '@aos/contracts';
import type { Tx } from '../../platform/database/sql.js';
import { AosError, faultAt } from '../../platform/http/problem.js';
import type { Vault } from './vault.js';

/** What a schema cannot say. The answers never repeat a value: someone may have pasted a key into it. */
export async function requireSoundConfig(
  vault: Vault,
  tx: Tx | undefined,
  { llm }: SystemConfig,
): Promise<void> {
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
