import { Logger } from '@nestjs/common';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PolicyDocument } from '@aos/contracts';
import { z } from 'zod';
import { trace } from '@opentelemetry/api';
import { startTelemetry } from '../../platform/telemetry/telemetry.js';
import { tool } from './builtin/tool.js';
import { builtinServers } from './builtin-servers.js';
import { startToolServer } from './chain/testing.js';
import { PoliciesQueries } from './policies.queries.js';
import { type GatewayParts, admin, run, startGateway } from './testing.js';

/** With what each way of writing it would have to change: quotes, blanks, a slash, a plus, a percent, letters. */
const CANARY = 'canary-9c1f/+"é% &\\7e2b-yranac';
const bytes = Buffer.from(CANARY);
const json = JSON.stringify(CANARY).slice(1, -1);
const forms: Record<string, string> = {
  plain: CANARY,
  'JSON-escaped': json,
  'JSON-escaped twice': JSON.stringify(json).slice(1, -1),
  base64: bytes.toString('base64'),
  'base64 of basic authentication': Buffer.from(`user:${CANARY}`).toString('base64'),
  'base64 in the middle': Buffer.from(`a=${CANARY}&b=${'x'.repeat(20)}`).toString('base64'),
  base64url: bytes.toString('base64url'),
  hex: bytes.toString('hex'),
  'hex in capitals': bytes.toString('hex').toUpperCase(),
  'URL-encoded': encodeURIComponent(CANARY),
  'URL-encoded in small letters': encodeURIComponent(CANARY).replace(/%../g, (c) =>
    c.toLowerCase(),
  ),
  'HTML-escaped': CANARY.replaceAll('&', '&amp;').replaceAll('"', '&quot;'),
  'HTML in numbers': CANARY.replace(/[^\w-]/g, (c) => `&#${c.codePointAt(0)};`),
  'HTML in hex': CANARY.replace(/[^\w-]/g, (c) => `&#x${c.codePointAt(0)!.toString(16)};`),
  'JSON of PHP': json.replaceAll('/', '\\/').replaceAll('é', '\\u00e9'),
  'JSON of .NET': CANARY.replace(
    /[^\w-]/g,
    (c) => `\\u00${c.charCodeAt(0).toString(16).toUpperCase()}`,
  ),
  'form-encoded': new URLSearchParams({ a: CANARY }).toString().slice(2),
};

let parts: GatewayParts;
let telemetry: ReturnType<typeof startTelemetry>;
let n = 0;
const evil = { answer: (): unknown => ({ ok: true }) };

beforeAll(async () => {
  telemetry = startTelemetry();
  Logger.overrideLogger(false); // its own way out is looked at in monitor/logs.spec.ts
  parts = await startGateway({
    ...builtinServers,
    evil: {
      description: '',
      tools: [
        tool({
          name: 'go',
          title: '',
          description: '',
          input: z.looseObject({}),
          output: z.looseObject({}),
          idempotent: false,
          readOnly: false,
          run: () => Promise.resolve(evil.answer() as Record<string, unknown>),
        }),
      ],
    },
  });
  telemetry.store.attach(parts.database);
  await parts.secret('CANARY', CANARY);
  await mkdir(join(parts.dataDir, 'mcp-servers'));
});
afterAll(async () => {
  Logger.overrideLogger(['log', 'warn', 'error', 'fatal']);
  telemetry.store.detach();
  await telemetry.shutdown();
  trace.disable();
  await parts.stop();
});

/** Every row of every table but the one that keeps it (encrypted), as text. */
async function everythingStored(): Promise<string> {
  await parts.ledger.settled();
  await telemetry.flush();
  const tables = await parts.database.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  );
  expect(tables.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['tool_calls', 'events', 'audit_logs', 'spans', 'logs', 'artifacts']),
  );
  const rows = await Promise.all(
    tables.map(({ name }) => parts.database.query(`SELECT t::text AS row FROM "${name}" AS t`)),
  );
  return JSON.stringify(rows);
}

const ends = [CANARY.slice(0, 9), CANARY.slice(-9)];
/** Neither whole, nor a good part of it, nor one of its ends: what is left when something was cut. */
function expectNothingOf(text: string): void {
  const found = Object.entries(forms).filter(
    ([, form]) => text.includes(form) || text.includes(form.slice(4, 20)),
  );
  expect(found.map(([name]) => name)).toEqual([]);
  for (const end of ends) expect(text).not.toContain(end);
}

