import type {
  ApiToken,
  CreatedToken,
  LoginAnswer,
  Me,
  Page,
  Person,
  Session,
} from '@aos/contracts';
import { type HttpApp, type SignedIn, makeRole, openHttpApp } from '../../../test/http-app.js';
import { Database } from '../../platform/database/database.js';
import { LoginAttempts } from './login-attempts.js';
import { OwnerBootstrap } from './owner-bootstrap.js';
import { Passwords } from './passwords.js';
import { SessionAuthenticator } from './session-authenticator.js';

const password = 'correct horse battery';
let http: HttpApp;
let owner: SignedIn;
beforeAll(async () => {
  http = await openHttpApp();
  owner = await http.signIn('owner');
});
afterAll(() => http.close());

let count = 0;
async function makePerson(role = 'operator') {
  const email = `person${count++}@example.test`;
  const { body } = await http.call<Person>('/rbac/users', {
    method: 'POST',
    as: owner,
    body: { email, name: 'A person', password, role },
  });
  return body;
}
const login = (body: unknown, headers: Record<string, string> = {}) =>
  http.call<LoginAnswer>('/auth/login', { method: 'POST', body, headers });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const audit = (resource: string) =>
  http.database.query<{ action: string; outcome: string; diff: unknown }>(
    'SELECT action, outcome, diff FROM audit_logs WHERE resource = $1 ORDER BY id',
    [resource],
  );

const stopTheClock = () => jest.spyOn(performance, 'now').mockReturnValue(performance.now());
afterEach(() => jest.restoreAllMocks());

