import { type ToolServerOfTest, startToolServer } from '../chain/testing.js';
import type { RegistryQueries } from '../registry.queries.js';
import { TryMcpServer, TryMcpServerHandler } from '../commands/try-server.js';
import { type GatewayParts, admin, startGateway } from '../testing.js';
import { HealthProbes } from './health-probes.js';

let parts: GatewayParts;
let servers: RegistryQueries;
let server: ToolServerOfTest;
let n = 0;
let name = '';
beforeAll(async () => {
  parts = await startGateway({});
  servers = parts.queries;
});
afterAll(() => parts.stop());
beforeEach(async () => {
  name = `s${++n}`;
  server = await startToolServer([{ name: 'good' }, { name: 'better' }]);
});
afterEach(() => server.stop());

const register = () => parts.register({ name, transport: 'http', url: server.url });
const offered = async () =>
  (await parts.registry.tools()).filter((tool) => tool.server === name).map((tool) => tool.name);
const leftOut = async () => (await servers.server(name)).leftOut;
const look = () => new HealthProbes(parts.database, parts.upstreams, parts.registry).look();
const inputSchema = { type: 'object' };

const unfit: [string, unknown, string, string][] = [
  ['has a text for a schema', { name: 'bad', inputSchema: 'none' }, 'bad', 'inputSchema'],
  ['has no schema', { name: 'bad' }, 'bad', 'inputSchema'],
  ['takes an array', { name: 'bad', inputSchema: { type: 'array' } }, 'bad', 'inputSchema.type'],
  ['has no name', { inputSchema }, '', 'name'],
  ['has a number for a name', { name: 7, inputSchema }, '', 'name'],
  ['is nothing', null, '', 'the whole'],
  ['is a text', 'bad', '', 'the whole'],
  ['has a list for marks', { name: 'bad', inputSchema, _meta: [] }, 'bad', '_meta'],
  ['has icons of nothing', { name: 'bad', inputSchema, icons: [{}] }, 'bad', 'icons.0.src'],
  [
    'hints in words',
    { name: 'bad', inputSchema, annotations: { readOnlyHint: 'yes' } },
    'bad',
    'annotations.readOnlyHint',
  ],
  [
    'gives a text for a schema',
    { name: 'bad', inputSchema, outputSchema: 'none' },
    'bad',
    'outputSchema',
  ],
];

describe.each([
  ['of before 2026-07-28', false],
  ['of 2026-07-28', true],
])('at a server %s, a tool that does not fit the protocol', (_, isModern) => {
  beforeEach(() => {
    server.isModern = isModern;
  });

  it.each(unfit)(
    'as it %s, is left out and told of, and the others are offered',
    async (...row) => {
      const [, tool, called, where] = row;
      server.unfit.push(tool);
      const registered = await register();
      expect(registered.health).toMatchObject({ state: 'healthy', error: null });
      expect(await offered()).toEqual(['better', 'good']);
      expect(registered.leftOut).toEqual([
        {
          tool: called,
          why: expect.stringContaining(`does not fit the protocol: ${where}`),
          said: { code: 'tool-unfit', params: { faults: expect.any(String) } },
        },
      ]);
      expect(await leftOut()).toEqual(registered.leftOut);
      const upstream = parts.upstreams.of(await parts.registry.find(name));
      expect((await upstream.about({ timeoutMs: 5000 })).era).toBe(isModern ? 'modern' : 'older');
    },
  );

  it('by what its revision alone asks, is left out too', async () => {
    server.unfit.push(
      isModern
        ? { name: 'bad', inputSchema: { type: 'object', $schema: 5 } }
        : { name: 'bad', inputSchema, outputSchema: { type: 'array' } },
    );
    await register();
    expect(await offered()).toEqual(['better', 'good']);
    expect(await leftOut()).toMatchObject([
      {
        tool: 'bad',
        why: expect.stringContaining(isModern ? 'inputSchema.$schema' : 'outputSchema.type'),
      },
    ]);
  });
});

it('a tool that no longer fits goes, and is told of; one that fits again comes back', async () => {
  await register();
  expect(await leftOut()).toEqual([]);
  server.tools.pop();
  server.unfit.push({ name: 'better' });
  await look();
  expect(await offered()).toEqual(['good']);
  expect(await leftOut()).toMatchObject([{ tool: 'better' }]);
  server.unfit.length = 0;
  server.unfit.push({ name: 'worse' });
  await look();
  expect(await leftOut()).toMatchObject([{ tool: 'worse' }]);
  server.unfit.length = 0;
  server.tools.push({ name: 'better' });
  await look();
  expect(await leftOut()).toEqual([]);
  expect(await offered()).toEqual(['better', 'good']);
});

it('nothing is written as long as the same ones are left out', async () => {
  server.unfit.push({ name: 'bad' });
  await register();
  const transaction = jest.spyOn(parts.database, 'transaction');
  await look();
  expect(transaction).not.toHaveBeenCalled();
  transaction.mockRestore();
});

it('a trial tells of those that would be left out, and notes what it finds at one that is registered', async () => {
  const { database, registry, upstreams, audit, launches } = parts;
  const trial = new TryMcpServerHandler(database, registry, upstreams, audit, launches);
  await register();
  server.unfit.push({ name: 'bad' });
  const input = { name: 'new', transport: 'http', url: server.url } as const;
  for (const which of [input, name])
    expect(await trial.execute(new TryMcpServer(admin(), which))).toMatchObject({
      ok: true,
      leftOut: [{ tool: 'bad', said: { code: 'tool-unfit' } }],
    });
  expect(await leftOut()).toMatchObject([{ tool: 'bad' }]);
});

it('of very many that are left out twenty are told of, and a name shows what it hides', async () => {
  server.unfit.push(...Array.from({ length: 30 }, () => ({ name: 'a\u0000\u202e' })));
  await register();
  expect(await leftOut()).toHaveLength(20);
  expect((await leftOut())[0]!.tool).toBe('a\u27e8U+0000\u27e9\u27e8U+202E\u27e9');
  expect(await offered()).toEqual(['better', 'good']);
});