const call = (server: string, tool: string, args: Record<string, unknown>, more: object = {}) =>
  parts.gateway.call(admin(), {
    server,
    tool,
    args,
    env: ['CANARY'],
    run: run(),
    idempotencyKey: `canary:${++n}`,
    ...more,
  });
async function expectNowhere(answer: unknown): Promise<void> {
  expectNothingOf(JSON.stringify(answer));
  expectNothingOf(JSON.stringify(JSON.stringify(answer)));
  expectNothingOf(await everythingStored());
}

const given = { key: '${secret.CANARY}' };
const failed = (error: unknown) => {
  const { message, stack, cause } = error as Error;
  return { error, message, stack, cause };
};

describe.each(Object.entries(forms))('a secret, %s', (_, form) => {
  it('is in nothing that is answered or stored, as a value, as a key, in the middle of a text', async () => {
    evil.answer = () => ({ a: form, [form]: [{ b: `before ${form} after` }] });
    await expectNowhere(await call('evil', 'go', given));
  });

  it('is in nothing of a failure, its stack or its cause', async () => {
    evil.answer = () => {
      throw new Error(`no luck with ${form}`, { cause: new Error(form) });
    };
    await expectNowhere(await call('evil', 'go', given).catch(failed));
  });
});

/** A server by hand over stdio: `onCall` says what is done with `key`, the secret. */
async function script(onCall: string): Promise<string> {
  const name = `script-${++n}`;
  const path = join(parts.dataDir, 'mcp-servers', `${name}.mjs`);
  await writeFile(
    path,
    `import { createInterface } from 'node:readline';
     const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
     const text = (...texts) => ({ content: texts.map((text) => ({ type: 'text', text })) });
     createInterface({ input: process.stdin }).on('line', async (line) => {
       const { id, method, params } = JSON.parse(line);
       if (method === 'initialize') say({ id, result: { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'x', version: '1' } } });
       else if (method === 'tools/list') say({ id, result: { tools: [{ name: 'go', inputSchema: { type: 'object' } }] } });
       else if (method === 'tools/call') { const { key } = params.arguments; ${onCall} }
       else if (id !== undefined) say({ id, error: { code: -32601, message: 'no such method' } });
     });`,
  );
  await parts.register({ name, transport: 'stdio', command: 'node', args: [path] });
  return name;
}

describe('a secret that comes in pieces', () => {
  it('is put together before it is looked for, when a pipe brings it in two', async () => {
    const server = await script(
      `const line = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: text('x' + key + 'y') }) + '\\n');
       const at = line.indexOf('canary') + 21; // in the middle of a letter of two bytes
       process.stdout.write(line.subarray(0, at), () => setImmediate(() => process.stdout.write(line.subarray(at))));`,
    );
    const answer = await call(server, 'go', given);
    expect(JSON.stringify(answer)).toContain('[secret CANARY]');
    await expectNowhere(answer);
  });

  it('and when HTTP does', async () => {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.method !== 'POST') return void response.writeHead(405).end();
        const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
          id?: number;
          method: string;
          params: { arguments: { key: string } };
        };
        if (id === undefined) return void response.writeHead(202).end();
        const result =
          method === 'initialize'
            ? {
                protocolVersion: '2025-06-18',
                capabilities: { tools: {} },
                serverInfo: { name: 'x', version: '1' },
              }
            : method === 'tools/list'
              ? { tools: [{ name: 'go', inputSchema: { type: 'object' } }] }
              : method === 'tools/call'
                ? { content: [{ type: 'text', text: params.arguments.key }] }
                : undefined;
        const body = Buffer.from(
          JSON.stringify({
            jsonrpc: '2.0',
            id,
            ...(result ? { result } : { error: { code: -32601, message: 'no' } }),
          }),
        );
        response.writeHead(200, { 'content-type': 'application/json' });
        const at = Math.max(1, body.indexOf('canary') + 9);
        response.write(body.subarray(0, at), () => response.end(body.subarray(at)));
      });
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.once('listening', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    await parts.register({ name: 'chunked', transport: 'http', url });
    await expectNowhere(await call('chunked', 'go', given));
    await parts.upstreams.close('chunked');
    server.closeAllConnections();
    server.close();
  });

  it('is found when two parts of an answer have half of it each', async () => {
    const server = await script(
      `say({ id, result: text('it is ' + key.slice(0, 9), key.slice(9) + ', is it not') });`,
    );
    await expectNowhere(await call(server, 'go', given));
  });

  it('is not left in part where an error is cut to its length', async () => {
    const server = await script(
      `say({ id, result: { ...text('x'.repeat(3990) + key), isError: true } });`,
    );
    await expectNowhere(await call(server, 'go', given));
  });

  it('is not left in part where the last words of a server are cut', async () => {
    const server = await script(
      `console.error(key + 'x'.repeat(4096 - 28)); console.error('the end'); process.exit(1);`,
    );
    const failure = failed(await call(server, 'go', given).catch((error: unknown) => error));
    expect(JSON.stringify(failure)).toContain('the end');
    await expectNowhere(failure);
  });
});

