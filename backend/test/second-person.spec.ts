import { CommandBus } from '@nestjs/cqrs';
import { randomUUID } from 'node:crypto';
import { SystemConfig } from '@aos/contracts';
import type {
  Binding,
  DecideProposal as Decision,
  Page,
  Person,
  Policies,
  Proposal,
  Role,
  RuntimeConfig,
  SecondPersonRule,
  SystemConfigAnswer,
} from '@aos/contracts';
import { hashToken, newSessionToken } from '../src/modules/auth/secret-token.js';
import { IntegrationsModule } from '../src/modules/integrations/index.js';
import { DecideProposal } from '../src/modules/proposals/commands/decide-proposal.js';
import { Vault } from '../src/modules/config/index.js';
import { MOST_WAITING } from '../src/modules/proposals/proposals.js';
import { Maintenance } from '../src/platform/database/maintenance.js';
import { systemPrincipal } from '../src/platform/http/context.js';
import { sql } from '../src/platform/database/sql.js';
import { isNative } from './harness.js';
import { type HttpApp, type SignedIn, makeRole, openHttpApp } from './http-app.js';

/** Changes of the settings, the policies and of roles that a second person confirms. On a server two confirm side by side. */
let http: HttpApp;
let owner: SignedIn;
let [ann, ben, viewer, clerk]: SignedIn[] = [];

const off: SecondPersonRule = {
  ...{ settings: false, policies: false, roles: false, secrets: false, servers: false },
  confirmers: [],
};
const canary = 'canary-9f3b7c-value';

