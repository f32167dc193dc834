import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MemoryItem, MemorySearchAnswer } from '@aos/contracts';
import { isNative } from '../../../test/harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { ConfigModule } from '../config/index.js';
import { Embedder } from './embedder.js';
import { MemoryModule } from './index.js';

/** A model server of the test's own: what means the same lies in the same direction. */
const meanings = [
  ['gull', 'gulls', 'seagulls', 'birds', '鸟'],
  ['runway', 'tarmac'],
  ['report', 'paper'],
  ['monday', 'weekday'],
];
const KEY = 'sk-canary-9876543210';
const asked: { model: string; input: string[]; key: string | undefined }[] = [];
type Refusal = { status: number; body: unknown };
let onAsked: () => void = () => undefined;
let refuse: (input: string[]) => Refusal | undefined;
let vectorOf: (text: string) => number[];
const plainVector = (text: string) => {
  const words = text.toLowerCase().split(/[^\p{L}]+/u);
  return [...meanings.map((same) => words.filter((word) => same.includes(word)).length), 0.1];
};

let server: Server;
let http: HttpApp;
let owner: SignedIn;
let embedder: Embedder;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { model, input } = JSON.parse(Buffer.concat(chunks).toString());
      asked.push({ model, input, key: request.headers.authorization });
      onAsked();
      const refusal = refuse(input);
      const body = refusal?.body ?? {
        object: 'list',
        model,
        data: input.map((text: string, index: number) => ({ index, embedding: vectorOf(text) })),
        usage: { prompt_tokens: 1, total_tokens: 1 },
      };
      response
        .writeHead(refusal?.status ?? 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  http = await openHttpApp({
    imports: [MemoryModule, ConfigModule],
    environment: { roles: new Set(['api']) }, // it embeds when a test says so
  });
  await http.database.query(
    `INSERT INTO projects (id, name, created_by) VALUES ('red', 'Red', 't'), ('blue', 'Blue', 't')`,
  );
  owner = await http.signIn('owner');
  await http.call('/config/runtime/secrets/EMBED_KEY', {
    method: 'PUT',
    as: owner,
    body: { value: KEY, purpose: 'test' },
  });
  embedder = http.app.get(Embedder);
});
afterAll(async () => {
  await http.close();
  server.close();
});

beforeEach(async () => {
  refuse = () => undefined;
  vectorOf = plainVector;
  await http.database.query('DELETE FROM mem_embeddings');
  await configure({});
  asked.length = 0;
});

async function configure(embeddings: Record<string, unknown>) {
  const { body, headers } = await http.call<{ config: object }>('/config/system', { as: owner });
  return http.refused('/config/system', {
    method: 'PUT',
    as: owner,
    headers: { 'if-match': headers.get('etag')! },
    body: { ...body.config, embeddings },
  });
}
const withModel = (more: Record<string, unknown> = {}) =>
  configure({
    provider: 'openai',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    model: 'near',
    apiKeySecret: 'EMBED_KEY',
    timeoutMs: 20_000,
    ...more,
  });

async function remember(subject: string, text: string, projectId: string | null = null) {
  const { body } = await http.call<MemoryItem>('/memory/items', {
    method: 'POST',
    as: owner,
    body: { subject, text, projectId },
  });
  return body;
}
const search = async (q: string, more = '', as = owner) =>
  (await http.call<MemorySearchAnswer>(`/memory/search?q=${encodeURIComponent(q)}${more}`, { as }))
    .body;
const subjects = ({ items }: MemorySearchAnswer) => items.map(({ subject }) => subject);

describe('without a model', () => {
  it('what is remembered is found by its words, and the answer says why', async () => {
    await remember('Wildlife', 'Gulls sit on the runway.');
    expect(await search('birds')).toMatchObject({ by: 'text', items: [], whyText: 'no-model' });
    expect(subjects(await search('gulls'))).toEqual(['Wildlife']);
    await embedder.embed();
    expect(asked).toEqual([]);
  });

  it.each([[{ model: undefined }], [{ apiKeySecret: 'NOBODY' }], [{ baseUrl: 'http://u:p@h/' }]])(
    'settings with %j are refused at their place',
    async (wrong) => {
      const { status, body } = await withModel(wrong);
      const place = `embeddings.${Object.keys(wrong)[0]}`;
      expect([status >= 400, body.errors?.map(({ path }) => path)]).toEqual([true, [place]]);
    },
  );
});

