import { ImportServers as Input, type ServersImport } from '@aos/contracts';
import { startToolServer, type ToolServerOfTest } from '../chain/testing.js';
import { type GatewayParts, actor, admin, atOnce, startGateway } from '../testing.js';
import { ImportMcpServers, ImportMcpServersHandler } from './import-servers.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let handler: { execute(command: ImportMcpServers): Promise<ServersImport> };

beforeAll(async () => {
  parts = await startGateway({});
  server = await startToolServer([{ name: 'read' }]);
  const { database, registration, registrations, reports, launches } = parts;
  handler = atOnce(
    new ImportMcpServersHandler(database, registration, registrations, reports, launches),
  );
  await parts.secret('API_KEY', 'canary-one-value');
  await parts.secret('TOKEN', 'canary-two-value');
});
afterAll(async () => {
  await server.stop();
  await parts.stop();
});

const run = (document: object, more: object = {}, by = admin()) =>
  handler.execute(new ImportMcpServers(by, Input.parse({ ...document, ...more })));
const judged = async (entry: object, more: object = {}) =>
  (await run({ mcpServers: { it: entry } }, { preview: true, ...more })).items[0]!;

describe('the settings of another program', () => {
  it('are read as Claude Desktop, Cursor and VS Code write them', async () => {
    for (const key of ['mcpServers', 'servers'])
      expect(
        (await run({ [key]: { 'My Server': { url: server.url } } }, { preview: true })).items,
      ).toMatchObject([
        {
          entry: 'My Server',
          name: 'my-server',
          outcome: 'add',
          server: { transport: 'http', url: server.url },
        },
      ]);
    const neither = { errors: [{ path: ['mcpServers'], message: 'give mcpServers or servers' }] };
    for (const document of [{}, { mcpServers: {}, servers: {} }])
      expect(Input.safeParse(document).error?.issues).toMatchObject([neither.errors[0]]);
    // What VS Code asks for stands beside its servers.
    expect(Input.safeParse({ servers: {}, inputs: [{ id: 'key' }] }).success).toBe(true);
  });

  it.each([
    [{ url: 'https://x.test/sse' }, 'sse'],
    [{ url: 'https://x.test/a/sse/?v=1' }, 'sse'],
    [{ url: 'https://x.test/sse', type: 'http' }, 'http'],
    [{ url: 'https://x.test/mcp', type: 'sse' }, 'sse'],
    [{ url: 'https://x.test/mcp', transportType: 'sse' }, 'sse'],
    [{ url: 'https://x.test/sse', transport: 'streamable-http' }, 'http'],
    [{ url: 'https://x.test/classes' }, 'http'],
  ])(
    'is reached in the way that it says, or as its address is by custom: %o',
    async (entry, transport) => {
      expect(await judged(entry)).toMatchObject({ server: { transport } });
    },
  );

  it.each<[string, object, RegExp]>([
    ['a shell', { command: 'bash', args: ['-c', 'id'] }, /run code/],
    ['code as an argument', { command: 'node', args: ['-e', '1'] }, /run code/],
    [
      'a mount of the disk',
      { command: 'docker', args: ['run', '-v', '/:/h', 'x'] },
      /not an approved command/,
    ],
    [
      'a package from a repository',
      { command: 'uvx', args: ['--from', 'git+https://x.test/y', 'z'] },
      /not an approved command/,
    ],
    [
      'a secret among the arguments',
      { command: 'npx', args: ['-y', 'srv', '--api-key=abcdef'] },
      /looks like a secret/,
    ],
    ['a placeholder', { command: 'npx', args: ['-y', 'srv', '${HOME}'] }, /placeholder/],
    [
      'several variables',
      { command: 'npx', args: ['srv'], env: { A: '1', B: '2' } },
      /2 variables/,
    ],
    ['a file of variables', { command: 'npx', args: ['srv'], envFile: '.env' }, /from a file/],
    ['a header of its own', { url: 'https://x.test', headers: { 'X-Key': 'v' } }, /X-Key/],
    ['a password in the address', { url: 'https://u:p@x.test/' }, /user or a password/],
    ['the metadata service', { url: 'http://169.254.169.254/' }, /metadata/],
    ['nothing to reach', {}, /neither a command nor a url/],
    ['being switched off', { url: 'https://x.test', disabled: true }, /switched off/],
  ])('with %s are refused, with the reason', async (_, entry, why) => {
    const each = await judged(entry);
    expect(each).toMatchObject({ outcome: 'refused' });
    expect(each.why).toMatch(why);
  });

  it('say which package would be downloaded and run, and of one that is not listed, which setting lists it', async () => {
    const entry = (name: string) => ({ command: 'npx', args: ['-y', name] });
    expect(await judged(entry('@modelcontextprotocol/server-memory@2026.1.1'))).toMatchObject({
      outcome: 'add',
      why: 'Downloads the npm package @modelcontextprotocol/server-memory@2026.1.1 and runs it on this machine.',
    });
    const other = await judged(entry('mcp-of-somebody'));
    expect([other.outcome, other.why]).toEqual([
      'refused',
      expect.stringMatching(/mcp-of-somebody.*gateway\.npmPackages/),
    ]);
    expect(await judged({ url: server.url })).toMatchObject({ outcome: 'add', why: null });
  });

  it('with a secret in them ask for the name of one, and never show it', async () => {
    const entry = { url: server.url, headers: { Authorization: 'Bearer canary-in-clear' } };
    const asking = await judged(entry);
    expect(asking).toMatchObject({ outcome: 'needs-secret', wants: 'Authorization' });
    expect(JSON.stringify(asking)).not.toContain('canary');
    expect(await judged(entry, { secrets: { it: 'TOKEN' } })).toMatchObject({
      outcome: 'add',
      server: { secret: 'TOKEN' },
    });
    expect(await judged(entry, { secrets: { it: 'NOPE' } })).toMatchObject({ outcome: 'refused' });
    const args = ['-y', '@modelcontextprotocol/server-memory'];
    const child = { command: 'npx', args, env: { API_KEY: 'canary-in-clear' } };
    expect(await judged(child)).toMatchObject({ outcome: 'needs-secret', wants: 'API_KEY' });
    expect(await judged(child, { secrets: { it: 'TOKEN' } })).toMatchObject({ outcome: 'refused' });
    expect(await judged(child, { secrets: { it: 'API_KEY' } })).toMatchObject({ outcome: 'add' });
  });

  it('are taken by their names, whatever they are called, and the unfit take none', async () => {
    const { url } = server;
    const mcpServers = {
      constructor: { url },
      Twin: { url, disabled: true },
      twin: { url },
      '!': { url },
      '?': { url },
      split: { url: `${url}\r\nx` },
    };
    const { items } = await run({ mcpServers }, { preview: true });
    expect(items.map(({ name, outcome, said }) => [name, outcome, said?.code])).toEqual([
      ['constructor', 'add', undefined],
      ['twin', 'refused', 'import-off'],
      ['twin', 'add', undefined],
      ['', 'refused', 'import-no-name'],
      ['', 'refused', 'import-no-name'],
      ['split', 'refused', 'url-blanks'],
    ]);
  });

  it('take a right to secrets where they are to be given one', async () => {
    const each = await run(
      { mcpServers: { it: { url: server.url, headers: { Authorization: 'Bearer x' } } } },
      { preview: true, secrets: { it: 'TOKEN' } },
      actor('operator'),
    );
    expect(each.items[0]).toMatchObject({ outcome: 'refused' });
  });

  it('are taken over with what can be, and say of the rest why not', async () => {
    const { items, added } = await run({
      mcpServers: {
        good: { url: server.url },
        bad: { command: 'bash' },
        Good: { url: server.url },
      },
    });
    expect(items.map(({ outcome }) => outcome)).toEqual(['add', 'refused', 'refused']);
    expect(added).toMatchObject([{ name: 'good', tools: 1, health: { state: 'healthy' } }]);
    expect(
      (await run({ mcpServers: { good: { url: server.url } } }, { preview: true })).items,
    ).toMatchObject([{ outcome: 'refused', why: expect.stringContaining('registered already') }]);
  });

  it('leave nothing behind when one of them cannot be kept', async () => {
    // Registered by somebody else after it was looked at.
    const wasLook = parts.registration.look.bind(parts.registration);
    parts.registration.look = async (input) => {
      const seen = await wasLook(input);
      if (input.name === 'second')
        await parts.database.query(
          `INSERT INTO mcp_registry (name, base_url, capabilities) VALUES ('second', 'http://x.test', '{}')`,
        );
      return seen;
    };
    await expect(
      run({ mcpServers: { first: { url: server.url }, second: { url: server.url } } }),
    ).rejects.toMatchObject({ code: 'already_exists' });
    parts.registration.look = wasLook;
    await expect(parts.registry.find('first')).rejects.toMatchObject({ code: 'unknown_server' });
  });
});
