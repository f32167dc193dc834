import type {
  CreatedToken,
  LoginAnswer,
  Me,
  Page,
  Person,
  Problem,
  RecoveryCodes,
  SecondFactor,
  SecondFactorSecret,
  SystemConfigAnswer,
} from '@aos/contracts';
import { TOTP } from 'otpauth';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { Database } from '../../platform/database/database.js';
import { ConfigModule } from '../config/index.js';
import { hashRecoveryCode, kindOfCode, newRecoveryCodes, stepOf } from './second-factor-codes.js';
import { SessionAuthenticator } from './session-authenticator.js';

const password = 'correct horse battery';
let database: TestDatabase;
let http: HttpApp;
let owner: SignedIn;
beforeAll(async () => {
  database = await openTestDatabase();
  http = await openHttpApp({ database, imports: [ConfigModule] });
  owner = await http.signIn('owner');
});
afterAll(() => http.close());

let count = 0;
async function makePerson(role = 'operator') {
  const { body } = await http.call<Person>('/rbac/users', {
    method: 'POST',
    as: owner,
    body: { email: `factor${count++}@example.test`, name: 'A person', password, role },
  });
  return body;
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const login = (email: string, code?: string, at: HttpApp = http) =>
  at.call<LoginAnswer & Problem>('/auth/login', {
    method: 'POST',
    body: { email, password, ...(code !== undefined && { code }) },
  });
const post = <T>(path: string, token: string, body?: unknown) =>
  http.call<T & Problem>(path, { method: 'POST', headers: bearer(token), body });
const audit = (id: string) =>
  http.database.query<{ action: string; outcome: string; diff: Record<string, unknown> }>(
    'SELECT action, outcome, diff FROM audit_logs WHERE resource = $1 ORDER BY id',
    [`user:${id}`],
  );

/** What an app shows that many half minutes from now, by the database's clock. */
async function codeOf(secret: string, steps = 0): Promise<string> {
  const [row] = await http.database.query<{ now: number }>(
    'SELECT extract(epoch FROM clock_timestamp())::float8 AS now',
  );
  return new TOTP({ secret }).generate({ timestamp: (row!.now + 30 * steps) * 1000 });
}

/** So that codes of now count again, without a wait of half a minute. */
const forgetSteps = (id: string) =>
  http.database.query('UPDATE second_factors SET last_step = 0 WHERE user_id = $1', [id]);

async function setUp(role = 'operator') {
  const person = await makePerson(role);
  const token = (await login(person.email)).body.accessToken;
  const begun = await post<SecondFactorSecret>('/auth/second-factor', token, {
    currentPassword: password,
  });
  const { secret } = begun.body;
  const { status, body } = await post<RecoveryCodes>('/auth/second-factor/confirm', token, {
    code: await codeOf(secret),
  });
  expect([begun.status, status]).toEqual([201, 200]);
  return { ...person, token, secret, uri: begun.body.uri, recoveryCodes: body.recoveryCodes };
}

describe('a second factor', () => {
  it('counts once a code of it was shown, ends the other sessions, and is stored unreadable', async () => {
    const person = await makePerson();
    const [here, there] = [await login(person.email), await login(person.email)];
    const token = here.body.accessToken;
    const { body } = await post<SecondFactorSecret>('/auth/second-factor', token, {
      currentPassword: password,
    });
    expect(body.uri).toContain(`secret=${body.secret}`);
    expect(body.uri).toMatch(/^otpauth:\/\/totp\/AOS:factor/);
    expect((await login(person.email)).status).toBe(200); // begun asks nothing of anybody
    const wrong = await post('/auth/second-factor/confirm', token, { code: '000000' });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'wrong_code']);
    const on = await post<RecoveryCodes>('/auth/second-factor/confirm', token, {
      code: await codeOf(body.secret),
    });
    expect(new Set(on.body.recoveryCodes).size).toBe(10);
    expect(on.headers.get('cache-control')).toBe('no-store');
    expect((await http.call('/auth/me', { headers: bearer(there.body.accessToken) })).status).toBe(
      401,
    );
    const mine = await http.call<SecondFactor>('/auth/second-factor', { headers: bearer(token) });
    expect(mine.body).toMatchObject({ isOn: true, recoveryCodesLeft: 10, isRequired: false });
    const stored = JSON.stringify([
      await http.database.query('SELECT * FROM audit_logs'),
      await http.database.query(
        `SELECT encode(ciphertext, 'escape'), encode(ciphertext, 'base64') FROM second_factors`,
      ),
      await http.database.query(`SELECT encode(code_hash, 'escape') FROM recovery_codes`),
      await http.database.query('SELECT * FROM idempotency_keys'),
      await http.database.query('SELECT payload, summary FROM events'),
    ]);
    for (const hidden of [body.secret, ...on.body.recoveryCodes])
      expect(stored).not.toContain(hidden);
  });

  it('takes the password to begin, a session and not a token, and never two at a time', async () => {
    const person = await setUp();
    const other = (await login((await makePerson()).email)).body.accessToken;
    const wrong = await post('/auth/second-factor', other, { currentPassword: 'not it' });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'wrong_password']);
    const again = await post('/auth/second-factor', person.token, { currentPassword: password });
    expect([again.status, again.body.code]).toEqual([409, 'conflict']);
    expect((await post('/auth/second-factor/confirm', other, { code: '123456' })).status).toBe(409);
    const { body: made } = await post<CreatedToken>('/auth/tokens', person.token, { name: 'ci' });
    for (const path of ['confirm', 'turn-off', 'recovery-codes'])
      expect(
        (await post(`/auth/second-factor/${path}`, made.token, { code: '123456' })).status,
      ).toBe(403);
  });

  it('is asked for at the door, and one request with a code is enough for a script', async () => {
    const person = await setUp();
    const asked = await login(person.email);
    expect([asked.status, asked.body.code]).toEqual([401, 'second_factor_needed']);
    expect(asked.headers.get('set-cookie')).toBeNull();
    const { status, body } = await login(person.email, await codeOf(person.secret, 1));
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresAt', 'user']);
    expect((await audit(person.id)).slice(-2)).toMatchObject([
      { action: 'login.code-asked', outcome: 'allowed' },
      { action: 'login', outcome: 'allowed', diff: { secondFactor: 'app' } },
    ]);
    // Who has none may send one: a script need not know.
    expect((await login((await makePerson()).email, '123456')).status).toBe(200);
  });

  it('tells nothing of it to whoever does not know the password', async () => {
    const person = await setUp();
    for (const code of [undefined, '123456', await codeOf(person.secret, 1)]) {
      const { status, body } = await http.call<Problem>('/auth/login', {
        method: 'POST',
        body: { email: person.email, password: 'wrong', ...(code && { code }) },
      });
      expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    }
  });

  it('takes a code once, and none that is older than one it took', async () => {
    const person = await setUp();
    await forgetSteps(person.id);
    const [before, now] = [await codeOf(person.secret, -1), await codeOf(person.secret)];
    expect((await login(person.email, now)).status).toBe(200);
    for (const code of [now, before]) {
      const { status, body } = await login(person.email, code);
      expect([status, body.code]).toEqual([401, 'second_factor_wrong']);
    }
  });

  it('takes the code of the step before and after, by the clock of the database, and none further off', async () => {
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const at = 1_800_000_015;
    const code = (steps: number) =>
      new TOTP({ secret }).generate({ timestamp: (at + 30 * steps) * 1000 });
    const taken = [-2, -1, 0, 1, 2].map((steps) => stepOf(secret, code(steps), at));
    expect(taken).toEqual([undefined, 59_999_999, 60_000_000, 60_000_001, undefined]);
    const person = await setUp();
    await forgetSteps(person.id);
    // The process is an hour off; an embedded database runs by the same clock, a server does not.
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3600_000);
    try {
      expect((await login(person.email, await codeOf(person.secret))).status).toBe(200);
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('takes a recovery code once, however it was copied down, and new ones in place of all', async () => {
    const person = await setUp();
    const [first, second] = person.recoveryCodes as [string, string];
    expect((await login(person.email, first.toLowerCase().replaceAll('-', ' '))).status).toBe(200);
    expect((await login(person.email, first)).body.code).toBe('second_factor_wrong');
    const left = await http.call<SecondFactor>('/auth/second-factor', {
      headers: bearer(person.token),
    });
    expect(left.body.recoveryCodesLeft).toBe(9);
    const renewed = await post<RecoveryCodes>('/auth/second-factor/recovery-codes', person.token, {
      code: await codeOf(person.secret, 1),
    });
    expect((await login(person.email, second)).body.code).toBe('second_factor_wrong');
    expect((await login(person.email, renewed.body.recoveryCodes[0])).status).toBe(200);
    expect(hashRecoveryCode('0ABC-1DEF-GHJK-MNPQ')).toEqual(hashRecoveryCode('oabcldefghjkmnpq'));
    expect(newRecoveryCodes().map((code) => kindOfCode(code)?.kind)).toEqual(
      Array.from({ length: 10 }, () => 'recovery'),
    );
  });

  it('lets one in of many who show the same at one moment, in two processes', async () => {
    const second = await openHttpApp({
      database: { ...database, close: () => Promise.resolve() },
      imports: [ConfigModule],
      environment: { masterKey: http.environment.masterKey, dataDir: http.environment.dataDir },
      ...(isNative && { database: await another() }),
    });
    try {
      const person = await setUp();
      for (const code of [await codeOf(person.secret, 1), person.recoveryCodes[0]!]) {
        const answers = await Promise.all(
          [http, second, http, second].map((app) => login(person.email, code, app)),
        );
        expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
          200, 401, 401, 401,
        ]);
      }
    } finally {
      await second.close();
    }
  });

  it('pauses after wrong codes for the person, wherever they come from, and then takes the right one', async () => {
    const person = await setUp();
    for (let n = 0; n < 10; n++) {
      const wrong = await post('/auth/second-factor/turn-off', person.token, { code: 'x' });
      expect(wrong.body.code).toBe('wrong_code');
    }
    // Stood still, so that the pause is not over on a busy machine.
    await http.database.query(
      `UPDATE second_factors SET paused_until = paused_until + interval '1 hour' WHERE user_id = $1`,
      [person.id],
    );
    const paused = await login(person.email, await codeOf(person.secret, 1));
    expect([paused.status, paused.body.code]).toEqual([429, 'too_many_requests']);
    expect(Number(paused.headers.get('retry-after'))).toBeGreaterThan(3000);
    await http.database.query(
      `UPDATE second_factors SET paused_until = now() - interval '1 second' WHERE user_id = $1`,
      [person.id],
    );
    expect((await login(person.email, await codeOf(person.secret, 1))).status).toBe(200);
  });

  it('looks at one wrong code and not at many that come at one moment', async () => {
    const person = await setUp();
    await http.database.query('UPDATE second_factors SET failures = 20 WHERE user_id = $1', [
      person.id,
    ]);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        post('/auth/second-factor/turn-off', person.token, { code: '000000' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      403, 429, 429, 429, 429, 429,
    ]);
  });

  it('slows down wrong codes at the door like wrong passwords', async () => {
    const person = await setUp();
    jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    try {
      for (let n = 0; n < 5; n++) {
        await login(person.email); // the password alone, in between, forgives nothing
        expect((await login(person.email, '000000')).status).toBe(401);
      }
      expect((await login(person.email, await codeOf(person.secret, 1))).status).toBe(429);
    } finally {
      jest.restoreAllMocks();
    }
  });

  it('is turned off with a code, and with none that is wrong', async () => {
    const person = await setUp();
    const wrong = await post('/auth/second-factor/turn-off', person.token, { code: '000000' });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'wrong_code']);
    const off = await post('/auth/second-factor/turn-off', person.token, {
      code: await codeOf(person.secret, 1),
    });
    expect(off.status).toBe(204);
    expect((await login(person.email)).status).toBe(200);
    expect((await audit(person.id)).map(({ action, outcome }) => [action, outcome])).toEqual(
      expect.arrayContaining([
        ['second-factor.begin', 'allowed'],
        ['second-factor.on', 'allowed'],
        ['second-factor.off', 'failed'],
        ['second-factor.off', 'allowed'],
      ]),
    );
  });

  it('keeps out a build that knows only of passwords: the database takes no such session', async () => {
    const person = await setUp();
    const insert = `INSERT INTO sessions (id, user_id, token_hash, csrf_token, expires_at)
      VALUES (gen_random_uuid(), $1, '\\x00', 'x', now() + interval '1 hour')`;
    await expect(http.database.query(insert, [person.id])).rejects.toThrow(/second factor/);
    await http.database.query(insert, [(await makePerson()).id]);
  });

  it('does not open where its row was copied to another person', async () => {
    const [mine, theirs] = [await setUp(), await setUp()];
    await http.database.query(
      `UPDATE second_factors SET last_step = 0,
         ciphertext = (SELECT ciphertext FROM second_factors WHERE user_id = $2) WHERE user_id = $1`,
      [mine.id, theirs.id],
    );
    expect((await login(mine.email, await codeOf(theirs.secret))).status).toBe(500);
  });
});