describe('signing in', () => {
  it('answers a token, its end and the person, and sets a cookie that scripts cannot read', async () => {
    const person = await makePerson();
    const { status, body, headers } = await login({ email: person.email.toUpperCase(), password });
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresAt', 'user']);
    expect(body.user).toEqual({
      id: person.id,
      email: person.email,
      name: 'A person',
      roles: ['operator'],
    });
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(Date.now());
    const cookie = headers.get('set-cookie')!;
    expect(cookie).toMatch(/^aos_session=[\w-]{43}; Path=\/; Expires=.*; HttpOnly; SameSite=Lax$/);
    const me = await http.call<Me>('/auth/me', { headers: { cookie: cookie.split(';')[0]! } });
    expect(me.body).toMatchObject({ user: { id: person.id }, authenticatedBy: 'session' });
    expect(me.body.csrfToken).toMatch(/^[\w-]{43}$/);
    expect(me.body.permissions).toContain('task.create');
    expect(me.body.permissions).not.toContain('role.write');
    expect(
      (await audit(`user:${person.id}`)).map(({ action, outcome }) => [action, outcome]),
    ).toContainEqual(['login', 'allowed']);
  });

  it('says the same for a wrong password, an unknown person and a disabled one, and records each', async () => {
    const person = await makePerson();
    await http.call(`/rbac/users/${person.id}/disable`, { method: 'POST', as: owner });
    const unknown = { email: 'nobody@example.test', password };
    const texts = [];
    for (const body of [
      unknown,
      { email: person.email, password },
      { email: (await makePerson()).email, password: 'wrong' },
    ]) {
      const answer = await http.refused('/auth/login', { method: 'POST', body });
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
      texts.push(answer.body.detail);
    }
    expect(new Set(texts).size).toBe(1);
    expect(await audit('user:unknown')).toContainEqual({
      action: 'login',
      outcome: 'failed',
      diff: { email: unknown.email },
    });
  });

  it('keeps a password that was typed into the wrong field out of the record', async () => {
    await login({ email: 'My-S3cret-Passw0rd', password: 'x' });
    expect(JSON.stringify(await http.database.query('SELECT * FROM audit_logs'))).not.toMatch(
      /s3cret/i,
    );
  });

  it('pauses after failures for the pair, not for others, and then takes the right one', async () => {
    const [person, other] = [await makePerson(), await makePerson()];
    stopTheClock(); // a first pause is a second, and a machine may be busy for longer
    for (let n = 0; n < 5; n++)
      expect((await login({ email: person.email, password: 'no' })).status).toBe(401);
    const paused = await login({ email: person.email, password });
    expect(paused.status).toBe(429);
    expect(Number(paused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await login({ email: other.email, password })).status).toBe(200);
  });

  it('doubles the pause with each failure, up to a bound, and forgets in time', () => {
    const attempts = new LoginAttempts();
    const [ip, email] = ['10.0.0.1', 'a@b'];
    for (let n = 0; n < 5; n++) attempts.failed(ip, email, 0);
    expect(() => attempts.requireNoPause(ip, email, 999)).toThrow();
    expect(() => attempts.requireNoPause(ip, email, 1000)).not.toThrow();
    for (let n = 0; n < 15; n++) attempts.failed(ip, email, 0);
    expect(() => attempts.requireNoPause(ip, email, 899_000)).toThrow();
    expect(() => attempts.requireNoPause(ip, email, 900_000)).not.toThrow();
    attempts.failed(ip, email, 4_600_000);
    expect(() => attempts.requireNoPause(ip, email, 4_600_000)).not.toThrow();
  });

  it('pauses an address that tries many people', () => {
    const attempts = new LoginAttempts();
    for (let n = 0; n < 30; n++) attempts.failed('10.0.0.2', `p${n}@x`, 0);
    expect(() => attempts.requireNoPause('10.0.0.2', 'fresh@x', 1)).toThrow();
    expect(() => attempts.requireNoPause('10.0.0.3', 'fresh@x', 1)).not.toThrow();
  });

  it('refuses 50 passwords of 1 MB before a single hash, and still signs people in', async () => {
    const person = await makePerson();
    const huge = 'x'.repeat(1_000_000);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => login({ email: 'big@example.test', password: huge })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([400]));
    expect((await login({ email: person.email, password })).status).toBe(200);
  });

  it('takes a password in whatever code points a keyboard sends its letters, and no other', async () => {
    const passwords = new Passwords();
    const stored = await passwords.hash('p\u00e4ssw\u00f6rd 1234');
    expect(await passwords.isRight(stored, 'pa\u0308sswo\u0308rd\u30001234')).toBe(true);
    expect(await passwords.isRight(stored, 'password 1234')).toBe(false);
    expect(await passwords.isRight(stored, 'p\u00c4ssw\u00f6rd 1234')).toBe(false);
  });

  it('hashes a few at a time and turns away what would wait too long', async () => {
    const passwords = new Passwords();
    const results = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.hash('x')));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBe(60 - 2 - 32);
    expect((refused[0]!.reason as { code: string }).code).toBe('unavailable');
    await expect(passwords.hash('x')).resolves.toMatch(/^\$argon2id\$/);
  });

  it('gives a new session at each sign-in: a planted one is worth nothing', async () => {
    const person = await makePerson();
    const planted = 'P'.repeat(43);
    const { body } = await login(
      { email: person.email, password },
      { cookie: `aos_session=${planted}` },
    );
    expect(body.accessToken).not.toBe(planted);
    expect((await http.call('/auth/me', { headers: bearer(planted) })).status).toBe(401);
  });

  it('marks the cookie Secure where people come by https', async () => {
    const https = await openHttpApp({ environment: { publicUrl: 'https://aos.example' } });
    try {
      const { email } = await https.app
        .get(OwnerBootstrap)
        .ensure({ ownerEmail: 'o@x.test', ownerPassword: password });
      const { headers } = await https.call('/auth/login', {
        method: 'POST',
        body: { email, password },
      });
      expect(headers.get('set-cookie')).toContain('; Secure');
      expect(headers.get('strict-transport-security')).toBeTruthy();
    } finally {
      await https.close();
    }
  });

  it.each([
    [{}],
    [{ email: 'a@b', password: 'x', role: 'owner' }],
    [{ email: ['a'], password: 'x' }],
    [null],
    [[]],
    ['text'],
  ])('refuses %j', async (body) => {
    expect((await login(body)).status).toBe(400);
  });
});

