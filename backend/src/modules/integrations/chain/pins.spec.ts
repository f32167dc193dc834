import { ApprovePin, ApprovePinHandler } from '../commands/approve-pin.js';
import { PinsQueries } from '../pins.queries.js';
import { type GatewayParts, admin, atOnce, startGateway } from '../testing.js';
import { HealthProbes } from '../upstreams/health-probes.js';
import { headerFault } from './header-names.js';
import type { ToolDefinition } from '../upstreams/upstream.js';
import { escaped, hiddenTextIn } from './hidden-text.js';
import { pin } from './pins.js';
import { type ToolServerOfTest, startToolServer } from './testing.js';

describe('hidden text', () => {
  it.each([
    ['zero-width', 'Reads\u200b a file'],
    ['bidirectional', 'Reads \u202eelif a'],
    ['tag', 'Reads\u{e0041}\u{e0042}'],
    ['ansi', 'Reads \u001b[2Ka file'],
    ['control', 'Reads\u0008 a file'],
    ['variation', 'Reads\u{e0101}'],
    ['private-use', 'Reads \ue000'],
  ])('of the kind %s is found, wherever it is, and shown', (kind, text) => {
    expect(
      hiddenTextIn({ inputSchema: { properties: { q: { description: text } } } }),
    ).toMatchObject([{ path: 'inputSchema.properties.q.description', kind }]);
    expect(escaped(text)).toMatch(/\u27e8U\+[0-9A-F]{4,6}\u27e9/);
    expect(hiddenTextIn(escaped(text))).toEqual([]);
  });

  it('is found in the names of things, too', () => {
    expect(hiddenTextIn({ 'a\u200bb': 1 })).toMatchObject([{ kind: 'zero-width' }]);
  });

  it('is told of at fifty places, and by twenty of its characters each', () => {
    expect(hiddenTextIn(Array.from({ length: 60 }, () => 'a\u200b'))).toHaveLength(50);
    const many = Array.from({ length: 30 }, (_, i) => String.fromCodePoint(0xe000 + i)).join('');
    const [told] = hiddenTextIn({ description: many });
    expect(told!.characters).toHaveLength(20);
    expect(told!.characters[19]).toBe('U+E013');
  });

  it('is not seen in ordinary writing, be it emoji, Persian or Hindi', () => {
    const ordinary =
      'Fetch \ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 — مى\u200cخواهم, क्\u200dष, 中文\n\tdone';
    expect(hiddenTextIn(ordinary)).toEqual([]);
  });
});

describe('headers that a tool asks for', () => {
  const of = (properties: object) =>
    headerFault({ name: 't', inputSchema: { type: 'object', properties } } as never);

  it.each([
    ['a line break in the name', { a: { type: 'string', 'x-mcp-header': 'Foo\r\nX' } }],
    ['a number', { a: { type: 'number', 'x-mcp-header': 'Foo' } }],
    [
      'the same name in another case',
      {
        a: { type: 'string', 'x-mcp-header': 'Foo' },
        b: { type: 'string', 'x-mcp-header': 'FOO' },
      },
    ],
    [
      'a place that may not be filled',
      { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'Foo' } } },
    ],
    ['an empty name', { a: { type: 'string', 'x-mcp-header': '' } }],
  ])('are refused for %s', (_, properties) => {
    expect(of(properties)).toEqual(expect.any(String));
  });

  it('are taken where they are sound', () => {
    expect(
      of({ a: { type: 'object', properties: { b: { type: 'string', 'x-mcp-header': 'X-B' } } } }),
    ).toBeUndefined();
  });
});

it('a definition of our own is the one that came with the build', () => {
  const [was, is] = ['was', 'is\u200b'].map((description) => ({
    name: 'a',
    description,
    inputSchema: { type: 'object' as const },
  })) as [ToolDefinition, ToolDefinition];
  const kept = { name: 'a', definition: was, pin_state: 'pinned' as const, seen_hash: null };
  expect(pin(is, kept, true)).toMatchObject({
    ...{ state: 'pinned', definition: is, seen: null, hiddenText: [], isNews: false },
  });
  expect(pin(is, kept, false)).toMatchObject({ state: 'changed', definition: was, seen: is });
});