/** A second connection to the same database, as another process has it. */
async function another(): Promise<TestDatabase> {
  const opened = await Database.open({ url: database.url! });
  return { database: opened, url: database.url, close: () => opened.close() };
}

describe('the reset of a person who lost it', () => {
  const reset = (id: string, as: SignedIn) =>
    http.refused(`/rbac/users/${id}/second-factor/reset`, { method: 'POST', as });

  it('ends their sessions, is recorded, and shows in the list of people', async () => {
    const person = await setUp();
    const found = async () =>
      (await http.call<Page<Person>>('/rbac/users?limit=200', { as: owner })).body.items.find(
        ({ id }) => id === person.id,
      )!.hasSecondFactor;
    expect(await found()).toBe(true);
    expect((await reset(person.id, owner)).status).toBe(204);
    expect(await found()).toBe(false);
    expect((await http.call('/auth/me', { headers: bearer(person.token) })).status).toBe(401);
    expect((await login(person.email)).status).toBe(200);
    expect(await audit(person.id)).toContainEqual({
      action: 'second-factor.reset',
      outcome: 'allowed',
      diff: { sessionsEnded: 1 },
    });
    expect((await reset(person.id, owner)).body.code).toBe('conflict');
  });

  it('is not for an admin of an owner, for nobody without the right, and not of oneself', async () => {
    const [chief, admin, operator] = [
      await setUp('owner'),
      await http.signIn('admin'),
      await http.signIn('operator'),
    ];
    for (const as of [admin, operator]) {
      const { status, body } = await reset(chief.id, as);
      expect([status, body.code]).toEqual([403, 'forbidden']);
    }
    const own = { ...owner, token: chief.token };
    expect((await reset(chief.id, own)).body.said?.code).toBe('factor-own');
    expect((await login(chief.email)).body.code).toBe('second_factor_needed');
    const helped = await setUp();
    expect((await reset(helped.id, admin)).status).toBe(204);
  });
});

