import {
  type ConfigPreview,
  type ConfigVersion,
  type Installation,
  type Page,
  type Problem,
  type RuntimeConfig,
  type SecretInfo,
  type SystemConfig,
  type SystemConfigAnswer,
  say,
} from '@aos/contracts';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary-folder.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { AuditModule } from '../audit/index.js';
import { StartRefused } from '../../platform/config/environment.js';
import { MasterKey } from '../../platform/config/master-key.js';
import { type Ctx, systemPrincipal } from '../../platform/http/context.js';
import { tracesOf } from '../../platform/telemetry/telemetry.js';
import { TraceExport } from '../../platform/telemetry/trace-export.js';
import { isNative } from '../../../test/harness.js';
import { makePartitions } from '../../platform/database/partitions.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { open, seal } from './cipher.js';
import { ConfigModule, Settings, Vault } from './index.js';

let http: HttpApp;
let owner: SignedIn;
const ctx: Ctx = { actor: systemPrincipal, traceId: 'b'.repeat(32), ip: null };
beforeAll(async () => {
  const traces = tracesOf({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:canary@otel.example/canary',
  });
  http = await openHttpApp({
    imports: [ConfigModule, AuditModule],
    overrides: [{ provide: TraceExport, useValue: traces }],
  });
  owner = await http.signIn('owner');
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('red', 'Red', 'test')`,
  );
});
afterAll(() => http.close());

const vault = () => http.app.get(Vault, { strict: false });
const everything = async () => {
  const tables = await http.database.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'secrets'`,
  );
  return JSON.stringify(
    await Promise.all(tables.map(({ name }) => http.database.query(`SELECT * FROM ${name}`))),
  );
};

describe('the installation', () => {
  it('is told without an address that could hold a key, and variables without their values', async () => {
    const before = { ...process.env };
    process.env['AOS_OWNER_PASSWORD'] = 'canary password';
    try {
      const { body, text } = await http.call<Installation>('/config/installation', { as: owner });
      expect(body).toMatchObject({
        traces: { host: 'otel.example', setBy: 'environment' },
        bus: 'postgres',
      });
      expect(body.database.version).toMatch(/^\d+/);
      const runtime = await http.call<RuntimeConfig>('/config/runtime', { as: owner });
      expect(runtime.body.env).toContainEqual({
        name: 'AOS_OWNER_PASSWORD',
        purpose: "The first owner's password",
        isSet: true,
        fallback: null,
      });
      expect(text + runtime.text).not.toContain('canary');
    } finally {
      process.env = before;
    }
    const viewer = await http.signIn('viewer');
    expect((await http.call('/config/installation', { as: viewer })).status).toBe(403);
  });
});

describe('settings of the database', () => {
  const preview = (keptDays: object) =>
    http.call<ConfigPreview>('/config/system/preview', {
      method: 'POST',
      as: owner,
      body: { database: { keptDays } },
    });

  it('tell what history would go, and nothing of what goes anyway or stays', async () => {
    const then = Date.now() - 20 * 24 * 3600_000;
    await makePartitions(http.database, then);
    await http.database.query(
      `INSERT INTO logs (created_at, level, logger, message) VALUES ($1, 'info', 'test', 'three weeks ago')`,
      [new Date(then)],
    );
    const { database } = (await http.call<Installation>('/config/installation', { as: owner }))
      .body;
    expect(database.bytes).toBeGreaterThan(1_000_000);
    expect(database.connections === null).toBe(!isNative);
    const logs = database.history.find(({ part }) => part === 'logs')!;
    expect(Date.parse(logs.from!)).toBeLessThanOrEqual(then);

    expect((await preview({ logs: 30 })).body.removes).toEqual([]);
    expect((await preview({ spans: 300, logs: 200 })).body.removes).toEqual([]);
    expect((await preview({ logs: 7 })).body.removes).toEqual([
      expect.objectContaining({ part: 'logs', weeks: 1, from: logs.from }),
    ]);
    await http.database.query('DELETE FROM logs');
  });

  it.each([
    ['events', 30],
    ['toolCalls', 89],
    ['logs', 6],
    ['spans', 1096],
    ['measurements', 7.5],
  ])('refuse %s for %d days', async (part, days) => {
    const refused = await http.refused('/config/system/preview', {
      method: 'POST',
      as: owner,
      body: { database: { keptDays: { [part]: days } } },
    });
    expect(refused.body.errors?.map(({ path }) => path)).toEqual([`database.keptDays.${part}`]);
  });
});

