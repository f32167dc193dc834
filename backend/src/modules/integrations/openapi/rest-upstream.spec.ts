import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ImportOpenApi as Input, type OpenApiImport } from '@aos/contracts';
import { ImportOpenApi, ImportOpenApiHandler } from '../commands/import-openapi.js';
import { type GatewayParts, admin, atOnce, startGateway } from '../testing.js';
import { documentOf } from './document-source.js';
import { type ReadDocument, readOperations } from './operations.js';

const document = {
  openapi: '3.0.3',
  info: { title: 'Shop', description: 'A shop' },
  servers: [{ url: 'https://{region}.shop.example/v1', variables: { region: { default: 'eu' } } }],
  paths: {
    '/items/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
      get: {
        operationId: 'getItem',
        summary: 'One item',
        parameters: [
          { name: 'expand', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
          { name: 'X-Shop', in: 'header', schema: { type: 'string' } },
        ],
      },
      put: {
        operationId: 'put item!',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Item' } } },
        },
      },
    },
    '/login': {
      get: { operationId: 'login', parameters: [{ name: 'sid', in: 'cookie', required: true }] },
      post: {
        operationId: 'upload',
        requestBody: { required: true, content: { 'image/png': {} } },
      },
      delete: { operationId: 'getItem' },
      patch: { operationId: 'evil', parameters: [{ name: 'Host', in: 'header', required: true }] },
    },
    '/far': { get: { operationId: 'far', parameters: [{ $ref: 'https://evil.example/p.json' }] } },
    '/gap/{x}': { get: { operationId: 'gap' } },
  },
  components: {
    schemas: {
      Item: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', nullable: true },
          price: { type: 'number', minimum: 0, exclusiveMinimum: true },
          parts: { type: 'array', items: { $ref: '#/components/schemas/Item' } },
        },
      },
    },
  },
};