describe('a second factor that the settings want', () => {
  async function want(secondFactor: unknown) {
    const { body, headers } = await http.call<SystemConfigAnswer>('/config/system', { as: saver });
    return http.call<Problem>('/config/system', {
      method: 'PUT',
      as: saver,
      headers: { 'if-match': headers.get('etag')! },
      body: { ...body.config, security: { ...body.config.security, secondFactor } },
    });
  }
  /** A token: it is asked for no second factor. */
  let saver: SignedIn;
  beforeAll(async () => {
    const made = await post<CreatedToken>('/auth/tokens', owner.token, { name: 'saver' });
    saver = { ...owner, token: made.body.token };
  });
  afterEach(async () => expect((await want({})).status).toBe(200));

  it('closes all but the setting up to people of the role, at once, also where they were in', async () => {
    const person = await makePerson('viewer');
    const { accessToken } = (await login(person.email)).body;
    const other = (await login((await makePerson('operator')).email)).body.accessToken;
    const me = async (token: string) =>
      (await http.call<Me>('/auth/me', { headers: bearer(token) })).body;
    expect((await me(accessToken)).mustSetUpSecondFactor).toBe(false);
    expect((await want({ roles: ['viewer'] })).status).toBe(200);
    expect(await me(accessToken)).toMatchObject({ mustSetUpSecondFactor: true, permissions: [] });
    expect((await me(other)).mustSetUpSecondFactor).toBe(false);
    for (const [method, path] of [
      ['GET', '/auth/tokens'],
      ['POST', '/auth/tokens'],
      ['POST', '/auth/password'],
      ['GET', '/auth/sessions'],
      ['GET', '/rbac/check?permission=task.read'],
      ['GET', '/config/system'],
    ]) {
      const { status, body } = await http.refused(path!, {
        method: method!,
        headers: bearer(accessToken),
      });
      expect([path, status, body.code]).toEqual([path, 403, 'second_factor_required']);
    }
    // What does not ask the guard (WebSocket, open streams) asks for grants, and there are none.
    const principal = await http.app
      .get(SessionAuthenticator)
      .authenticate({ headers: bearer(accessToken) });
    expect(principal!.grants).toEqual([]);
    const { secret } = (
      await post<SecondFactorSecret>('/auth/second-factor', accessToken, {
        currentPassword: password,
      })
    ).body;
    expect(
      (await post('/auth/second-factor/confirm', accessToken, { code: await codeOf(secret) }))
        .status,
    ).toBe(200);
    expect(await me(accessToken)).toMatchObject({ mustSetUpSecondFactor: false });
    expect((await http.call('/auth/sessions', { headers: bearer(accessToken) })).status).toBe(200);
  });

  it('asks everybody, and no API token', async () => {
    expect((await want({ everybody: true })).status).toBe(200);
    const admin = await http.signIn('admin');
    expect((await http.refused('/auth/sessions', { as: admin })).body.code).toBe(
      'second_factor_required',
    );
    expect((await http.call('/auth/sessions', { as: saver })).status).toBe(200);
  });

  it('is not wanted of a role that there is not', async () => {
    const { status, body } = await want({ roles: ['viewer', 'veiwer'] });
    expect([status, body.errors?.map(({ path }) => path)]).toEqual([
      400,
      ['security.secondFactor.roles.1'],
    ]);
  });
});
