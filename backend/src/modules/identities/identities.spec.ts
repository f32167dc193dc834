import type { Identity, Me, Page, Person, Problem, ProviderCheck, WaysIn } from '@aos/contracts';
import { TOTP } from 'otpauth';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import {
  type TestProvider,
  clientId,
  clientSecret,
  openTestProvider,
} from '../../../test/test-provider.mjs';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { LoginAttempts, hashToken } from '../auth/index.js';
import { claimAt, isOfDomain, readClaims } from './claims.js';
import { IdentitiesModule } from './index.js';
import { Pace } from './pace.js';
import { Providers } from './providers.js';
import { consolePath, ownPath } from './own-paths.js';

const password = 'correct horse battery';
let database: TestDatabase;
let http: HttpApp;
/** Another process on the same. */
let other: HttpApp;
let owner: SignedIn;
let provider: TestProvider;

beforeAll(async () => {
  database = await openTestDatabase();
  http = await openHttpApp({ database, imports: [IdentitiesModule] });
  other = await openHttpApp({
    database: { ...database, close: () => Promise.resolve() },
    imports: [IdentitiesModule],
    environment: { dataDir: http.environment.dataDir, publicUrl: http.baseUrl },
  });
  owner = await http.signIn('owner');
  await http.call(`/rbac/users`, {
    ...{ method: 'POST', as: owner },
    body: { email: 'keeper@example.test', name: 'Keeper', password, role: 'owner' },
  });
  await http.call('/config/runtime/secrets/OIDC_SECRET', {
    ...{ method: 'PUT', as: owner },
    body: { value: clientSecret },
  });
  provider = await openTestProvider({
    redirectUris: ['corp', 'fake'].map((name) => `${http.baseUrl}/auth/providers/${name}/callback`),
  });
  await save({});
});
afterAll(async () => {
  await provider.close();
  await other.close();
  await http.close();
});
beforeEach(() => {
  forgetFailures();
  Object.assign(provider, { bend: undefined, instead: undefined, wayBack: undefined });
  provider.person = someone();
});

let count = 0;
const someone = (more: object = {}) => {
  const name = `p${count++}`;
  return { sub: name, email: `${name}@example.test`, email_verified: true, name, ...more };
};
const aProvider = (more: object = {}) => ({
  ...{ name: 'corp', label: 'Corp', issuer: provider.issuer, clientId },
  ...{ clientSecret: 'OIDC_SECRET', createUsers: true, defaultRole: 'viewer' },
  ...{ roleClaim: 'groups', roles: [{ value: 'ops', role: 'operator' }] },
  ...more,
});

/** Saves what the whole of signing in is to be; everything else stays. */
async function put(
  signIn: object,
  { as = owner, security = {} }: { as?: SignedIn; security?: object } = {},
) {
  const { body, headers } = await http.call<{ config: { gateway: object; security: object } }>(
    '/config/system',
    { as: owner },
  );
  const { config } = body;
  return http.call<Problem>('/config/system', {
    ...{ method: 'PUT', as, headers: { 'if-match': headers.get('etag')! } },
    body: {
      ...config,
      gateway: { ...config.gateway, httpAllowAddresses: ['127.0.0.1'] },
      security: { ...config.security, ...security, signIn },
    },
  });
}
async function save(more: object, signIn: object = {}, security: object = {}) {
  const answer = await put({ providers: [aProvider(more)], ...signIn }, { security });
  if (answer.status !== 200) throw new Error(answer.text);
}

/** What a browser keeps, and what it does with an address. */
function browser(at: HttpApp = http) {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string) => {
    const { origin } = new URL(url);
    if (!jars.has(origin)) jars.set(origin, new Map());
    return jars.get(origin)!;
  };
  const keep = (url: string, headers: Headers) => {
    for (const line of headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === '' || /expires=thu, 01 jan 1970/i.test(line)) jarOf(url).delete(name!);
      else jarOf(url).set(name!, value!);
    }
  };
  const cookie = (url: string) =>
    [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ');
  const self = {
    jarOf: () => jarOf(at.baseUrl),
    async get(url: string) {
      const response = await fetch(url, { redirect: 'manual', headers: { cookie: cookie(url) } });
      keep(url, response.headers);
      await response.text();
      return response;
    },
    async post<T>(path: string, body: unknown, headers: Record<string, string> = {}) {
      const answer = await at.call<T & Problem>(path, {
        ...{ method: 'POST', body },
        headers: { cookie: cookie(at.baseUrl), ...headers },
      });
      keep(at.baseUrl, answer.headers);
      return answer;
    },
    /** To the provider and back: the address of ours that it leads to, not yet followed. */
    async toProvider(url: string) {
      jars.delete(provider.issuer); // it remembers who was there last
      let next = url;
      while (new URL(next).origin === provider.issuer) {
        const { headers } = await self.get(next);
        next = new URL(headers.get('location')!, next).href;
      }
      return next;
    },
    async begin(returnTo?: string) {
      const { body, status } = await self.post<{ url: string }>('/auth/providers/corp/begin', {
        ...(returnTo !== undefined && { returnTo }),
      });
      if (status !== 200) throw new Error(JSON.stringify(body));
      return body.url;
    },
    /** Where the console is, and what it is told. */
    async comeBack(url: string) {
      jarOf(at.baseUrl).delete('aos_sign_in_problem');
      const response = await self.get(url);
      const told = jarOf(at.baseUrl).get('aos_sign_in_problem');
      return {
        status: response.status,
        to: response.headers.get('location')!,
        problem: told
          ? (JSON.parse(Buffer.from(told, 'base64url').toString()) as Problem)
          : undefined,
        setCookie: response.headers.getSetCookie(),
      };
    },
    async signIn(returnTo?: string) {
      return self.comeBack(await self.toProvider(await self.begin(returnTo)));
    },
    me: () => at.call<Me>('/auth/me', { headers: { cookie: cookie(at.baseUrl) } }),
    get csrf() {
      return self.me().then(({ body }) => ({ 'x-csrf-token': body.csrfToken! }));
    },
  };
  return self;
}
const whyNot = async (at = browser()) => (await at.signIn()).problem?.said?.code;
const rolesOf = (email: string) =>
  http.database.query<{ role: string; created_by: string }>(
    `SELECT b.role, b.created_by FROM role_bindings b JOIN users u ON u.id = b.user_id
      WHERE u.email = $1 ORDER BY 1`,
    [email],
  );