describe('a document', () => {
  let read: ReadDocument;
  beforeAll(async () => {
    read = await readOperations(document);
  });
  const tool = (name: string) => read.tools.find(({ operation }) => operation.tool === name)!;

  it('becomes one tool for each operation, with its parameters for arguments', () => {
    expect(read.tools.map(({ operation }) => operation.tool)).toEqual(['getItem', 'put_item']);
    expect(tool('getItem').definition).toMatchObject({
      title: 'One item',
      inputSchema: {
        type: 'object',
        required: ['id'],
        additionalProperties: false,
        properties: { id: { type: 'string' }, expand: { type: 'array' }, 'X-Shop': {} },
      },
    });
    expect(read.baseUrl).toBe('https://eu.shop.example/v1');
  });

  it('takes its schemas along, a schema that names itself as well, in the words of JSON Schema', () => {
    expect(tool('put_item').definition.inputSchema).toMatchObject({
      required: ['id', 'body'],
      properties: { body: { $ref: '#/$defs/Item' } },
      $defs: {
        Item: {
          properties: {
            name: { anyOf: [{ type: 'string' }, { type: 'null' }] },
            price: { exclusiveMinimum: 0 },
            parts: { items: { $ref: '#/$defs/Item' } },
          },
        },
      },
    });
  });

  it('keeps what the document has named like a word of OpenAPI, and data that looks like one', async () => {
    const schema = {
      type: 'object',
      required: ['id', 'example'],
      properties: {
        id: { type: 'integer', readOnly: true },
        example: { type: 'string', example: 'x' },
        nullable: { type: 'boolean', default: { $ref: '#/nowhere', example: 1 } },
        xml: { $ref: '#/components/schemas/A B' },
        $ref: { $ref: '#/components/schemas/A_B' },
      },
    };
    const content = { 'application/json': { schema } };
    const { tools } = await readOperations({
      openapi: '3.0.3',
      paths: { '/x': { post: { operationId: 'x', requestBody: { content } } } },
      components: { schemas: { 'A B': { type: 'string' }, A_B: { type: 'number' } } },
    });
    expect(tools[0]!.definition.inputSchema).toMatchObject({
      properties: {
        body: {
          required: ['example'],
          properties: {
            id: { type: 'integer' },
            example: { type: 'string' },
            nullable: { type: 'boolean', default: { $ref: '#/nowhere', example: 1 } },
            xml: { $ref: '#/$defs/A_B' },
            $ref: { $ref: '#/$defs/A_B_2' },
          },
        },
      },
      $defs: { A_B: { type: 'string' }, A_B_2: { type: 'number' } },
    });
  });

  it('says of each operation that is left out why', () => {
    expect(read.refused.map(({ operation, why }) => ({ operation, why }))).toEqual(
      [
        { operation: 'POST /login', why: 'its body is neither JSON nor the fields of a form' },
        { operation: 'DELETE /login', why: 'another operation is named getItem as well' },
        { operation: 'PATCH /login', why: 'its parameter Host is a header that may not be set' },
        { operation: 'GET /far', why: 'it refers to another document' },
        { operation: 'GET /gap/{x}', why: 'its path has {x}, for which there is no parameter' },
      ]
        .concat({ operation: 'GET /login', why: 'its parameter sid is sent in a cookie' })
        .sort((a, b) => order(a) - order(b)),
    );
    expect(read.refused.find(({ operation }) => operation === 'GET /login')?.said).toEqual({
      code: 'operation-parameter-place',
      params: { parameter: 'sid', place: 'cookie' },
    });
  });
  const order = ({ operation }: { operation: string }) =>
    read.refused.findIndex((each) => each.operation === operation);

  describe('whose schemas are large', () => {
    const values = (count: number) => Array.from({ length: count }, (_, i) => i);
    const withOperations = (count: number, big: unknown) => ({
      openapi: '3.1.0',
      components: { schemas: { Big: big } },
      paths: Object.fromEntries(
        values(count).map((i) => [
          `/p${i}`,
          {
            post: {
              operationId: `o${i}`,
              requestBody: {
                content: { 'application/json': { schema: { $ref: '#/components/schemas/Big' } } },
              },
            },
          },
        ]),
      ),
    });

    it.each<[string, object]>([
      ['values', { enum: values(20_000) }],
      ['text', { description: 'x'.repeat(2_000_000) }],
      ['names', { properties: { ['x'.repeat(2_000_000)]: true } }],
    ])('by their %s keeps the operations that can do with theirs', async (_, big) => {
      const large = withOperations(1, big);
      const read = await readOperations({
        ...large,
        paths: { ...large.paths, '/small': { get: { operationId: 'small' } } },
      });
      expect(read.tools.map(({ operation }) => operation.tool)).toEqual(['small']);
      expect(read.refused).toMatchObject([
        { operation: 'POST /p0', why: 'its schema is too large' },
      ]);
    });

    it('is not multiplied by its operations', async () => {
      const read = await readOperations(withOperations(60, { enum: values(19_000) }));
      expect(read.tools).toHaveLength(52); // of a million
      expect(read.refused).toHaveLength(8);
      expect(read.refused[0]).toMatchObject({ why: 'its schema is too large' });
    });
  });

  it('of which one path refers in a circle keeps the others', async () => {
    const read = await readOperations({
      openapi: '3.1.0',
      paths: { '/a': { $ref: '#/paths/~1a' }, '/b': { get: { operationId: 'b' } } },
    });
    expect(read.tools.map(({ operation }) => operation.tool)).toEqual(['b']);
    expect(read.refused).toMatchObject([{ operation: '/a', why: 'it refers in a circle' }]);
  });

  it('of many operations lets others have a turn while it is read', async () => {
    let turns = 0;
    let next = setImmediate(function again() {
      turns++;
      next = setImmediate(again);
    });
    const paths = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [`/p${i}`, { get: { operationId: `p${i}` } }]),
    );
    const read = await readOperations({ openapi: '3.1.0', paths });
    clearImmediate(next);
    expect([read.tools.length, read.refused.length]).toEqual([500, 19_500]);
    expect(turns).toBeGreaterThan(2);
  });

  it('that is none is refused', async () => {
    await expect(readOperations({ swagger: '2.0' })).rejects.toThrow(/3\.0/);
    await expect(readOperations({ openapi: '3.1.0' })).rejects.toThrow(/paths/);
  });
});