describe('settings', () => {
  const read = () => http.call<SystemConfigAnswer>('/config/system', { as: owner });
  const save = (config: unknown, etag: string, as = owner) =>
    http.refused('/config/system', {
      method: 'PUT',
      as,
      body: config,
      headers: { 'if-match': etag },
    });

  it('tell what there is of them, so that a form can be made of it', async () => {
    const { body } = await http.call<{ properties: Record<string, unknown> }>(
      '/config/system/schema',
      { as: owner },
    );
    expect(Object.keys(body.properties)).toEqual(Object.keys((await read()).body.config));
    expect(JSON.stringify(body.properties)).toContain('"maximum":600000');
  });

  it('are saved as a new version, with the difference in the record and an event, and seen at once', async () => {
    const { body, headers } = await read();
    expect(headers.get('etag')).toBe(`"${body.version}"`);
    const changed: SystemConfig = { ...body.config, approvals: { timeoutMs: 5000 } };
    const preview = await http.call<ConfigPreview>('/config/system/preview', {
      method: 'POST',
      as: owner,
      body: changed,
    });
    const changes = [{ path: 'approvals.timeoutMs', before: 3600_000, after: 5000 }];
    expect(preview.body).toEqual({
      ...{ baseVersion: body.version, changes, removes: [] },
      access: { address: '127.0.0.1', isAllowed: true, isListed: false, ignoresProxy: false },
    });
    const saved = await save(changed, headers.get('etag')!);
    expect([saved.status, saved.headers.get('etag')]).toEqual([200, `"${body.version + 1}"`]);
    expect((await http.app.get(Settings, { strict: false }).system()).approvals.timeoutMs).toBe(
      5000,
    );
    const [row] = await http.database.query<{ diff: unknown; actor: string }>(
      `SELECT actor, diff FROM audit_logs WHERE action = 'config.save'`,
    );
    expect(row).toEqual({
      actor: `user:${owner.userId}`,
      diff: { version: body.version + 1, changes },
    });
    expect(
      await http.database.query(
        `SELECT 1 FROM events WHERE type = 'config.changed' AND payload->>'scope' = 'system'`,
      ),
    ).toHaveLength(1);
    const history = await http.call<Page<ConfigVersion>>('/config/system/history', { as: owner });
    expect(history.body.items[0]).toMatchObject({
      version: body.version + 1,
      updatedBy: `user:${owner.userId}`,
      changes,
    });
  });

  it('need If-Match, and tell the new difference when it is stale', async () => {
    const { body, headers } = await read();
    const put = await http.refused('/config/system', {
      method: 'PUT',
      as: owner,
      body: body.config,
    });
    expect([put.status, put.body.code]).toEqual([428, 'precondition_required']);
    const mine = { ...body.config, approvals: { timeoutMs: 7000 } };
    await save({ ...body.config, approvals: { timeoutMs: 6000 } }, headers.get('etag')!);
    const stale = await save(mine, headers.get('etag')!);
    expect([stale.status, stale.body.errors]).toEqual([
      412,
      [
        {
          path: 'approvals.timeoutMs',
          message: 'is 6000 now; would become 7000',
          said: say('would-become', { before: '6000', after: '7000' }),
        },
      ],
    ]);
  });

  it('let one of two who save on the same version through', async () => {
    const { body, headers } = await read();
    const answers = await Promise.all(
      [8000, 9000].map((timeoutMs) =>
        save({ ...body.config, approvals: { timeoutMs } }, headers.get('etag')!),
      ),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412]);
  });

  it('make no version of what changes nothing', async () => {
    const { body, headers } = await read();
    expect((await save(body.config, headers.get('etag')!)).headers.get('etag')).toBe(
      headers.get('etag'),
    );
  });

  it('refuse unknown keys, wrong types, a key where a name belongs, and never repeat it', async () => {
    const { body, headers } = await read();
    const etag = headers.get('etag')!;
    expect((await save({ ...body.config, unknown: {} }, etag)).status).toBe(400);
    expect((await save({ ...body.config, approvals: { timeoutMs: 'soon' } }, etag)).status).toBe(
      400,
    );
    const pasted = await save(
      { ...body.config, llm: { provider: 'openai', apiKeySecret: 'sk-canary-123456' } },
      etag,
    );
    expect([pasted.status, pasted.body.code, pasted.text.includes('canary')]).toEqual([
      422,
      'unknown_secret',
      false,
    ]);
    expect(
      (await save({ ...body.config, llm: { baseUrl: 'http://user:pw@x.test/' } }, etag)).status,
    ).toBe(400);
    expect(await everything()).not.toContain('sk-canary');
  });

  it('refuse rules of redaction that cannot be read, that fit nothing or most of a text, or are called the same', async () => {
    const { body, headers } = await http.call<SystemConfigAnswer>('/config/system', { as: owner });
    const save = (patterns: string[], name = 'rule') =>
      http.call<Problem>('/config/system', {
        method: 'PUT',
        as: owner,
        headers: { 'if-match': headers.get('etag')! },
        body: {
          ...body.config,
          security: {
            ...body.config.security,
            redaction: patterns.map((pattern, index) => ({ name: `${name}-${index}`, pattern })),
          },
        },
      });
    const refused = await save([
      String.raw`(a)\1`,
      '(?=a)',
      'x*',
      '.+',
      String.raw`\S+`,
      '[a-z ]+',
      '(a+)+$',
    ]);
    expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(refused.body.errors?.map(({ path, said }) => [path, said?.code])).toEqual([
      ['security.redaction.0.pattern', 'not-re2'],
      ['security.redaction.1.pattern', 'not-re2'],
      ['security.redaction.2.pattern', 'fits-nothing'],
      ['security.redaction.3.pattern', 'fits-most'],
      ['security.redaction.4.pattern', 'fits-most'],
      ['security.redaction.5.pattern', 'fits-most'],
    ]);
    expect(await save(['a1'], 'Big Name')).toMatchObject({ status: 400 });
    const twice = await http.call<Problem>('/config/system/preview', {
      method: 'POST',
      as: owner,
      body: {
        ...body.config,
        security: {
          ...body.config.security,
          redaction: ['a1', 'b2'].map((pattern) => ({ name: 'same', pattern })),
        },
      },
    });
    expect(twice.body.errors).toMatchObject([{ path: 'security.redaction.1.name' }]);
    const after = await http.call<SystemConfigAnswer>('/config/system', { as: owner });
    expect(after.body.version).toBe(body.version);
  });

  it('keep why they were saved, in the history and in the record', async () => {
    const { body, headers } = await read();
    const config = { ...body.config, approvals: { timeoutMs: 4321 } };
    const answer = await http.call<SystemConfigAnswer>(
      '/config/system?comment=Fewer%20nights%20of%20waiting',
      { method: 'PUT', as: owner, body: config, headers: { 'if-match': headers.get('etag')! } },
    );
    expect(answer.body.comment).toBe('Fewer nights of waiting');
    const history = await http.call<Page<ConfigVersion>>('/config/system/history?limit=1', {
      as: owner,
    });
    expect(history.body.items[0]?.comment).toBe('Fewer nights of waiting');
    const [row] = await http.database.query<{ diff: { comment: string } }>(
      `SELECT diff FROM audit_logs WHERE action = 'config.save' ORDER BY id DESC LIMIT 1`,
    );
    expect(row?.diff.comment).toBe('Fewer nights of waiting');
    const tooLong = await http.refused(`/config/system?comment=${'x'.repeat(501)}`, {
      method: 'PUT',
      as: owner,
      body: config,
      headers: { 'if-match': `"${answer.body.version}"` },
    });
    expect(tooLong.status).toBe(400);
  });
});