describe('a definition', () => {
  let parts: GatewayParts;
  let server: ToolServerOfTest;
  let pins: PinsQueries;
  let approve: (tool: string, hash: string) => Promise<unknown>;
  let n = 0;
  let name = '';

  beforeAll(async () => {
    parts = await startGateway({});
    pins = new PinsQueries(parts.database);
    const { database, audit, outbox, wakeups, proposals } = parts;
    const handler = atOnce(new ApprovePinHandler(database, audit, outbox, wakeups, proposals));
    approve = (tool, hash) =>
      handler.execute(new ApprovePin(admin(), { server: name, tool, hash }));
  });
  afterAll(() => parts.stop());
  afterEach(() => server.stop());

  async function register(tools: Parameters<typeof startToolServer>[0]): Promise<void> {
    server = await startToolServer(tools);
    name = `s${++n}`;
    await parts.register({ name, transport: 'http', url: server.url });
  }
  const call = (tool: string) => parts.gateway.call(admin(), { server: name, tool, args: {} });
  const reread = async () => parts.registry.syncTools(await parts.registry.find(name));
  const offered = async () => (await parts.registry.tools()).filter((tool) => tool.server === name);
  const waiting = async () =>
    (await pins.list({ limit: 50, server: name })).items.filter((pin) => pin.state !== 'pinned');
  const told = () =>
    parts.database.query<{ payload: Record<string, unknown> }>(
      `SELECT payload FROM events WHERE type = 'anomaly.detected' AND payload->>'server' = $1 ORDER BY id`,
      [name],
    );

  describe('in the order of its server', () => {
    const withProperties = (...names: string[]) => ({
      name: 'search',
      inputSchema: {
        type: 'object',
        properties: Object.fromEntries(names.map((each) => [each, { type: 'string' }])),
      },
    });
    const order = async () =>
      Object.keys((await offered())[0]!.inputSchema['properties'] as object);
    const probe = () => new HealthProbes(parts.database, parts.upstreams, parts.registry).look();
    const writtenByOlderCode = (set: string) =>
      parts.database.query(`UPDATE mcp_tools SET ${set} WHERE server = $1`, [name]);

    it('is offered so, also once a change of it was approved, and its hash knows no order', async () => {
      await register([withProperties('query', 'in', 'a')]);
      expect(await order()).toEqual(['query', 'in', 'a']);
      server.tools = [withProperties('a', 'query', 'in')];
      await reread();
      expect(await order()).toEqual(['a', 'query', 'in']);
      server.tools = [withProperties('query', 'zone', 'in', 'a')];
      await reread();
      const [pin] = await waiting();
      await approve('search', pin!.waitingHash!);
      expect(await order()).toEqual(['query', 'zone', 'in', 'a']);
    });

    it('is that of what is pinned, and not of what waits', async () => {
      await register([withProperties('query', 'in')]);
      server.tools = [withProperties('query', 'evil')];
      await reread();
      const { tool } = (await parts.registry.target(name, 'search'))!;
      expect(Object.keys(tool.inputSchema['properties'] as object)).toEqual(['in', 'query']);
    });

    it('is so again once its server was looked at, after older code had kept it', async () => {
      await register([withProperties('query', 'in')]);
      await writtenByOlderCode('told = NULL, told_hash = NULL');
      expect(await order()).toEqual(['in', 'query']);
      await probe();
      expect(await order()).toEqual(['query', 'in']);
    });

    it('gives way to what older code has kept since', async () => {
      await register([withProperties('query', 'in')]);
      const other = JSON.stringify(withProperties('other'));
      await writtenByOlderCode(`definition = '${other}', definition_hash = 'of the other'`);
      expect(await order()).toEqual(['other']);
    });
  });

  it('that changed by one character is off until somebody approves the difference', async () => {
    await register([{ name: 'search', description: 'Finds things.' }, { name: 'other' }]);
    await call('search');
    server.tools = [{ name: 'search', description: 'Finds things!' }, { name: 'other' }];
    await reread();
    await expect(call('search')).rejects.toMatchObject({ code: 'tool_quarantined', status: 409 });
    const foreseen = await parts.gateway.dryRun(admin(), {
      server: name,
      tool: 'search',
      args: {},
    });
    expect(foreseen.links.find(({ link }) => link === 'pin')).toMatchObject({
      ...{ verdict: 'stop', code: 'tool_quarantined' },
    });
    await call('other');
    expect((await offered()).map((tool) => tool.name)).toEqual(['other']);
    const [pin] = await waiting();
    expect(pin).toMatchObject({
      state: 'changed',
      differences: [{ path: 'description', before: 'Finds things.', after: 'Finds things!' }],
    });
    expect(await told()).toMatchObject([
      { payload: { code: 'tool_changed', differences: [{ path: 'description' }] } },
    ]);
    await reread();
    expect(await told()).toHaveLength(1);

    await approve('search', pin!.waitingHash!);
    await call('search');
    expect((await offered())[0]).toMatchObject({ name: 'other' });
    expect((await parts.registry.tool(name, 'search'))!.description).toBe('Finds things!');
    expect(
      await parts.database.query(
        `SELECT 1 FROM audit_logs WHERE action = 'tool.approve' AND resource = $1`,
        [`tool:${name}.search`],
      ),
    ).toHaveLength(1);
  });

  it('that changes without a word is off once it is looked whether its server answers', async () => {
    await register([{ name: 'search', description: 'a' }, { name: 'other' }]);
    const probes = new HealthProbes(parts.database, parts.upstreams, parts.registry);
    await probes.look();
    await call('search');
    server.tools = [{ name: 'search', description: 'evil' }, { name: 'other' }, { name: 'new' }];
    await probes.look();
    await expect(call('search')).rejects.toMatchObject({ code: 'tool_quarantined' });
    await call('other');
    await call('new');
    await probes.look();
    expect(await told()).toHaveLength(1);
    server.tools = [{ name: 'search', description: 'a' }];
    await probes.look();
    await call('search');
    await expect(call('other')).rejects.toMatchObject({ code: 'unknown_tool' });
  });

  it.each([
    ['its schema', { inputSchema: { type: 'object', properties: { more: {} } } }],
    ['its hints', { annotations: { readOnlyHint: true } }],
    ['its title', { title: 'Other' }],
    ['what it promises to answer', { outputSchema: { type: 'object', properties: { n: {} } } }],
  ])('counts as changed in %s, too', async (_, change) => {
    await register([{ name: 'search' }]);
    server.tools = [{ name: 'search', ...change }];
    await reread();
    await expect(call('search')).rejects.toMatchObject({ code: 'tool_quarantined' });
  });

  it('that changed in very many places is told of with twenty of them', async () => {
    const schemaOf = (title: string) => ({
      properties: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`p${i}`, { title }])),
      type: 'object',
    });
    await register([{ name: 'search', inputSchema: schemaOf('a') }]);
    server.tools = [{ name: 'search', inputSchema: schemaOf('b') }];
    await reread();
    const [{ payload }] = (await told()) as [{ payload: { differences: unknown[] } }];
    expect(payload.differences).toHaveLength(20);
    expect((await waiting())[0]!.differences).toHaveLength(30);
  });

  it('is not approved when what waits is no longer what was looked at', async () => {
    await register([{ name: 'search', description: 'a' }]);
    server.tools = [{ name: 'search', description: 'b' }];
    await reread();
    const [looked] = await waiting();
    server.tools = [{ name: 'search', description: 'evil' }];
    await reread();
    await expect(approve('search', looked!.waitingHash!)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await told()).toHaveLength(2);
  });

  it('is not approved of a tool that is gone meanwhile', async () => {
    await register([{ name: 'search', description: 'a' }]);
    server.tools = [{ name: 'search', description: 'b' }];
    await reread();
    const [looked] = await waiting();
    server.tools = [];
    await reread();
    await expect(approve('search', looked!.waitingHash!)).rejects.toMatchObject({
      code: 'unknown_tool',
    });
  });

  it('that goes back to what was approved is on again', async () => {
    await register([{ name: 'search', description: 'a' }]);
    server.tools = [{ name: 'search', description: 'b' }];
    await reread();
    server.tools = [{ name: 'search', description: 'a' }];
    await reread();
    await call('search');
  });

  it('with hidden text is off from the beginning, and shown with it written out', async () => {
    await register([
      { name: 'search', description: 'Finds.\u{e0049}\u{e0047}' },
      { name: 'other' },
    ]);
    await expect(call('search')).rejects.toMatchObject({ code: 'tool_quarantined' });
    // That it is told once more approves nothing.
    await reread();
    await expect(call('search')).rejects.toMatchObject({ code: 'tool_quarantined' });
    expect((await offered()).map((tool) => tool.name)).toEqual(['other']);
    const [pin] = await waiting();
    expect(pin).toMatchObject({
      state: 'quarantined',
      definition: { description: 'Finds.\u27e8U+E0049\u27e9\u27e8U+E0047\u27e9' },
      hiddenText: [{ path: 'description', kind: 'tag' }],
    });
    await approve('search', pin!.waitingHash!);
    await call('search');
    await reread();
    await call('search');
  });

  it('whose name hides something is told of by what is in it', async () => {
    const hiding = 'sea\u200brch';
    await register([{ name: hiding }]);
    const [{ payload }] = (await told()) as [{ payload: { tool: string; waitingHash: string } }];
    expect(payload.tool).toBe('sea\u27e8U+200B\u27e9rch');
    await approve(payload.tool, payload.waitingHash);
    const [{ resource }] = (await parts.database.query<{ resource: string }>(
      `SELECT resource FROM audit_logs WHERE action = 'tool.approve' AND resource LIKE $1`,
      [`tool:${name}.%`],
    )) as [{ resource: string }];
    expect(resource).toBe(`tool:${name}.${payload.tool}`);
    const summaries = await parts.database.query<{ summary: string }>(
      `SELECT summary FROM events WHERE payload->>'server' = $1`,
      [name],
    );
    expect(summaries.filter(({ summary }) => summary.includes(payload.tool))).toHaveLength(2);
    expect(JSON.stringify(summaries)).not.toContain(hiding);
  });

  it('with unsound headers is left out, and the others are kept', async () => {
    await register([
      {
        name: 'evil',
        inputSchema: { type: 'object', properties: { a: { type: 'number', 'x-mcp-header': 'A' } } },
      },
      { name: 'good' },
    ]);
    expect((await offered()).map((tool) => tool.name)).toEqual(['good']);
  });

  it('by the name of another one of its server is left out, and that one kept', async () => {
    await register([
      { name: 'search', description: 'first' },
      { name: 'other' },
      { name: 'search' },
    ]);
    expect((await offered()).map((tool) => [tool.name, tool.description])).toEqual([
      ['other', ''],
      ['search', 'first'],
    ]);
    await reread();
    await call('search');
  });

  it('that is very large is left out, and of very many the first thousand are kept', async () => {
    await register([
      { name: 'huge', description: 'x'.repeat(300_000) },
      ...Array.from({ length: 1_005 }, (_, i) => ({ name: `tool-${i}` })),
    ]);
    const names = (await offered()).map((tool) => tool.name);
    expect(names).toHaveLength(1_000);
    expect(names).not.toContain('huge');
  });

  it('is not believed when it calls itself harmless', async () => {
    const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true };
    await register([{ name: 'delete', annotations }]);
    expect(await parts.registry.tool(name, 'delete')).toMatchObject({
      readOnly: false,
      idempotent: false,
    });
  });
});