describe('servers', () => {
  const at = (servers: unknown, more: object = {}) => ({
    openapi: '3.1.0',
    servers: [{ url: 'https://api.example/v1' }],
    paths: { '/a': { get: { operationId: 'a', ...(servers ? { servers } : {}) }, ...more } },
  });
  const baseOf = async (...read: Parameters<typeof readOperations>) =>
    (await readOperations(...read)).tools[0]?.operation.baseUrl;

  it('of an operation come before those of its path, and either before those of the document', async () => {
    const [own, shared] = [[{ url: 'https://own.example' }], [{ url: 'https://path.example' }]];
    expect(await baseOf(at(undefined))).toBeUndefined();
    expect(await baseOf(at(undefined, { servers: shared }))).toBe('https://path.example');
    expect(await baseOf(at(own, { servers: shared }))).toBe('https://own.example');
    expect(await baseOf(at([], { servers: shared }))).toBe('https://path.example');
    expect(await baseOf(at(own), { baseUrl: 'https://moved.example' })).toBe('https://own.example');
  });

  it('have the defaults of their variables filled in', async () => {
    const variables = { region: { default: 'eu' }, version: { default: '2' } };
    const url = 'https://{region}.example/v{version}';
    expect(await baseOf(at([{ url, variables }]))).toBe('https://eu.example/v2');
  });

  it('that are relative are so to the document, or else to the service', async () => {
    const documentUrl = 'https://docs.example/specs/openapi.json';
    for (const [url, here, there] of [
      ['/v2', 'https://api.example/v2', 'https://docs.example/v2'],
      ['beta', 'https://api.example/beta', 'https://docs.example/specs/beta'],
      ['//other.example/x', 'https://other.example/x', 'https://other.example/x'],
    ])
      expect([
        url,
        await baseOf(at([{ url }])),
        await baseOf(at([{ url }]), { documentUrl }),
      ]).toEqual([url, here, there]);
    const whole = { ...at(undefined), servers: [{ url: '/api' }] };
    expect((await readOperations(whole, { documentUrl })).baseUrl).toBe('https://docs.example/api');
    expect((await readOperations(whole)).baseUrl).toBeUndefined();
  });

  it('have what YAML takes for numbers filled in too, and are none while something is missing', async () => {
    const url = 'https://api.example:{port}/v1';
    expect(await baseOf(at([{ url, variables: { port: { default: 8443 } } }]))).toBe(
      'https://api.example:8443/v1',
    );
    for (const variables of [undefined, { port: {} }, { port: { default: null } }])
      expect((await readOperations(at([{ url, variables }]))).refused).toMatchObject([
        { said: { code: 'operation-server' } },
      ]);
  });

  it.each(['file:///etc/passwd', 'javascript:alert(1)', '', 'http://', '{nothing}', 7])(
    'that are %p leave their operation out, and are not passed over',
    async (url) => {
      const read = await readOperations(at([{ url }, { url: 'https://api.example' }]));
      expect(read.tools).toEqual([]);
      expect(read.refused).toMatchObject([{ said: { code: 'operation-server' } }]);
    },
  );
});