describe('the end of a session', () => {
  it('is at once after signing out, for the bearer and the cookie', async () => {
    const person = await makePerson();
    const { accessToken } = (await login({ email: person.email, password })).body;
    expect((await http.call('/auth/me', { headers: bearer(accessToken) })).status).toBe(200);
    const out = await http.call('/auth/logout', { method: 'POST', headers: bearer(accessToken) });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      204,
      expect.stringMatching(/^aos_session=;/),
    ]);
    expect((await http.call('/auth/me', { headers: bearer(accessToken) })).status).toBe(401);
    expect(
      (await http.call('/auth/me', { headers: { cookie: `aos_session=${accessToken}` } })).status,
    ).toBe(401);
  });

  it('is at once when the person is disabled or gets a new password', async () => {
    for (const [path, body] of [
      ['disable', undefined],
      ['password', { password: 'another long one' }],
    ] as const) {
      const person = await makePerson();
      const { accessToken } = (await login({ email: person.email, password })).body;
      expect((await http.call('/auth/me', { headers: bearer(accessToken) })).status).toBe(200);
      expect(
        (await http.call(`/rbac/users/${person.id}/${path}`, { method: 'POST', as: owner, body }))
          .status,
      ).toBe(204);
      expect((await http.call('/auth/me', { headers: bearer(accessToken) })).status).toBe(401);
    }
  });

  it('is when it expires, and no stored session can be used as a token', async () => {
    const person = await http.signIn('viewer');
    await http.database.query(
      `UPDATE sessions SET expires_at = now() - interval '1 second' WHERE user_id = $1`,
      [person.userId],
    );
    http.app.get(SessionAuthenticator).forgetAll();
    expect((await http.call('/auth/me', { as: person })).status).toBe(401);
    const [row] = await http.database.query<{ hash: string }>(
      `SELECT encode(token_hash, 'base64') AS hash FROM sessions LIMIT 1`,
    );
    expect(
      (
        await http.call('/auth/me', {
          headers: bearer(row!.hash.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')),
        })
      ).status,
    ).toBe(401);
  });
});

describe('changing the own password', () => {
  const next = 'a new and longer one';
  const setUp = async () => {
    const person = await makePerson();
    const enter = async (pass = password) =>
      (await login({ email: person.email, password: pass })).body.accessToken;
    const [here, there] = [await enter(), await enter()];
    const change = (token: string, body: unknown) =>
      http.refused('/auth/password', { method: 'POST', body, headers: bearer(token) });
    const isIn = async (token: string) =>
      (await http.call('/auth/me', { headers: bearer(token) })).status === 200;
    return { person, enter, here, there, change, isIn };
  };

  it('takes the present one, ends the other sessions and leaves this one', async () => {
    const { person, enter, here, there, change, isIn } = await setUp();
    const { status } = await change(here, { currentPassword: password, newPassword: next });
    expect(status).toBe(204);
    expect([await isIn(here), await isIn(there)]).toEqual([true, false]);
    expect((await login({ email: person.email, password })).status).toBe(401);
    expect(await isIn(await enter(next))).toBe(true);
    expect(await audit(`user:${person.id}`)).toContainEqual({
      action: 'user.password',
      outcome: 'allowed',
      diff: { password: 'changed', by: 'self', sessionsEnded: 1 },
    });
  });

  it('refuses a wrong one, records it, and pauses whoever guesses', async () => {
    const { person, here, there, change, isIn } = await setUp();
    stopTheClock();
    const wrong = { currentPassword: 'not the password', newPassword: next };
    const { status, body } = await change(here, wrong);
    expect([status, body.code]).toEqual([403, 'wrong_password']);
    expect(await audit(`user:${person.id}`)).toContainEqual({
      action: 'user.password',
      outcome: 'failed',
      diff: null,
    });
    for (let n = 0; n < 4; n++) await change(here, wrong);
    const right = await change(here, { currentPassword: password, newPassword: next });
    expect(right.status).toBe(429);
    expect([await isIn(here), await isIn(there)]).toEqual([true, true]);
  });

  it.each([
    [{ currentPassword: password, newPassword: 'short' }],
    [{ currentPassword: password, newPassword: password }],
    [{ currentPassword: password, newPassword: 'x'.repeat(1025) }],
    [{ currentPassword: password, newPassword: next, userId: 'another' }],
  ])('refuses %j', async (body) => {
    const { here, change } = await setUp();
    expect((await change(here, body)).status).toBe(400);
  });

  it('is not for API tokens', async () => {
    const { here, change } = await setUp();
    const { body } = await http.call<CreatedToken>('/auth/tokens', {
      method: 'POST',
      body: { name: 'ci' },
      headers: bearer(here),
    });
    expect(
      (await change(body.token, { currentPassword: password, newPassword: next })).status,
    ).toBe(403);
  });
});

