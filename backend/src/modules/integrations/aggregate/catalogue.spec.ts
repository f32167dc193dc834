import { Logger } from '@nestjs/common';
import type { ServerNotifier } from '@modelcontextprotocol/server';
import { type ToolServerOfTest, startToolServer } from '../chain/testing.js';
import { ChangeMcpServer } from '../commands/change-server.js';
import { type GatewayParts, admin, startGateway } from '../testing.js';
import { Catalogue } from './catalogue.js';
import { KeptLists } from './kept-lists.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let catalogue: Catalogue;
let reads: jest.SpiedFunction<GatewayParts['registry']['offering']>;
let definitions: jest.SpiedFunction<GatewayParts['registry']['offered']>;
let now: number;
beforeAll(async () => {
  parts = await startGateway({});
  server = await startToolServer([{ name: 'one' }]);
  await parts.register({ name: 'first', transport: 'http', url: server.url });
});
afterAll(async () => {
  await parts.stop();
  await server.stop();
});
beforeEach(() => {
  now = Math.ceil(performance.now()); // a second later is a second later, to the last digit
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const { database, registry, upstreams, vault, wakeups } = parts;
  reads = jest.spyOn(registry, 'offering');
  definitions = jest.spyOn(registry, 'offered');
  const lists = new KeptLists(database, upstreams, vault);
  catalogue = new Catalogue(database, registry, upstreams, lists, wakeups);
});
afterEach(() => {
  catalogue.onApplicationShutdown();
  jest.restoreAllMocks();
});