describe('a REST service', () => {
  let parts: GatewayParts;
  let service: Server;
  let elsewhere: Server;
  let base: string;
  const asked: {
    method: string;
    url: string;
    headers: IncomingMessage['headers'];
    body: string;
  }[] = [];
  const strangers: string[] = [];
  let respond: { status: number; headers?: Record<string, string>; body?: string | Buffer };
  let handler: { execute(command: ImportOpenApi): Promise<OpenApiImport> };
  let n = 0;

  beforeAll(async () => {
    parts = await startGateway({});
    await parts.configure({ httpAllowAddresses: ['127.0.0.1'] });
    service = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        asked.push({ method: request.method!, url: request.url!, headers: request.headers, body });
        response.writeHead(respond.status, {
          'content-type': 'application/json',
          ...respond.headers,
        });
        response.end(respond.body ?? '{"ok":true}');
      });
    }).listen(0, '127.0.0.1');
    elsewhere = createServer((request, response) => {
      strangers.push(request.url!);
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await Promise.all(
      [service, elsewhere].map((each) => new Promise((done) => each.once('listening', done))),
    );
    base = `http://127.0.0.1:${(service.address() as AddressInfo).port}/v1`;
    const { registration, registrations, reports, outside } = parts;
    handler = atOnce(new ImportOpenApiHandler(registration, registrations, reports, outside));
    await parts.secret('SHOP_KEY', 'canary-of-the-shop');
  });
  afterAll(async () => {
    for (const each of [service, elsewhere]) await new Promise((done) => each.close(done));
    await parts.stop();
  });
  beforeEach(() => {
    asked.length = 0;
    respond = { status: 200 };
  });

  const importIt = (more: object = {}) =>
    handler.execute(
      new ImportOpenApi(
        admin(),
        Input.parse({ name: `shop${++n}`, document, baseUrl: base, ...more }),
      ),
    );
  it('is described by the text of a file, in JSON or in YAML', async () => {
    const yaml = 'openapi: 3.1.0\npaths:\n  /things:\n    get: { operationId: list }\n';
    for (const text of [
      yaml,
      JSON.stringify({ openapi: '3.1.0', paths: { '/things': { get: { operationId: 'list' } } } }),
    ])
      expect((await importIt({ document: text, preview: true })).tools).toMatchObject([
        { name: 'list', method: 'GET', path: '/things' },
      ]);
    await expect(importIt({ document: 'a: [' })).rejects.toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'document' }],
    });
    // Ten names for ten names for ten...: what it would unfold to fits into no memory.
    const bomb = [
      'a0: &a0 [x]',
      ...Array.from(
        { length: 9 },
        (_, k) => `a${k + 1}: &a${k + 1} [${Array(10).fill(`*a${k}`).join(', ')}]`,
      ),
    ].join('\n');
    await expect(importIt({ document: bomb })).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringMatching(/alias/) as string,
    });
  });

  it('is described by YAML whose parts are merged with what they have in common', async () => {
    const yaml = [
      'openapi: 3.1.0',
      'x-paged: &paged',
      '  parameters: [{ name: page, in: query, required: true, schema: { type: integer } }]',
      'paths:',
      '  /things:',
      '    get: { <<: *paged, operationId: list }',
    ].join('\n');
    expect((await importIt({ document: yaml, preview: true })).tools).toMatchObject([
      { name: 'list', inputSchema: { required: ['page'] } },
    ]);
  });

  it('is not waited for by anybody else while its document is read, nor for ever', async () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join('');
    await expect(documentOf({ document: keys }, parts.outside, 50)).rejects.toMatchObject({
      message: expect.stringMatching(/takes longer/) as string,
    });
  });

  it('is described by a document that is fetched, through the same gate as its calls', async () => {
    respond = { status: 200, body: JSON.stringify(document) };
    const from = { document: undefined, preview: true };
    const { tools } = await importIt({ ...from, documentUrl: `${base}/openapi.json` });
    expect(tools.map(({ name }) => name)).toEqual(['getItem', 'put_item']);
    expect(asked.at(-1)!.url).toMatch(/openapi\.json$/);
    for (const [documentUrl, why] of [
      ['http://169.254.169.254/openapi.json', /address|allowed/],
      [`${base}/none`, /answered with 404/],
    ] as const) {
      respond = { status: 404 };
      await expect(importIt({ ...from, documentUrl })).rejects.toMatchObject({
        code: 'validation_failed',
        errors: [{ path: 'documentUrl', message: expect.stringMatching(why) as string }],
      });
    }
  });

  const call = (tool: string, args: Record<string, unknown>) =>
    parts.gateway.call(admin(), { server: `shop${n}`, tool, args });

  it('is asked as the operation says, signed with a secret that nobody sees', async () => {
    const imported = await importIt({ auth: { secret: 'SHOP_KEY', in: 'header', name: 'X-Key' } });
    expect(imported.server).toMatchObject({
      transport: 'openapi',
      tools: 2,
      health: { state: 'healthy' },
    });
    const result = await call('getItem', { id: 'a/b c', expand: ['x', 'y&z'], 'X-Shop': 'berlin' });
    expect(result).toMatchObject({
      isError: false,
      structuredContent: { status: 200, body: { ok: true } },
    });
    expect(asked).toMatchObject([
      {
        method: 'GET',
        url: '/v1/items/a%2Fb%20c?expand=x&expand=y%26z',
        headers: { 'x-shop': 'berlin', 'x-key': 'canary-of-the-shop' },
      },
    ]);
    await call('put_item', { id: '7', body: { name: 'n' } });
    expect(asked[1]).toMatchObject({ method: 'PUT', url: '/v1/items/7', body: '{"name":"n"}' });
    respond = { status: 404, body: '{"why":"canary-of-the-shop"}' };
    const missing = await call('getItem', { id: '7' });
    expect(missing).toMatchObject({ isError: true });
    expect(JSON.stringify(missing)).not.toContain('canary');
  });

  it('is given lists and objects as the document wants them written', async () => {
    const list = { type: 'array' };
    const object = { type: 'object' };
    const inQuery = (name: string, schema: object, more: object = {}) => ({
      ...{ name, in: 'query', schema },
      ...more,
    });
    const inPath = (name: string, more: object = {}) => ({
      ...{ name, in: 'path', required: true, schema: {} },
      ...more,
    });
    const parameters = [
      inPath('plain'),
      inPath('label', { style: 'label' }),
      inPath('matrix', { style: 'matrix', explode: true }),
      inQuery('each', list),
      inQuery('together', list, { explode: false }),
      inQuery('pipes', list, { explode: false, style: 'pipeDelimited' }),
      inQuery('open', object),
      inQuery('closed', object, { explode: false }),
      inQuery('deep', object, { style: 'deepObject' }),
      { name: 'json', in: 'query', content: { 'application/json': { schema: object } } },
      { name: 'X-Both', in: 'header', schema: list },
    ];
    const paths = {
      '/p/{plain}/{label}/{matrix}': {
        get: { operationId: 'write', parameters, requestBody: { required: true, content: {} } },
      },
    };
    await importIt({ document: { openapi: '3.1.0', info: {}, paths } });
    const pair = { a: 'b c', d: 1 };
    const result = await call('write', {
      plain: ['x', 'y/z'],
      label: pair,
      matrix: [1, 2],
      each: ['1', '2'],
      together: ['1', '2'],
      pipes: ['1', '2'],
      open: pair,
      closed: pair,
      deep: pair,
      json: pair,
      'X-Both': ['1', '2'],
    });
    expect(result.isError).toBe(false);
    const [{ url, headers }] = asked as [(typeof asked)[number]];
    const { pathname, searchParams } = new URL(url, base);
    expect(pathname).toBe('/v1/p/x,y%2Fz/.a,b%20c,d,1/;matrix=1;matrix=2');
    expect([...searchParams]).toEqual([
      ['each', '1'],
      ['each', '2'],
      ['together', '1,2'],
      ['pipes', '1|2'],
      ['a', 'b c'],
      ['d', '1'],
      ['closed', 'a,b c,d,1'],
      ['deep[a]', 'b c'],
      ['deep[d]', '1'],
      ['json', '{"a":"b c","d":1}'],
    ]);
    expect(headers['x-both']).toBe('1,2');
    for (const label of ['', '.', '..'])
      await expect(call('write', { plain: 'x', label, matrix: 1 })).rejects.toMatchObject({
        code: 'tool_failed',
      });
  });

  describe('of several operations', () => {
    const taking = (content: object) => ({ post: { requestBody: { content } } });
    const anything = { schema: { type: 'object' } };
    const charges = {
      ...anything,
      encoding: {
        meta: { style: 'deepObject', explode: true },
        ids: { style: 'form', explode: false },
      },
    };
    const idInPath = [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }];
    const several = {
      openapi: '3.1.0',
      paths: {
        '/patch': taking({ 'text/csv': {}, 'application/merge-patch+json; v=1': anything }),
        '/form': taking({ 'application/x-www-form-urlencoded': charges }),
        '/either': taking({ 'application/x-www-form-urlencoded': {}, 'application/json': {} }),
        '/file': taking({ 'multipart/form-data': anything }),
        '/id/{id}': { delete: { operationId: 'remove', parameters: idInPath } },
        '/any/{id}': { get: { operationId: 'any', parameters: [{ ...idInPath[0], schema: {} }] } },
        '/traced': {
          get: { parameters: [{ name: 'Traceparent', in: 'header', required: true, schema: {} }] },
        },
      },
    };
    const faultOf = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: { code: string; said?: { params?: Record<string, unknown> } }) => error,
      );
    const answer = async (headers: Record<string, string>, body: string | Buffer, status = 200) => {
      respond = { status, headers, body };
      return call('any', { id: 1 });
    };
    beforeAll(async () => {
      const { refused } = await importIt({ document: several });
      expect(refused).toMatchObject([
        { operation: 'POST /file', said: { code: 'operation-body' } },
        { operation: 'GET /traced', said: { code: 'operation-parameter-header' } },
      ]);
    });

    it('is sent bodies in the form that each wants', async () => {
      await call('post__patch', { body: { a: null } });
      await call('post__either', { body: { a: 1 } });
      await call('post__form', {
        body: {
          a: 'x&y',
          l: ['1', '2'],
          ids: [1, 2],
          meta: { k: 'v' },
          o: { p: 1 },
          constructor: 1,
        },
      });
      expect(asked.map(({ headers, body }) => [headers['content-type'], body])).toEqual([
        ['application/merge-patch+json', '{"a":null}'],
        ['application/json', '{"a":1}'],
        [
          'application/x-www-form-urlencoded',
          'a=x%26y&l=1&l=2&ids=1%2C2&meta%5Bk%5D=v&o=%7B%22p%22%3A1%7D&constructor=1',
        ],
      ]);
      const { code } = (await faultOf(call('post__form', { body: { n: 2 ** 53 } })))!;
      expect([code, asked.length]).toEqual(['tool_failed', 3]);
    });

    it('is not asked for another thing than was named, where digits or characters are lost', async () => {
      for (const [tool, id] of [
        ['remove', JSON.parse('9007199254740993')],
        ['remove', -(2 ** 60)],
        ['any', { deep: [2 ** 53] }],
      ] as const)
        expect(await faultOf(call(tool, { id }))).toMatchObject({ code: 'tool_failed' });
      expect(await faultOf(call('any', { id: '\ud800' }))).toMatchObject({
        code: 'tool_args_invalid',
      });
      expect(asked).toEqual([]);
      await call('remove', { id: Number.MAX_SAFE_INTEGER });
      await call('any', { id: 6.02e23 });
      expect(asked.map(({ url }) => url)).toEqual([
        '/v1/id/9007199254740991',
        '/v1/any/6.02e%2B23',
      ]);
    });

    it('is heard as it answers: numbers whole, marks left out, what is no text as it is', async () => {
      const json = { 'content-type': 'application/json' };
      expect(
        await answer(json, '\ufeff{"id":9007199254740993,"n":[12345678901234567]}'),
      ).toMatchObject({
        structuredContent: { body: { id: '9007199254740993', n: ['12345678901234567'] } },
      });
      expect(
        await answer(
          { 'content-type': 'text/plain; charset=iso-8859-1' },
          Buffer.from([0x4d, 0xfc]),
        ),
      ).toMatchObject({ content: [{ text: 'M\u00fc' }] });
      const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]);
      const [said, image] = (await answer({ 'content-type': 'image/png' }, png)).content!;
      expect([said, image]).toMatchObject([
        { text: '5 bytes of image/png' },
        { type: 'image', mimeType: 'image/png', data: png.toString('base64') },
      ]);
      expect((await answer({ 'content-type': 'x/y' }, png)).content![1]).toMatchObject({
        type: 'resource',
        resource: { uri: `${base}/any/1`, mimeType: 'x/y', blob: png.toString('base64') },
      });
    });

    it('is cut in its answers with a word of it', async () => {
      const { content } = await answer({ 'content-type': 'text/plain' }, 'x'.repeat(150_000));
      expect(content).toMatchObject([
        { text: 'x'.repeat(100_000) },
        { text: expect.stringMatching(/150000 characters/) as string },
      ]);
    });

    it('that answers with more than is taken is no outage', async () => {
      respond = { status: 200, body: 'x'.repeat(1_000_000) };
      expect(await faultOf(call('any', { id: 1 }))).toMatchObject({ code: 'tool_failed' });
    });

    it('is left alone until it says so where it is asked too often', async () => {
      expect(await faultOf(answer({ 'retry-after': '7' }, 'slowly', 429))).toMatchObject({
        retryAfterSeconds: 7,
      });
      expect(await answer({}, 'slowly', 429)).toMatchObject({ isError: true });
    });

    it('that cannot be understood is told of by what happened', async () => {
      const { said } = (await faultOf(answer({ 'content-encoding': 'gzip' }, 'no gzip')))!;
      expect(String(said?.params?.['why'])).not.toMatch(/terminated|fetch failed/);
    });
  });

  it('is not left by its arguments', async () => {
    await importIt();
    for (const id of ['..', '.', ''])
      await expect(call('getItem', { id })).rejects.toMatchObject({ code: 'tool_failed' });
    await call('getItem', { id: '../../admin' });
    await expect(call('getItem', { id: '1', 'X-Shop': 'a\r\nX-Evil: 1' })).rejects.toMatchObject({
      code: 'tool_failed',
    });
    expect(asked.map(({ url }) => url)).toEqual(['/v1/items/..%2F..%2Fadmin']);
  });

  it.each(['?version=7', '/?version=7#part'])(
    'keeps what stands behind its address: %s',
    async (end) => {
      await importIt({ baseUrl: base + end });
      await call('getItem', { id: '7', expand: ['x'] });
      expect(asked.map(({ url }) => url)).toEqual(['/v1/items/7?version=7&expand=x']);
    },
  );

  it.each(['/../v1-of-others/secret', '/../../secret', '/%2e%2e/v1-of-others'])(
    'is not left by the path %s of its document either',
    async (path) => {
      const paths = { [path]: { get: { operationId: 'out' } } };
      await importIt({ document: { openapi: '3.1.0', paths } });
      await expect(call('out', {})).rejects.toMatchObject({ code: 'tool_failed' });
      expect(asked).toEqual([]);
    },
  );

  it('is not followed elsewhere', async () => {
    await importIt({ auth: { secret: 'SHOP_KEY' } });
    respond = {
      status: 302,
      headers: { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/steal` },
    };
    expect(await call('getItem', { id: '7' })).toMatchObject({ isError: true });
    expect(strangers).toEqual([]);
  });

  it('that is out of order is an outage, and one that errs is not', async () => {
    await importIt();
    respond = { status: 503, headers: { 'retry-after': '7' } };
    await expect(call('put_item', { id: '7', body: { name: 'x' } })).rejects.toMatchObject({
      code: 'server_unreachable',
      retryAfterSeconds: 7,
    });
    respond = { status: 500 };
    expect(await call('getItem', { id: '7' })).toMatchObject({ isError: true });
  });

  it('at an address that may not be reached is refused, at import and at each call', async () => {
    await expect(importIt({ baseUrl: 'http://169.254.169.254/latest' })).rejects.toMatchObject({
      code: 'validation_failed',
    });
    await expect(importIt({ baseUrl: 'http://10.0.0.1:5432/' })).rejects.toMatchObject({
      code: 'validation_failed',
    });
    await importIt();
    await parts.configure({});
    await expect(call('getItem', { id: '7' })).rejects.toMatchObject({
      code: 'server_unreachable',
    });
    await parts.configure({ httpAllowAddresses: ['127.0.0.1'] });
    expect(asked).toEqual([]);
  });

  describe('some of which is elsewhere', () => {
    const withServers = (servers: object) => ({
      openapi: '3.1.0',
      paths: {
        '/near': { get: { operationId: 'near' } },
        '/far': { servers, get: { operationId: 'far' } },
      },
    });
    const far = () => `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/files`;

    it('is asked there, without the secret that was given for it', async () => {
      const auth = { secret: 'SHOP_KEY', in: 'query', name: 'key' };
      const imported = await importIt({ document: withServers([{ url: far() }]), auth });
      expect(imported.tools).toMatchObject([{ path: '/near' }, { path: '/far', baseUrl: far() }]);
      expect(imported.tools[0]).not.toHaveProperty('baseUrl');
      strangers.length = 0;
      await call('far', {});
      await call('near', {});
      expect(strangers).toEqual(['/files/far']);
      expect(asked.map(({ url }) => url)).toEqual(['/v1/near?key=canary-of-the-shop']);
    });

    it('is signed in to where only its path is another', async () => {
      const auth = { secret: 'SHOP_KEY', in: 'query', name: 'key' };
      await importIt({ document: withServers([{ url: '/v2' }]), auth });
      await call('far', {});
      expect(asked.map(({ url }) => url)).toEqual(['/v2/far?key=canary-of-the-shop']);
    });

    it('is left out where it must not be asked, at import, and not asked where that is so since', async () => {
      const refused = { operation: 'GET /far', why: expect.stringMatching(/address|allowed/) };
      for (const url of ['http://169.254.169.254/latest', 'http://10.0.0.1:5432/'])
        expect(await importIt({ document: withServers([{ url }]) })).toMatchObject({
          tools: [{ name: 'near' }],
          refused: [refused],
        });
      await importIt({ document: withServers([{ url: far() }]) });
      await parts.configure({});
      strangers.length = 0;
      await expect(call('far', {})).rejects.toMatchObject({ code: 'server_unreachable' });
      await parts.configure({ httpAllowAddresses: ['127.0.0.1'] });
      expect(strangers).toEqual([]);
    });
  });

  it('is previewed without keeping anything', async () => {
    const preview = await importIt({ preview: true });
    expect(preview).toMatchObject({
      server: null,
      tools: [{ name: 'getItem', method: 'GET' }, { name: 'put_item' }],
    });
    expect(preview.refused).toHaveLength(6);
    await expect(parts.registry.find(`shop${n}`)).rejects.toMatchObject({ code: 'unknown_server' });
  });
});
