import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Artifact } from '@aos/contracts';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { ArtifactStore, ArtifactsModule } from './index.js';

describe('artifacts', () => {
  let http: HttpApp;
  let operator: SignedIn;
  beforeAll(async () => {
    http = await openHttpApp({ imports: [ArtifactsModule] });
    operator = await http.signIn('operator');
    await http.database.query(
      `INSERT INTO projects (id, name, created_by) VALUES ('birds', 'Birds', 'test')`,
    );
  });
  afterAll(() => http.close());

  async function upload(
    name: string,
    content: string | Uint8Array<ArrayBuffer>,
    { as = operator, field = 'file', query = '' } = {},
  ): Promise<{ status: number; body: Artifact & { code?: string } }> {
    const form = new FormData();
    form.append(field, new Blob([content]), name);
    const response = await fetch(`${http.baseUrl}/api/artifacts${query}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${as.token}` },
      body: form,
    });
    return {
      status: response.status,
      body: (await response.json()) as Artifact & { code?: string },
    };
  }

  const content = (id: string, headers: Record<string, string> = {}, as = operator) =>
    fetch(`${http.baseUrl}/api/artifacts/${id}/content`, {
      headers: { authorization: `Bearer ${as.token}`, ...headers },
    });

  it('takes a file and gives back the same bytes', async () => {
    const { status, body } = await upload('strikes.csv', 'a,b\n1,2\n');
    expect(status).toBe(201);
    expect(body).toMatchObject({ name: 'strikes.csv', mediaType: 'text/csv', bytes: 8 });
    // printf 'a,b\n1,2\n' | sha256sum
    expect(body.sha256).toBe('492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470');
    const answer = await content(body.artifactId);
    expect(await answer.text()).toBe('a,b\n1,2\n');
    expect(answer.headers.get('content-type')).toContain('text/csv');
    expect(answer.headers.get('etag')).toBe(`"${body.sha256}"`);
  });

  it('serves a script or a page as a download only, with nothing allowed in it', async () => {
    const { body } = await upload('page.html', '<script>alert(1)</script>');
    const answer = await content(body.artifactId);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const svg = await upload(
      'x.svg',
      '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    );
    expect((await content(svg.body.artifactId)).headers.get('content-security-policy')).toContain(
      'sandbox',
    );
  });

  it('serves ranges and refuses one past the end', async () => {
    const { body } = await upload('n.txt', '0123456789');
    const part = await content(body.artifactId, { range: 'bytes=2-4' });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
    ]);
    const tail = await content(body.artifactId, { range: 'bytes=-3' });
    expect(await tail.text()).toBe('789');
    // A number is one however long it is, and capitals make no difference (RFC 9110, 14.1).
    const far = await content(body.artifactId, { range: `Bytes=8-${'9'.repeat(30)}` });
    expect([far.status, far.headers.get('content-range')]).toEqual([206, 'bytes 8-9/10']);
    const beyond = await content(body.artifactId, { range: `bytes=${'9'.repeat(30)}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    const past = await content(body.artifactId, { range: 'bytes=99-' });
    expect([past.status, past.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(await past.json()).toMatchObject({ code: 'range_not_satisfiable' });
  });

  it('sends nobody again what they have, and goes on with nothing but the same file', async () => {
    const { body } = await upload('n.txt', '0123456789');
    const etag = `"${body.sha256}"`;
    const known = await content(body.artifactId, {
      'if-none-match': `"x", ${etag}`,
      'cache-control': 'max-age=0', // else fetch says no-cache, which asks for it all the same
    });
    expect([known.status, await known.text()]).toEqual([304, '']);
    const part = (ifRange: string) =>
      content(body.artifactId, { range: 'bytes=8-', 'if-range': ifRange });
    expect(await (await part(etag)).text()).toBe('89');
    const other = await part('"x"');
    expect([other.status, await other.text()]).toEqual([200, '0123456789']);
  });

  it.each([
    ['another field', 'x.csv', { field: 'other' }, 400],
    ['a project', 'x.csv', { query: '?projectId=birds' }, 201],
    ['a project that does not exist', 'x.csv', { query: '?projectId=elsewhere' }, 404],
    ['an unknown query key', 'x.csv', { query: '?x=1' }, 400],
  ])('meets %s', async (_what, name, options, status) => {
    expect((await upload(name, 'x', options)).status).toBe(status);
  });

  it('answers with five facts, and refuses fields that are not known', async () => {
    const { body } = await upload('five.csv', 'x');
    expect(Object.keys(body)).toEqual(['artifactId', 'name', 'mediaType', 'bytes', 'sha256']);
    const before = await kept();
    const form = new FormData();
    form.set('file', new File(['x'], 'more.csv'));
    form.set('projectId', 'birds');
    const response = await fetch(`${http.baseUrl}/api/artifacts`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${operator.token}` },
    });
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { code: 'validation_failed', errors: [{ path: 'projectId' }] },
    ]);
    expect(await kept()).toEqual(before);
  });

  it('refuses names that hide what they are', async () => {
    const tagged = `a${String.fromCodePoint(0xe0041)}.csv`;
    for (const name of [
      'safe\u202Efdp.exe',
      'a\u200bb.csv',
      'a\u009b2J.csv',
      'a\u2028.csv',
      tagged,
      '..',
    ])
      expect(await upload(name, 'x')).toMatchObject({
        status: 400,
        body: { code: 'validation_failed' },
      });
  });

  it('refuses a body that is not multipart, and one without a file', async () => {
    const answer = await http.refused('/api/artifacts', {
      method: 'POST',
      as: operator,
      body: { file: 'x' },
    });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
  });

  /** Rows, events and files. */
  async function kept() {
    const [row] = await http.database.query(
      `SELECT (SELECT count(*) FROM artifacts)::int AS rows,
              (SELECT count(*) FROM events WHERE type = 'artifact.created')::int AS events`,
    );
    const folder = join(http.environment.dataDir, 'artifacts');
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return {
      ...row,
      files: entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort(),
    };
  }
  const part = (name: string) =>
    `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/csv\r\n\r\na,b\r\n`;
  it.each([
    ['no boundary', 'multipart/form-data', `${part('a.csv')}--b--\r\n`],
    ['garbage', 'multipart/form-data; boundary=b', 'garbage'],
    ['no end', 'multipart/form-data; boundary=b', part('a.csv')],
    [
      'a part that begins behind the file',
      'multipart/form-data; boundary=b',
      `${part('a.csv')}--b\r\n`,
    ],
    ['half of its last boundary', 'multipart/form-data; boundary=b', `${part('a.csv')}--b-`],
    ['another last boundary', 'multipart/form-data; boundary=b', `${part('a.csv')}--bX--\r\n`],
    ['a NUL in its name', 'multipart/form-data; boundary=b', `${part('a\0b.csv')}--b--\r\n`],
  ])('refuses a multipart body with %s, and keeps nothing of it', async (_what, type, body) => {
    const before = await kept();
    const response = await fetch(`${http.baseUrl}/api/artifacts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator.token}`, 'content-type': type },
      body,
    });
    const answer = (await response.json()) as { code: string };
    expect([response.status, answer.code]).toEqual([400, 'malformed_body']);
    expect(await kept()).toEqual(before);
  });

  it.each([
    ['as it is, in UTF-8', 'filename="数据 é.csv"'],
    ['with its character set', `filename*=utf-8''${encodeURIComponent('数据 é.csv')}`],
    [
      'twice, as .NET has it',
      `filename="=?utf-8?B?eA==?="; filename*=utf-8''${encodeURIComponent('数据 é.csv')}`,
    ],
  ])('takes the name of a file %s', async (_how, filename) => {
    const response = await fetch(`${http.baseUrl}/api/artifacts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${operator.token}`,
        'content-type': 'multipart/form-data; boundary=b',
      },
      body: `${part('x').replace('filename="x"', filename)}--b--\r\n`,
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toMatchObject({ name: '数据 é.csv', mediaType: 'text/csv' });
  });

  it('keeps nothing of a body with two files', async () => {
    const before = await kept();
    const form = new FormData();
    for (const name of ['a.csv', 'b.csv']) form.append('file', new Blob(['a,b']), name);
    const response = await fetch(`${http.baseUrl}/api/artifacts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${operator.token}` },
      body: form,
    });
    expect(response.status).toBe(400);
    expect(await kept()).toEqual(before);
  });

  it('answers a foreign artifact like one that does not exist', async () => {
    const stranger = await http.signIn('operator', 'other-project');
    const { body } = await upload('mine.csv', 'x');
    const [foreign, unknown] = await Promise.all([
      http.refused(`/api/artifacts/${body.artifactId}`, { as: stranger }),
      http.refused('/api/artifacts/00000000-0000-7000-8000-000000000000', { as: stranger }),
    ]);
    expect([foreign.status, foreign.body.code]).toEqual([404, 'not_found']);
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
    expect((await content(body.artifactId, {}, stranger)).status).toBe(404);
  });

  it('lets nobody upload who may only read', async () => {
    const viewer = await http.signIn('viewer');
    expect((await upload('x.csv', 'x', { as: viewer })).status).toBe(403);
  });

  it('leaves nothing behind when a client goes away in the middle', async () => {
    const before = await http.database.query('SELECT id FROM artifacts');
    await new Promise<void>((resolve) => {
      const half = request(`${http.baseUrl}/api/artifacts`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${operator.token}`,
          'content-type': 'multipart/form-data; boundary=b',
          'content-length': '1000000',
        },
      });
      half.on('error', () => resolve());
      half.write(
        '--b\r\nContent-Disposition: form-data; name="file"; filename="half.csv"\r\n\r\nhalf',
        () => half.destroy(new Error('gone')),
      );
    });
    expect(await http.database.query('SELECT id FROM artifacts')).toHaveLength(before.length);
  });

  it('is made once by a step that is done again, unless it has become another', async () => {
    const store = http.app.get(ArtifactStore);
    const ctx = { actor: systemPrincipal, traceId: 'a'.repeat(32), ip: null };
    const make = (data: string, stepId: string | null = 'report') =>
      store.save(ctx, { name: 'a.md', mediaType: 'text/markdown', data, jobId: '77', stepId });
    const [first, again] = await Promise.all([make('same'), make('same')]);
    expect(again).toEqual(first);
    await make('other');
    await make('same', 'another step');
    await make('same', null);
    await make('same', null);
    expect((await store.ofJob('77')).map(({ stepId, bytes }) => [stepId, bytes])).toEqual([
      ['report', 4],
      ['report', 5],
      ['another step', 4],
      [null, 4],
      [null, 4],
    ]);
    const told = await http.database.query(
      `SELECT 1 FROM events WHERE job_id = 77 AND type = 'artifact.created'`,
    );
    expect(told).toHaveLength(5);
  });

  it('removes the file when its row cannot be written', async () => {
    const store = http.app.get(ArtifactStore);
    const ctx = { actor: systemPrincipal, traceId: 't', ip: null };
    // The row is refused: audit and row are one transaction, and 'not-a-number' is no job id.
    const saving = store.save(ctx, {
      name: 'x.txt',
      mediaType: 'text/plain',
      stream: Readable.from(['gone']),
      jobId: 'not-a-number',
    });
    await expect(saving).rejects.toThrow();
    const rows = await http.database.query<{ id: string }>('SELECT id FROM artifacts');
    const folder = join(http.environment.dataDir, 'artifacts');
    const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
    expect(existsSync(folder)).toBe(true);
    expect(files.filter((name) => !name.endsWith('.part')).sort()).toEqual(
      rows.map((row) => row.id).sort(),
    );
  });
});