const whereVectorsAre = isNative ? describe.skip : describe; // its binaries have no pgvector; runs on PGlite
whereVectorsAre('with a model', () => {
  it('words that mean the same find it, the nearest first, and words that stand there before', async () => {
    await withModel();
    await remember('Wildlife', 'Gulls sit on the runway.');
    await remember('Cleaning', 'The tarmac is swept at night.');
    await remember('Post', 'The paper goes out each Monday.');
    await remember('Menu', 'No seagulls, please.');
    expect(subjects(await search('birds'))).toEqual([]);
    await embedder.embed();
    const near = await search('birds');
    expect([near.by, near.nextCursor, near.whyText]).toEqual(['meaning', null, null]);
    expect(subjects(near).slice(0, 2)).toEqual(['Menu', 'Wildlife']);
    expect(subjects(await search('鸟 seagulls'))[0]).toBe('Menu');
    expect(subjects(await search('swept'))[0]).toBe('Cleaning');
    expect(subjects(await search('birds', '&limit=1'))).toEqual(['Menu']);
    expect(await search('birds', '&by=text')).toMatchObject({ items: [], whyText: 'asked' });
    expect(asked.every(({ key }) => key === `Bearer ${KEY}`)).toBe(true);
    expect(asked.flatMap(({ input }) => input)).toContain('Menu: No seagulls, please.');
  });

  it('an item is not found by what it used to mean', async () => {
    await withModel();
    const { id } = await remember('Note', 'Gulls everywhere.');
    await remember('Other', 'The report.');
    await embedder.embed();
    expect(subjects(await search('birds'))[0]).toBe('Note');
    await http.call(`/memory/items/${id}`, {
      method: 'PATCH',
      as: owner,
      body: { text: 'The tarmac.' },
      headers: { 'if-match': '"1"' },
    });
    expect(subjects(await search('birds'))).toEqual(['Other']);
    await embedder.embed();
    expect(subjects(await search('runway'))[0]).toBe('Note');
  });

  it('vectors of another model are not compared with, and are made anew', async () => {
    await withModel();
    await remember('Wildlife', 'Gulls.');
    await embedder.embed();
    await withModel({ model: 'far' });
    expect(subjects(await search('birds'))).toEqual([]);
    asked.length = 0;
    await embedder.embed();
    expect(asked.map(({ model, input }) => [model, input])).toEqual([
      ['far', ['Wildlife: Gulls.']],
    ]);
    expect(subjects(await search('birds'))).toEqual(['Wildlife']);
    asked.length = 0;
    await embedder.embed();
    expect(asked).toEqual([]);
  });

  it('nobody finds by meaning what they may not read', async () => {
    await withModel();
    await remember('Blue', 'Gulls.', 'blue');
    await remember('Everywhere', 'Gulls.');
    await remember('Red', 'Gulls.', 'red');
    await embedder.embed();
    const red = await http.signIn('operator', 'red');
    expect(subjects(await search('birds', '', red))).toEqual(['Red']);
    expect(subjects(await search('birds', '&projectId=blue'))).toEqual(['Blue']);
    expect(subjects(await search('birds', '&scope=everywhere'))).toEqual(['Everywhere']);
  });

  it('one that is away is said to be, words still find, and nothing tells its key', async () => {
    await withModel();
    await remember('Wildlife', 'Gulls.');
    refuse = () => ({ status: 401, body: { error: { message: `bad key ${KEY}` } } });
    expect(await search('gulls')).toMatchObject({
      by: 'text',
      whyText: 'away',
      items: [{ subject: 'Wildlife' }],
    });
    const fault = await embedder.embed().catch((error: Error) => error.message);
    expect(fault).toContain('bad key');
    expect(fault).not.toContain(KEY);
    refuse = () => undefined;
    await embedder.embed();
    expect(subjects(await search('birds'))).toEqual(['Wildlife']);
  });

  it('one that was away is left alone for a while, until it has answered somebody', async () => {
    await withModel({ model: 'resting' });
    await remember('Wildlife', 'Gulls.');
    refuse = () => ({ status: 500, body: { error: { message: 'down' } } });
    expect((await search('birds')).whyText).toBe('away');
    refuse = () => undefined;
    expect((await search('birds')).whyText).toBe('away');
    expect((await search('tarmac')).whyText).toBe('away');
    expect(asked).toHaveLength(1);
    await embedder.embed();
    expect(subjects(await search('birds'))).toEqual(['Wildlife']);
  });

  it('it is asked once for what is searched for again, and so often for one person', async () => {
    await withModel();
    const viewer = await http.signIn('viewer');
    const again = await Promise.all([1, 2, 3].map(() => search('never seen')));
    expect(again.map(({ by }) => by)).toEqual(['meaning', 'meaning', 'meaning']);
    expect(asked).toHaveLength(1);
    for (let n = 0; n < 60; n++) expect((await search(`n ${n}`, '', viewer)).by).toBe('meaning');
    expect(await search('one more', '', viewer)).toMatchObject({ by: 'text', whyText: 'limited' });
    expect((await search('n 59', '', viewer)).by).toBe('meaning');
    expect((await search('one more')).by).toBe('meaning');
    expect(asked).toHaveLength(62);
  });

  it('a text that it refuses keeps no other from its vector', async () => {
    await withModel();
    await remember('First', 'Gulls.');
    await remember('Poison', 'xyzzy');
    await remember('Last', 'Gulls.');
    const poison = (input: string[]) => input.some((text) => text.includes('xyzzy'));
    refuse = (input) =>
      poison(input) ? { status: 400, body: { error: { message: 'no such text' } } } : undefined;
    await embedder.embed();
    expect(subjects(await search('birds')).sort()).toEqual(['First', 'Last']);
    expect(subjects(await search('birds xyzzy'))).not.toContain('Poison');
    asked.length = 0;
    await embedder.embed();
    expect(asked).toEqual([]);
    refuse = () => undefined;
    expect(subjects(await search('poison'))[0]).toBe('Poison');
  });

  it('a process that works does it by itself', async () => {
    await withModel();
    await remember('Wildlife', 'Gulls.');
    const isAsked = new Promise<void>((done) => (onAsked = done));
    const worker = await openHttpApp({
      imports: [MemoryModule, ConfigModule],
      environment: { dataDir: http.environment.dataDir, roles: new Set(['worker']) },
      database: { database: http.database, url: undefined, close: async () => undefined },
    });
    await isAsked;
    await worker.close();
    expect(asked[0]!.input).toEqual(['Wildlife: Gulls.']);
  });

  it('two processes ask for each text once', async () => {
    await withModel();
    for (let n = 0; n < 5; n++) await remember(`Item ${n}`, 'Gulls.');
    await Promise.all([embedder.embed(), embedder.embed(), embedder.embed()]);
    expect(asked.flatMap(({ input }) => input)).toHaveLength(5);
  });

  it('a claim whose process was killed ends, and one that is held is kept', async () => {
    await withModel();
    await remember('Killed', 'Gulls.');
    const claimed = (until: string) =>
      http.database.query(
        `UPDATE mem_embeddings SET embedding_claimed_until = clock_timestamp() + interval '${until}'`,
      );
    await claimed('1 minute');
    await embedder.embed();
    expect(asked).toEqual([]);
    await claimed('-1 second');
    await embedder.embed();
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['longer than fits', () => new Array<number>(1537).fill(1), '1537 numbers, and 1536 fit'],
    ['not of numbers', () => ['a'] as unknown as number[], 'no vector'],
    ['of zeros', () => [0, 0], undefined],
  ])('a vector %s is refused', async (_, vector, sentence) => {
    await withModel();
    await remember('Wildlife', 'Gulls.');
    vectorOf = vector;
    const fault = await embedder.embed().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (sentence === undefined) expect(fault).toBeUndefined();
    else expect(fault).toContain(sentence);
    expect(subjects(await search('birds', '&by=meaning'))).toEqual([]);
  });
});

const whereTheyAreNot = isNative ? it : it.skip; // PGlite has pgvector; runs on native Postgres
whereTheyAreNot('without pgvector words are all there is, and the answer says so', async () => {
  await withModel();
  await remember('Wildlife', 'Gulls.');
  await embedder.embed();
  expect(await search('gulls')).toMatchObject({ by: 'text', whyText: 'no-pgvector' });
  expect(asked).toEqual([]);
});