beforeAll(async () => {
  http = await openHttpApp({ imports: [IntegrationsModule] });
  await makeRole(http.database, 'clerk', ['config.read', 'config.write', 'role.read']);
  owner = await http.signIn('owner');
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('p', 'p', 'test')`,
  );
});
afterAll(() => http.close());

type Answered = Proposal & SystemConfigAnswer & { code: string; detail: string; errors: object[] };
const settings = async () =>
  (await http.call<SystemConfigAnswer>('/config/system', { as: owner })).body;
/** As somebody saves it: upon what they have read, or upon `base`. */
async function save(
  as: SignedIn,
  change: (config: SystemConfig) => void,
  { base, key }: { base?: number; key?: string } = {},
) {
  const { version, config } = await settings();
  change(config);
  return http.call<Answered>('/config/system?comment=because', {
    method: 'PUT',
    as,
    body: config,
    headers: { 'if-match': `"${base ?? version}"`, ...(key && { 'idempotency-key': key }) },
  });
}
const retries = (n: number) => (config: SystemConfig) => void (config.gateway.retries = n);
const decide = (as: SignedIn | undefined, id: string, more: Partial<Decision> = {}) =>
  http.call<Answered>(`/config/proposals/${id}/decide`, {
    method: 'POST',
    as: as!,
    body: { decision: 'confirm', ...more },
  });
const seen = async (as: SignedIn | undefined, id: string) =>
  (await http.call<Proposal>(`/config/proposals/${id}`, { as: as! })).body;
const listed = async (as: SignedIn | undefined, query = '') =>
  (await http.call<Page<Proposal>>(`/config/proposals?${query}`, { as: as! })).body;
async function rule(next: Partial<SecondPersonRule>): Promise<void> {
  const answer = await save(owner, ({ security }) => {
    security.secondPerson = { ...off, ...next };
  });
  const done = answer.status === 202 ? await decide(ann, answer.body.id) : answer;
  expect([done.status, done.text]).toEqual([200, done.text]);
}
async function tokenOf(as: SignedIn): Promise<SignedIn> {
  const { body } = await http.call<{ token: string }>('/auth/tokens', {
    method: 'POST',
    as,
    body: { name: 'own' },
  });
  return { ...as, token: body.token };
}
const auditOf = (id: string) =>
  http.database.query<{ action: string; actor: string; diff: Record<string, unknown> }>(
    `SELECT action, actor, diff FROM audit_logs
      WHERE outcome = 'allowed' AND (resource = $1 OR diff->'confirms'->>'proposal' = $2) ORDER BY id`,
    [`proposal:${id}`, id],
  );
const eventsOf = (id: string) =>
  http.database.query<{ type: string; severity: string; summary: string; payload: object }>(
    `SELECT type, severity, summary, payload FROM events WHERE payload->>'proposalId' = $1 ORDER BY id`,
    [id],
  );

test('while the rule is off a change is made at once, as ever', async () => {
  const answer = await save(owner, retries(5));
  expect([answer.status, answer.body.version]).toEqual([200, 2]);
  expect(await listed(owner)).toEqual({ items: [], nextCursor: null });
  // Nor is anything stored of it that a build from before it would not know, and take its defaults for all of the settings.
  const [stored] = await http.database.query<{ rule: object }>(
    'SELECT second_person_rule() AS rule',
  );
  expect(Object.keys(stored!.rule).sort()).toEqual([
    ...['confirmers', 'policies', 'roles', 'settings'],
  ]);
});

test('a rule that nobody else could carry out is refused', async () => {
  const turnOn = (next: Partial<SecondPersonRule>) =>
    save(owner, ({ security }) => void (security.secondPerson = { ...off, ...next }));
  for (const next of [{ settings: true }, { roles: true, settings: true }])
    expect(await turnOn(next)).toMatchObject({ status: 422, body: { code: 'nobody_to_confirm' } });
  [ann, ben, viewer, clerk] = await Promise.all(
    ['admin', 'owner', 'viewer', 'clerk'].map((role) => http.signIn(role)),
  );
  // Of the roles that it names nobody has one; and who is locked out is nobody.
  expect((await turnOn({ policies: true, confirmers: ['operator'] })).status).toBe(422);
  expect((await turnOn({ policies: true, confirmers: ['clerk'] })).body.detail).toMatch(
    /tool\.write/,
  );
  await http.database.query('UPDATE users SET is_disabled = true WHERE id = ANY($1)', [
    [ann!.userId, ben!.userId, clerk!.userId],
  ]);
  expect((await turnOn({ settings: true })).status).toBe(422);
  await http.database.query('UPDATE users SET is_disabled = false');
  expect((await settings()).config.security.secondPerson).toEqual(off);
});

describe('a change of the settings', () => {
  beforeAll(() => rule({ settings: true }));

  test('waits with its difference, and is made by somebody else in one transaction that names both', async () => {
    const before = await settings();
    const key = randomUUID();
    const asked = await save(ann!, retries(7), { key });
    expect([asked.status, asked.headers.get('etag')]).toEqual([202, `"${before.version}"`]);
    const { id } = asked.body;
    expect(asked.headers.get('location')).toBe(`/config/proposals/${id}`);
    const again = await save(ann!, retries(7), { key });
    expect([again.status, again.body.id]).toEqual([202, id]);
    expect(asked.body).toMatchObject({
      ...{ kind: 'settings', action: 'config.save', baseVersion: before.version },
      ...{ state: 'pending', comment: 'because', proposedByName: 'admin' },
      changes: [{ path: 'gateway.retries', before: 5, after: 7 }],
      you: { obstacle: 'own', mayWithdraw: true, mayBreakGlass: false },
    });
    expect(await settings()).toEqual(before);
    expect((await seen(ben, id)).you).toEqual({
      ...{ obstacle: null, mayWithdraw: false, mayBreakGlass: false },
    });
    const done = await decide(ben, id, { comment: 'looked at it' });
    expect(done).toMatchObject({
      status: 200,
      body: { state: 'applied', decidedByName: 'owner', decisionComment: 'looked at it' },
    });
    expect(await settings()).toMatchObject({
      ...{ version: before.version + 1, updatedBy: `user:${ann!.userId}`, comment: 'because' },
      config: { gateway: { retries: 7 } },
    });
    const both = { proposedBy: `user:${ann!.userId}`, confirmedBy: `user:${ben!.userId}` };
    expect(await auditOf(id)).toMatchObject([
      { action: 'proposal.create', actor: both.proposedBy },
      { action: 'config.save', actor: both.confirmedBy, diff: { confirms: both } },
      { action: 'proposal.confirm', actor: both.confirmedBy, diff: { comment: 'looked at it' } },
    ]);
    expect(await eventsOf(id)).toMatchObject([
      { type: 'task.progress.milestone', severity: 'warning', payload: { state: 'pending' } },
      { type: 'task.progress.milestone', payload: { state: 'applied' } },
    ]);
  });

  test('is never confirmed by who proposed it: by session, another one, token or agent', async () => {
    const { id } = (await save(ann!, retries(8))).body;
    const other = { ...ann!, token: newSessionToken() };
    await http.database.query(
      `INSERT INTO sessions (id, user_id, token_hash, csrf_token, expires_at) VALUES ($1, $2, $3, 'x', now() + interval '1 hour')`,
      [randomUUID(), ann!.userId, hashToken(other.token)],
    );
    for (const same of [ann, other, await tokenOf(ann!)])
      for (const decision of ['confirm', 'refuse'] as const)
        expect(await decide(same, id, { decision })).toMatchObject({
          status: 403,
          body: { code: 'self_approval' },
        });
    const grants = (['config.read', 'config.write'] as const).map((permission) => ({
      permission,
      projectId: null,
    }));
    const agent = { kind: 'agent' as const, id: 'agent:1', name: 'a', userId: ann!.userId, grants };
    const ctx = { actor: agent, traceId: 't', ip: null };
    await expect(
      http.app.get(CommandBus).execute(new DecideProposal(ctx, id, { decision: 'confirm' })),
    ).rejects.toMatchObject({ code: 'self_approval' });
    // The database holds it as well.
    await expect(
      http.database.query(
        `UPDATE proposals SET status = 'applied', decided_by_user = proposed_by_user WHERE id = $1`,
        [id],
      ),
    ).rejects.toThrow(/proposals_second_person/);
    expect((await seen(ann, id)).state).toBe('pending');
    expect((await decide(ben, id, { decision: 'withdraw' })).status).toBe(403);
    expect((await decide(ann, id, { decision: 'withdraw' })).body.state).toBe('withdrawn');
    expect((await decide(ben, id)).body.code).toBe('proposal_decided');
  });

  test('is confirmed by those who could make it, as the tables have it now', async () => {
    const { id } = (await save(ann!, retries(9))).body;
    expect((await decide(viewer, id)).status).toBe(404);
    const token = await tokenOf(ben!);
    await makeRole(http.database, 'reader', ['config.read']);
    expect((await decide(await http.signIn('reader'), id)).body.code).toBe('not_an_approver');
    // Rights that were taken away while the request was let in by those that a process still remembers.
    const grants = [{ permission: 'config.read' as const, projectId: null }];
    const remembered = {
      ...{ kind: 'user' as const, id: `user:${viewer!.userId}`, name: 'v', userId: viewer!.userId },
      grants: [...grants, { permission: 'config.write' as const, projectId: null }],
    };
    await expect(
      http.app.get(CommandBus).execute(
        new DecideProposal({ actor: remembered, traceId: 't', ip: null }, id, {
          decision: 'confirm',
        }),
      ),
    ).rejects.toMatchObject({ code: 'not_an_approver' });
    expect((await decide(token, id, { decision: 'refuse', comment: 'no' })).body).toMatchObject({
      ...{ state: 'refused', decisionComment: 'no' },
    });
    expect((await settings()).config.gateway.retries).toBe(7);
  });

  test('is void once its base has moved, or who proposed it could not make it any more', async () => {
    const [first, second] = [
      (await save(ann!, retries(1))).body,
      (await save(ann!, retries(2))).body,
    ];
    expect((await decide(ben, first.id)).status).toBe(200);
    expect(await seen(ben, second.id)).toMatchObject({ state: 'void', voidBecause: 'base' });
    expect(await decide(ben, second.id)).toMatchObject({
      status: 409,
      body: {
        code: 'proposal_void',
        errors: [{ path: 'gateway.retries', message: 'is 1 now; would become 2' }],
      },
    });
    expect((await save(ann!, retries(3), { base: 1 })).status).toBe(412);
    const gone = (await save(clerk!, retries(4))).body;
    await http.database.query('UPDATE users SET is_disabled = true WHERE id = $1', [clerk!.userId]);
    expect(await decide(ben, gone.id)).toMatchObject({
      body: { code: 'proposal_void', detail: expect.stringContaining('could not make') },
    });
    await http.database.query('UPDATE users SET is_disabled = false');
    await http.database.query(
      `UPDATE proposals SET expires_at = now() - interval '1 second' WHERE id = $1`,
      [gone.id],
    );
    expect((await decide(ben, gone.id)).body.code).toBe('proposal_expired');
    expect((await seen(ann, gone.id)).state).toBe('expired');
    expect((await settings()).config.gateway.retries).toBe(1);
  });

  test('of two who confirm at once one does', async () => {
    const { id } = (await save(ann!, retries(6))).body;
    const { version } = await settings();
    const answers = await Promise.all([owner, ben, owner, ben].map((as) => decide(as, id)));
    const codes = answers.map(({ status, body }) => body.code ?? status).sort();
    expect(codes).toEqual([200, 'proposal_decided', 'proposal_decided', 'proposal_decided']);
    expect((await settings()).version).toBe(version + 1);
  });

  test('goes by the rule for the rule: it is neither weakened nor turned off alone', async () => {
    await rule({ policies: true });
    // Of the rest of the settings nobody has to confirm anything; of this they do.
    expect((await save(owner, retries(2))).status).toBe(200);
    for (const next of [off, { ...off, policies: true, confirmers: ['viewer', 'owner'] }])
      expect(
        await save(owner, ({ security }) => void (security.secondPerson = next)),
      ).toMatchObject({ status: 202 });
    expect((await settings()).config.security.secondPerson.policies).toBe(true);
    await rule({ settings: true });
  });

  test('breaks the glass alone: with the right, in person, for a reason, and an alarm', async () => {
    const glass = { breakGlass: true, comment: 'nobody else is awake' };
    const { id } = (await save(ben!, retries(10))).body;
    expect((await seen(ben, id)).you).toMatchObject({ obstacle: 'own', mayBreakGlass: true });
    expect((await decide(ann, id, glass)).status).toBe(403);
    expect((await decide(await tokenOf(ben!), id, glass)).body.detail).toMatch(
      /not by an API token/,
    );
    for (const broken of [
      { ...glass, comment: ' – ' },
      { ...glass, decision: 'refuse' as const },
    ])
      expect((await decide(ben, id, broken)).body.code).toBe('validation_failed');
    expect((await decide(ben, id, glass)).body).toMatchObject({
      ...{ state: 'applied', breakGlass: true, decisionComment: glass.comment },
    });
    expect((await settings()).config.gateway.retries).toBe(10);
    expect((await auditOf(id)).slice(1)).toMatchObject([
      { action: 'config.save', diff: { confirms: { breakGlass: glass.comment } } },
      { action: 'proposal.break-glass' },
    ]);
    expect((await eventsOf(id)).at(-1)).toMatchObject({
      ...{ type: 'anomaly.detected', severity: 'error' },
      payload: { code: 'break_glass', reason: glass.comment },
    });
  });

  test('has secrets in it by name alone, and what is not sound does not wait', async () => {
    await http.call('/config/runtime/secrets/LLM_KEY', {
      method: 'PUT',
      as: owner,
      body: { value: canary },
    });
    const { id } = (await save(ann!, ({ llm }) => void (llm.apiKeySecret = 'LLM_KEY'))).body;
    const unsound = await save(ann!, ({ llm }) => void (llm.baseUrl = `http://u:${canary}@h/`));
    expect(unsound.status).toBe(400);
    expect((await save(ann!, ({ llm }) => void (llm.apiKeySecret = 'NONE'))).status).toBe(422);
    expect((await decide(ben, id)).status).toBe(200);
    const [kept] = await http.database.query<{ all: string }>(
      `SELECT (SELECT string_agg(p::text, '') FROM proposals p) || (SELECT string_agg(payload::text || summary, '') FROM events)
              || (SELECT string_agg(diff::text, '') FROM audit_logs) AS all`,
    );
    expect(kept!.all).toContain('LLM_KEY');
    expect(kept!.all).not.toContain(canary);
  });

  test('is not made by what does not know of the rule', async () => {
    await expect(
      http.database.query(
        `INSERT INTO config_versions (scope, version, config, created_by)
         SELECT 'system', version + 1, config, 'older' FROM config_versions WHERE scope = 'system'
          ORDER BY version DESC LIMIT 1`,
      ),
    ).rejects.toThrow(/second person/);
    // An older build takes settings with keys that it does not know for the defaults, and writes those at its start.
    await http.database.query(
      `INSERT INTO config_versions (scope, version, config, created_by) VALUES ('system', 1, '{}', 'system') ON CONFLICT DO NOTHING`,
    );
  });
});