const actionsOf = async (trace: string | undefined) =>
  (
    await http.database.query<{ action: string; outcome: string }>(
      'SELECT action, outcome FROM audit_logs WHERE trace_id = $1 ORDER BY id',
      [trace],
    )
  ).map(({ action, outcome }) => `${action} ${outcome}`);

async function somebodyHere(role = 'viewer') {
  const email = `here${count++}@example.test`;
  const { body } = await http.call<Person>('/rbac/users', {
    ...{ method: 'POST', as: owner },
    body: { email, name: 'Here', password, role },
  });
  const at = browser();
  await at.post('/auth/login', { email, password });
  return { id: body.id, email, at };
}
async function connected(role = 'viewer') {
  const here = await somebodyHere(role);
  const { body } = await here.at.post<{ url: string }>(
    ...(['/auth/identities', { provider: 'corp', currentPassword: password }] as const),
    await here.at.csrf,
  );
  const back = await here.at.comeBack(await here.at.toProvider(body.url));
  expect([back.to, back.problem]).toEqual(['/console/settings/account', undefined]);
  return here;
}

describe('a sign-in with a provider', () => {
  it('makes an account, with the session and the record of any other sign-in', async () => {
    provider.person = someone({ groups: ['ops', 'staff'] });
    const at = browser();
    const url = new URL(await at.begin('/projects?state=running#x'));
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      ...{ response_type: 'code', code_challenge_method: 'S256', client_id: clientId },
      redirect_uri: `${http.baseUrl}/auth/providers/corp/callback`,
    });
    const back = await at.comeBack(await at.toProvider(url.href));
    expect([back.status, back.to]).toEqual([303, '/console/projects?state=running#x']);
    expect(back.setCookie.find((line) => line.startsWith('aos_session='))).toMatch(
      /^aos_session=[\w-]{43}; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/,
    );
    const { body } = await at.me();
    expect(body).toMatchObject({
      user: { email: provider.person['email'], roles: ['operator'] },
      ...{ hasPassword: false, signedInBy: { name: 'corp', title: 'Corp', endsSession: true } },
    });
    const [row] = await http.database.query<{ trace_id: string }>(
      `SELECT trace_id FROM audit_logs WHERE action = 'login' AND resource = $1`,
      [`user:${body.user.id}`],
    );
    expect((await actionsOf(row!.trace_id)).sort()).toEqual(
      ['login allowed', 'role.grant allowed', 'secret.use allowed', 'user.create allowed'].sort(),
    );
    expect(await rolesOf(body.user.email)).toEqual([
      { role: 'operator', created_by: expect.stringMatching(/^identity:/) as string },
    ]);
    // Once more: the same account.
    const again = browser();
    await again.signIn();
    expect((await again.me()).body.user.id).toBe(body.user.id);
  });

  it('is finished by whichever process the browser comes back to', async () => {
    const at = browser();
    const back = await at.toProvider(await at.begin());
    const url = back.replace(http.baseUrl, other.baseUrl);
    other.app.get(Wakeups, { strict: false }).wake('control'); // it has read the settings before they were saved
    const cookie = [...at.jarOf()].map(([name, value]) => `${name}=${value}`).join('; ');
    const { headers } = await fetch(url, { redirect: 'manual', headers: { cookie } });
    expect(headers.get('location')).toBe('/console/chat');
  });

  it('belongs to the browser that began it, once, and for ten minutes', async () => {
    const at = browser();
    const began = await at.begin();
    const back = await at.toProvider(began);
    const foreign = await browser().comeBack(back);
    expect([foreign.to, foreign.problem?.code]).toEqual(['/console/sign-in', 'sign_in_over']);
    expect(foreign.problem?.traceId).toMatch(/^[0-9a-f]{32}$/);
    // One who began a sign-in of their own is led into it by nobody else's answer.
    const victim = browser();
    const theirs = await victim.begin();
    const token = victim.jarOf().get('aos_sign_in')!;
    expect((await victim.comeBack(back)).problem?.said?.code).toBe('sso-flow');
    victim.jarOf().set('aos_sign_in', token);
    expect((await victim.comeBack(await victim.toProvider(theirs))).problem).toBeUndefined();
    const kept = at.jarOf().get('aos_sign_in')!;
    expect((await at.comeBack(back)).to).toBe('/console/chat');
    at.jarOf().set('aos_sign_in', kept);
    expect((await at.comeBack(back)).problem?.said?.code).toBe('sso-flow');
    const late = browser();
    const lateBack = await late.toProvider(await late.begin());
    const [{ minutes }] = (await http.database.query<{ minutes: number }>(
      'SELECT extract(epoch FROM max(expires_at) - now())::float8 / 60 AS minutes FROM sign_in_flows',
    )) as [{ minutes: number }];
    expect(minutes > 9 && minutes <= 10).toBe(true);
    await http.database.query(`UPDATE sign_in_flows SET expires_at = now() - interval '1 second'`);
    expect((await late.comeBack(lateBack)).problem?.said?.code).toBe('sso-flow');
  });

  it('is refused where anything that came back is not what was asked for', async () => {
    const now = Math.floor(Date.now() / 1000);
    const key = await provider.newKey('one');
    const bends: [string, Awaited<ReturnType<NonNullable<TestProvider['bend']>>>][] = [
      ['nonce', { nonce: 'another' }],
      ['audience', { aud: 'another-client' }],
      ['issuer', { iss: 'https://evil.example' }],
      ['time', { exp: now - 3600, iat: now - 7200 }],
      ['signature', { key }],
      ['subject', { sub: 'x'.repeat(300) }],
    ];
    for (const [what, bent] of bends) {
      forgetFailures();
      provider.bend = () => Promise.resolve(bent);
      expect([what, await whyNot()]).toEqual([what, 'sso-unfit']);
    }
    provider.bend = undefined;
    const ways: [string, Record<string, string | null>][] = [
      ['sso-unfit', { iss: 'https://evil.example' }],
      ['sso-unfit', { iss: null }],
      ['sso-flow', { state: 'another' }],
      ['sso-said', { code: 'never-given' }],
      [
        'sso-said',
        { code: null, error: 'access_denied', error_description: '<b>call this number</b>' },
      ],
    ];
    for (const [why, wayBack] of ways) {
      forgetFailures();
      provider.wayBack = wayBack;
      const { problem } = await browser().signIn();
      expect([wayBack, problem?.said?.code]).toEqual([wayBack, why]);
      expect(JSON.stringify(problem)).not.toContain('call this');
    }
    const { items } = (await http.call<Page<Person>>('/rbac/users?limit=200', { as: owner })).body;
    expect(items.map(({ email }) => email)).not.toContain(provider.person['email']);
  });

  it('takes keys that were changed a moment ago', async () => {
    expect(await whyNot()).toBeUndefined();
    await provider.rotate();
    expect(await whyNot()).toBeUndefined();
  });

  it('asks UserInfo for what the ID token leaves out, and takes no address as verified that is not', async () => {
    const { email, groups } = (provider.person = someone({ groups: ['ops'] })) as never as {
      email: string;
      groups: string[];
    };
    provider.bend = () =>
      Promise.resolve({ email: undefined, email_verified: undefined, groups: undefined });
    const at = browser();
    await at.signIn();
    expect([(await at.me()).body.user, groups]).toMatchObject([
      { email, roles: ['operator'] },
      ['ops'],
    ]);
    // UserInfo verifies the address that it names; the one in the token is another.
    provider.person = someone();
    provider.bend = () =>
      Promise.resolve({ email: 'boss@example.test', email_verified: undefined });
    await at.signIn();
    expect((await at.me()).body.user.email).toBe(provider.person['email']);
  });

  it('ends in words when the provider is away, slow, or not one', async () => {
    const began = await browser().begin();
    expect(began).toContain(provider.issuer);
    const at = browser();
    const back = await at.toProvider(await at.begin());
    provider.instead = ({ url }) => (url === '/token' ? { status: 503, body: {} } : undefined);
    const { problem, to } = await at.comeBack(back);
    expect([problem?.code, problem?.said?.code, to]).toEqual([
      ...['provider_failed', 'sso-away', '/console/sign-in?next=%2Fchat'],
    ]);
  });

  it('ends in words when the provider answers nothing, and holds nothing until then or after', async () => {
    const providers = http.app.get(Providers, { strict: false });
    const { timeoutMs } = providers;
    providers.timeoutMs = 300;
    /** The connection on which the provider lets us wait. */
    const hanging = (at: RegExp) =>
      new Promise<Socket>((asked) => {
        provider.instead = ({ url, socket }) => {
          if (!at.test(url!)) return undefined;
          asked(socket);
          return 'hang';
        };
      });
    try {
      for (const place of [/^\/token/, /^\/jwks/]) {
        provider.person = someone();
        const at = browser();
        const back = await at.toProvider(await at.begin());
        const kept = hashToken(at.jarOf().get('aos_sign_in')!);
        const asked = hanging(place);
        const coming = at.comeBack(back);
        const socket = await asked;
        // It is used up by now; and no transaction waits with it, or this would not be answered on PGlite.
        const flows = () =>
          http.database.query('SELECT 1 FROM sign_in_flows WHERE token_hash = $1', [kept]);
        expect(await flows()).toEqual([]);
        const { problem, to } = await coming;
        expect([problem?.code, problem?.said?.code, to]).toEqual([
          ...['provider_failed', 'sso-away', '/console/sign-in?next=%2Fchat'],
        ]);
        if (!socket.destroyed) await once(socket, 'close');
        expect(at.jarOf().has('aos_session')).toBe(false);
        expect(
          await http.database.query('SELECT 1 FROM users WHERE email = $1', [
            provider.person['email'],
          ]),
        ).toEqual([]);
        provider.instead = undefined;
        expect((await at.signIn()).to).toBe('/console/chat');
      }
      // Where it does not say what it is nobody is sent to it, and nothing is begun.
      await save({ issuer: `${provider.issuer}/slow` });
      const before = await http.database.query('SELECT 1 FROM sign_in_flows');
      const asked = hanging(/^\/slow/);
      const began = browser().post('/auth/providers/corp/begin', {});
      const socket = await asked;
      const { status, body } = await began;
      expect([status, body.code, body.said?.code]).toEqual([502, 'provider_failed', 'sso-away']);
      if (!socket.destroyed) await once(socket, 'close');
      expect(await http.database.query('SELECT 1 FROM sign_in_flows')).toHaveLength(before.length);
    } finally {
      providers.timeoutMs = timeoutMs;
      provider.instead = undefined;
      await save({});
    }
  });
});

