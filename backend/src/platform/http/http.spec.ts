import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Logger,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { type Page, type Problem, inEnglish, PageQuery, say } from '@aos/contracts';
import type { Response } from 'express';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { z } from 'zod';
import { type HttpApp, type SignedIn as Person, openHttpApp } from '../../../test/http-app.js';
import { Redactor } from '../telemetry/redactor.js';
import { Allow, type AosRequest, Public, SignedIn } from './access.js';
import { decodeCursor, encodeCursor, toPage } from './cursor.js';
import { requireVersion, requiredVersion, setVersion } from './etag.js';
import { IdempotencyInterceptor, MOST_WAITING, NoReplay } from './idempotency.interceptor.js';
import { AosError, NotFound } from './problem.js';

const Note = z.strictObject({
  text: z.string().max(100),
  tags: z.array(z.string()).optional(),
  free: z.record(z.string(), z.unknown()).optional(),
});
type Note = z.infer<typeof Note>;

/** Doors that a test opens: a handler waits at one until then. */
const doors = new Map<string, { arrived: () => void; opened: Promise<void> }>();
function door(name: string) {
  const arrived = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  doors.set(name, { arrived: arrived.resolve, opened: opened.promise });
  return { arrived: arrived.promise, open: opened.resolve };
}

/** 1, 2, 3… as a list would bring them. */
function pageAfter({ cursor, limit }: PageQuery) {
  const [after = 0] = decodeCursor(cursor, 1) ?? [];
  const rows = Array.from({ length: limit + 1 }, (_, at) => Number(after) + at + 1);
  return toPage(
    rows,
    limit,
    (row) => [row],
    (row) => row,
  );
}

let added = 0;
let version = 3;

@Controller('notes')
class NotesController {
  @Post()
  @Allow('task.create')
  async add(@Body({ schema: Note }) note: Note, @Res({ passthrough: true }) response: Response) {
    added++;
    const waiting = doors.get(note.text);
    waiting?.arrived();
    await waiting?.opened;
    if (note.text === 'fail once') {
      if (added === 1) throw new Error('this time only');
    }
    response.setHeader('location', `/notes/${added}`);
    setVersion(response, added);
    return { number: added, free: note.free };
  }

  @Get('numbers')
  @SignedIn()
  numbers(@Query({ schema: PageQuery }) query: PageQuery) {
    return pageAfter(query);
  }

  @Get(':id/numbers')
  @SignedIn()
  others(@Query({ schema: PageQuery }) query: PageQuery) {
    return pageAfter(query);
  }

  @Post('kept')
  @Allow('task.create')
  async keep(@Body({ schema: Note }) note: Note) {
    await http.database.query('SELECT $1::jsonb', [JSON.stringify(note)]);
  }

  @Post('token')
  @Allow('task.create')
  @NoReplay()
  token() {
    return { token: 'shown-once-canary' };
  }

  @Post('upload')
  @Allow('task.create')
  async upload(@Req() request: AosRequest) {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    return { number: ++added, bytes };
  }

  @Put('document')
  @Allow('task.create')
  save(@Req() request: AosRequest, @Res({ passthrough: true }) response: Response) {
    requireVersion(requiredVersion(request), version);
    setVersion(response, ++version);
    return { version };
  }

  @Get('open')
  @Public()
  open() {
    return { open: true };
  }

  @Get('forgotten')
  forgotten() {
    return { secret: 'a route without a rule' };
  }

  @Get('mine')
  @SignedIn()
  mine(
    @Query({ schema: z.strictObject({ n: z.coerce.number().optional() }) }) query: { n?: number },
  ) {
    return query;
  }

  @Delete('mine')
  @HttpCode(204)
  @SignedIn()
  remove() {}

  @Get('broken/:how')
  @SignedIn()
  broken(@Param('how') how: string) {
    if (how === 'missing') throw new NotFound('This note');
    if (how === 'pool') throw new Error('timeout exceeded when trying to connect');
    if (how === 'connection')
      throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.3:5432'), {
        code: 'ECONNREFUSED',
      });
    if (how === 'secret') throw new AosError('conflict', 'The upstream refused sk-live-canary-1.');
    if (how === 'busy') throw new AosError('too_many_requests', 'Wait.', { retryAfterSeconds: 7 });
    throw new Error('the password of the database is hunter2');
  }
}

let http: HttpApp;
let operator: Person;
beforeAll(async () => {
  http = await openHttpApp({ controllers: [NotesController] });
  operator = await http.signIn('operator');
});
afterAll(() => http.close());
beforeEach(() => {
  added = 0;
  doors.clear();
});

const deniedRows = (resource: string) =>
  http.database.query<{ actor: string; outcome: string; diff: { code: string } }>(
    'SELECT actor, outcome, diff FROM audit_logs WHERE resource = $1 ORDER BY id',
    [resource],
  );

