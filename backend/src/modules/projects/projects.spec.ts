import { type Page, type Project, say } from '@aos/contracts';
import { type HttpApp, openHttpApp } from '../../../test/http-app.js';
import { ProjectsModule } from './index.js';

let http: HttpApp;
beforeAll(async () => {
  http = await openHttpApp({ imports: [ProjectsModule] });
});
afterAll(() => http.close());

it('creates a project with its audit row, once', async () => {
  const operator = await http.signIn('operator');
  const create = () =>
    http.call<Project>('/projects', {
      method: 'POST',
      as: operator,
      body: { id: 'red', name: 'Red' },
    });
  expect(await create()).toMatchObject({
    status: 201,
    body: { id: 'red', name: 'Red', description: '' },
  });
  expect((await create()).status).toBe(409);
  expect(
    await http.database.query(`SELECT outcome FROM audit_logs WHERE resource = 'project:red'`),
  ).toEqual([{ outcome: 'allowed' }]);
  expect(
    (
      await http.refused('/projects', {
        method: 'POST',
        as: operator,
        body: { id: 'Röd', name: 'x' },
      })
    ).status,
  ).toBe(400);
});

it('makes an id from the name where none is given', async () => {
  const admin = await http.signIn('admin');
  const create = async (name: string) =>
    (await http.call<Project>('/projects', { method: 'POST', as: admin, body: { name } })).body;
  expect(await create('Étude 7: Bird strikes!')).toMatchObject({
    id: 'etude-7-bird-strikes',
    name: 'Étude 7: Bird strikes!',
  });
  expect((await create('Étude 7 - bird strikes')).id).toMatch(/^etude-7-bird-strikes-[0-9a-f]{8}$/);
  expect((await create('鸟击')).id).toBe('project');
  expect((await create('7')).id).toMatch(/^project-[0-9a-f]{8}$/);
  const long = (await create('x'.repeat(200))).id;
  expect([long, (await create('x'.repeat(200))).id.length]).toEqual(['x'.repeat(31), 40]);
});

it('makes of several of one name that come at once as many projects, and of one id one', async () => {
  const admin = await http.signIn('admin');
  const create = (body: object) =>
    http.call<Project>('/projects', { method: 'POST', as: admin, body });
  const named = await Promise.all([1, 2, 3, 4].map(() => create({ name: 'Twins' })));
  expect(named.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(new Set(named.map(({ body }) => body.id)).size).toBe(4);
  const asked = await Promise.all([1, 2, 3, 4].map(() => create({ id: 'one', name: 'One' })));
  expect(asked.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409]);
});

