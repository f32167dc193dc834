import type { AccessAnswer, Binding, Me, Page, Role } from '@aos/contracts';
import { rolePermissions } from '@aos/contracts';
import { type HttpApp, type SignedIn, makeRole, openHttpApp } from '../../../test/http-app.js';
import { BuiltinRoles } from './index.js';

let http: HttpApp;
let owner: SignedIn;
beforeAll(async () => {
  http = await openHttpApp();
  owner = await http.signIn('owner');
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('red', 'Red', 'test'), ('blue', 'Blue', 'test')`,
  );
});
afterAll(() => http.close());

const grant = (as: SignedIn, body: unknown) =>
  http.refused('/rbac/bindings', { method: 'POST', as, body });
const bindingOf = async (person: SignedIn, role: string) =>
  (
    await http.database.query<{ id: string }>(
      'SELECT id FROM role_bindings WHERE user_id = $1 AND role = $2',
      [person.userId, role],
    )
  )[0]!.id;
const revoke = (as: SignedIn, id: string) =>
  http.refused(`/rbac/bindings/${id}`, { method: 'DELETE', as });

describe('roles', () => {
  it('are the four of the contract, brought up to date at each start', async () => {
    await http.database.query(`UPDATE roles SET permissions = '{}' WHERE name = 'viewer'`);
    await Promise.all([http.app.get(BuiltinRoles).seed(), http.app.get(BuiltinRoles).seed()]);
    const { items } = (await http.call<Page<Role>>('/rbac/roles', { as: owner })).body;
    expect(items.filter(({ builtin }) => builtin).map(({ name }) => name)).toEqual([
      'admin',
      'operator',
      'owner',
      'viewer',
    ]);
    expect(items.find(({ name }) => name === 'viewer')!.permissions).toEqual(
      rolePermissions.viewer,
    );
  });

  it('can be made of what their maker holds, by a name of their own', async () => {
    const made = await http.call<Role>('/rbac/roles', {
      method: 'POST',
      as: owner,
      body: { name: 'auditor', permissions: ['audit.read', 'audit.read'] },
    });
    expect([made.status, made.body.permissions]).toEqual([201, ['audit.read']]);
    expect(
      (
        await http.refused('/rbac/roles', {
          method: 'POST',
          as: owner,
          body: { name: 'auditor', permissions: [] },
        })
      ).body.code,
    ).toBe('already_exists');
    expect(
      (
        await http.refused('/rbac/roles', {
          method: 'POST',
          as: owner,
          body: { name: 'owner', permissions: [] },
        })
      ).status,
    ).toBe(409);
    expect(
      (
        await http.refused('/rbac/roles', {
          method: 'POST',
          as: owner,
          body: { name: 'x', permissions: ['everything'] },
        })
      ).status,
    ).toBe(400);
    await makeRole(http.database, 'role-maker', ['role.write']);
    const maker = await http.signIn('role-maker');
    const more = await http.refused('/rbac/roles', {
      method: 'POST',
      as: maker,
      body: { name: 'bigger', permissions: ['secret.write'] },
    });
    expect(more.status).toBe(403);
  });
});

describe('a role of our own', () => {
  const make = (name: string, permissions: string[]) =>
    http.call<Role>('/rbac/roles', { method: 'POST', as: owner, body: { name, permissions } });
  const put = (as: SignedIn, name: string, version: number | null, permissions: string[]) =>
    http.call<Role>(`/rbac/roles/${name}`, {
      method: 'PUT',
      as,
      body: { description: 'changed', permissions },
      headers: version === null ? {} : { 'if-match': `"${version}"` },
    });
  const remove = (as: SignedIn, name: string) =>
    http.refused(`/rbac/roles/${name}`, { method: 'DELETE', as });

  it('is changed on the version that was read, at once for whoever has it', async () => {
    await make('clerk', ['task.read']);
    const clerk = await http.signIn('clerk');
    expect((await http.call('/rbac/roles', { as: clerk })).status).toBe(403);
    expect((await put(owner, 'clerk', null, [])).status).toBe(428);
    expect((await put(owner, 'clerk', 9, [])).status).toBe(412);
    const { body, headers } = await put(owner, 'clerk', 1, ['task.read', 'role.read', 'role.read']);
    expect(body).toMatchObject({ permissions: ['task.read', 'role.read'], version: 2 });
    expect(headers.get('etag')).toBe('"2"');
    expect((await http.call('/rbac/roles', { as: clerk })).status).toBe(200);
    const rows = await http.database.query<{ action: string; diff: unknown }>(
      `SELECT action, diff FROM audit_logs WHERE resource = 'role:clerk' ORDER BY id DESC LIMIT 1`,
    );
    expect(rows).toMatchObject([
      {
        action: 'role.change',
        diff: {
          before: { permissions: ['task.read'] },
          after: { permissions: ['task.read', 'role.read'] },
        },
      },
    ]);
  });

  it('is not touched by someone who holds less, neither to give nor to take', async () => {
    await make('keeper', ['secret.write']);
    await makeRole(http.database, 'small-maker', ['role.write', 'task.read']);
    const maker = await http.signIn('small-maker');
    expect((await put(maker, 'keeper', 1, ['task.read'])).status).toBe(403);
    expect((await put(maker, 'small-maker', 1, ['role.write', 'audit.read'])).status).toBe(403);
    expect((await remove(maker, 'keeper')).status).toBe(403);
  });

  it('goes only when nobody has it; the built-in ones stay as they are', async () => {
    await make('temp', ['task.read']);
    const person = await http.signIn('temp');
    const refused = await remove(owner, 'temp');
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
    await revoke(owner, await bindingOf(person, 'temp'));
    expect((await remove(owner, 'temp')).status).toBe(204);
    expect((await remove(owner, 'temp')).status).toBe(404);
    expect((await remove(owner, 'viewer')).status).toBe(403);
    expect((await put(owner, 'viewer', 1, ['task.read'])).status).toBe(403);
  });
});

describe('handing out', () => {
  it('takes effect at once, with its audit row and its event', async () => {
    const person = await http.signIn('viewer');
    expect((await http.call<Me>('/auth/me', { as: person })).body.permissions).not.toContain(
      'task.create',
    );
    const { status, body } = await http.call<Binding>('/rbac/bindings', {
      method: 'POST',
      as: owner,
      body: { userId: person.userId, role: 'operator', projectId: 'red' },
    });
    expect([status, body]).toEqual([
      201,
      expect.objectContaining({ userId: person.userId, role: 'operator', projectId: 'red' }),
    ]);
    expect((await http.call<Me>('/auth/me', { as: person })).body.permissions).toContain(
      'task.create',
    );
    const rows = await http.database.query<{ diff: unknown; actor: string }>(
      'SELECT actor, diff FROM audit_logs WHERE resource = $1',
      [`binding:${body.id}`],
    );
    expect(rows).toEqual([{ actor: `user:${owner.userId}`, diff: { before: null, after: body } }]);
    expect(
      await http.database.query(
        `SELECT 1 FROM events WHERE type = 'config.changed' AND payload->>'resource' = $1`,
        [`binding:${body.id}`],
      ),
    ).toHaveLength(1);
    expect((await revoke(owner, body.id)).status).toBe(204);
    expect((await http.call<Me>('/auth/me', { as: person })).body.permissions).not.toContain(
      'task.create',
    );
  });

  it('is refused to whoever does not hold it: no admin makes an owner, no one raises themselves', async () => {
    const admin = await http.signIn('admin');
    expect((await grant(admin, { userId: admin.userId, role: 'owner' })).status).toBe(403);
    expect(
      (await grant(await http.signIn('operator'), { userId: owner.userId, role: 'viewer' })).status,
    ).toBe(403);
    await makeRole(http.database, 'granter', ['role.write', 'task.read']);
    const granter = await http.signIn('granter');
    expect((await grant(granter, { userId: granter.userId, role: 'operator' })).status).toBe(403);
    const elsewhere = await http.signIn('admin', 'red');
    expect((await grant(elsewhere, { userId: elsewhere.userId, role: 'admin' })).status).toBe(403);
    expect(
      (await grant(elsewhere, { userId: elsewhere.userId, role: 'viewer', projectId: 'blue' }))
        .status,
    ).toBe(403);
    expect(
      (await grant(elsewhere, { userId: elsewhere.userId, role: 'viewer', projectId: 'red' }))
        .status,
    ).toBe(201);
  });

  it('is refused to a token that an owner cut down', async () => {
    const { body } = await http.call<{ token: string }>('/auth/tokens', {
      method: 'POST',
      as: owner,
      body: { name: 'x', scopes: ['role.write'] },
    });
    const answer = await http.call('/rbac/bindings', {
      method: 'POST',
      headers: { authorization: `Bearer ${body.token}` },
      body: { userId: (await http.signIn('viewer')).userId, role: 'owner' },
    });
    expect(answer.status).toBe(403);
  });

  it('names what is not there', async () => {
    const person = await http.signIn('viewer');
    expect((await grant(owner, { userId: person.userId, role: 'king' })).status).toBe(400);
    expect(
      (await grant(owner, { userId: person.userId, role: 'viewer', projectId: 'green' })).status,
    ).toBe(404);
    expect(
      (await grant(owner, { userId: '00000000-0000-4000-8000-000000000000', role: 'viewer' }))
        .status,
    ).toBe(404);
    expect((await grant(owner, { userId: 'not-an-id', role: 'viewer' })).status).toBe(400);
    expect((await grant(owner, { userId: person.userId, role: 'viewer' })).body.code).toBe(
      'already_exists',
    );
    expect((await revoke(owner, '00000000-0000-4000-8000-000000000000')).status).toBe(404);
  });
});

describe('the last owner', () => {
  it('stays: not by taking the role away, nor by disabling, nor by two at once', async () => {
    const fresh = await openHttpApp();
    try {
      const [one, two] = [await fresh.signIn('owner'), await fresh.signIn('owner')];
      const ids = await Promise.all(
        [one, two].map(
          async ({ userId }) =>
            (
              await fresh.database.query<{ id: string }>(
                'SELECT id FROM role_bindings WHERE user_id = $1',
                [userId],
              )
            )[0]!.id,
        ),
      );
      const answers = await Promise.all([
        fresh.refused(`/rbac/bindings/${ids[0]}`, { method: 'DELETE', as: one }),
        fresh.refused(`/rbac/bindings/${ids[1]}`, { method: 'DELETE', as: two }),
      ]);
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 409]);
      expect(answers.find(({ status }) => status === 409)!.body.code).toBe('last_owner');
      const last = answers[0].status === 409 ? one : two;
      expect(
        (await fresh.refused(`/rbac/users/${last.userId}/disable`, { method: 'POST', as: last }))
          .body.code,
      ).toBe('last_owner');
      expect((await fresh.call('/auth/me', { as: last })).status).toBe(200);
    } finally {
      await fresh.close();
    }
  });

  it('is unmade by an owner only', async () => {
    const [other, admin] = [await http.signIn('owner'), await http.signIn('admin')];
    expect((await revoke(admin, await bindingOf(other, 'owner'))).status).toBe(403);
    expect((await revoke(owner, await bindingOf(other, 'owner'))).status).toBe(204);
  });
});

describe('may they', () => {
  const check = (as: SignedIn, query: string) =>
    http.call<AccessAnswer>(`/rbac/check?${query}`, { as });

  it('is answered with the roles that decide it', async () => {
    const person = await http.signIn('operator', 'red');
    expect((await check(person, 'permission=task.create&projectId=red')).body).toMatchObject({
      allowed: true,
      via: ['operator in project red'],
      said: {
        code: 'access-held',
        // A built-in role by its code, so that every language has its own word for it.
        params: { via: [{ code: 'role-where', params: { role: { code: 'role-operator' } } }] },
      },
    });
    expect((await check(person, 'permission=task.create&projectId=blue')).body).toMatchObject({
      allowed: false,
      via: [],
    });
    expect((await check(person, 'permission=task.create')).body.allowed).toBe(false);
    expect(
      (await check(owner, `permission=task.create&projectId=red&userId=${person.userId}`)).body
        .allowed,
    ).toBe(true);
    expect((await check(person, `permission=task.read&userId=${owner.userId}`)).status).toBe(403);
    expect((await check(person, 'permission=everything')).status).toBe(400);
  });

  it('is 404 about a project that is not there, for those who see all, and for nobody else', async () => {
    const asked = 'permission=task.create&projectId=';
    expect((await check(owner, `${asked}nowhere`)).status).toBe(404);
    await http.database.query(
      `INSERT INTO projects (id, name, created_by) VALUES ('hidden', 'Hidden', 'test')`,
    );
    expect((await check(owner, `${asked}hidden`)).body.allowed).toBe(true);
    const person = await http.signIn('operator', 'red');
    for (const project of ['nowhere', 'hidden']) {
      const { status, body } = await check(person, asked + project);
      expect([project, status, body.allowed]).toEqual([project, 200, false]);
    }
  });
});
