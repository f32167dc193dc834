import type {
  AuditRow,
  MemoryItem,
  MemorySearchAnswer,
  Page,
  ProfileAnswer,
  ProjectVar,
  SecretInfo,
} from '@aos/contracts';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { ConfigModule } from '../config/index.js';
import { MemoryModule } from './index.js';

let http: HttpApp;
let owner: SignedIn;
let red: SignedIn;
let viewer: SignedIn;
beforeAll(async () => {
  http = await openHttpApp({ imports: [MemoryModule, ConfigModule] });
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('red', 'Red', 't'), ('blue', 'Blue', 't')`,
  );
  owner = await http.signIn('owner');
  red = await http.signIn('operator', 'red');
  viewer = await http.signIn('viewer');
});
afterAll(() => http.close());

const remember = (as: SignedIn, body: Record<string, unknown>) =>
  http.call<MemoryItem>('/memory/items', {
    method: 'POST',
    as,
    body: { subject: 'Reports', text: 'They go out on Mondays.', ...body },
  });
const change = (as: SignedIn, id: string, version: number | null, body: unknown) =>
  http.call<MemoryItem>(`/memory/items/${id}`, {
    method: 'PATCH',
    as,
    body,
    headers: version === null ? {} : { 'if-match': `"${version}"` },
  });
const auditOf = (resource: string) =>
  http.database.query<Pick<AuditRow, 'action' | 'diff'>>(
    'SELECT action, diff FROM audit_logs WHERE resource = $1 ORDER BY id',
    [resource],
  );
const found = async (as: SignedIn, query: string) =>
  (await http.call<MemorySearchAnswer>(`/memory/search?${query}`, { as })).body.items.map(
    ({ subject }) => subject,
  );

describe('an item', () => {
  it('is kept, changed and forgotten, each with its audit row', async () => {
    const { status, body: item, headers } = await remember(owner, {});
    expect([status, item.version, headers.get('etag')]).toEqual([201, 1, '"1"']);
    const { body: changed } = await change(owner, item.id, 1, { text: 'On Tuesdays.' });
    expect(changed).toMatchObject({ version: 2, text: 'On Tuesdays.', subject: 'Reports' });
    expect(
      (await http.call(`/memory/items/${item.id}`, { method: 'DELETE', as: owner })).status,
    ).toBe(204);
    expect((await http.call(`/memory/items/${item.id}`, { as: owner })).status).toBe(404);
    const kept = (text: string) => ({ kind: 'fact', subject: 'Reports', text, projectId: null });
    expect(await auditOf(`memory:${item.id}`)).toEqual([
      { action: 'memory.create', diff: { before: null, after: kept('They go out on Mondays.') } },
      {
        action: 'memory.change',
        diff: { before: kept('They go out on Mondays.'), after: kept('On Tuesdays.') },
      },
      { action: 'memory.delete', diff: { before: kept('On Tuesdays.'), after: null } },
    ]);
  });

  it('is changed only on the version that was read', async () => {
    const { body: item } = await remember(owner, {});
    expect((await change(owner, item.id, null, { text: 'x' })).status).toBe(428);
    expect((await change(owner, item.id, 7, { text: 'x' })).status).toBe(412);
    expect(await auditOf(`memory:${item.id}`)).toHaveLength(1);
  });

  it.each([
    [{ colour: 'red' }],
    [{ text: '' }],
    [{ text: 'x'.repeat(4001) }],
    [{ subject: 'x'.repeat(201) }],
    [{ kind: 'rumour' }],
  ])('is refused with %j', async (body) => {
    expect((await remember(owner, body)).status).toBe(400);
  });

  it('of another project is answered like one that is not there', async () => {
    const { body: blue } = await remember(owner, { projectId: 'blue', subject: 'Blue' });
    const { body: everywhere } = await remember(owner, { subject: 'Everywhere' });
    for (const { id } of [blue, everywhere]) {
      expect((await http.call(`/memory/items/${id}`, { as: red })).status).toBe(404);
      expect((await change(red, id, 1, { text: 'mine now' })).status).toBe(404);
      expect((await http.call(`/memory/items/${id}`, { method: 'DELETE', as: red })).status).toBe(
        404,
      );
    }
    expect((await remember(red, { projectId: 'blue' })).status).toBe(404);
    expect((await remember(red, {})).status).toBe(403);
    expect((await remember(owner, { projectId: 'nowhere' })).status).toBe(404);
    await remember(red, { projectId: 'red', subject: 'Red' });
    const { body } = await http.call<Page<MemoryItem>>('/memory/items', { as: red });
    expect([...new Set(body.items.map(({ projectId }) => projectId))]).toEqual(['red']);
    expect((await remember(viewer, {})).status).toBe(403);
  });

  it('is listed by key, newest first, with filters', async () => {
    for (let n = 0; n < 5; n++)
      await remember(owner, { subject: `List ${n}`, kind: 'lesson', projectId: 'blue' });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const path: string = `/memory/items?limit=2&kind=lesson&projectId=blue${cursor ? `&cursor=${cursor}` : ''}`;
      const { body } = await http.call<Page<MemoryItem>>(path, { as: owner });
      seen.push(...body.items.map(({ subject }) => subject));
      cursor = body.nextCursor;
    } while (cursor);
    expect(seen).toEqual([4, 3, 2, 1, 0].map((n) => `List ${n}`));
    const count = async (query: string) =>
      (await http.call<Page<MemoryItem>>(`/memory/items?${query}`, { as: owner })).body.items
        .length;
    expect(await count('subject=list%203')).toBe(1);
    expect(await count('kind=lesson&scope=everywhere')).toBe(0);
    expect((await http.refused('/memory/items?cursor=WyJ4Il0', { as: owner })).status).toBe(400);
    expect((await http.refused('/memory/items?colour=red', { as: owner })).status).toBe(400);
  });
});

describe('a search', () => {
  beforeAll(async () => {
    await remember(owner, { subject: '周报', text: '每周一上午九点发送给运营团队。' });
    await remember(owner, { subject: 'Rates', text: '100% of the fee_total goes to Ops.' });
    await remember(owner, { subject: 'Rate', text: 'Nothing to see.', projectId: 'blue' });
  });

  it('finds Chinese inside a sentence, and one character alone', async () => {
    expect(await found(owner, `q=${encodeURIComponent('运营团队')}`)).toEqual(['周报']);
    expect(await found(owner, `q=${encodeURIComponent('周 九点')}`)).toEqual(['周报']);
    expect(await found(owner, `q=${encodeURIComponent('报')}`)).toEqual(['周报']);
    expect(await found(owner, `q=${encodeURIComponent('营运')}`)).toEqual([]);
  });

  it('wants every word, in any case, and takes signs for themselves', async () => {
    expect(await found(owner, 'q=OPS%20fee')).toEqual(['Rates']);
    expect(await found(owner, 'q=fee%20nothing')).toEqual([]);
    expect(await found(owner, `q=${encodeURIComponent('100%')}`)).toEqual(['Rates']);
    expect(await found(owner, 'q=fee_t')).toEqual(['Rates']);
    expect(await found(owner, 'q=feeXt')).toEqual([]);
    expect(await found(owner, 'q=rate&projectId=blue')).toEqual(['Rate']);
  });

  it('finds in one project what belongs to it, and says how it searched', async () => {
    expect(await found(red, 'q=rate')).toEqual([]);
    const { body } = await http.call<MemorySearchAnswer>('/memory/search?q=fee%20Ops', {
      as: owner,
    });
    expect([body.by, body.terms]).toEqual(['text', ['fee', 'Ops']]);
    expect((await http.refused('/memory/search', { as: owner })).status).toBe(400);
  });

  it('goes by the index when there is much', async () => {
    await http.database.query(
      `INSERT INTO mem_embeddings (subject, text) SELECT 'bulk', 'entry number ' || n FROM generate_series(1, 3000) n`,
    );
    await http.database.query('ANALYZE mem_embeddings');
    const plan = await http.database.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT id FROM mem_embeddings WHERE memory_grams(coalesce(subject, '') || ' ' || text) @> ARRAY(
         SELECT gram FROM unnest(ARRAY['运营团队']) AS term, unnest(memory_grams(term)) AS gram)`,
    );
    expect(plan.map((line) => line['QUERY PLAN']).join('\n')).toContain('mem_embeddings_grams');
  });
});

