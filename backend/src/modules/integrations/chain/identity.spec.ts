import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SystemConfig } from '@aos/contracts';
import {
  type GenerateKeyPairResult,
  type JWK,
  SignJWT,
  exportJWK,
  exportSPKI,
  generateKeyPair,
} from 'jose';
import { MasterKey } from '../../../platform/config/master-key.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { SessionAuthenticator } from '../../auth/session-authenticator.js';
import { hashToken, newSessionToken } from '../../auth/secret-token.js';
import { Settings } from '../../config/index.js';
import { type GatewayParts, startGateway } from '../testing.js';
import { Capabilities } from './capability.js';
import { GuardedFetch } from './guarded-fetch.js';
import { BearerTokens } from './identity.js';
import { controlledClock, frozenClock } from './testing.js';

const AUDIENCE = 'https://aos.example/mcp';
let parts: GatewayParts;
let tokens: BearerTokens;
let capabilities: Capabilities;
let wakeups: Wakeups;
let keys: GenerateKeyPairResult;
let issuerServer: Server;
let issuer: string;
const asked: string[] = [];
let metadataIssuer: string | undefined;
let isDown = false;
let plainMetadata: object | undefined;
let otherKeys: { keys: JWK[] } = { keys: [] };

beforeAll(async () => {
  parts = await startGateway({});
  keys = await generateKeyPair('RS256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256' }] };
  issuerServer = createServer((request, response) => {
    asked.push(request.url!);
    if (request.url === '/other-keys') return void response.end(JSON.stringify(otherKeys));
    if (request.url === '/.well-known/oauth-authorization-server/tenant' && plainMetadata)
      return void response.end(JSON.stringify(plainMetadata));
    const isKeys = request.url === '/keys' && !isDown;
    const isMetadata = request.url === '/tenant/.well-known/openid-configuration';
    response.statusCode = isKeys || isMetadata ? 200 : 404;
    const metadata = {
      issuer: metadataIssuer ?? issuer,
      jwks_uri: `${new URL(issuer).origin}/keys`,
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(isKeys ? jwks : metadata));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => issuerServer.once('listening', resolve));
  issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}/tenant`;
});
afterAll(async () => {
  await new Promise((resolve) => issuerServer.close(resolve));
  await parts.stop();
});

afterEach(() => jest.restoreAllMocks());
beforeEach(async () => {
  asked.length = 0;
  metadataIssuer = undefined;
  plainMetadata = undefined;
  await configure({ inbound: { issuer, audience: AUDIENCE }, httpAllowAddresses: ['127.0.0.1'] });
});

/** New parts, so that no key of an earlier test is kept. */
async function configure(gateway: object): Promise<void> {
  const { database } = parts;
  wakeups = new Wakeups(database);
  const settings = new Settings(database, wakeups);
  await settings.onModuleInit();
  await save(gateway);
  capabilities = new Capabilities(MasterKey.load(parts.environment));
  tokens = new BearerTokens(
    new SessionAuthenticator(database, wakeups),
    capabilities,
    settings,
    new GuardedFetch(settings),
    database,
    wakeups,
  );
}

async function save(gateway: object): Promise<void> {
  await parts.database.query(
    `INSERT INTO config_versions (scope, version, config, created_by)
     SELECT 'system', max(version) + 1, $1, 'test' FROM config_versions WHERE scope = 'system'`,
    [JSON.stringify(SystemConfig.parse({ gateway }))],
  );
  wakeups.wake('control');
}

const claims = (overrides: object = {}) => ({
  iss: issuer,
  aud: AUDIENCE,
  sub: 'someone',
  exp: Math.floor(Date.now() / 1000) + 60,
  scope: 'tool.call:env.* unrelated',
  ...overrides,
});
const signed = (overrides: object = {}, header: object = {}) =>
  new SignJWT(claims(overrides))
    .setProtectedHeader({ alg: 'RS256', kid: 'one', ...header })
    .sign(keys.privateKey);

/** As the issuer would sign it, with whatever header: jose itself writes none that it would not read. */
async function crafted(header: object): Promise<string> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims())}`;
  const signature = await crypto.subtle.sign(
    'RSASSA-PKCS1-v1_5',
    keys.privateKey,
    Buffer.from(text),
  );
  return `${text}.${Buffer.from(signature).toString('base64url')}`;
}