it("shows one's own; another's is answered like one that is not there, and recorded", async () => {
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('mine', 'Mine', 't'), ('theirs', 'Theirs', 't')`,
  );
  const viewer = await http.signIn('viewer', 'mine');
  const list = await http.call<Page<Project>>('/projects', { as: viewer });
  expect(list.body.items.map(({ id }) => id)).toEqual(['mine']);
  expect((await http.call('/projects/mine', { as: viewer })).status).toBe(200);
  const foreign = await http.refused('/projects/theirs', { as: viewer });
  const missing = await http.refused('/projects/nowhere', { as: viewer });
  expect([foreign.status, foreign.body.detail]).toEqual([404, missing.body.detail]);
  const rows = await http.database.query(
    `SELECT outcome FROM audit_logs WHERE resource = 'http:GET /projects/theirs'`,
  );
  expect(rows).toEqual([{ outcome: 'denied' }]);
});

describe('a change of a project', () => {
  const setup = async (id: string) => {
    const operator = await http.signIn('operator');
    await http.call('/projects', { method: 'POST', as: operator, body: { id, name: 'Before' } });
    const change = (body: object, version: number | null = 1, as = operator) =>
      http.call<Project>(`/projects/${id}`, {
        method: 'PATCH',
        as,
        body,
        headers: version === null ? {} : { 'if-match': `"${version}"` },
      });
    return { operator, change };
  };

  it('that leaves it as it is makes no version, no audit row and no event', async () => {
    const { change } = await setup('same');
    const told = () =>
      http.database.query(
        `SELECT (SELECT count(*) FROM audit_logs WHERE resource = 'project:same')::int AS audited,
                (SELECT count(*) FROM events WHERE project_id = 'same')::int AS events`,
      );
    const before = await told();
    for (const body of [
      { name: 'Before' },
      { archived: false },
      { name: 'Before', archived: false },
    ])
      expect((await change(body)).body).toMatchObject({ name: 'Before', version: 1 });
    expect(await told()).toEqual(before);
    expect((await change({ name: 'Before' }, 7)).status).toBe(412);
    expect((await change({ description: 'It' })).body).toMatchObject({ version: 2 });
    expect((await change({ archived: true }, 2)).body).toMatchObject({ version: 3 });
  });

  it('is made against a version, and leaves its audit row and an event', async () => {
    const { operator, change } = await setup('renamed');
    const read = await http.call<Project>('/projects/renamed', { as: operator });
    expect(read.headers.get('etag')).toBe('"1"');
    const changed = await change({ name: 'After' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect(changed.body).toMatchObject({ name: 'After', version: 2, archivedAt: null });
    expect((await change({ name: 'Late' })).status).toBe(412);
    expect((await change({ name: 'Blind' }, null)).status).toBe(428);
    expect((await change({}, 2)).status).toBe(400);
    expect(
      await http.database.query(
        `SELECT diff FROM audit_logs WHERE resource = 'project:renamed' AND action = 'project.change'`,
      ),
    ).toEqual([
      {
        diff: {
          before: expect.objectContaining({ name: 'Before' }),
          after: expect.objectContaining({ name: 'After' }),
        },
      },
    ]);
    expect(
      await http.database.query(
        `SELECT type, payload->'said' AS said FROM events
          WHERE project_id = 'renamed' AND summary LIKE '%changed the project After%'`,
      ),
    ).toEqual([
      {
        type: 'config.changed',
        said: [say('project-changed', { who: expect.any(String), project: 'After' })],
      },
    ]);
  });

  it('puts it into the archive and takes it out', async () => {
    const { operator, change } = await setup('shelved');
    const ids = async (query: string) =>
      (await http.call<Page<Project>>(`/projects${query}`, { as: operator })).body.items.map(
        ({ id }) => id,
      );
    expect((await change({ archived: true })).body.archivedAt).not.toBeNull();
    expect(await ids('')).not.toContain('shelved');
    expect(await ids('?archived=1')).toContain('shelved');
    expect((await change({ archived: false }, 2)).body.archivedAt).toBeNull();
    expect(await ids('')).toContain('shelved');
    const audit = await http.database.query(
      `SELECT action FROM audit_logs WHERE resource = 'project:shelved' ORDER BY id`,
    );
    expect(audit.map((row) => row['action'])).toEqual([
      'project.create',
      'project.archive',
      'project.restore',
    ]);
  });

  it('is closed to viewers, and another project is not there', async () => {
    const { change } = await setup('closed');
    const viewer = await http.signIn('viewer', 'closed');
    expect((await change({ name: 'x' }, 1, viewer)).status).toBe(403);
    const stranger = await http.signIn('operator', 'renamed');
    expect((await change({ name: 'x' }, 1, stranger)).status).toBe(404);
  });
});

it('tells what goes on in a project', async () => {
  const operator = await http.signIn('operator');
  await http.call('/projects', {
    method: 'POST',
    as: operator,
    body: { id: 'busy', name: 'Busy' },
  });
  await http.database.query(
    `INSERT INTO jobs (spec, status, project_id) SELECT '{"goal":"x"}', s, 'busy'
       FROM unnest(ARRAY['queued','queued','running','waiting','succeeded']) AS s`,
  );
  const { body } = await http.call<Project>('/projects/busy', { as: operator });
  expect(body.open).toEqual({ queued: 2, running: 1, waiting: 1 });
  expect(body.lastTaskAt).not.toBeNull();
});