describe('a profile', () => {
  const save = (as: SignedIn, version: number, body: unknown) =>
    http.call<ProfileAnswer>('/memory/profile', {
      method: 'PUT',
      as,
      body,
      headers: { 'if-match': `"${version}"` },
    });

  it("is one's own, and saved on the version that was read", async () => {
    const { body: first, headers } = await http.call<ProfileAnswer>('/memory/profile', { as: red });
    expect([first.version, headers.get('etag'), first.profile.detail]).toEqual([
      0,
      '"0"',
      'balanced',
    ]);
    const { body: saved } = await save(red, 0, { about: 'Runs operations', language: 'zh' });
    expect(saved).toMatchObject({ version: 1, profile: { about: 'Runs operations' } });
    expect((await save(red, 0, { about: 'Older tab' })).status).toBe(412);
    expect((await save(red, 1, { colour: 'red' })).status).toBe(400);
    const { body: theirs } = await http.call<ProfileAnswer>('/memory/profile', { as: owner });
    expect(theirs.profile.about).toBe('');
    expect(await auditOf(`user:${red.userId}`)).toMatchObject([
      {
        action: 'profile.save',
        diff: { before: { about: '' }, after: { about: 'Runs operations' } },
      },
    ]);
  });
});

describe('a variable of a project', () => {
  const path = (name = '', project = 'red') => `/projects/${project}/vars${name ? `/${name}` : ''}`;
  const add = (as: SignedIn, body: unknown, project = 'red') =>
    http.call<ProjectVar>(path('', project), { method: 'POST', as, body });
  const patch = (as: SignedIn, name: string, version: number, body: unknown, project = 'red') =>
    http.call<ProjectVar>(path(name, project), {
      method: 'PATCH',
      as,
      body,
      headers: { 'if-match': `"${version}"` },
    });

  it('is added, changed and deleted, each with its audit row', async () => {
    expect(await add(red, { name: 'limit', value: 12, usage: 'Most rows' })).toMatchObject({
      status: 201,
      body: { name: 'limit', value: 12, secretRef: null, usage: 'Most rows', version: 1 },
    });
    expect((await add(red, { name: 'limit', value: 13 })).status).toBe(409);
    expect((await patch(red, 'limit', 7, { value: 13 })).status).toBe(412);
    const { body } = await patch(red, 'limit', 1, { value: { max: 13 } });
    expect(body).toMatchObject({ value: { max: 13 }, usage: 'Most rows', version: 2 });
    expect((await http.call(path('limit'), { method: 'DELETE', as: red })).status).toBe(204);
    expect((await http.call(path('limit'), { method: 'DELETE', as: red })).status).toBe(404);
    expect(await auditOf('var:red/limit')).toEqual([
      {
        action: 'var.create',
        diff: { before: null, after: { name: 'limit', usage: 'Most rows', value: 12 } },
      },
      {
        action: 'var.change',
        diff: {
          before: { name: 'limit', usage: 'Most rows', value: 12 },
          after: { name: 'limit', usage: 'Most rows', value: { max: 13 } },
        },
      },
      {
        action: 'var.delete',
        diff: { before: { name: 'limit', usage: 'Most rows', value: { max: 13 } }, after: null },
      },
    ]);
  });

  it('stands for a secret by its name, and never holds its value', async () => {
    expect((await add(red, { name: 'key', secretRef: 'API_KEY' })).status).toBe(422);
    await http.call<SecretInfo>('/config/runtime/secrets/API_KEY', {
      method: 'PUT',
      as: owner,
      body: { value: 'canary-value', projectId: 'red' },
    });
    const { body, text } = await add(red, { name: 'key', secretRef: 'API_KEY' });
    expect(body).toMatchObject({ value: null, secretRef: 'API_KEY' });
    expect(body.lastRotatedAt).not.toBeNull();
    expect(text).not.toContain('canary');
    expect((await patch(red, 'key', 1, { value: 1, secretRef: 'API_KEY' })).status).toBe(400);
    const { body: plain } = await patch(red, 'key', 1, { value: 'no secret' });
    expect(plain).toMatchObject({ value: 'no secret', secretRef: null });
  });

  it.each([
    [{ name: '1st', value: 1 }],
    [{ name: 'none' }],
    [{ name: 'big', value: 'x'.repeat(8001) }],
    [{ name: 'extra', value: 1, colour: 'red' }],
  ])('is refused as %j', async (body) => {
    expect((await add(red, body)).status).toBe(400);
  });

  it('of another project is answered like one that is not there', async () => {
    await add(owner, { name: 'theirs', value: 1 }, 'blue');
    expect((await http.call(path('', 'blue'), { as: red })).status).toBe(404);
    expect((await add(red, { name: 'x', value: 1 }, 'blue')).status).toBe(404);
    expect((await patch(red, 'theirs', 1, { value: 2 }, 'blue')).status).toBe(404);
    expect((await http.call(path('theirs', 'blue'), { method: 'DELETE', as: red })).status).toBe(
      404,
    );
    expect((await add(viewer, { name: 'x', value: 1 })).status).toBe(403);
    const { body } = await http.call<Page<ProjectVar>>(path('', 'blue'), { as: viewer });
    expect(body.items.map(({ name }) => name)).toEqual(['theirs']);
  });
});