describe('the list of secrets', () => {
  const read = async (as = owner) => {
    const answer = await http.call<RuntimeConfig>('/config/runtime', { as });
    return { tag: answer.headers.get('etag')!, ...answer.body };
  };
  const put = async (body: object, { as = owner, tag = undefined as string | undefined } = {}) =>
    http.call<RuntimeConfig & Problem>('/config/runtime', {
      method: 'PUT',
      as,
      body,
      headers: { 'if-match': tag ?? (await read(as)).tag },
    });
  const give = (name: string, value: string, more: object = {}) =>
    http.call(`/config/runtime/secrets/${name}`, {
      method: 'PUT',
      as: owner,
      body: { value, ...more },
    });
  const find = ({ secrets }: RuntimeConfig, name: string) =>
    secrets.filter((secret) => secret.name === name);

  it('names what waits for its value, and says anew what one is for; values stay as they are', async () => {
    await give('LISTED', 'a value', { purpose: 'before' });
    const { secrets } = await read();
    const saved = await put({
      secrets: [
        ...secrets.map((secret) =>
          secret.name === 'LISTED' ? { ...secret, purpose: 'after' } : secret,
        ),
        { name: 'WANTED', purpose: 'the mail server' },
        { name: 'WANTED', projectId: 'red' },
      ],
    });
    expect(saved.status).toBe(200);
    expect(saved.headers.get('etag')).toBe((await read()).tag);
    expect(find(saved.body, 'LISTED')).toMatchObject([{ purpose: 'after', version: 1 }]);
    expect(find(saved.body, 'WANTED')).toEqual([
      expect.objectContaining({ purpose: 'the mail server', projectId: null, version: 0 }),
      expect.objectContaining({ purpose: '', projectId: 'red', version: 0, lastRotatedAt: null }),
    ]);
    expect(await vault().reveal(ctx, 'LISTED', null, 'x')).toBe('a value');
    await expect(vault().reveal(ctx, 'WANTED', 'red', 'x')).rejects.toMatchObject({
      code: 'unknown_secret',
    });
    const [row] = await http.database.query<{ diff: unknown; project_id: string | null }>(
      `SELECT diff, project_id FROM audit_logs WHERE resource = 'config:runtime' ORDER BY id DESC LIMIT 1`,
    );
    expect(row).toEqual({
      project_id: null,
      diff: {
        changes: [
          { path: 'LISTED', before: 'before', after: 'after' },
          { path: 'WANTED', before: null, after: 'the mail server' },
          { path: 'WANTED@red', before: null, after: '' },
        ],
      },
    });

    await give('WANTED', 'here', { purpose: 'mail' });
    expect(
      await http.database.query(`SELECT project_id FROM secret_names WHERE name = 'WANTED'`),
    ).toEqual([{ project_id: 'red' }]);
    expect(find(await read(), 'WANTED')).toMatchObject([
      { projectId: null, version: 1, purpose: 'mail' },
      { projectId: 'red', version: 0 },
    ]);
  });

  it('is taken from one of many who write upon the same one', async () => {
    const { tag, secrets } = await read();
    const names = Array.from({ length: 6 }, (_, n) => `AT_ONCE_${n}`);
    const answers = await Promise.all(
      names.map((name) => put({ secrets: [...secrets, { name, purpose: '' }] }, { tag })),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      200, 412, 412, 412, 412, 412,
    ]);
    const taken = names.filter((_, n) => answers[n]!.status === 200);
    const now = await read();
    expect(names.filter((name) => find(now, name).length > 0)).toEqual(taken);
  });

  it('is put as it was read without a change, and without a word of one', async () => {
    const { tag, ...present } = await read();
    const count = () =>
      http.database.query(`SELECT count(*)::int AS n FROM audit_logs WHERE action = 'config.save'`);
    const before = await count();
    expect((await put(present)).body).toEqual(present);
    expect((await read()).tag).toBe(tag);
    expect(await count()).toEqual(before);
  });

  it('lets go of a name without a value that is left out, and of none that has one', async () => {
    await give('KEPT', 'x');
    const { secrets } = await read();
    const without = (name: string) => secrets.filter((secret) => secret.name !== name);
    await put({ secrets: [...secrets, { name: 'PASSING' }] });
    const refused = await put({ secrets: without('KEPT') });
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
    expect(refused.body.detail).toContain('KEPT');
    expect(find(await read(), 'PASSING')).toHaveLength(1);
    const left = await put({ secrets });
    expect(find(left.body, 'PASSING')).toEqual([]);
    expect(find(left.body, 'KEPT')).toHaveLength(1);

    await put({ secrets: [...secrets, { name: 'PASSING' }] });
    const remove = () =>
      http.call('/config/runtime/secrets/PASSING', { method: 'DELETE', as: owner });
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
    expect(find(await read(), 'PASSING')).toEqual([]);
  });

  it('refuses what was made on another list, twice the same, a place that is none, a value and another environment', async () => {
    const { tag, secrets, env } = await read();
    await put({ secrets: [...secrets, { name: 'MEANWHILE' }] });
    const stale = await put({ secrets }, { tag });
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    const bare = await http.refused('/config/runtime', {
      method: 'PUT',
      as: owner,
      body: { secrets },
    });
    expect(bare.status).toBe(428);
    const present = (await read()).secrets;
    const cases: [object, number, string][] = [
      [{ secrets: [...present, { name: 'TWICE' }, { name: 'TWICE' }] }, 400, 'validation_failed'],
      [{ secrets: [...present, { name: 'LD_PRELOAD' }] }, 422, 'secret_name_invalid'],
      [{ secrets: [...present, { name: 'LOST', projectId: 'nowhere' }] }, 404, 'not_found'],
      [
        { secrets: [...present, { name: 'VALUED', value: 'canary-in-a-list' }] },
        400,
        'validation_failed',
      ],
      [
        { secrets: present, env: env.map((each) => ({ ...each, isSet: !each.isSet })) },
        400,
        'validation_failed',
      ],
      [{}, 400, 'validation_failed'],
    ];
    for (const [body, status, code] of cases) {
      const answer = await put(body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.text).not.toContain('canary-in-a-list');
    }
    expect((await read()).secrets).toEqual(present);
  });

  it('is, for somebody of one project, the list of that project', async () => {
    await give('OF_ALL', 'x');
    const adminOfRed = await http.signIn('admin', 'red');
    const { secrets } = await read(adminOfRed);
    const outside = await put({ secrets: [...secrets, { name: 'MINE' }] }, { as: adminOfRed });
    expect(outside.status).toBe(403);
    const inside = await put(
      { secrets: [...secrets, { name: 'MINE', projectId: 'red' }] },
      { as: adminOfRed },
    );
    expect(inside.body.secrets.map(({ projectId }) => projectId)).not.toContain(null);
    expect(find(await read(), 'OF_ALL')).toHaveLength(1);
    const [row] = await http.database.query<{ project_id: string }>(
      `SELECT project_id FROM audit_logs WHERE resource = 'config:runtime' ORDER BY id DESC LIMIT 1`,
    );
    expect(row!.project_id).toBe('red');
    const viewer = await http.signIn('viewer');
    expect((await put({ secrets: [] }, { as: viewer, tag: '"x"' })).status).toBe(403);

    // Reading everywhere and writing in one: what is not theirs stands in the list, as it is.
    await http.database.query(
      `INSERT INTO roles (name, permissions) VALUES ('reads-secrets', '{secret.read}')`,
    );
    const reader = await http.signIn('reads-secrets');
    await http.database.query(
      `INSERT INTO role_bindings (id, user_id, role, project_id, created_by) VALUES (gen_random_uuid(), $1, 'admin', 'red', 'test')`,
      [reader.userId],
    );
    const all = (await read(reader)).secrets;
    const renamed = all.map((each) => ({ ...each, purpose: 'by the reader' }));
    expect((await put({ secrets: renamed }, { as: reader })).status).toBe(403);
    const own = all.map((each) => (each.projectId ? { ...each, purpose: 'by the reader' } : each));
    expect(find((await put({ secrets: own }, { as: reader })).body, 'MINE')[0]!.purpose).toBe(
      'by the reader',
    );
  });
});