describe('whom a sign-in is for', () => {
  it('is never decided by an e-mail address', async () => {
    const here = await somebodyHere('admin');
    provider.person = someone({ email: here.email });
    expect(await whyNot()).toBe('sso-email-taken');
    provider.person = someone({ email: here.email.toUpperCase() });
    expect(await whyNot()).toBe('sso-email-taken');
    expect(
      await http.database.query('SELECT 1 FROM identities WHERE user_id = $1', [here.id]),
    ).toEqual([]);
    // The other way round: whose identity is connected stays who they are, whatever the address says by now.
    provider.person = someone();
    const bound = await connected();
    provider.person = { ...provider.person, email: here.email };
    const at = browser();
    await at.signIn();
    expect((await at.me()).body.user.id).toBe(bound.id);
  });

  it('wants an address that is verified, of a domain that is let in, and leave to make accounts', async () => {
    provider.person = someone({ email_verified: false });
    expect(await whyNot()).toBe('sso-email');
    provider.person = someone({ email_verified: 'yes' });
    expect(await whyNot()).toBe('sso-email');
    await save({ allowedDomains: ['corp.test'] });
    provider.person = someone();
    expect(await whyNot()).toBe('sso-domain');
    provider.person = someone({ email: 'eve@evil-corp.test' });
    expect(await whyNot()).toBe('sso-domain');
    await save({ createUsers: false });
    provider.person = someone();
    expect(await whyNot()).toBe('sso-no-account');
    await save({});
  });

  it('keeps out whoever is disabled, also in the middle of it', async () => {
    const at = browser();
    await at.signIn();
    const { id } = (await at.me()).body.user;
    await http.call(`/rbac/users/${id}/disable`, { method: 'POST', as: owner });
    expect((await at.me()).status).toBe(401);
    expect(await whyNot()).toBe('sso-disabled');
  });

  it('makes one account of two first sign-ins at one moment', async () => {
    const pair = [browser(), browser()];
    const backs = await Promise.all(pair.map(async (each) => each.toProvider(await each.begin())));
    await Promise.all(pair.map((each, n) => each.comeBack(backs[n]!)));
    const ids = await Promise.all(pair.map(async (each) => (await each.me()).body.user.id));
    expect(new Set(ids).size).toBe(1);
  });
});

