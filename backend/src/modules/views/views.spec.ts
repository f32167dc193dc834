import type { Page, SavedView } from '@aos/contracts';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { ViewsModule } from './index.js';

let http: HttpApp;
beforeAll(async () => {
  http = await openHttpApp({ imports: [ViewsModule] });
});
afterAll(() => http.close());

const save = (as: SignedIn, name: string, query: object = { status: 'failed' }, room = 'tasks') =>
  http.call<SavedView>('/views', { method: 'POST', as, body: { room, name, query } });
const list = async (as: SignedIn, query = '') =>
  (await http.call<Page<SavedView>>(`/views${query}`, { as })).body;

it('keeps the views of a person, by name, each saving with its audit row', async () => {
  const viewer = await http.signIn('viewer');
  expect((await save(viewer, 'Failed')).status).toBe(201);
  const again = await save(viewer, 'Failed', { status: 'failed', text: 'csv' });
  await save(viewer, 'All', {});
  await save(viewer, 'Errors', { level: 'error' }, 'logs');
  const { items } = await list(viewer, '?room=tasks');
  expect(items.map(({ name, query }) => [name, query])).toEqual([
    ['All', {}],
    ['Failed', { status: 'failed', text: 'csv' }],
  ]);
  const first = await list(viewer, '?limit=2');
  const second = await list(viewer, `?limit=2&cursor=${first.nextCursor}`);
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual([
    'Errors',
    'All',
    'Failed',
  ]);
  const audit = await http.database.query(
    `SELECT diff->'before' <> 'null' AS had FROM audit_logs WHERE resource = $1 ORDER BY id`,
    [`view:${again.body.id}`],
  );
  expect(audit).toEqual([{ had: false }, { had: true }]);
});

it("shows nobody another's views, and lets nobody drop them", async () => {
  const [mine, theirs] = [await http.signIn('viewer'), await http.signIn('owner')];
  const { body: view } = await save(mine, 'Mine');
  expect((await list(theirs)).items).toEqual([]);
  const drop = (as: SignedIn) => http.call(`/views/${view.id}`, { method: 'DELETE', as });
  expect((await drop(theirs)).status).toBe(404);
  expect((await drop(mine)).status).toBe(204);
  expect((await drop(mine)).status).toBe(404);
  expect((await list(mine)).items).toEqual([]);
  expect((await http.call('/views')).status).toBe(401);
});

it('refuses what is no view, and more than a hundred', async () => {
  const viewer = await http.signIn('viewer');
  for (const body of [
    { room: 'kitchen', name: 'x', query: {} },
    { room: 'tasks', name: ' ', query: {} },
    { room: 'tasks', name: 'x', query: { status: ['a'] } },
    { room: 'tasks', name: 'x', query: {}, userId: 'someone' },
  ])
    expect((await http.refused('/views', { method: 'POST', as: viewer, body })).status).toBe(400);
  await http.database.query(
    `INSERT INTO saved_views (id, user_id, room, name, query)
     SELECT gen_random_uuid(), $1, 'tasks', 'view ' || n, '{}' FROM generate_series(1, 100) AS n`,
    [viewer.userId],
  );
  const full = await http.refused('/views', {
    method: 'POST',
    as: viewer,
    body: { room: 'tasks', name: 'one more', query: {} },
  });
  expect([full.status, full.body.code]).toEqual([409, 'too_many_views']);
  expect((await save(viewer, 'view 7', { text: 'x' })).status).toBe(201);
});