async function person(role: string | undefined): Promise<{ userId: string; token: string }> {
  const userId = randomUUID();
  const token = newSessionToken();
  await parts.database.query(`INSERT INTO users (id, email, name) VALUES ($1, $2, 'P')`, [
    userId,
    `${userId}@example.com`,
  ]);
  await parts.database.query(
    `INSERT INTO sessions (id, user_id, token_hash, csrf_token, expires_at) VALUES ($1, $2, $3, 'c', now() + interval '1 hour')`,
    [randomUUID(), userId, hashToken(token)],
  );
  if (role) {
    await parts.database.query(
      `INSERT INTO roles (name, permissions) VALUES ($1, '{tool.call,tool.read,config.write}') ON CONFLICT DO NOTHING`,
      [role],
    );
    await parts.database.query(
      `INSERT INTO role_bindings (id, user_id, role, created_by) VALUES ($1, $2, $3, 'test')`,
      [randomUUID(), userId, role],
    );
  }
  return { userId, token };
}

describe('a bearer token', () => {
  it('of AOS is known by the authenticator', async () => {
    const { userId, token } = await person('caller');
    expect(await tokens.verifyBearer(token)).toMatchObject({
      kind: 'user',
      id: `user:${userId}`,
    });
    expect(await tokens.verifyBearer(newSessionToken())).toBeUndefined();
    expect(await tokens.verifyBearer('nonsense')).toBeUndefined();
  });

  it('of AOS ends with its session within seconds, also where nobody told of that', async () => {
    const { userId, token } = await person('caller');
    const clock = controlledClock();
    expect(await tokens.verifyBearer(token)).toBeDefined();
    await parts.database.query('DELETE FROM sessions WHERE user_id = $1', [userId]);
    clock.pass(5_001);
    expect(await tokens.verifyBearer(token)).toBeUndefined();
  });

  it('of the configured issuer has its scopes for rights, and no person in AOS', async () => {
    const bearer = await tokens.verifyBearer(await signed());
    expect(bearer).toMatchObject({
      kind: 'token',
      userId: null,
      capability: { tools: ['env.*'] },
    });
    expect(bearer!.grants.map((grant) => grant.permission)).toEqual(['tool.read', 'tool.call']);
    for (const typ of ['at+jwt', 'application/at+JWT', 'JWT'])
      expect(await tokens.verifyBearer(await signed({}, { typ }))).toBeDefined();
    const reader = await tokens.verifyBearer(await signed({ scope: 'tool.read' }));
    expect(reader!.grants.map((grant) => grant.permission)).toEqual(['tool.read']);
    const none = await tokens.verifyBearer(await signed({ scope: 'config.write' }));
    expect(none!.grants).toEqual([]);
  });

  it.each([
    ['is for another audience', () => signed({ aud: 'https://elsewhere.example' })],
    ['is for nobody', () => signed({ aud: undefined })],
    ['has expired', () => signed({ exp: Math.floor(Date.now() / 1000) - 10 })],
    ['never expires', () => signed({ exp: undefined })],
    ['is not valid yet', () => signed({ nbf: Math.floor(Date.now() / 1000) + 600 })],
    ['names the issuer with a slash more', () => signed({ iss: `${issuer}/` })],
    ['names another issuer', () => signed({ iss: 'http://127.0.0.1:1/evil' })],
    ['says that it is a logout token', () => signed({}, { typ: 'logout+jwt' })],
    ['says that it is a proof', () => signed({}, { typ: 'DPOP+jwt' })],
    ['has a list for a type', () => signed({}, { typ: [['jwt']] })],
    ['has a kid that is a path', () => signed({}, { kid: '../../x' })],
    ['has a kid without end', () => signed({}, { kid: 'x'.repeat(257) })],
    ['has a list for a kid', () => signed({}, { kid: ['one'] })],
    ['has a kid of two lines', () => signed({}, { kid: 'one\ntwo' })],
    [
      'is not signed at all',
      () => {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
        return Promise.resolve(`${part({ alg: 'none', kid: 'one' })}.${part(claims())}.`);
      },
    ],
    [
      'is signed with the public key as if it were a shared one',
      async () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'one' })
          .sign(Buffer.from(await exportSPKI(keys.publicKey))),
    ],
  ])('that %s is refused without asking anybody', async (_, make) => {
    expect(await tokens.verifyBearer(await make())).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('names somebody', async () => {
    expect(
      await tokens.verifyBearer(await signed({ sub: undefined, name: 'Somebody' })),
    ).toBeUndefined();
  });

  it('asks for nothing that is not understood here', async () => {
    for (const header of [
      { crit: ['http://example.com/more'], 'http://example.com/more': true },
      { crit: ['b64'], b64: false },
    ])
      expect(
        await tokens.verifyBearer(await crafted({ alg: 'RS256', kid: 'one', ...header })),
      ).toBe(undefined);
    expect(await tokens.verifyBearer(await crafted({ alg: 'RS256', kid: 'one' }))).toBeDefined();
  });

  it('may be for several audiences, of which this is one, and is not for one that only contains it', async () => {
    const others = ['https://elsewhere.example', `${AUDIENCE}/`, AUDIENCE.slice(0, -1)];
    expect(await tokens.verifyBearer(await signed({ aud: others }))).toBeUndefined();
    expect(await tokens.verifyBearer(await signed({ aud: [others.join(' ')] }))).toBeUndefined();
    expect(asked).toEqual([]);
    expect(await tokens.verifyBearer(await signed({ aud: [...others, AUDIENCE] }))).toBeDefined();
  });

  it('ends when it says, and is called what it says within bounds', async () => {
    const exp = Math.floor(Date.now() / 1000) + 77;
    const bearer = await tokens.verifyBearer(await signed({ exp, name: 'n'.repeat(5000) }));
    expect(bearer!.capability!.expiresAt).toEqual(new Date(exp * 1000));
    expect(bearer!.name).toHaveLength(200);
  });

  it('of another issuer, once that one is configured, is somebody else with keys of its own', async () => {
    const before = await tokens.verifyBearer(await signed());
    const strangers = await generateKeyPair('RS256', { extractable: true });
    otherKeys = {
      keys: [{ ...(await exportJWK(strangers.publicKey)), kid: 'one', alg: 'RS256' }],
    };
    const other = `${new URL(issuer).origin}/other`;
    await save({
      inbound: {
        issuer: other,
        audience: AUDIENCE,
        jwksUri: `${new URL(issuer).origin}/other-keys`,
      },
      httpAllowAddresses: ['127.0.0.1'],
    });
    expect(await tokens.verifyBearer(await signed())).toBeUndefined();
    // Signed by the keys of the one who was trusted before.
    expect(await tokens.verifyBearer(await signed({ iss: other }))).toBeUndefined();
    const theirs = new SignJWT(claims({ iss: other })).setProtectedHeader({
      alg: 'RS256',
      kid: 'one',
    });
    const after = await tokens.verifyBearer(await theirs.sign(strangers.privateKey));
    expect(after!.id).toMatch(/^jwt:/);
    expect(after!.id).not.toBe(before!.id);
  });

  it('brings no keys of its own: jku, x5u and jwk are not read', async () => {
    const own = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    const token = await new SignJWT(claims())
      .setProtectedHeader({
        alg: 'RS256',
        kid: 'one',
        jku: `${new URL(issuer).origin}/evil-keys`,
        x5u: `${new URL(issuer).origin}/evil-cert`,
        jwk,
      })
      .sign(own.privateKey);
    expect(await tokens.verifyBearer(token)).toBeUndefined();
    expect(asked.filter((url) => url.includes('evil'))).toEqual([]);
  });

  it('has its scopes with blanks between, or as a list, and no right by half a name', async () => {
    const listed = await signed({ scope: undefined, scp: ['tool.read', 7, 'tool.call:env.x'] });
    const bearer = await tokens.verifyBearer(listed);
    expect(bearer!.capability!.tools).toEqual(['env.x']);
    expect(bearer!.grants.map((grant) => grant.permission)).toEqual(['tool.read', 'tool.call']);
    for (const scope of ['tool.callers env.*', 'tool.readers', { 'tool.call': true }, 7])
      expect((await tokens.verifyBearer(await signed({ scope })))!.grants).toEqual([]);
  });

  it('makes the issuer be asked no more often for being shown more often', async () => {
    const crowd = async () =>
      Promise.all(Array.from({ length: 20 }, async () => tokens.verifyBearer(await signed())));
    const clock = frozenClock();
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const shown = await signed({ exp });
    metadataIssuer = 'http://another.example';
    expect(await crowd()).toEqual(Array.from({ length: 20 }, () => undefined));
    await crowd();
    const atOnce = asked.length;
    expect(atOnce).toBeLessThanOrEqual(2);
    metadataIssuer = undefined;
    isDown = true;
    clock.pass(5_001);
    for (let i = 0; i < 20; i++) expect(await tokens.verifyBearer(shown)).toBeUndefined();
    expect(asked.filter((url) => url === '/keys')).toHaveLength(1);
    isDown = false;
    clock.pass(5_001);
    expect(await tokens.verifyBearer(shown)).toBeDefined();
    expect(asked.filter((url) => url === '/keys')).toHaveLength(2);
  });

  it('is refused when the metadata of the issuer name another one', async () => {
    metadataIssuer = `${issuer}/`;
    expect(await tokens.verifyBearer(await signed())).toBeUndefined();
    expect(asked).not.toContain('/keys');
  });

  it('is known by keys that only the second document of the issuer names', async () => {
    plainMetadata = { issuer };
    expect(await tokens.verifyBearer(await signed())).toBeDefined();
    expect(asked.slice(1)).toEqual(['/tenant/.well-known/openid-configuration', '/keys']);
  });

  it('is refused when the keys lie where nobody may be asked', async () => {
    await configure({
      inbound: { issuer, audience: AUDIENCE, jwksUri: `${new URL(issuer).origin}/keys` },
    });
    expect(await tokens.verifyBearer(await signed())).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('of an issuer is nothing while none is configured', async () => {
    await configure({ httpAllowAddresses: ['127.0.0.1'] });
    expect(await tokens.verifyBearer(await signed())).toBeUndefined();
    expect(asked).toEqual([]);
  });
});

describe('a grant as a bearer token', () => {
  const grantOf = async (userId: string, more: object = {}) =>
    (
      await capabilities.issue({
        holder: { kind: 'user', id: `user:${userId}`, name: 'P', userId },
        tools: ['env.*'],
        ttlSeconds: 60,
        ...more,
      })
    ).token;

  it('has the rights that its holder has now, as far as tools go', async () => {
    const { userId } = await person('caller');
    const token = await grantOf(userId);
    const bearer = await tokens.verifyBearer(token);
    expect(bearer).toMatchObject({ id: `user:${userId}`, capability: { kind: 'grant' } });
    expect(bearer!.grants.map((grant) => grant.permission).sort()).toEqual([
      'tool.call',
      'tool.read',
    ]);
    await parts.database.query('DELETE FROM role_bindings WHERE user_id = $1', [userId]);
    wakeups.wake('control');
    expect(await tokens.verifyBearer(token)).toBeUndefined();
  });

  it('of someone who was disabled is worth nothing', async () => {
    const { userId } = await person('caller');
    await parts.database.query('UPDATE users SET is_disabled = true WHERE id = $1', [userId]);
    expect(await tokens.verifyBearer(await grantOf(userId))).toBeUndefined();
  });

  it('carries no right that was not handed on', async () => {
    const { userId } = await person('caller');
    const bearer = await tokens.verifyBearer(await grantOf(userId, { rights: ['tool.call'] }));
    expect(bearer!.grants).toEqual([{ permission: 'tool.call', projectId: null }]);
  });

  it('that is over, or that nobody here has made, is worth nothing', async () => {
    const { userId } = await person('caller');
    const token = await grantOf(userId);
    const forged = `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    expect(await tokens.verifyBearer(forged)).toBeUndefined();
    expect(await tokens.verifyBearer(await grantOf(userId, { ttlSeconds: -1 }))).toBeUndefined();
    expect(await tokens.verifyBearer(token)).toBeDefined();
  });

  it('without a person behind it is one of AOS itself or of an agent, or none', async () => {
    const of = async (kind: 'agent' | 'system' | 'user' | 'token') =>
      tokens.verifyBearer(
        await grantOf('nobody', { holder: { kind, id: `${kind}:x`, name: 'X', userId: null } }),
      );
    expect(await of('agent')).toMatchObject({ grants: [{}, {}] });
    expect(await of('system')).toMatchObject({ grants: [{}, {}] });
    expect(await of('user')).toBeUndefined();
    expect(await of('token')).toBeUndefined();
  });

  it('is not worth in a project what its holder may in another', async () => {
    const { userId } = await person('caller');
    await parts.database.query(
      `UPDATE role_bindings SET project_id = 'theirs' WHERE user_id = $1`,
      [userId],
    );
    const inProject = async (projectId: string) =>
      tokens.verifyBearer(await grantOf(userId, { run: { jobId: '1', traceId: 't', projectId } }));
    expect(await inProject('theirs')).toBeDefined();
    expect(await inProject('mine')).toBeUndefined();
  });

  it('ends with the rights of its holder within seconds, also where nobody told of that', async () => {
    const { userId } = await person('caller');
    const token = await grantOf(userId);
    const clock = controlledClock();
    expect(await tokens.verifyBearer(token)).toBeDefined();
    await parts.database.query('DELETE FROM role_bindings WHERE user_id = $1', [userId]);
    clock.pass(5_001);
    expect(await tokens.verifyBearer(token)).toBeUndefined();
  });

  it('keeps no rights that were taken away while they were looked up', async () => {
    const { userId } = await person('caller');
    const token = await grantOf(userId);
    const query = parts.database.query.bind(parts.database);
    jest.spyOn(parts.database, 'query').mockImplementation(async (text: string, ...more) => {
      const rows = await query(text, ...more);
      if (text.includes('role_bindings b JOIN users')) {
        jest.restoreAllMocks();
        await query('DELETE FROM role_bindings WHERE user_id = $1', [userId]);
        wakeups.wake('control');
      }
      return rows as never;
    });
    await tokens.verifyBearer(token);
    expect(await tokens.verifyBearer(token)).toBeUndefined();
  });

  it('has its rights asked for again, also when the clock was set back meanwhile', async () => {
    let asked = 0;
    const query = parts.database.query.bind(parts.database);
    jest.spyOn(parts.database, 'query').mockImplementation(async (text: string, values) => {
      if (!text.includes('role_bindings b JOIN users')) return query(text, values);
      asked++;
      return [];
    });
    const token = await grantOf('somebody');
    await tokens.verifyBearer(token);
    await tokens.verifyBearer(token);
    expect(asked).toBe(1);
    const later = performance.now() + 60_000;
    jest.spyOn(performance, 'now').mockReturnValue(later);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000);
    await tokens.verifyBearer(token);
    expect(asked).toBe(2);
  });

  it('has its rights kept for ten thousand holders at most', async () => {
    frozenClock();
    const asked: unknown[] = [];
    const query = parts.database.query.bind(parts.database);
    jest.spyOn(parts.database, 'query').mockImplementation(async (text: string, values) => {
      if (!text.includes('role_bindings b JOIN users')) return query(text, values);
      asked.push(...values!);
      return [];
    });
    const show = async (userId: string) => tokens.verifyBearer(await grantOf(userId));
    await show('first');
    for (let n = 1; n < 10_000; n += 101)
      await Promise.all(Array.from({ length: 101 }, (_, i) => show(`other ${n + i}`)));
    await show('first');
    expect(new Set(asked).size).toBe(10_000);
    expect(asked).toHaveLength(10_000);
    await show('one more');
    await show('first');
    expect(asked.slice(10_000)).toEqual(['one more', 'first']);
  });

  it('holds in the project of its run only', async () => {
    const { userId } = await person('caller');
    const run = { jobId: '1', traceId: 't', projectId: 'mine' };
    const bearer = await tokens.verifyBearer(await grantOf(userId, { run }));
    expect(bearer!.grants.map((grant) => grant.projectId)).toEqual(['mine', 'mine']);
  });
});