describe('roles of a provider', () => {
  it('come and go with the claim, and leave alone what people gave', async () => {
    const here = await connected('viewer');
    provider.person = { ...provider.person, groups: ['ops'] };
    const at = browser();
    await at.signIn();
    expect((await rolesOf(here.email)).map(({ role }) => role)).toEqual(['operator', 'viewer']);
    provider.person = { ...provider.person, groups: [] };
    await at.signIn();
    expect(await rolesOf(here.email)).toMatchObject([
      { role: 'viewer', created_by: `user:${owner.userId}` },
    ]);
  });

  it('let nobody in for whom nothing is left, and that is written', async () => {
    await save({ defaultRole: undefined });
    provider.person = someone();
    expect(await whyNot()).toBe('sso-no-role');
    provider.person = someone({ groups: 'ops' });
    expect(await whyNot()).toBeUndefined();
    provider.person = { ...provider.person, groups: ['else'] };
    const { problem } = await browser().signIn();
    expect(problem?.said?.code).toBe('sso-no-role');
    expect(await rolesOf(String(provider.person['email']))).toEqual([]);
    expect(await actionsOf(problem?.traceId)).toContain('role.revoke allowed');
    await save({});
  });

  it('never take the last owner away', async () => {
    await save({ roles: [{ value: 'owners', role: 'owner' }] });
    provider.person = someone({ groups: ['owners'] });
    const at = browser();
    await at.signIn();
    const { email, id } = (await at.me()).body.user;
    await http.database.query(`UPDATE users SET password_hash = 'x' WHERE id = $1`, [id]);
    const others = await http.database.query<{ id: string }>(
      `UPDATE role_bindings SET role = 'admin' WHERE role = 'owner' AND user_id <> $1 RETURNING id`,
      [id],
    );
    provider.person = { ...provider.person, groups: [] };
    await at.signIn();
    expect((await rolesOf(email)).map(({ role }) => role)).toContain('owner');
    for (const each of others)
      await http.database.query(`UPDATE role_bindings SET role = 'owner' WHERE id = $1`, [each.id]);
    await at.signIn();
    expect((await rolesOf(email)).map(({ role }) => role)).toEqual(['viewer']);
    await save({});
  });

  it('need no second person, whom the settings that map them needed', async () => {
    const second = await http.signIn('owner');
    const rule = { settings: false, policies: false, roles: true, secrets: false, confirmers: [] };
    await save({}, {}, { secondPerson: rule });
    provider.person = someone({ groups: ['ops'] });
    expect(await whyNot()).toBeUndefined();
    expect((await rolesOf(String(provider.person['email']))).map(({ role }) => role)).toEqual([
      'operator',
    ]);
    const waits = await put({ providers: [aProvider({ roles: [] })] });
    expect(waits.status).toBe(202);
    const off = await put(
      { providers: [aProvider()] },
      { security: { secondPerson: { ...rule, roles: false } } },
    );
    const { id } = off.body as never as { id: string };
    const done = await http.call(`/config/proposals/${id}/decide`, {
      ...{ method: 'POST', as: second, body: { decision: 'confirm' } },
    });
    expect([off.status, done.status]).toEqual([202, 200]);
  });
});

