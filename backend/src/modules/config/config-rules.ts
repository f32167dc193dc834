import type { AllowedAddress, FieldFault, RedactionRule, Said, SystemConfig } from '@aos/contracts';
import { say } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { readEntry } from '../../platform/http/address-list.js';
import { AosError, faultAt } from '../../platform/http/problem.js';
import { faultOfRule } from './redaction-pattern.js';
import type { Vault } from './vault.js';

/** What a schema cannot say. The answers never repeat a value: someone may have pasted a key into it. */
export async function requireSoundConfig(
  vault: Vault,
  tx: Tx | undefined,
  { llm, embeddings, telemetry, security }: SystemConfig,
): Promise<void> {
  if (tx)
    await requireRoles(
      tx,
      say('factor-role'),
      security.secondFactor.roles.map((role, n) => [`security.secondFactor.roles.${n}`, role]),
    );
  await requireSoundSignIn(vault, tx, security.signIn);
  await requireSoundModel(vault, tx, 'llm', llm);
  await requireSoundModel(vault, tx, 'embeddings', embeddings);
  if (embeddings.provider !== 'none' && embeddings.model === undefined)
    throw new AosError('validation_failed', say('embeddings-model'), {
      errors: [faultAt('embeddings.model', say('must-name-model'))],
    });
  await requireSoundTelemetry(vault, tx, telemetry);
  const unread = addressFaults(security.allowedAddresses);
  if (unread.length > 0)
    throw new AosError('validation_failed', say('addresses-unread'), { errors: unread });
  const faults = redactionFaults(security.redaction);
  if (faults[0])
    throw new AosError('validation_failed', faults[0].said, {
      errors: faults.map(({ path, at }) => faultAt(path, at)),
    });
}

async function requireSoundModel(
  vault: Vault,
  tx: Tx | undefined,
  section: 'llm' | 'embeddings',
  { apiKeySecret, baseUrl }: { apiKeySecret?: string | undefined; baseUrl?: string | undefined },
): Promise<void> {
  if (apiKeySecret !== undefined && !(await vault.has(tx, apiKeySecret, null)))
    throw new AosError('unknown_secret', say('llm-secret', { section }), {
      errors: [faultAt(`${section}.apiKeySecret`, say('not-a-secret'))],
    });
  const url = baseUrl === undefined ? undefined : new URL(baseUrl);
  if (url && (url.username || url.password))
    throw new AosError('validation_failed', say('llm-url', { section }), {
      errors: [faultAt(`${section}.baseUrl`, say('url-no-user'))],
    });
}

/** Set by the exporter or by HTTP itself, where another value would send the spans elsewhere or spoil them. */
const notFree = new Set([
  ...['host', 'connection', 'content-encoding', 'content-length', 'content-type', 'expect'],
  ...['keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'],
  'user-agent',
]);

async function requireSoundTelemetry(
  vault: Vault,
  tx: Tx | undefined,
  { endpoint, headers }: SystemConfig['telemetry'],
): Promise<void> {
  const url = endpoint === undefined ? undefined : new URL(endpoint);
  const ofUrl =
    url?.username || url?.password ? 'url-no-user' : url?.hash ? 'url-no-fragment' : undefined;
  if (ofUrl)
    throw new AosError('validation_failed', say('traces-url'), {
      errors: [faultAt('telemetry.endpoint', say(ofUrl))],
    });
  const seen = new Set<string>();
  const errors: FieldFault[] = [];
  for (const [n, { name, secret }] of headers.entries()) {
    const known = name.toLowerCase();
    const at = `telemetry.headers.${n}`;
    if (notFree.has(known)) errors.push(faultAt(`${at}.name`, say('header-not-free')));
    else if (seen.has(known)) errors.push(faultAt(`${at}.name`, say('header-twice')));
    seen.add(known);
    if (!(await vault.has(tx, secret, null)))
      errors.push(faultAt(`${at}.secret`, say('not-a-secret')));
  }
  if (errors.length > 0) throw new AosError('validation_failed', say('traces-header'), { errors });
}