describe('sessions', () => {
  it("are one's own, with the present one marked, and end at once", async () => {
    const person = await makePerson();
    const enter = async () => (await login({ email: person.email, password })).body.accessToken;
    const [here, there] = [await enter(), await enter()];
    const { body } = await http.call<Page<Session>>('/auth/sessions', { headers: bearer(here) });
    expect(body.items).toHaveLength(2);
    expect(body.items.filter(({ isThis }) => isThis)).toHaveLength(1);
    const other = body.items.find(({ isThis }) => !isThis)!;
    const end = (headers: Record<string, string>) =>
      http.call(`/auth/sessions/${other.id}`, { method: 'DELETE', headers });
    expect((await end(bearer(owner.token))).status).toBe(404);
    expect((await end(bearer(here))).status).toBe(204);
    expect((await http.call('/auth/me', { headers: bearer(there) })).status).toBe(401);
    expect(await audit(`session:${other.id}`)).toMatchObject([{ action: 'session.end' }]);
  });
});

describe('API tokens', () => {
  const make = (as: SignedIn, body: unknown) =>
    http.call<CreatedToken>('/auth/tokens', { method: 'POST', as, body });

  it('are shown once, stored as a hash, listed without themselves, and revoked at once', async () => {
    const person = await http.signIn('operator');
    const { status, body } = await make(person, { name: 'ci', scopes: ['task.read'] });
    expect([status, body.token]).toEqual([201, expect.stringMatching(/^aos_[\w-]{43}$/)]);
    expect((await http.call<Me>('/auth/me', { headers: bearer(body.token) })).body).toMatchObject({
      permissions: ['task.read'],
      authenticatedBy: 'token',
      csrfToken: null,
    });
    const list = await http.call<Page<ApiToken>>('/auth/tokens', { as: person });
    expect(list.body.items).toMatchObject([
      { id: body.id, name: 'ci', scopes: ['task.read'], lastUsedAt: expect.any(String) },
    ]);
    expect(list.text).not.toContain(body.token);
    for (const table of ['api_tokens', 'audit_logs', 'idempotency_keys', 'events'])
      expect(JSON.stringify(await http.database.query(`SELECT * FROM ${table}`))).not.toContain(
        body.token.slice(4),
      );
    expect(
      (await http.call(`/auth/tokens/${body.id}`, { method: 'DELETE', as: person })).status,
    ).toBe(204);
    expect((await http.call('/auth/me', { headers: bearer(body.token) })).status).toBe(401);
    expect((await audit(`token:${body.id}`)).map(({ action }) => action)).toEqual([
      'token.create',
      'token.revoke',
    ]);
  });

  it('hold no more than their owner holds, then or later', async () => {
    const person = await http.signIn('operator');
    expect((await make(person, { name: 'x', scopes: ['role.write'] })).status).toBe(403);
    const { token } = (await make(person, { name: 'x' })).body;
    const permissions = async () =>
      (await http.call<Me>('/auth/me', { headers: bearer(token) })).body.permissions;
    expect(await permissions()).toContain('task.create');
    const [binding] = await http.database.query<{ id: string }>(
      'SELECT id FROM role_bindings WHERE user_id = $1',
      [person.userId],
    );
    await http.call('/rbac/bindings', {
      method: 'POST',
      as: owner,
      body: { userId: person.userId, role: 'viewer' },
    });
    expect(await permissions()).toContain('task.create');
    await http.call(`/rbac/bindings/${binding!.id}`, { method: 'DELETE', as: owner });
    expect(await permissions()).not.toContain('task.create');
    expect(await permissions()).toContain('task.read');
  });

  it('make no further tokens, which would outlive them', async () => {
    const { token } = (await make(owner, { name: 'small', scopes: ['task.read'] })).body;
    const answer = await http.refused('/auth/tokens', {
      method: 'POST',
      headers: bearer(token),
      body: { name: 'child', scopes: ['task.read'] },
    });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    expect(answer.body.detail).toContain('Sign in');
  });

  it('hold no more than whoever makes them', async () => {
    const operator = await http.signIn('operator');
    const call = (body: unknown) =>
      http.call<CreatedToken>('/auth/tokens', { method: 'POST', as: operator, body });
    expect((await call({ name: 'y', scopes: ['role.write'] })).status).toBe(403);
    const inherits = await call({ name: 'y' });
    expect(inherits.body.scopes).toContain('task.create');
    expect(inherits.body.scopes).not.toContain('role.write');
  });

  it('end when they say, and cannot begin in the past', async () => {
    expect((await make(owner, { name: 'x', expiresAt: '2020-01-01T00:00:00Z' })).status).toBe(400);
    const { token, id } = (await make(owner, { name: 'x', expiresAt: '2999-01-01T00:00:00Z' }))
      .body;
    expect((await http.call('/auth/me', { headers: bearer(token) })).status).toBe(200);
    await http.database.query(
      `UPDATE api_tokens SET expires_at = now() - interval '1 second' WHERE id = $1`,
      [id],
    );
    http.app.get(SessionAuthenticator).forgetAll();
    expect((await http.call('/auth/me', { headers: bearer(token) })).status).toBe(401);
  });

  it('of others are not there: the same answer as for an unknown id, and they stay', async () => {
    const { id, token } = (await make(owner, { name: 'mine' })).body;
    const other = await http.signIn('admin');
    expect((await http.call(`/auth/tokens/${id}`, { method: 'DELETE', as: other })).status).toBe(
      404,
    );
    expect((await http.call('/auth/me', { headers: bearer(token) })).status).toBe(200);
  });

  it('are not taken from the cookie', async () => {
    const { token } = (await make(owner, { name: 'x' })).body;
    expect(
      (await http.call('/auth/me', { headers: { cookie: `aos_session=${token}` } })).status,
    ).toBe(401);
  });
});

