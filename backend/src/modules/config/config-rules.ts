import { type RedactionRule, type SystemConfig, say } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { AosError, faultAt } from '../../platform/http/problem.js';
import { faultOfRule } from './redaction-pattern.js';
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
  const faults = redactionFaults(security.redaction);
  if (faults[0])
    throw new AosError('validation_failed', faults[0].said, {
      errors: faults.map(({ path, at }) => faultAt(path, at)),
    });
}

function redactionFaults(rules: readonly RedactionRule[]) {
  const names = new Set<string>();
  return rules.flatMap((rule, index) => {
    const path = `security.redaction.${index}`;
    const isTwice = names.has(rule.name);
    names.add(rule.name);
    const fault = faultOfRule(rule);
    return [
      ...(isTwice
        ? [
            {
              path: `${path}.name`,
              said: say('redaction-twice', { name: rule.name }),
              at: say('name-taken-above'),
            },
          ]
        : []),
      ...(fault ? [{ path: `${path}.pattern`, ...fault }] : []),
    ];
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