describe('a secret', () => {
  const put = (name: string, value: unknown, as = owner, more: object = {}) =>
    http.refused(`/config/runtime/secrets/${encodeURIComponent(name)}`, {
      method: 'PUT',
      as,
      body: { value, ...more },
    });

  it('goes in and never comes out: not in an answer, a list, the record, an event or the idempotency keys', async () => {
    const value = `canary-${randomBytes(8).toString('hex')}`;
    const key = { 'idempotency-key': `secret-${value.length}` };
    const answers = [
      await http.call('/config/runtime/secrets/CANARY', {
        method: 'PUT',
        as: owner,
        body: { value, purpose: 'a test' },
        headers: key,
      }),
      await http.call('/config/runtime/secrets/CANARY', {
        method: 'PUT',
        as: owner,
        body: { value, purpose: 'a test' },
        headers: key,
      }),
      await http.call('/config/runtime', { as: owner }),
      await http.call('/audit/export', { as: owner }),
      await http.call('/audit/logs', { as: owner }),
      await http.call('/api/openapi.json'),
      await http.call('/config/runtime/secrets/CANARY', { as: owner }),
      await put('CANARY', { nested: value }),
      await put(`lower${value}`, value),
    ];
    expect(await vault().reveal(ctx, 'CANARY', null, 'test')).toBe(value);
    answers.push(
      await http.call('/config/runtime', { as: owner }),
      await http.call('/audit/export', { as: owner }),
    );
    const forms = [
      value,
      Buffer.from(value).toString('base64').slice(0, 24),
      Buffer.from(value).toString('hex'),
    ];
    const stored = await everything();
    const sealed = JSON.stringify(
      await http.database
        .query(`SELECT convert_from(ciphertext, 'LATIN1') AS c, purpose, name FROM secrets`)
        .catch(() => []),
    );
    for (const form of forms) {
      for (const { text, headers } of answers.slice(0, -3))
        expect(text + JSON.stringify([...headers])).not.toContain(form);
      expect(stored.replaceAll(`lower${value}`, '')).not.toContain(form);
      expect(sealed).not.toContain(form);
    }
    const runtime = (await http.call<RuntimeConfig>('/config/runtime', { as: owner })).body;
    expect(runtime.secrets.filter(({ name }) => name === 'CANARY')).toMatchObject([
      { name: 'CANARY', purpose: 'a test', version: 1, projectId: null },
    ]);
  });

  it('is rotated as a new version, and each use is recorded with what it was for', async () => {
    expect((await put('ROTATED', 'one')).status).toBe(200);
    expect(
      (
        await http.call<SecretInfo>('/config/runtime/secrets/ROTATED', {
          method: 'PUT',
          as: owner,
          body: { value: 'two' },
        })
      ).body.version,
    ).toBe(2);
    expect(await vault().reveal(ctx, 'ROTATED', null, 'tool:env.http.get')).toBe('two');
    const rows = await http.database.query<{ action: string; diff: unknown }>(
      `SELECT action, diff FROM audit_logs WHERE resource = (SELECT 'secret:' || id FROM secrets WHERE name = 'ROTATED') ORDER BY id`,
    );
    expect(rows.map(({ action }) => action)).toEqual([
      'secret.create',
      'secret.rotate',
      'secret.use',
    ]);
    expect(rows[1]!.diff).toMatchObject({
      before: { value: 'set', version: 1 },
      after: { value: 'changed', version: 2 },
    });
    expect(rows[2]!.diff).toEqual({ name: 'ROTATED', version: 2, usedFor: 'tool:env.http.get' });
    expect(
      (await http.call('/config/runtime/secrets/ROTATED', { method: 'DELETE', as: owner })).status,
    ).toBe(204);
    await expect(vault().reveal(ctx, 'ROTATED', null, 'x')).rejects.toMatchObject({
      code: 'unknown_secret',
    });
    expect(
      (await http.call('/config/runtime/secrets/ROTATED', { method: 'DELETE', as: owner })).status,
    ).toBe(404);
  });

  it("is a project's own before the one for everywhere, and no other project's", async () => {
    await put('SCOPED', 'everywhere');
    expect((await put('SCOPED', 'of red', owner, { projectId: 'red' })).status).toBe(200);
    expect(await vault().reveal(ctx, 'SCOPED', 'red', 'x')).toBe('of red');
    expect(await vault().reveal(ctx, 'SCOPED', 'blue', 'x')).toBe('everywhere');
    await put('ONLY_RED', 'of red', owner, { projectId: 'red' });
    await expect(vault().reveal(ctx, 'ONLY_RED', null, 'x')).rejects.toMatchObject({
      code: 'unknown_secret',
    });
    expect((await put('SCOPED', 'x', owner, { projectId: 'nowhere' })).status).toBe(404);
    const adminOfRed = await http.signIn('admin', 'red');
    expect((await put('SCOPED', 'x', adminOfRed)).status).toBe(403);
    expect((await put('SCOPED', 'x', adminOfRed, { projectId: 'red' })).status).toBe(200);
    const seen = (await http.call<RuntimeConfig>('/config/runtime', { as: adminOfRed })).body
      .secrets;
    expect(seen.every(({ projectId }) => projectId === 'red')).toBe(true);
  });

  it.each([
    '__proto__',
    '../x',
    'PATH',
    'LD_PRELOAD',
    'NODE_OPTIONS',
    'DYLD_INSERT_LIBRARIES',
    'BASH_ENV',
    'GIT_SSH_COMMAND',
    'NPM_CONFIG_REGISTRY',
    'PREFIX',
    'GLIBC_TUNABLES',
    'XDG_CONFIG_HOME',
    'AOS_MASTER_KEY',
    'lower',
    'A B',
    'A\nB',
    `A${'B'.repeat(128)}`,
    '9A',
    'CONSTRUCTOR-X',
    'ÄA',
  ])('is refused the name %j', async (name) => {
    const answer = await put(name, 'value');
    expect([answer.status, answer.body.code]).toEqual([422, 'secret_name_invalid']);
  });

  it.each([
    ['1 MB', 'x'.repeat(1 << 20)],
    ['a newline', 'line\nline'],
    ['a newline at the end', 'value\n'],
    ['NUL', 'a\0b'],
    [
      'PEM with something beside it',
      '-----BEGIN KEY-----\nAAAA\n-----END KEY-----\nNODE_OPTIONS=x\n',
    ],
  ])('is refused a value with %s', async (_, value) => {
    const answer = await put('FINE_NAME', value);
    expect([answer.status, answer.body.code]).toEqual([422, 'secret_value_invalid']);
  });

  it('is refused, as all bodies are, with half a surrogate pair in it', async () => {
    const { status, body } = await put('FINE_NAME', 'cut\ud83d');
    expect([status, body]).toMatchObject([400, { errors: [{ path: 'value' }] }]);
    expect(JSON.stringify(body)).not.toContain('cut');
  });

  it('may be PEM, and is refused when empty or no text', async () => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n${'B'.repeat(20)}==\n-----END PRIVATE KEY-----\n`;
    expect((await put('PEM_KEY', pem)).status).toBe(200);
    expect(await vault().reveal(ctx, 'PEM_KEY', null, 'x')).toBe(pem);
    for (const value of ['', 5, null, ['a'], { a: 1 }])
      expect((await put('FINE_NAME', value)).status).toBe(400);
  });

  it('is not opened when its use cannot be recorded: 503, and no plaintext', async () => {
    await put('UNRECORDED', 'plaintext-canary');
    await http.database.query('ALTER TABLE audit_logs RENAME TO audit_logs_away');
    try {
      const failure = await vault()
        .reveal(ctx, 'UNRECORDED', null, 'x')
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'unavailable', status: 503 });
      expect(JSON.stringify(failure)).not.toContain('plaintext-canary');
      // No audit, no change: the same for writing one.
      expect((await put('UNRECORDED', 'second')).status).toBeGreaterThanOrEqual(500);
    } finally {
      await http.database.query('ALTER TABLE audit_logs_away RENAME TO audit_logs');
    }
    expect(await vault().reveal(ctx, 'UNRECORDED', null, 'x')).toBe('plaintext-canary');
  });

  it('does not open when a row was copied over another, or a bit was changed', async () => {
    await put('LEFT', 'left');
    await put('RIGHT', 'right');
    await http.database.query(
      `UPDATE secrets l SET ciphertext = r.ciphertext, wrapped_key = r.wrapped_key FROM secrets r WHERE l.name = 'LEFT' AND r.name = 'RIGHT'`,
    );
    await expect(vault().reveal(ctx, 'LEFT', null, 'x')).rejects.toMatchObject({
      code: 'unavailable',
    });
    const key = randomBytes(32);
    const sealed = seal(key, Buffer.from('x'), 'a');
    expect(open(key, sealed, 'a').toString()).toBe('x');
    expect(() => open(key, sealed, 'b')).toThrow();
    for (const at of [0, 12, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => open(key, changed, 'a')).toThrow();
    }
    expect(() =>
      open(key, Buffer.concat([sealed.subarray(0, 16), sealed.subarray(28)]), 'a'),
    ).toThrow();
  });
});

describe('the redactor', () => {
  it('takes a revealed value out in every form that programs pass on', async () => {
    const value = 'Ca"nary+/ü \\x1!';
    await http.call('/config/runtime/secrets/FORMS', { method: 'PUT', as: owner, body: { value } });
    await vault().reveal(ctx, 'FORMS', null, 'test');
    const redact = vault().redactor();
    const bytes = Buffer.from(value);
    const forms = [
      value,
      JSON.stringify(value),
      JSON.stringify({ deep: JSON.stringify({ value }) }),
      bytes.toString('base64'),
      bytes.toString('base64url'),
      Buffer.from(`user:${value}`).toString('base64'),
      Buffer.from(`us:${value}:more`).toString('base64'),
      Buffer.from(`u:${value}`).toString('base64'),
      encodeURIComponent(value),
      new URLSearchParams({ q: value }).toString(),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      `Error: could not sign in with ${value}\n    at x.js`,
    ];
    const inner = bytes.subarray(2, -2).toString('base64').slice(4, 12);
    for (const form of forms) {
      const clean = redact({ text: form, [form]: [form] });
      const text = JSON.stringify(clean);
      expect([form, text.includes('nary')]).toEqual([form, false]);
      expect(text).toContain('[secret FORMS]');
      expect(text).not.toContain(inner);
      expect(text).not.toContain(bytes.toString('hex'));
    }
    expect(redact({ n: 1, none: null, text: 'untouched' })).toEqual({
      n: 1,
      none: null,
      text: 'untouched',
    });
    const error = redact(new Error(value, { cause: new Error(value) }));
    expect(JSON.stringify(error)).not.toContain('nary');
  });
});

describe('the master key', () => {
  it('is made once, readable by its owner alone, and derives a key per purpose', async () => {
    const dataDir = await temporaryFolder();
    const [one, two] = [
      MasterKey.load({ dataDir, masterKey: undefined }),
      MasterKey.load({ dataDir, masterKey: undefined }),
    ];
    expect(one.id).toBe(two.id);
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
    expect(one.derive('a')).toEqual(two.derive('a'));
    expect(one.derive('a')).not.toEqual(one.derive('b'));
    chmodSync(join(dataDir, 'master.key'), 0o644);
    MasterKey.load({ dataDir, masterKey: undefined });
    expect(statSync(join(dataDir, 'master.key')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dataDir, 'master.key'), 'utf8')).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  });

  it.each([
    [''],
    ['short'],
    [randomBytes(16).toString('base64')],
    [randomBytes(33).toString('base64')],
    ['!'.repeat(44)],
  ])('of another form stops the start with one line that does not hold it: %j', async (text) => {
    const dataDir = await temporaryFolder();
    writeFileSync(join(dataDir, 'master.key'), text);
    const failure = (() => {
      try {
        MasterKey.load({ dataDir, masterKey: undefined });
      } catch (error) {
        return error as Error;
      }
      return undefined;
    })();
    expect(failure).toBeInstanceOf(StartRefused);
    expect(failure!.message).toMatch(/master\.key holds \d+ bytes; a master key has 32/);
    expect(failure!.message).not.toContain('\n');
    if (text) expect(failure!.message).not.toContain(text);
  });

  it('of another installation opens nothing', async () => {
    await http.call('/config/runtime/secrets/OTHER_KEY', {
      method: 'PUT',
      as: owner,
      body: { value: 'x' },
    });
    await http.database.query(`UPDATE secrets SET key_id = 'another' WHERE name = 'OTHER_KEY'`);
    await expect(vault().reveal(ctx, 'OTHER_KEY', null, 'x')).rejects.toThrow(/another master key/);
  });
});

it('answers the settings that are kept without asking anew, until a word of a change comes', async () => {
  const settings = http.app.get(Settings, { strict: false });
  const wakeups = http.app.get(Wakeups, { strict: false });
  const kept = await settings.system();
  const [one, other] = [settings.system(), settings.system()];
  expect(one).toBe(other);
  expect(await one).toBe(kept);
  wakeups.wake('control');
  const anew = settings.system();
  expect(anew).not.toBe(one);
  expect(await anew).not.toBe(kept);
  const later = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 5_000);
  expect(settings.system()).not.toBe(settings.system());
  later.mockRestore();
});