describe('connecting an account', () => {
  it('takes the password, and the session that began it', async () => {
    const here = await somebodyHere();
    const csrf = await here.at.csrf;
    const path = '/auth/identities';
    expect(
      (await here.at.post(path, { provider: 'corp', currentPassword: 'no' }, csrf)).body.code,
    ).toBe('wrong_password');
    expect((await here.at.post(path, { provider: 'corp' }, csrf)).body.code).toBe('wrong_password');
    const { body } = await here.at.post<{ url: string }>(
      ...([path, { provider: 'corp', currentPassword: password }, csrf] as const),
    );
    const back = await here.at.toProvider(body.url);
    // Somebody else has signed in meanwhile, in the same browser.
    const another = await somebodyHere();
    here.at.jarOf().set('aos_session', another.at.jarOf().get('aos_session')!);
    const refused = await here.at.comeBack(back);
    expect([refused.problem?.said?.code, refused.to]).toEqual([
      'sso-session',
      '/console/sign-in?next=%2Fsettings%2Faccount',
    ]);
  });

  it('gives an identity to one account, and an account one identity of a provider', async () => {
    const first = await connected();
    const second = await somebodyHere();
    const begin = async () =>
      (
        await second.at.post<{ url: string }>(
          ...(['/auth/identities', { provider: 'corp', currentPassword: password }] as const),
          await second.at.csrf,
        )
      ).body.url;
    const taken = await second.at.comeBack(await second.at.toProvider(await begin()));
    expect(taken.problem?.said?.code).toBe('sso-taken');
    provider.person = someone();
    await second.at.comeBack(await second.at.toProvider(await begin()));
    // Of two windows of one person, at one moment, both are told that it is theirs.
    const third = await somebodyHere();
    provider.person = someone();
    const windows = await Promise.all(
      [browser(), browser()].map(async (at) => {
        at.jarOf().set('aos_session', third.at.jarOf().get('aos_session')!);
        const { body } = await at.post<{ url: string }>(
          ...(['/auth/identities', { provider: 'corp', currentPassword: password }] as const),
          await third.at.csrf,
        );
        return { at, back: await at.toProvider(body.url) };
      }),
    );
    const ends = await Promise.all(windows.map(({ at, back }) => at.comeBack(back)));
    expect(ends.map(({ to }) => to)).toEqual(Array(2).fill('/console/settings/account'));
    provider.person = someone();
    const another = await second.at.comeBack(await browser().toProvider(await begin()));
    expect(another.problem?.said?.code).toBe('sso-another');
    const people = (await http.call<Page<Person>>('/rbac/users?limit=200', { as: owner })).body
      .items;
    expect(people.find(({ id }) => id === first.id)).toMatchObject({
      ...{ providers: ['corp'], hasPassword: true },
    });
  });

  it('is taken back, with its roles and sessions, as long as another way in is left', async () => {
    const here = await connected();
    provider.person = { ...provider.person, groups: ['ops'] };
    const at = browser();
    await at.signIn();
    const list = await http.call<Page<Identity>>('/auth/identities', {
      headers: { cookie: `aos_session=${here.at.jarOf().get('aos_session')}` },
    });
    const gone = await http.call(`/auth/identities/${list.body.items[0]!.id}`, {
      method: 'DELETE',
      headers: {
        cookie: `aos_session=${here.at.jarOf().get('aos_session')}`,
        ...(await here.at.csrf),
      },
    });
    expect([gone.status, (await at.me()).status]).toEqual([204, 401]);
    expect((await rolesOf(here.email)).map(({ role }) => role)).toEqual(['viewer']);
    // One who came by it alone would be locked out.
    provider.person = someone();
    const alone = browser();
    await alone.signIn();
    const cookie = `aos_session=${alone.jarOf().get('aos_session')}`;
    const own = await http.call<Page<Identity>>('/auth/identities', { headers: { cookie } });
    const kept = await http.call<Problem>(`/auth/identities/${own.body.items[0]!.id}`, {
      ...{ method: 'DELETE', headers: { cookie, ...(await alone.csrf) } },
    });
    expect([kept.status, kept.body.said?.code]).toEqual([409, 'identity-last']);
    // Nobody else's can be touched.
    const foreign = await http.call<Problem>(`/auth/identities/${own.body.items[0]!.id}`, {
      ...{ method: 'DELETE', as: await http.signIn('owner') },
    });
    expect(foreign.status).toBe(404);
  });
});