it('a secret is in no file name, and in no message about the file', async () => {
  const answer = await call('skills', 'text.report', {
    title: 'About ${secret.CANARY}',
    sections: [],
  });
  await expectNowhere(answer);
  const written = await call('env', 'files.write', {
    path: 'canary-${secret.CANARY}'.replace(/canary-/, ''),
    content: 'x',
  }).catch(failed);
  await expectNowhere(written);
});

describe('what a call would do, and what a draft of the rules would', () => {
  const looks = () =>
    parts.database.query(`SELECT id FROM audit_logs WHERE resource LIKE '%CANARY%' ORDER BY id`);
  const preview = (args: object, when: object[] = []) =>
    new PoliciesQueries(parts.database, parts.policies, parts.gateway).preview(admin(), {
      document: PolicyDocument.parse({ rules: [{ id: 'r', effect: 'deny', when }] }),
      call: { server: 'evil', tool: 'go', args: { ...args }, roles: [], projectId: null },
    });

  it('is told without a look at the secret', async () => {
    await call('evil', 'go', given); // from here on, the value is known to what takes it out
    const before = await looks();
    const dry = await parts.gateway.dryRun(admin(), {
      ...{ server: 'evil', tool: 'go', args: given, env: ['CANARY'] },
    });
    expect(dry.links.find(({ link }) => link === 'schema')).toMatchObject({ verdict: 'pass' });
    expect(JSON.stringify(dry)).toContain('CANARY');
    await expectNowhere([dry, await preview(given)]);
    expect(await looks()).toEqual(before);
  });

  it('is told of secrets that the caller was not given, too', async () => {
    const { links } = await parts.gateway.dryRun(admin(), {
      ...{ server: 'evil', tool: 'go', args: given },
    });
    const refusal = { verdict: 'stop', code: 'unknown_secret' };
    expect(links.find(({ link }) => link === 'schema')).toMatchObject(refusal);
    const { call: foreseen } = await preview(given);
    expect(foreseen!.links.find(({ link }) => link === 'schema')).toMatchObject(refusal);
  });

  it('cannot be used to guess at a secret: a rule sees where it is named, and not its value', async () => {
    await call('evil', 'go', given);
    await parts.ledger.settled();
    for (const condition of [
      { pointer: '/key', op: 'starts-with', value: CANARY.slice(0, 4) },
      { pointer: '/key', op: 'matches', value: '^canary' },
    ]) {
      const { call: foreseen, recent } = await preview(given, [condition]);
      expect([foreseen!.after.rule, recent.changed]).toEqual([null, []]);
    }
    const named = [{ pointer: '/key', op: 'equals', value: given.key }];
    const { call: foreseen, recent } = await preview(given, named);
    expect(foreseen!.after.rule).toBe('r');
    expect(recent.changed).not.toEqual([]);
  });
});

// Each takes the reference to it: what is checked is the value.
it.each([
  ['is too long for it', { maxLength: given.key.length }],
  ['does not fit its pattern', { pattern: '^[$][{]' }],
  ['is none of the values that it takes', { enum: [given.key] }],
])('a secret that %s is refused by the schema, without a word of it', async (_, schema) => {
  const server = await startToolServer([
    { name: 'go', inputSchema: { type: 'object', properties: { key: schema } } },
  ]);
  const name = `strict-${++n}`;
  await parts.register({ name, transport: 'http', url: server.url });
  const failure = await call(name, 'go', given).catch(failed);
  expect(JSON.stringify(failure)).toContain('key');
  expect(server.calls()).toBe(0);
  await expectNowhere(failure);
  await server.stop();
});

it('is in no two messages of progress between which it is cut', async () => {
  const server = await script(
    `const progressToken = params._meta.progressToken;
     [key.slice(0, 12), key.slice(12)].forEach((message, progress) =>
       say({ method: 'notifications/progress', params: { progressToken, progress, total: 2, message } }));
     say({ id, result: text('done') });`,
  );
  const heard: string[] = [];
  await call(server, 'go', given, { onProgress: (_: number, said: string) => heard.push(said) });
  expect(heard).toHaveLength(2);
  expectNothingOf(heard.join(''));
  expectNothingOf(heard.join(' '));
});