describe('a tool', () => {
  it('that nobody has costs no look at all tools each time that somebody asks for it', async () => {
    const ask = (n: number) =>
      Promise.all(Array.from({ length: n }, (_, i) => catalogue.tool(`first__none_${i}`)));
    expect(new Set(await ask(50))).toEqual(new Set([undefined]));
    expect(reads).toHaveBeenCalledTimes(1);
    now += 199;
    await ask(50);
    expect(reads).toHaveBeenCalledTimes(1);
    now += 1;
    await ask(50);
    expect(reads).toHaveBeenCalledTimes(2);
    expect(await catalogue.tool('first__one')).toMatchObject({ server: 'first', name: 'one' });
    now += 999;
    expect(await catalogue.tool('first__one')).toMatchObject({ server: 'first', name: 'one' });
    expect(reads).toHaveBeenCalledTimes(2);
  });

  it('is read anew where its server has others, and of no server besides', async () => {
    const growing = await startToolServer([{ name: 'one', description: 'first' }]);
    try {
      await parts.register({ name: 'changing', transport: 'http', url: growing.url });
      const before = await catalogue.tools();
      now += 1000;
      definitions.mockClear();
      expect(await catalogue.tools()).toBe(before);
      expect(definitions).not.toHaveBeenCalled();

      growing.tools.push({ name: 'two' });
      await parts.registry.syncTools(await parts.registry.find('changing'));
      now += 1000;
      const after = await catalogue.tools();
      expect(definitions.mock.calls).toEqual([[['changing']]]);
      expect([...after.keys()]).toEqual([...before.keys(), 'changing__two'].sort());
      expect(after.get('first__one')!.definition).toBe(before.get('first__one')!.definition);
      // A definition that was approved, or that is told of in another order, is another one.
      for (const column of ['definition_hash', 'told_hash']) {
        await parts.database.query(
          `UPDATE mcp_tools SET ${column} = 'another ${column}', told = NULL, definition = definition || $1
            WHERE server = 'changing' AND name = 'one'`,
          [{ description: column }],
        );
        now += 1000;
        const { definition } = (await catalogue.tools()).get('changing__one')!;
        expect(definition.description).toBe(column);
      }
    } finally {
      await growing.stop();
    }
  });

  it('that is taken from its server, or waits for approval, is no longer there', async () => {
    await parts.register({ name: 'losing', transport: 'http', url: server.url });
    for (const change of ['is_gone = true', `is_gone = false, pin_state = 'changed'`]) {
      await parts.database.query(`UPDATE mcp_tools SET is_gone = false, pin_state = 'pinned'`);
      now += 1000;
      expect((await catalogue.tools()).has('losing__one')).toBe(true);
      await parts.database.query(`UPDATE mcp_tools SET ${change} WHERE server = 'losing'`);
      now += 1000;
      expect((await catalogue.tools()).has('losing__one')).toBe(false);
    }
  });

  it('has another name once its server is offered without a prefix, and that is told', async () => {
    await parts.register({ name: 'bared', transport: 'http', url: server.url });
    const told = jest.fn();
    const stop = catalogue.listen({ toolsChanged: told } as unknown as ServerNotifier);
    try {
      await catalogue.look();
      const { definition } = (await catalogue.tools()).get('bared__one')!;
      definitions.mockClear();
      await parts.database.query(`UPDATE mcp_registry SET use_prefix = false WHERE name = 'bared'`);
      await catalogue.look();
      expect(told).toHaveBeenCalledTimes(1);
      expect((await catalogue.tools()).get('one')!.definition).toBe(definition);
      expect(definitions).not.toHaveBeenCalled();
    } finally {
      stop();
      await parts.database.query(`DELETE FROM mcp_registry WHERE name = 'bared'`);
    }
  });

  it('is read with others of its server, and some thousand at once at most', async () => {
    await parts.database.query(
      `INSERT INTO mcp_registry (name, base_url, capabilities)
       SELECT 'big-' || n, 'http://127.0.0.1:9/', '{}' FROM generate_series(1, 3) n`,
    );
    await parts.database.query(
      `INSERT INTO mcp_tools (server, name, definition, definition_hash)
       SELECT 'big-' || n, 't' || i, jsonb_build_object('name', 't' || i), md5(i::text)
         FROM generate_series(1, 3) n, generate_series(1, CASE n WHEN 1 THEN 700 ELSE 300 END) i`,
    );
    try {
      await catalogue.tools();
      const asked = definitions.mock.calls.map(([servers]) =>
        servers.filter((name) => name.startsWith('big-')),
      );
      expect(asked.filter((names) => names.length > 0)).toEqual([['big-1', 'big-2'], ['big-3']]);
    } finally {
      await parts.database.query(`DELETE FROM mcp_registry WHERE name LIKE 'big-%'`);
    }
  });

  it('is there as soon as its server is registered, and gone as soon as that is switched off', async () => {
    expect(await catalogue.tool('second__one')).toBeUndefined();
    const route = { name: 'second', transport: 'http', url: server.url } as const;
    const { version } = await parts.register(route);
    expect(await catalogue.tool('second__one')).toMatchObject({ server: 'second' });
    await parts.change.execute(new ChangeMcpServer(admin(), 'second', version, { enabled: false }));
    expect(await catalogue.tool('second__one')).toBeUndefined();
  });

  it('has the same name in the list of tools as at the endpoint, whatever others are called', async () => {
    const alike = await startToolServer([{ name: 'a b' }, { name: 'a.b' }, { name: 'search' }]);
    try {
      await parts.register({ name: 'alike', transport: 'http', url: alike.url });
      for (const name of ['bare', 'bare-too'])
        await parts.register({ name, transport: 'http', url: alike.url, prefix: false });
      const { items } = await parts.queries.tools({ limit: 200 });
      const told = items.map(({ aggregateName, tool }) => [aggregateName, tool]);
      const offered = [...(await catalogue.tools())];
      expect(Object.fromEntries(told)).toEqual(
        Object.fromEntries(offered.map(([name, tool]) => [name, `${tool.server}.${tool.name}`])),
      );
      expect(told).toHaveLength(offered.length);
      const page = await parts.queries.tools({ limit: 1, server: 'bare-too' });
      expect(page.items.map(({ aggregateName }) => aggregateName)).toEqual(['bare-too__a_b']);
    } finally {
      await alike.stop();
    }
  });

  it('that came while its server was being registered is read once that is committed', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn');
    const growing = await startToolServer([{ name: 'before' }]);
    const looked = Promise.withResolvers<void>();
    const find = parts.registry.find.bind(parts.registry);
    jest.spyOn(parts.registry, 'find').mockImplementation((name) => {
      const found = find(name);
      void found.catch(() => undefined).then(() => looked.resolve());
      return found;
    });
    const told = Promise.withResolvers<void>();
    const stop = catalogue.listen({ toolsChanged: told.resolve } as unknown as ServerNotifier);
    const look = parts.registration.look.bind(parts.registration);
    jest.spyOn(parts.registration, 'look').mockImplementation(async (input) => {
      const seen = await look(input);
      growing.tools.push({ name: 'after' });
      parts.upstreams.onChange(input.name, { kind: 'tools' });
      await looked.promise;
      return seen;
    });
    try {
      await parts.register({ name: 'growing', transport: 'http', url: growing.url });
      expect(warned.mock.calls).toEqual([]);
      await told.promise;
      expect(await catalogue.tool('growing__after')).toMatchObject({ server: 'growing' });
    } finally {
      stop();
      await growing.stop();
    }
  });

  it('that came as its server was about to be there is read as well', async () => {
    const growing = await startToolServer([{ name: 'before' }]);
    const [looked, isThere] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const find = parts.registry.find.bind(parts.registry);
    const finds: Promise<unknown>[] = [];
    jest.spyOn(parts.registry, 'find').mockImplementation((name) => {
      const isFirst = finds.length === 0;
      const found = find(name).finally(() => {
        looked.resolve();
        return isFirst ? isThere.promise : undefined;
      });
      finds.push(found);
      return found;
    });
    const told = Promise.withResolvers<void>();
    const stop = catalogue.listen({ toolsChanged: told.resolve } as unknown as ServerNotifier);
    parts.upstreams.onChange('grown', { kind: 'tools' });
    await looked.promise;
    try {
      await parts.register({ name: 'grown', transport: 'http', url: growing.url });
      growing.tools.push({ name: 'after' });
      isThere.resolve();
      await expect(finds[0]).rejects.toMatchObject({ code: 'unknown_server' });
      await new Promise((turn) => setImmediate(turn));
      expect(finds).toHaveLength(2);
      await told.promise;
      expect(await catalogue.tool('grown__after')).toMatchObject({ server: 'grown' });
    } finally {
      stop();
      await growing.stop();
    }
  });

  it('of a server that nobody knows, nor connects to, is forgotten', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn');
    const find = jest.spyOn(parts.registry, 'find');
    parts.upstreams.onChange('nobody', { kind: 'tools' });
    await expect(find.mock.results[0]!.value).rejects.toMatchObject({ code: 'unknown_server' });
    await parts.register({ name: 'third', transport: 'http', url: server.url });
    expect(find.mock.calls.filter(([name]) => name === 'nobody')).toHaveLength(1);
    expect(warned).not.toHaveBeenCalled();
  });
});