describe('a second factor beside it', () => {
  async function withFactor() {
    const at = browser();
    await at.signIn();
    const csrf = await at.csrf;
    // Without a password it is a sign-in of a moment ago that shows who they are.
    const begun = await at.post<{ secret: string }>('/auth/second-factor', {}, csrf);
    const { secret } = begun.body;
    await at.post('/auth/second-factor/confirm', { code: await codeOf(secret, -1) }, csrf);
    return { secret, id: (await at.me()).body.user.id };
  }
  async function codeOf(secret: string, steps = 0) {
    const [row] = await http.database.query<{ now: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 AS now',
    );
    return new TOTP({ secret }).generate({ timestamp: (row!.now + 30 * steps) * 1000 });
  }

  it('is asked for, in the same browser, before there is a session', async () => {
    const { secret, id } = await withFactor();
    const at = browser();
    const back = await at.signIn('/memory');
    expect(back.to).toBe('/console/sign-in?next=%2Fmemory&code=1');
    expect(at.jarOf().has('aos_session')).toBe(false);
    const code = await codeOf(secret);
    expect((await browser().post('/auth/providers/code', { code })).body.code).toBe('sign_in_over');
    const wrong = await at.post('/auth/providers/code', { code: '000000' });
    expect([wrong.status, wrong.body.code]).toEqual([401, 'second_factor_wrong']);
    const kept = at.jarOf().get('aos_sign_in')!;
    expect((await at.post('/auth/providers/code', { code })).status).toBe(200);
    expect((await at.me()).body.user.id).toBe(id);
    const again = browser();
    again.jarOf().set('aos_sign_in', kept);
    expect(
      (await again.post('/auth/providers/code', { code: await codeOf(secret, 1) })).body.code,
    ).toBe('sign_in_over');
    // Too late, and in a pause: the right code is not looked at.
    const late = browser();
    await late.signIn();
    await http.database.query(
      'UPDATE sign_in_flows SET expires_at = now() WHERE waits_for IS NOT NULL',
    );
    const over = await late.post('/auth/providers/code', { code: await codeOf(secret, 1) });
    expect(over.body.code).toBe('sign_in_over');
    const paused = browser();
    await paused.signIn();
    const attempts = http.app.get(LoginAttempts);
    for (let n = 0; n < 4; n++) attempts.failed('127.0.0.1', String(provider.person['email']));
    await paused.post('/auth/providers/code', { code: '000000' });
    const inPause = await paused.post('/auth/providers/code', { code: await codeOf(secret, 1) });
    expect([inPause.status, inPause.body.code]).toEqual([429, 'too_many_requests']);
    forgetFailures();
    // Disabled between the two halves.
    const half = browser();
    await half.signIn();
    await http.call(`/rbac/users/${id}/disable`, { method: 'POST', as: owner });
    const out = await half.post('/auth/providers/code', { code: await codeOf(secret, 1) });
    expect([out.status, out.body.said?.code]).toEqual([403, 'sso-disabled']);
  });

  it('is the provider’s where the settings count what it says, and only then', async () => {
    const { id } = await withFactor();
    provider.bend = () => Promise.resolve({ amr: ['pwd', 'mfa'] });
    expect((await browser().signIn()).to).toContain('code=1');
    await save({ secondFactor: { amr: ['mfa'], acr: ['gold'] } });
    const at = browser();
    await at.signIn();
    expect((await at.me()).body.user.id).toBe(id);
    provider.bend = () => Promise.resolve({ acr: 'gold' });
    expect((await browser().signIn()).to).toBe('/console/chat');
    provider.bend = () => Promise.resolve({ amr: ['pwd'], acr: 'golden' });
    expect((await browser().signIn()).to).toContain('code=1');
    // Of whom one is wanted and who has none: the provider's stands for it as well.
    const security = { secondFactor: { everybody: false, roles: ['viewer'] } };
    await save({ secondFactor: { amr: ['mfa'], acr: [] } }, {}, security);
    provider.person = someone();
    const plain = browser();
    await plain.signIn();
    expect((await plain.me()).body.mustSetUpSecondFactor).toBe(true);
    provider.bend = () => Promise.resolve({ amr: ['mfa'] });
    await plain.signIn();
    expect((await plain.me()).body.mustSetUpSecondFactor).toBe(false);
    await save({}, {}, { secondFactor: { everybody: false, roles: [] } });
  });

  it('wants the password or a sign-in of a moment ago to be set up', async () => {
    const at = browser();
    await at.signIn();
    const { id } = (await at.me()).body.user;
    await http.database.query(
      `UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE user_id = $1`,
      [id],
    );
    const { status, body } = await at.post('/auth/second-factor', {}, await at.csrf);
    expect([status, body.said?.code]).toEqual([403, 'prove-by-sign-in']);
  });
});