function addressFaults(listed: readonly AllowedAddress[]): FieldFault[] {
  const seen = new Set<string>();
  return listed.flatMap(({ address }, n) => {
    const entry = readEntry(address);
    const known = seen.size;
    const isTwice = !('fault' in entry) && seen.add(`${entry.net}/${entry.bits}`).size === known;
    const fault = 'fault' in entry ? entry.fault : isTwice ? say('address-twice') : undefined;
    return fault ? [faultAt(`security.allowedAddresses.${n}.address`, fault)] : [];
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

/** A mistyped name would ask nothing of anybody, or give nothing, and nobody would hear of it. */
async function requireRoles(
  tx: Tx,
  said: Said,
  wanted: readonly (readonly [path: string, role: string])[],
): Promise<void> {
  if (wanted.length === 0) return;
  const { rows } = await sql<{ name: string }>(tx, 'SELECT name FROM roles WHERE name = ANY ($1)', [
    wanted.map(([, role]) => role),
  ]);
  const known = new Set(rows.map(({ name }) => name));
  const errors = wanted.flatMap(([path, role]) =>
    known.has(role) ? [] : [faultAt(path, say('not-a-role'))],
  );
  if (errors.length > 0) throw new AosError('validation_failed', said, { errors });
}

type SignInRule = SystemConfig['security']['signIn'];

/** That nobody is locked out by it, and that whom a provider means can be told. */
async function requireSoundSignIn(
  vault: Vault,
  tx: Tx | undefined,
  { providers, password }: SignInRule,
): Promise<void> {
  const refuse = (said: Said, fault: FieldFault) => {
    throw new AosError('validation_failed', said, { errors: [fault] });
  };
  for (const [n, provider] of providers.entries()) {
    const path = `security.signIn.providers.${n}`;
    const above = providers.slice(0, n);
    if (above.some(({ name }) => name === provider.name))
      refuse(
        say('provider-twice', { name: provider.name }),
        faultAt(`${path}.name`, say('name-taken-above')),
      );
    if (above.some(({ issuer }) => issuer === provider.issuer))
      refuse(say('provider-issuer-twice'), faultAt(`${path}.issuer`, say('issuer-taken-above')));
    if (!isIssuer(provider.issuer))
      refuse(say('provider-issuer-form'), faultAt(`${path}.issuer`, say('must-be-issuer')));
    if (provider.clientSecret !== undefined && !(await vault.has(tx, provider.clientSecret, null)))
      throw new AosError('unknown_secret', say('provider-secret'), {
        errors: [faultAt(`${path}.clientSecret`, say('not-a-secret'))],
      });
    if (provider.roles.length > 0 && provider.roleClaim === undefined)
      refuse(say('provider-claim'), faultAt(`${path}.roleClaim`, say('must-name-claim')));
    if (provider.createUsers && rolesOf(provider).length === 0)
      refuse(say('provider-gives-nothing'), faultAt(`${path}.defaultRole`, say('needs-a-role')));
    if (tx) await requireRoles(tx, say('provider-role'), placesOfRoles(path, provider));
  }
  if (password === 'everyone') return;
  const at = 'security.signIn.password';
  if (providers.length === 0)
    refuse(say('password-no-provider'), faultAt(at, say('needs-a-provider')));
  if (tx && !(await hasOwnerWithPassword(tx)))
    refuse(say('password-no-owner'), faultAt(at, say('needs-owner-password')));
}

/** The place of an issuer: https, or plain http where nothing leaves this machine. */
export function isIssuer(text: string): boolean {
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const isPlain = username === '' && password === '' && search === '' && hash === '';
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  // Of `?` and `#` with nothing behind them the parts say nothing.
  return isPlain && !/[?#]/.test(text) && (protocol === 'https:' || isHere);
}

const rolesOf = ({ roles, defaultRole }: SignInRule['providers'][number]): string[] => [
  ...roles.map(({ role }) => role),
  ...(defaultRole === undefined ? [] : [defaultRole]),
];

const placesOfRoles = (
  path: string,
  { roles, defaultRole }: SignInRule['providers'][number],
): [string, string][] => [
  ...roles.map(({ role }, n): [string, string] => [`${path}.roles.${n}.role`, role]),
  ...(defaultRole === undefined ? [] : [[`${path}.defaultRole`, defaultRole] as [string, string]]),
];

/**
 * Roles that somebody hands out by saving these settings: all that a provider gives who is new, or is changed in whatever
 * way, for a change of the claim or of the client is one of who gets them.
 */
export function newlyGiven(before: SystemConfig, after: SystemConfig): string[] {
  const known = new Set(before.security.signIn.providers.map((each) => JSON.stringify(each)));
  return after.security.signIn.providers.flatMap((each) =>
    known.has(JSON.stringify(each)) ? [] : rolesOf(each),
  );
}

async function hasOwnerWithPassword(tx: Tx): Promise<boolean> {
  const { count } = await sql(
    tx,
    `SELECT 1 FROM role_bindings b JOIN users u ON u.id = b.user_id WHERE b.role = 'owner' AND b.project_id IS NULL
        AND NOT u.is_disabled AND u.password_hash IS NOT NULL LIMIT 1`,
  );
  return count > 0;
}