describe('people', () => {
  it('are refused a second account by the same address', async () => {
    const { email } = await makePerson();
    const again = await http.refused('/rbac/users', {
      method: 'POST',
      as: owner,
      body: { email: email.toUpperCase(), name: 'x', password, role: 'viewer' },
    });
    expect([again.status, again.body.code]).toEqual([409, 'already_exists']);
  });

  it('cannot be taken over by someone who holds less', async () => {
    const admin = await http.signIn('admin');
    for (const [path, body] of [
      ['password', { password: 'a new long one' }],
      ['disable', undefined],
    ] as const) {
      const answer = await http.refused(`/rbac/users/${owner.userId}/${path}`, {
        method: 'POST',
        as: admin,
        body,
      });
      expect([path, answer.status]).toEqual([path, 403]);
    }
    await makeRole(http.database, 'helpdesk', ['user.read', 'user.write']);
    const helpdesk = await http.signIn('helpdesk');
    const operator = await makePerson();
    expect(
      (
        await http.call(`/rbac/users/${operator.id}/password`, {
          method: 'POST',
          as: helpdesk,
          body: { password: 'a new long one' },
        })
      ).status,
    ).toBe(403);
  });

  it('page by key', async () => {
    const seen: string[] = [];
    for (let cursor: string | null = null, n = 0; n < 100; n++) {
      const page: Page<Person> = (
        await http.call<Page<Person>>(`/rbac/users?limit=3${cursor ? `&cursor=${cursor}` : ''}`, {
          as: owner,
        })
      ).body;
      seen.push(...page.items.map(({ email }) => email));
      cursor = page.nextCursor;
      if (!cursor) break;
    }
    const all = await http.database.query('SELECT 1 FROM users');
    expect([seen.length, new Set(seen).size]).toEqual([all.length, all.length]);
    expect((await http.refused('/rbac/users?cursor=nonsense', { as: owner })).body.code).toBe(
      'invalid_cursor',
    );
  });
});

describe('the first owner', () => {
  it('is made once, with a password that is told once, also when two ask together', async () => {
    const fresh = await openHttpApp();
    try {
      const bootstrap = fresh.app.get(OwnerBootstrap);
      const asked = await Promise.all([
        bootstrap.ensure({ ownerEmail: undefined, ownerPassword: undefined }),
        bootstrap.ensure({ ownerEmail: undefined, ownerPassword: undefined }),
      ]);
      expect(asked.map(({ email }) => email)).toEqual(['owner@localhost', 'owner@localhost']);
      const told = asked.filter((each) => each.password);
      expect(told.length).toBe(1);
      expect(told[0]!.password).toMatch(/^[A-Za-z0-9]{20}$/);
      const { status } = await fresh.call('/auth/login', { method: 'POST', body: told[0] });
      expect(status).toBe(200);
      expect(await bootstrap.ensure({ ownerEmail: 'x@y.test', ownerPassword: password })).toEqual({
        email: 'owner@localhost',
      });
      expect((await fresh.app.get(Database).query('SELECT 1 FROM users')).length).toBe(1);
    } finally {
      await fresh.close();
    }
  });
});