describe('the password beside it', () => {
  it('can be for owners, who always keep it, and only while that locks nobody out', async () => {
    const here = await somebodyHere();
    await save({}, { password: 'owners' });
    const ways = (await http.call<WaysIn>('/auth/providers')).body;
    expect(ways).toEqual({ password: 'owners', providers: [{ name: 'corp', title: 'Corp' }] });
    const refused = await browser().post('/auth/login', { email: here.email, password });
    expect([refused.status, refused.body.code]).toEqual([401, 'password_sign_in_off']);
    const wrong = await browser().post('/auth/login', { email: here.email, password: 'no' });
    expect(wrong.body.code).toBe('invalid_credentials');
    const kept = await browser().post('/auth/login', { email: 'keeper@example.test', password });
    expect(kept.status).toBe(200);
    // The last owner with a password is the last owner.
    await http.database.query(
      `UPDATE users SET password_hash = NULL WHERE email <> 'keeper@example.test'`,
    );
    const keeper = (
      await http.call<Page<Person>>('/rbac/users?limit=200', { as: owner })
    ).body.items.find(({ email }) => email === 'keeper@example.test')!;
    const last = await http.refused(`/rbac/users/${keeper.id}/disable`, {
      method: 'POST',
      as: owner,
    });
    expect(last.body.code).toBe('last_owner');
    const none = await put({ providers: [], password: 'owners' });
    expect([none.status, none.body.said?.code]).toEqual([400, 'password-no-provider']);
    await http.database.query(`UPDATE users SET password_hash = NULL WHERE id = $1`, [keeper.id]);
    const nobody = await put({ providers: [aProvider({ label: 'Other' })], password: 'owners' });
    expect(nobody.body.said?.code).toBe('password-no-owner');
    await http.call(`/rbac/users/${keeper.id}/password`, {
      ...{ method: 'POST', as: owner, body: { password } },
    });
    await save({});
  });
});

describe('the settings of providers', () => {
  it('are refused where they are wrong, each with its place', async () => {
    const two = (more: object) => [
      aProvider(),
      aProvider({ name: 'fake', issuer: 'https://b.example', ...more }),
    ];
    const wrong: [string, string, object[]][] = [
      ['provider-twice', 'providers.1.name', two({ name: 'corp' })],
      ['provider-issuer-twice', 'providers.1.issuer', two({ issuer: provider.issuer })],
      [
        'provider-issuer-form',
        'providers.0.issuer',
        [aProvider({ issuer: 'http://corp.example' })],
      ],
      [
        'provider-issuer-form',
        'providers.0.issuer',
        [aProvider({ issuer: 'https://a@corp.example' })],
      ],
      [
        'provider-issuer-form',
        'providers.0.issuer',
        [aProvider({ issuer: 'https://corp.example/?' })],
      ],
      ['provider-secret', 'providers.0.clientSecret', [aProvider({ clientSecret: 'NONE' })]],
      ['provider-role', 'providers.0.defaultRole', [aProvider({ defaultRole: 'nothing' })]],
      [
        'provider-role',
        'providers.0.roles.0.role',
        [aProvider({ roles: [{ value: 'x', role: 'y' }] })],
      ],
      ['provider-claim', 'providers.0.roleClaim', [aProvider({ roleClaim: undefined })]],
      [
        'provider-gives-nothing',
        'providers.0.defaultRole',
        [aProvider({ roles: [], defaultRole: undefined })],
      ],
    ];
    for (const [code, path, providers] of wrong) {
      const { body } = await put({ providers });
      expect([body.said?.code, body.errors?.[0]?.path]).toEqual([code, `security.signIn.${path}`]);
    }
  });

  it('give no role that whoever saves them could not give', async () => {
    const admin = await http.signIn('admin');
    const asOwner = [aProvider({ roles: [{ value: 'x', role: 'owner' }] })];
    expect((await put({ providers: asOwner }, { as: admin })).status).toBe(403);
    expect((await put({ providers: asOwner })).status).toBe(200);
    // What an owner has mapped is not given to other people by an admin.
    const turned = asOwner.map((each) => ({ ...each, roleClaim: 'everybody' }));
    expect((await put({ providers: turned }, { as: admin })).status).toBe(403);
    expect((await put({ providers: asOwner, password: 'owners' }, { as: admin })).status).toBe(200);
    await save({});
  });

  it('can be tried, and what is wrong is said', async () => {
    const check = (more: object) =>
      http.call<ProviderCheck>('/auth/providers/check', {
        ...{ method: 'POST', as: owner, body: aProvider(more) },
      });
    const redirectUri = `${http.baseUrl}/auth/providers/corp/callback`;
    expect((await check({})).body).toEqual({
      ok: true,
      redirectUri,
      faults: [],
      endsSession: true,
    });
    const bent = async (metadata: object, more: object = {}) => {
      const plain = (await (
        await fetch(`${provider.issuer}/.well-known/openid-configuration`)
      ).json()) as object;
      provider.instead = () => ({ status: 200, body: { ...plain, ...metadata } });
      const { body } = await check(more);
      provider.instead = undefined;
      return body.faults[0]?.said.code;
    };
    expect(await bent({ issuer: 'https://evil.example' })).toBe('sso-issuer');
    expect(await bent({ issuer: `${provider.issuer}/` })).toBe('sso-issuer');
    expect(await bent({ authorization_endpoint: 'javascript:alert(1)' })).toBe('sso-endpoint');
    expect(await bent({ token_endpoint: 'http://169.254.169.254/' })).toBe('sso-endpoint');
    expect(await bent({ code_challenge_methods_supported: ['plain'] })).toBe('sso-no-pkce');
    const away = await check({ issuer: 'http://127.0.0.1:9' });
    expect(away.body.faults[0]?.said.code).toBe('sso-away');
    const inside = await check({ issuer: 'https://10.0.0.1' });
    expect(inside.body.faults[0]?.said.code).toBe('sso-not-asked');
    const viewer = await http.signIn('viewer');
    const refused = await http.call('/auth/providers/check', {
      ...{ method: 'POST', as: viewer, body: aProvider() },
    });
    expect(refused.status).toBe(403);
  });

  it('hand out the way to sign out at the provider', async () => {
    const { headers } = await browser().get(`${http.baseUrl}/auth/providers/corp/sign-out`);
    expect(headers.get('location')).toBe(`${provider.issuer}/session/end?client_id=${clientId}`);
  });

  it('send nobody anywhere where the address of this server is not known', async () => {
    const away = await openHttpApp({
      database: { ...database, close: () => Promise.resolve() },
      imports: [IdentitiesModule],
      environment: { host: '0.0.0.0', dataDir: http.environment.dataDir },
    });
    const port = new URL(away.baseUrl).port;
    const asked = await new Promise<number | undefined>((resolve, reject) => {
      void import('node:http').then(({ request }) => {
        const { hostname } = new URL(away.baseUrl);
        const sent = request(
          {
            ...{ hostname, port, path: '/auth/providers/corp/begin', method: 'POST' },
            headers: { host: 'evil.example', 'content-type': 'application/json' },
          },
          (answer) => resolve(answer.resume().statusCode),
        );
        sent.on('error', reject).end('{}');
      });
    });
    await away.close();
    expect(asked).toBe(503);
  });
});

