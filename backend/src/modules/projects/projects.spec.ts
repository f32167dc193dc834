import type { Page, Project } from '@aos/contracts';
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