it('prompts of a server that is registered, or has others, are told of and offered in every process', async () => {
  const { database, registry, upstreams, vault, wakeups } = parts;
  const { onChange } = upstreams;
  const lists = new KeptLists(database, upstreams, vault);
  const elsewhere = new Catalogue(database, registry, upstreams, lists, wakeups);
  upstreams.onChange = onChange; // word of a server comes to the process that is connected
  const told: string[] = [];
  let isTold = Promise.withResolvers<void>();
  const notifier = (where: string) =>
    ({
      toolsChanged: () => undefined,
      promptsChanged: () => {
        told.push(where);
        if (where === 'here') isTold.resolve();
      },
      resourcesChanged: () => told.push('resources'),
    }) as unknown as ServerNotifier;
  const stops = [catalogue.listen(notifier('here')), elsewhere.listen(notifier('elsewhere'))];
  const [plain, asking] = [await startToolServer([]), await startToolServer([])];
  asking.prompts = [{ name: 'one' }];
  try {
    await catalogue.look();
    await elsewhere.look();
    await parts.register({ name: 'plain', transport: 'http', url: plain.url });
    await parts.register({ name: 'asking', transport: 'http', url: asking.url });
    await isTold.promise;
    await elsewhere.look();
    expect(told).toEqual(['here', 'elsewhere']);
    expect([...(await elsewhere.prompts()).keys()]).toEqual(['asking__one']);

    // What is read behind that answer is read, and good for five minutes.
    await lists.refresh(await registry.find('asking'), 'prompts');
    isTold = Promise.withResolvers<void>();
    asking.prompts.push({ name: 'two' });
    onChange('asking', { kind: 'prompts' });
    await isTold.promise;
    await catalogue.look();
    await elsewhere.look();
    expect(told).toEqual(['here', 'elsewhere', 'here', 'elsewhere']);
    expect([...(await elsewhere.prompts()).keys()]).toEqual(['asking__one', 'asking__two']);
  } finally {
    for (const stop of stops) stop();
    elsewhere.onApplicationShutdown();
    await plain.stop();
    await asking.stop();
  }
});