describe('pauses', () => {
  it('follow failed sign-ins, as of the password', async () => {
    const begun = await Promise.all(
      Array.from({ length: 7 }, async () => {
        const at = browser();
        return { at, url: await at.begin() };
      }),
    );
    provider.wayBack = { iss: 'https://evil.example' };
    const whys = [];
    for (const { at, url } of begun)
      whys.push((await at.comeBack(await at.toProvider(url))).problem?.said?.code);
    expect(whys).toEqual([
      ...Array<string>(5).fill('sso-unfit'),
      ...Array(2).fill('sign-in-pause'),
    ]);
    const { status, body } = await browser().post('/auth/providers/corp/begin', {});
    expect([status, body.said?.code]).toEqual([429, 'sign-in-pause']);
  });

  it('do not follow where the provider is true and the person is not let in', async () => {
    await save({ createUsers: false });
    const whys = [];
    for (let n = 0; n < 6; n++) whys.push(await whyNot());
    expect(whys).toEqual(Array(6).fill('sso-no-account'));
    await save({});
  });

  it('follow very many from one address, begun or come back', async () => {
    const at = browser();
    const back = await at.toProvider(await at.begin());
    const pace = http.app.get(Pace, { strict: false });
    const full = async () => {
      for (let n = 0; n < 400; n++) await pace.take('127.0.0.1');
    };
    await expect(full()).rejects.toMatchObject({ code: 'too_many_requests' });
    const begin = await browser().post('/auth/providers/corp/begin', {});
    const code = await browser().post('/auth/providers/code', { code: '000000' });
    expect([begin.status, code.status]).toEqual([429, 429]);
    expect((await at.comeBack(back)).problem?.said?.code).toBe('sign-in-pause');
    Object.assign(pace, new Pace());
    expect(await whyNot()).toBeUndefined();
  });
});

describe('paths and claims', () => {
  it('lead nowhere but into the console', () => {
    for (const evil of [
      ...[
        '//evil.example',
        '/\\evil.example',
        '\\\\evil.example',
        'https://evil.example',
        'javascript:alert(1)',
      ],
      ...[
        '/\t/evil.example',
        '/\n/evil.example',
        '/x\\..\\y',
        '/..//evil.example',
        '/./\\evil',
        ' //evil',
        '',
      ],
    ])
      expect([evil, ownPath(evil)]).toEqual([evil, '/chat']);
    expect(ownPath('/projects?x=//y#z')).toBe('/projects?x=//y#z');
    expect(consolePath('/chat', { code: '1' })).toBe('/console/chat?code=1');
  });

  it('name nobody by what shows as something else', () => {
    const settings = { roles: [], secondFactor: { acr: [], amr: [] } };
    const nameOf = (claims: object) => readClaims({ sub: '1', ...claims }, settings as never).name;
    const names = { preferred_username: 'mallory', email: 'm@corp.test' };
    expect(nameOf({ ...names, name: 'E\u0301va' })).toBe('\u00c9va');
    expect(nameOf({ ...names, name: 'Own\u200ber' })).toBe('mallory');
    expect(nameOf({ ...names, name: '\u3164', preferred_username: 'm\u202ex' })).toBe(
      'm@corp.test',
    );
  });

  it('are found by their whole name, or by the way to them, and never in a prototype', () => {
    expect(claimAt({ 'https://x.example/roles': ['a'] }, 'https://x.example/roles')).toEqual(['a']);
    expect(claimAt({ realm_access: { roles: ['a'] } }, 'realm_access.roles')).toEqual(['a']);
    expect(claimAt({}, 'constructor.name')).toBeUndefined();
    expect(isOfDomain('a@x.test@corp.test', ['corp.test'])).toBe(true);
    expect(isOfDomain('a@sub.corp.test', ['corp.test'])).toBe(false);
  });
});

/** Failures of this file's own make a pause that its next test would meet. */
function forgetFailures() {
  const { records } = http.app.get(LoginAttempts) as never as { records: Map<string, unknown> };
  records.clear();
}

if (isNative)
  it('lets the old build go on beside it: its columns are nobody’s duty', async () => {
    const [user] = await http.database.query<{ id: string }>('SELECT id FROM users LIMIT 1');
    await http.database.query(
      `INSERT INTO sessions (id, user_id, token_hash, csrf_token, expires_at) VALUES ($1, $2, $3, 'x', now())`,
      [randomUUID(), user!.id, Buffer.from(randomUUID())],
    );
  });