describe('changes of policies and of roles', () => {
  beforeAll(() => rule({ policies: true, roles: true }));

  const put = (as: SignedIn, version: number, body: object) =>
    http.call<Answered>('/mcp/policies', {
      method: 'PUT',
      as,
      body,
      headers: { 'if-match': `"${version}"` },
    });
  const policies = async () => (await http.call<Policies>('/mcp/policies', { as: owner })).body;
  const people = async () =>
    (await http.call<Page<Person>>('/rbac/users?limit=200', { as: owner })).body.items;
  const role = async (name: string) =>
    (await http.call<Page<Role>>('/rbac/roles', { as: owner })).body.items.find(
      (each) => each.name === name,
    );

  test('policies', async () => {
    const document = { rules: [{ id: 'no', effect: 'deny', tools: ['x'] }] };
    const asked = await put(ann!, 0, document);
    expect(asked).toMatchObject({ status: 202, body: { kind: 'policies', baseVersion: 0 } });
    expect((await policies()).version).toBe(0);
    const stale = (await put(owner, 0, { default: 'deny' })).body;
    expect((await decide(ben, asked.body.id)).status).toBe(200);
    expect(await policies()).toMatchObject({
      version: 1,
      document,
      updatedBy: asked.body.proposedBy,
    });
    expect((await decide(ann, stale.id)).body.code).toBe('proposal_void');
    await expect(
      http.database.query(
        `INSERT INTO config_versions (scope, version, config, created_by) VALUES ('policies', 2, '{}', 'older')`,
      ),
    ).rejects.toThrow(/second person/);
  });

  test('roles are made, changed and deleted', async () => {
    const call = (method: string, path: string, body?: object, version = 1) =>
      http.call<Answered>(`/rbac/roles${path}`, {
        method,
        as: ann!,
        ...(body && { body }),
        headers: { 'if-match': `"${version}"` },
      });
    const made = await call('POST', '', { name: 'extra', permissions: ['task.read'] });
    expect([made.status, await role('extra')]).toEqual([202, undefined]);
    expect((await decide(ben, made.body.id)).status).toBe(200);
    expect(await role('extra')).toMatchObject({ permissions: ['task.read'], version: 1 });
    const changed = await call('PUT', '/extra', { description: 'd', permissions: ['audit.read'] });
    const other = await call('PUT', '/extra', { description: 'e', permissions: [] });
    expect(changed.body.changes).toMatchObject([{ path: 'description' }, { path: 'permissions' }]);
    expect((await decide(ben, changed.body.id)).status).toBe(200);
    expect(await role('extra')).toMatchObject({ permissions: ['audit.read'], version: 2 });
    expect(await decide(ben, other.body.id)).toMatchObject({
      body: { code: 'proposal_void', errors: [{ path: 'description' }, { path: 'permissions' }] },
    });
    // Confirming takes the rights that making it takes.
    const few = await call('PUT', '/extra', { description: 'd', permissions: [] }, 2);
    await expect(
      http.database.query(`UPDATE roles SET permissions = '{}' WHERE name = 'extra'`),
    ).rejects.toThrow(/second person/);
    await decide(ann, few.body.id, { decision: 'withdraw' });
    const gone = await call('DELETE', '/extra');
    expect((await decide(ben, gone.body.id)).status).toBe(200);
    expect(await role('extra')).toBeUndefined();
  });

  test('who has a role: an account is made without it, and what the role holds is part of what is confirmed', async () => {
    const person = await http.call<Person>('/rbac/users', {
      method: 'POST',
      as: owner,
      body: { email: 'new@example.test', name: 'New', password: 'a long password', role: 'owner' },
    });
    expect(person).toMatchObject({ status: 201, body: { roles: [] } });
    const proposalId = person.body.proposalId!;
    // Who may not make an owner does not confirm one.
    expect((await decide(ann, proposalId)).status).toBe(403);
    expect((await decide(ben, proposalId)).status).toBe(200);
    expect((await people()).find(({ id }) => id === person.body.id)!.roles).toEqual(['owner']);

    const grant = (body: object) =>
      http.call<Answered>('/rbac/bindings', { method: 'POST', as: owner, body });
    const given = await grant({ userId: viewer!.userId, role: 'clerk', projectId: 'p' });
    expect([given.status, given.body.projectId]).toEqual([202, 'p']);
    expect(given.body.subject).toBe(`viewer (${viewer!.email})`);
    const twice = await grant({ userId: viewer!.userId, role: 'clerk', projectId: 'p' });
    const wide = await http.call<Answered>('/rbac/roles/clerk', {
      method: 'PUT',
      as: owner,
      body: { description: '', permissions: ['config.read', 'config.write', 'secret.write'] },
      headers: { 'if-match': '"1"' },
    });
    await decide(ben, wide.body.id);
    expect((await decide(ben, given.body.id)).body.code).toBe('proposal_void');
    await decide(owner, twice.body.id, { decision: 'withdraw' });
    const anew = await grant({ userId: viewer!.userId, role: 'clerk', projectId: 'p' });
    expect((await decide(ben, anew.body.id)).status).toBe(200);
    expect(await grant({ userId: viewer!.userId, role: 'clerk', projectId: 'p' })).toMatchObject({
      body: { code: 'already_exists' },
    });
    const { items } = (await http.call<Page<Binding>>('/rbac/bindings?limit=200', { as: owner }))
      .body;
    const held = items.find((each) => each.projectId === 'p')!;
    const taken = await http.call<Answered>(`/rbac/bindings/${held.id}`, {
      method: 'DELETE',
      as: owner,
    });
    expect(taken).toMatchObject({ status: 202, body: { before: { role: 'clerk' }, after: null } });
    await expect(
      http.database.query('DELETE FROM role_bindings WHERE id = $1', [held.id]),
    ).rejects.toThrow(/second person/);
    expect((await decide(ben, taken.body.id)).status).toBe(200);
  });

  test('a list is paged, of what the reader may see, bounded, and pruned', async () => {
    const all = (await listed(owner, 'limit=200')).items;
    const paged: Proposal[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page<Proposal> = await listed(owner, `limit=7${cursor && `&cursor=${cursor}`}`);
      paged.push(...page.items);
      cursor = page.nextCursor;
    }
    expect(paged.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    expect(new Set((await listed(viewer, 'limit=200')).items.map(({ kind }) => kind))).toEqual(
      new Set(['policies']),
    );
    expect((await listed(owner, 'state=pending&kind=roles')).items).toEqual([]);
    expect((await http.refused('/config/proposals?cursor=x', { as: owner })).status).toBe(400);
    expect((await http.call('/config/second-person', { as: viewer! })).body).toMatchObject({
      ...{ settings: false, policies: true, roles: true },
    });
    await http.database.query(
      `INSERT INTO proposals (id, kind, action, target, trace_id, proposed_by, proposed_by_name, expires_at)
       SELECT gen_random_uuid(), 'roles', 'role.create', 'role:x', 't', 'test', 'test', now() + interval '1 day'
         FROM generate_series(1, $1)`,
      [MOST_WAITING],
    );
    expect((await put(owner, 1, {})).body.code).toBe('too_many_proposals');
    await http.database.query(
      `UPDATE proposals SET expires_at = now() - interval '91 days' WHERE trace_id = 't'`,
    );
    await http.app.get(Maintenance).run();
    expect((await listed(owner, 'limit=200')).items.map(({ id }) => id)).toEqual(
      all.map(({ id }) => id),
    );
  });
});

describe('values of secrets', () => {
  beforeAll(() => rule({ secrets: true }));

  const path = (name: string) => `/config/runtime/secrets/${name}`;
  const put = (
    as: SignedIn | undefined,
    name: string,
    value: string,
    { purpose = '', projectId = null as string | null, key = randomUUID() as string } = {},
  ) =>
    http.call<Answered>(path(name), {
      method: 'PUT',
      as: as!,
      body: { value, purpose, projectId },
      headers: { 'idempotency-key': key },
    });
  const remove = (as: SignedIn | undefined, name: string) =>
    http.call<Answered>(path(name), { method: 'DELETE', as: as! });
  const told = async (name: string) =>
    (await http.call<RuntimeConfig>('/config/runtime', { as: owner })).body.secrets.find(
      (each) => each.name === name,
    );
  const value = (name: string) =>
    http.app
      .get(Vault, { strict: false })
      .reveal({ actor: systemPrincipal, traceId: 't', ip: null }, name, null, 'test');
  const kept = async () =>
    (
      await http.database.query<{ proposal_id: string }>('SELECT proposal_id FROM proposed_secrets')
    ).map(({ proposal_id }) => proposal_id);
  /** Made, and confirmed by somebody else. */
  async function set(name: string, text: string): Promise<void> {
    const { body } = await put(ann, name, text);
    expect((await decide(ben, body.id)).text).toContain('applied');
  }

  test('a first value waits unseen, and is the secret once somebody else has confirmed it', async () => {
    const secret = `${canary}-first`;
    const key = randomUUID();
    const asked = await put(ann, 'HELD', secret, { purpose: 'for the test', key });
    const again = await put(ann, 'HELD', secret, { purpose: 'for the test', key });
    const { id } = asked.body;
    expect([asked.status, again.status, again.body.id]).toEqual([202, 202, id]);
    expect(asked.headers.get('location')).toBe(`/config/proposals/${id}`);
    expect(asked.body).toMatchObject({
      ...{ kind: 'secrets', action: 'secret.put', target: 'secret:HELD', baseVersion: null },
      ...{ before: null, after: { version: 1, purpose: 'for the test', value: 'set' } },
      you: { obstacle: 'own', mayWithdraw: true },
    });
    expect(await told('HELD')).toBeUndefined();
    await expect(value('HELD')).rejects.toMatchObject({ code: 'unknown_secret' });
    for (const same of [ann, await tokenOf(ann!)])
      expect((await decide(same, id)).body.code).toBe('self_approval');
    const shown = JSON.stringify([await seen(ben, id), await listed(ben), asked, again]);

    expect((await decide(ben, id)).body.state).toBe('applied');
    expect(await value('HELD')).toBe(secret);
    expect(await told('HELD')).toMatchObject({ version: 1, purpose: 'for the test' });
    expect(await kept()).toEqual([]);
    const both = { proposedBy: `user:${ann!.userId}`, confirmedBy: `user:${ben!.userId}` };
    expect(await auditOf(id)).toMatchObject([
      { action: 'proposal.create', actor: both.proposedBy },
      { action: 'secret.create', actor: both.confirmedBy, diff: { confirms: both } },
      { action: 'proposal.confirm', actor: both.confirmedBy },
    ]);
    expect(await http.database.query(`SELECT created_by FROM secrets WHERE name = 'HELD'`)).toEqual(
      [{ created_by: both.proposedBy }],
    );

    // Nowhere, whatever it is written as: the record of the request's key, events, audit, proposals, the value's own table.
    const tables = await http.database.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    await put(ann, 'HELD', `${canary}-second`);
    expect(await kept()).toHaveLength(1);
    const rows = await Promise.all(
      tables.map(({ name }) =>
        http.database.query<{ all: string | null }>(
          `SELECT string_agg(t::text, ' ') AS all FROM ${name} t`,
        ),
      ),
    );
    const all = shown + JSON.stringify(rows);
    expect(all).toContain('HELD');
    for (const way of ['utf8', 'hex', 'base64', 'base64url'] as const)
      expect(all).not.toContain(Buffer.from(canary).toString(way).replace(/=+$/, ''));
  });

  test('another value is of the one that was seen: the other that waits is void, and gone', async () => {
    await set('TURNED', 'one');
    const [second, third] = [
      (await put(ann, 'TURNED', 'two')).body,
      (await put(owner, 'TURNED', 'three')).body,
    ];
    expect(second.changes).toEqual([
      { path: 'value', before: 'set', after: 'changed' },
      { path: 'version', before: 1, after: 2 },
    ]);
    expect((await decide(ben, second.id)).status).toBe(200);
    expect(await kept()).not.toContain(third.id);
    expect(await decide(ben, third.id)).toMatchObject({
      status: 409,
      body: { code: 'proposal_void', errors: [{ path: 'value' }] },
    });
    expect([await value('TURNED'), (await told('TURNED'))!.version]).toEqual(['two', 2]);

    // One of the same name and version that came after it is another; so is one that is for something else by now.
    const old = [(await put(ann, 'TURNED', 'four')).body, (await remove(owner, 'TURNED')).body];
    const gone = (await remove(ann, 'TURNED')).body;
    expect(gone).toMatchObject({
      ...{ action: 'secret.delete', after: null },
      before: { version: 2, value: 'set' },
    });
    expect(await value('TURNED')).toBe('two');
    expect((await decide(ben, gone.id)).status).toBe(200);
    expect(await told('TURNED')).toBeUndefined();
    await set('TURNED', 'five');
    await set('TURNED', 'six');
    for (const { id } of old) {
      expect(await seen(ben, id)).toMatchObject({ state: 'void', voidBecause: 'base' });
      expect((await decide(ben, id)).body.code).toBe('proposal_void');
    }
    const other = (await put(ann, 'TURNED', 'seven')).body;
    await http.database.query(`UPDATE secrets SET purpose = 'more' WHERE name = 'TURNED'`);
    expect((await seen(ben, other.id)).state).toBe('void');
    expect((await decide(ben, other.id)).body.code).toBe('proposal_void');
    expect(await value('TURNED')).toBe('six');

    // Where there was none, one came and went: what waits was void in between, and stays it.
    const late = (await put(owner, 'PASSING', 'a')).body;
    await set('PASSING', 'b');
    await decide(ben, (await remove(ann, 'PASSING')).body.id);
    expect((await seen(ben, late.id)).state).toBe('void');
  });

  test('of two who confirm values of one secret at once one does', async () => {
    await set('RACED', 'one');
    const [a, b] = [(await put(ann, 'RACED', 'a')).body, (await put(owner, 'RACED', 'b')).body];
    const gone = (await remove(ann, 'RACED')).body;
    const answers = await Promise.all([a, b, gone].map(({ id }) => decide(ben, id)));
    expect(answers.map(({ body }) => body.code ?? 'done').sort()).toEqual([
      ...['done', 'proposal_void', 'proposal_void'],
    ]);
  });

  const onServer = isNative ? test : test.skip; // one session only on PGlite: AOS_TEST_DB=native, which npm test also runs
  onServer('what is written while it is confirmed makes it void', async () => {
    await set('HURRIED', 'one');
    const { id } = (await put(ann, 'HURRIED', 'two')).body;
    const gone = (await remove(ann, 'HURRIED')).body;
    for (const each of [id, gone.id]) {
      const answer = await http.database.transaction(async (tx) => {
        await sql(tx, `UPDATE secrets SET purpose = $1 WHERE name = 'HURRIED'`, [each]);
        const decided = decide(ben, each);
        // It has found that the proposal fits, and waits for the row.
        for (let isWaiting = false; !isWaiting;)
          isWaiting =
            (
              await http.database.query(
                `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
              )
            ).length > 0;
        return { decided };
      });
      expect((await answer.decided).body.code).toBe('proposal_void');
      await http.database.query(`UPDATE secrets SET purpose = '' WHERE name = 'HURRIED'`);
    }
    expect(await value('HURRIED')).toBe('one');
  });

  test('a value goes with its proposal: refused, withdrawn or out of time', async () => {
    const [refused, withdrawn, late] = [
      (await put(ann, 'NEVER', 'a')).body.id,
      (await put(ann, 'NEVER', 'b')).body.id,
      (await put(ann, 'NEVER', 'c')).body.id,
    ];
    expect(await kept()).toEqual(expect.arrayContaining([refused, withdrawn, late]));
    await decide(ben, refused, { decision: 'refuse' });
    await decide(ann, withdrawn, { decision: 'withdraw' });
    await http.database.query('UPDATE proposals SET expires_at = now() WHERE id = $1', [late]);
    await http.app.get(Maintenance).run();
    const left = await kept();
    for (const id of [refused, withdrawn, late]) expect(left).not.toContain(id);
    expect((await decide(ben, late)).body.code).toBe('proposal_expired');
    expect(await told('NEVER')).toBeUndefined();
  });

  test('one that was copied over another does not open', async () => {
    const [mine, theirs] = [
      (await put(ann, 'COPIED', 'mine')).body.id,
      (await put(owner, 'COPIED', 'theirs')).body.id,
    ];
    await http.database.query(
      `UPDATE proposed_secrets p SET ciphertext = o.ciphertext, wrapped_key = o.wrapped_key
         FROM proposed_secrets o WHERE p.proposal_id = $1 AND o.proposal_id = $2`,
      [theirs, mine],
    );
    expect((await decide(ben, theirs)).body.code).toBe('unavailable');
    expect((await seen(ben, theirs)).state).toBe('pending');
    expect(await told('COPIED')).toBeUndefined();
  });

  test('takes the right to write it there, of who proposes and of who confirms', async () => {
    await makeRole(http.database, 'lister', ['secret.read']);
    const lister = await http.signIn('lister');
    expect((await put(lister, 'HELD', 'x')).status).toBe(403);
    const { id } = (await put(ann, 'HELD', 'x', { projectId: 'p' })).body;
    expect((await seen(ben, id)).projectId).toBe('p');
    expect((await decide(viewer, id)).status).toBe(404);
    expect((await decide(lister, id)).body.code).toBe('not_an_approver');
    expect((await decide(ben, id)).status).toBe(200);
    // A name without a value is no value; and of a project's the one for everywhere is another.
    expect(await told('HELD')).toMatchObject({ projectId: null, version: 1 });
    await http.database.query(
      `INSERT INTO secret_names (name, created_by) VALUES ('NAMED', 'test')`,
    );
    expect((await remove(ann, 'NAMED')).status).toBe(204);
  });

  test('is not written by what does not know of the rule, nor is the rule', async () => {
    for (const statement of [
      `UPDATE secrets SET version = version + 1, ciphertext = 'x' WHERE name = 'HELD'`,
      `DELETE FROM secrets WHERE name = 'HELD'`,
      `INSERT INTO secrets (id, name, ciphertext, wrapped_key, key_id, created_by)
       VALUES (gen_random_uuid(), 'OTHER', 'x', 'x', 'x', 'older')`,
      `INSERT INTO config_versions (scope, version, config, created_by)
       SELECT 'system', max(version) + 1, '{}', 'older' FROM config_versions WHERE scope = 'system'`,
    ])
      await expect(http.database.query(statement)).rejects.toThrow(/second person/);
    await expect(
      http.database.query(
        `UPDATE proposals SET status = 'applied', decided_by_user = proposed_by_user WHERE kind = 'secrets'`,
      ),
    ).rejects.toThrow(/proposals_second_person/);
    await rule({ roles: true });
    expect((await put(ann, 'HELD', 'at once')).status).toBe(200);
  });
});

test('starts go on under the rule', async () => {
  expect(isNative).toBe(http.database.kind === 'server');
  const again = await openHttpApp({
    imports: [IntegrationsModule],
    database: { database: http.database, url: undefined, close: async () => undefined },
  });
  expect((await again.call('/config/second-person', { as: owner })).body).toMatchObject({
    roles: true,
  });
  await again.app.close();
});