/** Bytes as they are, for what `fetch` will not send. */
function raw(text: string | Buffer): Promise<string> {
  const socket = connect(Number(new URL(http.baseUrl).port), '127.0.0.1');
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('end', () => resolve(answer)).on('error', reject);
    socket.write(text);
  });
}
const host = () => new URL(http.baseUrl).host;

const unknownAt = (path: string) => ({
  path,
  message: 'is not known here',
  said: say('field-unknown'),
});

describe('what is thrown', () => {
  it('becomes problem+json with a code and the trace, and nothing of the inside', async () => {
    const answer = await http.refused('/notes/broken/inside', { as: operator });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({
      code: 'internal',
      status: 500,
      type: 'urn:aos:problem:internal',
    });
    expect(answer.headers.get('traceparent')!.split('-')[1]).toBe(answer.body.traceId);
    expect(answer.text).not.toMatch(/hunter2|Error:|\.ts/);
  });

  it.each(['pool', 'connection'])(
    'is 503 with Retry-After when the database is away: %s',
    async (how) => {
      const answer = await http.refused(`/notes/broken/${how}`, { as: operator });
      expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.text).not.toContain('10.0.0.3');
    },
  );

  it('is logged with its stack where nobody knows what it was, and in a line where somebody does', async () => {
    const lines: Record<string, unknown>[] = [];
    const take = (line: Record<string, unknown>) => void lines.push(line);
    const logs = [
      jest.spyOn(Logger.prototype, 'error').mockImplementation(take),
      jest.spyOn(Logger.prototype, 'warn').mockImplementation(take),
    ];
    await http.refused('/notes/broken/connection', { as: operator });
    await http.refused('/notes/broken/inside', { as: operator });
    for (const log of logs) log.mockRestore();
    expect(lines).toEqual([
      expect.objectContaining({
        code: 'unavailable',
        err: {
          name: 'Error',
          message: 'connect ECONNREFUSED 10.0.0.3:5432',
          code: 'ECONNREFUSED',
        },
      }),
      expect.objectContaining({
        msg: 'request failed',
        err: expect.objectContaining({ stack: expect.stringContaining('http.spec') }),
      }),
    ]);
  });

  it('holds no secret that was revealed, in the answer or the log', async () => {
    http.app.get(Redactor, { strict: false }).know('UPSTREAM', 'sk-live-canary-1');
    http.app.get(Redactor, { strict: false }).know('DATABASE', 'hunter2');
    const answer = await http.refused('/notes/broken/secret', { as: operator });
    expect(answer.body.detail).toBe('The upstream refused [secret UPSTREAM].');
    const lines: unknown[] = [];
    const log = jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((line) => void lines.push(line));
    await http.refused('/notes/broken/inside', { as: operator });
    log.mockRestore();
    expect(JSON.stringify(lines)).toContain('the password of the database is [secret DATABASE]');
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('says when to come back', async () => {
    expect(
      (await http.call('/notes/broken/busy', { as: operator })).headers.get('retry-after'),
    ).toBe('7');
  });

  it('is 404 for a route that is not there, with a token and without', async () => {
    for (const as of [operator, undefined]) {
      const answer = await http.refused('/no/such/route', { as });
      expect([answer.status, answer.body.code]).toEqual([404, 'not_found']);
    }
  });

  it('is 405 where the path has other methods, and names them', async () => {
    for (const [method, path, allow] of [
      ['PATCH', '/notes/mine', 'DELETE, GET, HEAD'],
      ['GET', '/notes', 'POST'],
      ['DELETE', '/notes/broken/x', 'GET, HEAD'],
      ['OPTIONS', '/notes/open', 'GET, HEAD'],
    ] as const) {
      const answer = await http.refused(path, { method, as: operator });
      expect([answer.status, answer.body.code]).toEqual([405, 'method_not_allowed']);
      expect(answer.headers.get('allow')).toBe(allow);
      expect(answer.body.detail).toBe(`${path} takes ${allow}, not ${method}.`);
    }
  });

  it('is 400 for a path that does not decode, and says why', async () => {
    const answer = await http.refused('/notes/broken/%E0%A4%A', { as: operator });
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain('Write a plain % as %25');
  });

  it('names the value that the database cannot keep', async () => {
    const send = (body: unknown) =>
      http.refused('/notes/kept', { method: 'POST', as: operator, body });
    for (const [free, path, said] of [
      [{ a: ['x', 'y\0'] }, 'free.a.1', say('holds-nul')],
      [{ a: { b: '\ud800!' } }, 'free.a.b', say('holds-half-pair')],
      [{ 'k\0': 1 }, 'free.k\\u0000', say('in-key', { what: say('holds-nul') })],
    ] as const) {
      const answer = await send({ text: 'a', free });
      expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
      expect(answer.body.errors).toEqual([{ path, message: inEnglish(said), said }]);
      expect(answer.body.detail).toContain(path);
    }
  });

  it('continues the trace of the caller, and says its own otherwise', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const continued = await http.call('/notes/open', { headers: { traceparent } });
    expect(continued.headers.get('traceparent')).toContain('0af7651916cd43dd8448eb211c80319c');
    const own = await http.call('/notes/open', { headers: { traceparent: 'nonsense' } });
    expect(own.headers.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
  });
});

describe('what is no request', () => {
  it.each([
    ['NONSENSE', 400, 'malformed_request'],
    [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers_too_large'],
    ['POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400, 'malformed_request'],
  ])('is answered with a problem, too: %.30s', async (bytes, status, code) => {
    const answer = await raw(`${bytes}\r\n\r\n`);
    const [head, body] = answer.split('\r\n\r\n') as [string, string];
    const problem = JSON.parse(body) as Problem;
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(head).toContain('Content-Type: application/problem+json');
    expect(head).toContain(`traceparent: 00-${problem.traceId}-`);
    expect([problem.status, problem.code]).toEqual([status, code]);
  });
});

it('answers a request that expects what nobody knows', async () => {
  const answer = await raw(
    `GET /notes/open HTTP/1.1\r\nHost: ${host()}\r\nExpect: much\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).toContain('HTTP/1.1 200 ');
});

describe('a cursor', () => {
  const page = (path: string) => http.call<Page<number>>(path, { as: operator });

  it('leads on in the list that gave it', async () => {
    const first = (await page('/notes/numbers?limit=2')).body;
    const second = (await page(`/notes/numbers?limit=2&cursor=${first.nextCursor}`)).body;
    expect([first.items, second.items]).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('is refused by another list, though it would fit, and so is one that nobody gave', async () => {
    const { nextCursor } = (await page('/notes/numbers?limit=2')).body;
    for (const cursor of [nextCursor, encodeCursor([2]), '', 'x'.repeat(100)]) {
      const answer = await http.refused(`/notes/5/numbers?cursor=${cursor}`, { as: operator });
      expect([answer.status, answer.body.code]).toEqual([400, 'invalid_cursor']);
    }
  });
});

describe('bodies', () => {
  it.each([
    ['chunked', 201],
    ['Chunked', 201],
    ['gzip, chunked', 400],
    ['identity, chunked', 400],
  ])('in the transfer coding %s are read, or refused: %i', async (coding, status) => {
    const answer = await raw(
      `POST /notes HTTP/1.1\r\nHost: ${host()}\r\nAuthorization: Bearer ${operator.token}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nTransfer-Encoding: ${coding}\r\n\r\nc\r\n{"text":"a"}\r\n0\r\n\r\n`,
    );
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (status === 400) expect(answer).toContain('"malformed_request"');
  });

  const post = (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) =>
    fetch(`${http.baseUrl}/notes`, {
      method: 'POST',
      body,
      headers: { ...headers, authorization: `Bearer ${operator.token}` },
    });
  const codeOf = async (answer: globalThis.Response) => [
    answer.status,
    ((await answer.json()) as { code: string }).code,
  ];

  it('names every fault by its path, unknown keys too', async () => {
    const answer = await http.refused('/notes', {
      method: 'POST',
      as: operator,
      body: { text: 5, tags: ['a', 1], role: 'owner', projectId: 'x' },
    });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.errors!.map(({ path }) => path).sort()).toEqual([
      'projectId',
      'role',
      'tags.1',
      'text',
    ]);
    expect(added).toBe(0);
  });

  it('refuses unknown query keys and wrong types in them', async () => {
    expect((await http.refused('/notes/mine?x=1', { as: operator })).body.errors).toEqual([
      unknownAt('x'),
    ]);
    expect((await http.refused('/notes/mine?n=one', { as: operator })).status).toBe(400);
  });

  it('refuses a query where none is taken, whatever the method, and lets what is public be', async () => {
    for (const [path, options] of [
      ['/notes/broken/missing?x=1&y=', {}],
      ['/notes/mine?x=1&y=', { method: 'DELETE' }],
      ['/notes/token?x=1&y=', { method: 'POST' }],
    ] as const) {
      const answer = await http.refused(path, { as: operator, ...options });
      expect([path, answer.status, answer.body.code]).toEqual([path, 400, 'validation_failed']);
      expect(answer.body.errors).toEqual([unknownAt('x'), unknownAt('y')]);
      expect(answer.body.said).toEqual(say('no-query-here'));
    }
    expect((await http.call('/notes/open?x=1')).status).toBe(200);
  });

  it.each(['{"text":', '{text:1}', '"\\ud800', '[1,]'])(
    'refuses JSON that is not: %s',
    async (body) => {
      expect(await codeOf(await post(body))).toEqual([400, 'malformed_body']);
    },
  );

  it('refuses bytes that are not UTF-8', async () => {
    expect(await codeOf(await post(new Uint8Array([0x22, 0xff, 0xfe, 0x22])))).toEqual([
      400,
      'malformed_body',
    ]);
  });

  it.each([
    [{ 'content-type': 'text/plain' }],
    [{ 'content-type': 'application/x-www-form-urlencoded' }],
    [{ 'content-type': 'application/json; charset=utf-16' }],
    [{ 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('refuses what is not plain JSON in UTF-8: %j', async (headers) => {
    expect(await codeOf(await post('{"text":"a"}', headers))).toEqual([
      415,
      'unsupported_media_type',
    ]);
  });

  it('answers 20 MB with 413 instead of reading it, and goes on serving', async () => {
    expect(await codeOf(await post(JSON.stringify({ text: 'x'.repeat(20 << 20) })))).toEqual([
      413,
      'payload_too_large',
    ]);
    expect((await post('{"text":"small"}')).status).toBe(201);
  });

  it('refuses a body that is announced as too large before any of it is sent', async () => {
    const socket = connect(Number(new URL(http.baseUrl).port), '127.0.0.1');
    const first = new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    socket.write(
      `POST /notes HTTP/1.1\r\nHost: ${host()}\r\nContent-Type: application/json\r\nContent-Length: ${20 << 20}\r\n\r\n`,
    );
    expect(await first).toContain('413');
    socket.destroy();
  });

  it('answers an endless chunked body as soon as it is too large', async () => {
    const head = `POST /notes HTTP/1.1\r\nHost: ${host()}\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    // The last chunk never comes: only an answer that does not wait for it can arrive.
    const socket = connect(Number(new URL(http.baseUrl).port), '127.0.0.1');
    const first = new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    socket.write(head + chunk + chunk);
    expect(await first).toContain('413');
    socket.destroy();
  });

  it.each([
    ['{"text":"a","__proto__":{"polluted":true}}', '__proto__'],
    ['{"text":"a","free":{"b":[{"__proto__":1}]}}', 'free.b.0.__proto__'],
    ['{"text":"a","constructor":{"prototype":{}}}', 'constructor'],
  ])('refuses a key that reaches for the prototype, and says where: %s', async (body, path) => {
    const answer = await post(body);
    expect(((await answer.json()) as Problem).errors).toEqual([unknownAt(path)]);
    expect([answer.status, added]).toEqual([400, 0]);
  });

  it('hands on a key named constructor where any key may stand', async () => {
    const free = { constructor: 'of bridges', prototype: 1 };
    const answer = await post(JSON.stringify({ text: 'a', free }));
    expect([answer.status, ((await answer.json()) as { free: unknown }).free]).toEqual([201, free]);
  });

  it('refuses a body that is nested deeper than anything that is sent here', async () => {
    const nested = (open: string, close: string, levels: number) =>
      `{"text":"a","free":{"x":${open.repeat(levels)}1${close.repeat(levels)}}}`;
    expect(await codeOf(await post(nested('[', ']', 20_000)))).toEqual([400, 'malformed_body']);
    expect(await codeOf(await post(nested('{"a":', '}', 20_000)))).toEqual([400, 'malformed_body']);
    expect((await post(nested('{"a":', '}', 90))).status).toBe(201);
  });

  it.each([
    '9007199254740993',
    '-9007199254740993',
    '9.007199254740993e15',
    '90071992547409930E-1',
    '1152921504606846976', // two to the power of 60, which is written with other digits again
    '9007199254740992.5',
    `9007199254740992.${'0'.repeat(400)}1`,
  ])('refuses a number that would become another one by being read: %.25s', async (number) => {
    const answer = await post(`{"text":"a","free":{"list":[1,${number}]}}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'free.list.1', said: { code: 'number-rounded' } }],
    });
  });

  it.each([
    ['"a":1,"a":1', 'free.a'],
    ['"a":1, "b":{}, "\\u0061" : 2', 'free.a'],
    ['"a":[{"b":1},{"b":"\\\\","c":{"d":[],"d":0}}]', 'free.a.1.c.d'],
    ['"__proto__":1,"__proto__":2', 'free.__proto__'],
    ['"a\\"":1,"a\\"":2', 'free.a"'],
  ])(
    'refuses a key that stands twice, of which another may have been meant: %s',
    async (keys, path) => {
      const answer = await post(`{"text":"a","free":{${keys}}}`);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        code: 'validation_failed',
        errors: [{ path, said: { code: 'key-twice' } }],
      });
    },
  );

  it('takes what looks like a key that stands twice and is none', async () => {
    const free = {
      a: 'a":1,"a":1',
      b: ['a', 'a', { a: 1 }, { a: '\\' }],
      c: { a: '{"b":1,"b":2}' },
    };
    const answer = await post(JSON.stringify({ text: 'text', free }));
    expect(await answer.json()).toMatchObject({ free });
  });

  it.each([
    ['"\\ud800!"', 'holds-half-pair'],
    ['1e400', 'number-infinite'],
  ])('refuses what would be kept as something else: %s', async (value, code) => {
    const answer = await post(`{"text":"a","free":[${value}]}`);
    expect(await answer.json()).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: 'free.0', said: { code } }],
    });
  });

  it.each([
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740994', 9007199254740994],
    ['100000000000000000000', 1e20],
    ['1e300', 1e300],
    ['12300000000000000000e-2', 123e15],
    ['0.1234567890123456789', 0.12345678901234568],
    ['"9007199254740993"', '9007199254740993'],
  ])('takes the number %s as it is', async (number, read) => {
    const answer = await post(`{"text":"a","free":{"n":${number}}}`);
    expect(((await answer.json()) as { free: unknown }).free).toEqual({ n: read });
  });
});

describe('who may', () => {
  it('refuses a route without a rule to everybody, the owner too', async () => {
    const owner = await http.signIn('owner');
    expect((await http.refused('/notes/forgotten', { as: owner })).status).toBe(403);
    expect((await http.refused('/notes/forgotten')).status).toBe(401);
  });

  it('answers 401 with WWW-Authenticate without a valid token, and never falls back to the cookie', async () => {
    const nobody = await http.refused('/notes/mine');
    expect([nobody.status, nobody.body.code]).toEqual([401, 'unauthenticated']);
    expect(nobody.headers.get('www-authenticate')).toMatch(/^Bearer/);
    const headers = { authorization: `Bearer ${'A'.repeat(43)}`, cookie: operator.cookie };
    expect((await http.refused('/notes/mine', { headers })).status).toBe(401);
    expect(
      (await http.refused('/notes/mine', { headers: { authorization: 'Bearer aos_short' } }))
        .status,
    ).toBe(401);
    expect(
      (await http.refused('/notes/mine', { headers: { authorization: 'Basic eDp5' } })).status,
    ).toBe(401);
  });

  it('writes what it refused to the audit trail', async () => {
    const viewer = await http.signIn('viewer');
    const answer = await http.refused('/notes', {
      method: 'POST',
      as: viewer,
      body: { text: 'a' },
    });
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    expect(await deniedRows('http:POST /notes')).toContainEqual({
      actor: `user:${viewer.userId}`,
      outcome: 'denied',
      diff: { code: 'forbidden' },
    });
    await http.refused('/notes/broken/missing', { as: viewer });
    expect((await deniedRows('http:GET /notes/broken/missing'))[0]).toMatchObject({
      diff: { code: 'not_found' },
    });
  });

  it('counts a flood of refusals instead of writing each', async () => {
    const { Denials } = await import('./denials.js');
    await http.app.get(Denials).flush(); // a minute of its own
    for (let n = 0; n < 70; n++) await http.refused('/notes/forgotten?flood');
    const before = (await deniedRows('http:GET /notes/forgotten')).length;
    expect(before).toBeLessThan(70);
    await http.app.get(Denials).flush();
    const [row] = await http.database.query<{ diff: { count: number } }>(
      `SELECT diff FROM audit_logs WHERE resource = 'http:*' ORDER BY id DESC LIMIT 1`,
    );
    expect(row!.diff.count).toBeGreaterThan(0);
  });
});

describe('the cookie', () => {
  it('reads without more, and changes only with the CSRF token of its session', async () => {
    const cookie = { cookie: operator.cookie };
    expect((await http.call('/notes/mine', { headers: cookie })).status).toBe(200);
    const without = await http.refused('/notes/mine', { method: 'DELETE', headers: cookie });
    expect([without.status, without.body.code]).toEqual([403, 'csrf_refused']);
    const other = await http.signIn('operator');
    const wrong = { ...cookie, 'x-csrf-token': other.csrf };
    expect((await http.refused('/notes/mine', { method: 'DELETE', headers: wrong })).status).toBe(
      403,
    );
    const right = { ...cookie, 'x-csrf-token': operator.csrf };
    expect((await http.call('/notes/mine', { method: 'DELETE', headers: right })).status).toBe(204);
  });
});

describe('Host and Origin', () => {
  const get = (lines: string) =>
    raw(`GET /notes/open HTTP/1.1\r\n${lines}\r\nConnection: close\r\n\r\n`).then((text) =>
      Number(text.slice(9, 12)),
    );

  it('serves its own names with its own port, and no other', async () => {
    const port = new URL(http.baseUrl).port;
    for (const own of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `[::1]:${port}`,
      `LOCALHOST:${port}`,
    ])
      expect([own, await get(`Host: ${own}`)]).toEqual([own, 200]);
    for (const foreign of [
      'evil.example',
      `evil.example:${port}`,
      'localhost',
      'localhost:1',
      `localhost.evil.example:${port}`,
      `127.0.0.1:${port}@evil.example`,
      `evil.example@127.0.0.1:${port}`,
      `127.0.0.1:${port}, evil.example`,
      `127.0.0.1.nip.io:${port}`,
      `127.1:${port}`,
      `0x7f.1:${port}`,
      `localhost.:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      '',
    ])
      expect([foreign, await get(`Host: ${foreign}`)]).toEqual([foreign, 403]);
  });

  it('takes no request that names two hosts, in whatever order and place', async () => {
    const { host } = new URL(http.baseUrl);
    expect(await get(`Host: ${host}\r\nHost: evil.example`)).toBe(400);
    expect(await get(`Host: evil.example\r\nhost: ${host}`)).toBe(400);
    const whole = async (of: string, header: string) => {
      const text = await raw(
        `GET http://${of}/notes/open HTTP/1.1\r\nHost: ${header}\r\nConnection: close\r\n\r\n`,
      );
      return Number(text.slice(9, 12));
    };
    expect(await whole('evil.example', host)).toBe(403);
    expect(await whole(host, 'evil.example')).toBe(403);
    expect(await whole(host, host)).toBe(200);
  });

  it('takes no request that shows two tokens, whichever comes first', async () => {
    const { host } = new URL(http.baseUrl);
    const [own, other] = [`Authorization: Bearer ${operator.token}`, 'authorization: Bearer x'];
    const shown = (...headers: string[]) => get([`Host: ${host}`, ...headers].join('\r\n'));
    expect(await shown(own)).toBe(200);
    for (const both of [
      [own, other],
      [other, own],
      [own, own],
    ])
      expect(await shown(...both)).toBe(400);
  });

  it('compares the whole origin, with a valid token too, before the body is read', async () => {
    const foreign = [
      'http://evil.example',
      'null',
      `http://localhost.evil.example`,
      'https://aos.example.evil',
      `http://127.0.0.1:1`,
      `${http.baseUrl}.evil.example`,
      `${http.baseUrl}/`,
      http.baseUrl.replace('127.0.0.1', '127.0.0.1.nip.io'),
      http.baseUrl.replace('127.0.0.1', 'localhost'),
      http.baseUrl.replace('127.0.0.1', '[::1]'),
      http.baseUrl.replace('//', '//evil.example@'),
      http.baseUrl.replace(/:\d+$/, ''),
      `${http.baseUrl}, http://evil.example`,
      'file://',
      '',
    ];
    for (const origin of foreign) {
      const answer = await http.refused('/notes', {
        method: 'POST',
        as: operator,
        headers: { origin, 'content-type': 'application/json' },
        body: { text: 'a' },
      });
      expect([origin, answer.status, answer.body.code]).toEqual([origin, 403, 'origin_refused']);
    }
    expect(added).toBe(0);
    expect(
      (await deniedRows('http:POST /notes')).filter(({ diff }) => diff.code === 'origin_refused')
        .length,
    ).toBeGreaterThanOrEqual(1);
    const own = await http.call('/notes', {
      method: 'POST',
      as: operator,
      headers: { origin: http.baseUrl },
      body: { text: 'a' },
    });
    expect(own.status).toBe(201);
  });
});

it('sends the security headers, with a fresh nonce for styles', async () => {
  const [one, two] = [await http.call('/notes/open'), await http.call('/notes/open')];
  const policy = one.headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'self'");
  expect(policy).toMatch(/style-src 'self' 'nonce-[A-Za-z0-9+/=]{20,}'/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe/);
  expect(two.headers.get('content-security-policy')).not.toBe(policy);
  expect(one.headers.get('x-content-type-options')).toBe('nosniff');
  expect(one.headers.get('x-powered-by')).toBeNull();
});

describe('If-Match', () => {
  const put = (headers: Record<string, string>) =>
    http.refused('/notes/document', { method: 'PUT', as: operator, headers, body: {} });

  it('is required, and has to name the present version', async () => {
    expect((await put({})).body.code).toBe('precondition_required');
    expect((await put({ 'if-match': '"2"' })).status).toBe(412);
    expect((await put({ 'if-match': '*' })).status).toBe(412);
    expect((await put({ 'if-match': '3' })).status).toBe(412);
    const weak = await put({ 'if-match': 'W/"3"' });
    expect([weak.status, weak.body.code]).toEqual([412, 'precondition_failed']);
    expect(weak.body.detail).toContain('weak');
    const saved = await put({ 'if-match': '"3"' });
    expect([saved.status, saved.headers.get('etag')]).toEqual([200, '"4"']);
    expect((await put({ 'if-match': '"3"' })).status).toBe(412);
  });
});

describe('Idempotency-Key', () => {
  let count = 0;
  const fresh = () => `key-${process.pid}-${count++}`;
  const add = (key: string, text: string, as = operator) =>
    http.call<{ number: number }>('/notes', {
      method: 'POST',
      as,
      headers: { 'idempotency-key': key },
      body: { text },
    });

  it('gives the first answer again, with its status and headers', async () => {
    const key = fresh();
    const [first, again] = [await add(key, 'a'), await add(key, 'a')];
    expect(added).toBe(1);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect([again.headers.get('etag'), again.headers.get('location')]).toEqual(['"1"', '/notes/1']);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('takes a body for the same whatever the order of its keys, and not of its lists', async () => {
    const key = fresh();
    const send = (body: object) =>
      http.call<{ number: number }>('/notes', {
        ...{ method: 'POST', as: operator, body, headers: { 'idempotency-key': key } },
      });
    const first = await send({ text: 'a', free: { x: 1, list: [{ p: 1, q: 2 }, 3] } });
    expect(first.status).toBe(201);
    const again = await send({ free: { list: [{ q: 2, p: 1 }, 3], x: 1 }, text: 'a' });
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(added).toBe(1);
    const other = { text: 'a', free: { x: 1, list: [3, { p: 1, q: 2 }] } };
    expect((await send(other)).status).toBe(409);
  });

  it('is of the route, in whatever way its path is written', async () => {
    const key = fresh();
    const first = await add(key, 'a');
    for (const path of ['/notes/', '/NOTES']) {
      const again = await http.call(path, {
        ...{ method: 'POST', as: operator, body: { text: 'a' } },
        headers: { 'idempotency-key': key },
      });
      expect([path, again.status, again.body]).toEqual([path, 201, first.body]);
    }
    expect(added).toBe(1);
  });

  it('is 409 with another body, and another matter for another person or route', async () => {
    const key = fresh();
    await add(key, 'a');
    const reused = await http.refused('/notes', {
      method: 'POST',
      as: operator,
      headers: { 'idempotency-key': key },
      body: { text: 'b' },
    });
    expect([reused.status, reused.body.code]).toEqual([409, 'idempotency_key_reused']);
    expect((await add(key, 'b', await http.signIn('operator'))).status).toBe(201);
    const route = await http.call('/notes/token', {
      method: 'POST',
      as: operator,
      headers: { 'idempotency-key': key },
    });
    expect(route.status).toBe(201);
  });

  /** Resolves once as many requests have found that another one has their key, and have begun to wait. */
  const waiting = (count: number, patienceMs = 60_000) =>
    new Promise<void>((done) => {
      const interceptor = http.app.get(IdempotencyInterceptor);
      const get = () => {
        if (--count === 0) done();
        return patienceMs;
      };
      Object.defineProperty(interceptor, 'patienceMs', { get, configurable: true });
    });
  afterEach(() => {
    const value = 10_000;
    const interceptor = http.app.get(IdempotencyInterceptor);
    Object.defineProperty(interceptor, 'patienceMs', { value, configurable: true });
  });

  it('gives the first answer also to those that came while it was under way', async () => {
    const key = fresh();
    const gate = door('slow');
    const first = add(key, 'slow');
    await gate.arrived;
    const areWaiting = waiting(3);
    const others = [add(key, 'slow'), add(key, 'slow'), add(key, 'another body')];
    await areWaiting;
    gate.open();
    const { status, body } = await first;
    const [second, third, wrong] = await Promise.all(others);
    expect(status).toBe(201);
    expect([second!.body, third!.body]).toEqual([body, body]);
    expect(second!.headers.get('idempotency-replayed')).toBe('true');
    expect([wrong!.status, added]).toEqual([409, 1]);
  });

  it('lets one of those that wait try where the first one failed', async () => {
    const key = fresh();
    const gate = door('fail once');
    const first = add(key, 'fail once');
    await gate.arrived;
    const isWaiting = waiting(1);
    const second = add(key, 'fail once');
    await isWaiting;
    gate.open();
    expect([(await first).status, (await second).status, added]).toEqual([500, 201, 2]);
  });

  it('is 409 where the first takes longer than one waits, or too many wait', async () => {
    const key = fresh();
    const gate = door('slow');
    const first = add(key, 'slow');
    await gate.arrived;
    const refused = async () => {
      const { status, headers, body } = await http.refused('/notes', {
        method: 'POST',
        as: operator,
        headers: { 'idempotency-key': key },
        body: { text: 'slow' },
      });
      return [status, body.code, headers.get('retry-after')];
    };
    void waiting(1, 0);
    expect(await refused()).toEqual([409, 'idempotency_in_progress', '1']);
    const areWaiting = waiting(MOST_WAITING);
    const others = Array.from({ length: MOST_WAITING }, () => add(key, 'slow'));
    await areWaiting;
    expect(await refused()).toEqual([409, 'idempotency_in_progress', '1']);
    gate.open();
    const answers = await Promise.all([first, ...others]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(added).toBe(1);
  });

  it('is waited for only as long as there is somebody to be told', async () => {
    const key = fresh();
    const gate = door('slow');
    const first = add(key, 'slow');
    await gate.arrived;
    const [left, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    (http.app.getHttpServer() as Server).once('request', (_, response) => {
      response.once('close', left.resolve);
      const end = jest.spyOn(response, 'end');
      end.mockImplementation(() => (answered.resolve('gave up'), response));
    });
    const isWaiting = waiting(1);
    const leaving = new AbortController();
    const second = fetch(`${http.baseUrl}/notes`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${operator.token}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({ text: 'slow' }),
      signal: leaving.signal,
    });
    await isWaiting;
    leaving.abort();
    await expect(second).rejects.toThrow();
    await left.promise;
    // It may be about to look once more; whoever stays looks again and again.
    const query = http.database.query.bind(http.database);
    let looks = 0;
    jest.spyOn(http.database, 'query').mockImplementation(async (text: string, values) => {
      if (values?.includes(key) && ++looks === 3) answered.resolve('looks again and again');
      return query(text, values);
    });
    const outcome = await answered.promise;
    jest.restoreAllMocks();
    gate.open();
    expect([outcome, (await first).status, added]).toEqual(['gave up', 201, 1]);
  });

  it('does not remember a failure, nor a refusal', async () => {
    const key = fresh();
    expect((await add(key, 'fail once')).status).toBe(500);
    expect((await add(key, 'fail once')).status).toBe(201);
    const refusedKey = fresh();
    expect((await add(refusedKey, 'x'.repeat(101))).status).toBe(400);
    expect((await add(refusedKey, 'short')).status).toBe(201);
  });

  it('frees a key whose process died, and keeps one whose process lives', async () => {
    const key = fresh();
    await add(key, 'a');
    const asIf = (age: string) =>
      http.database.query(
        `UPDATE idempotency_keys SET status = NULL, response = NULL, created_at = now() - $2::interval WHERE key = $1`,
        [key, age],
      );
    await asIf('30 seconds');
    void waiting(1, 0);
    expect((await add(key, 'a')).status).toBe(409);
    await asIf('5 minutes');
    expect((await add(key, 'a')).status).toBe(201);
    expect(added).toBe(2);
  });

  it('refuses keys that are empty, long or not visible ASCII', async () => {
    for (const key of ['', 'x'.repeat(256), 'a b', 'é'])
      expect((await add(key, 'a')).status).toBe(400);
  });

  it('never stores an answer that is shown once: a repeat is told so', async () => {
    const key = fresh();
    const ask = () =>
      http.refused('/notes/token', {
        method: 'POST',
        as: operator,
        headers: { 'idempotency-key': key },
      });
    expect((await ask()).status).toBe(201);
    expect([(await ask()).status, (await ask()).text.includes('shown-once-canary')]).toEqual([
      409,
      false,
    ]);
    const rows = await http.database.query('SELECT * FROM idempotency_keys');
    expect(JSON.stringify(rows)).not.toContain('shown-once-canary');
  });

  it('compares multipart bodies by what they hold, not by their boundary', async () => {
    const key = fresh();
    const upload = async (content: string) => {
      const form = new FormData();
      form.append('file', new Blob([content]), 'a.txt');
      return fetch(`${http.baseUrl}/notes/upload`, {
        method: 'POST',
        body: form,
        headers: { authorization: `Bearer ${operator.token}`, 'idempotency-key': key },
      });
    };
    const first = (await (await upload('content'.repeat(50_000))).json()) as { number: number };
    const again = (await (await upload('content'.repeat(50_000))).json()) as { number: number };
    expect([first.number, again.number, added]).toEqual([1, 1, 1]);
    expect((await upload('CONTENT'.repeat(50_000))).status).toBe(409);
  });

  it('forgets after a day', async () => {
    const key = fresh();
    await add(key, 'a');
    await http.database.query(
      `UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = $1`,
      [key],
    );
    await http.app.get(IdempotencyInterceptor).prune();
    expect(
      await http.database.query('SELECT 1 FROM idempotency_keys WHERE key = $1', [key]),
    ).toEqual([]);
  });
});
