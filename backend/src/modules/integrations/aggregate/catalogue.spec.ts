import { type ToolServerOfTest, startToolServer } from '../chain/testing.js';
import { ChangeMcpServer } from '../commands/change-server.js';
import { type GatewayParts, admin, startGateway } from '../testing.js';
import { Catalogue } from './catalogue.js';
import { KeptLists } from './kept-lists.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let catalogue: Catalogue;
let reads: jest.SpiedFunction<GatewayParts['registry']['offered']>;
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
  now = performance.now();
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const { database, registry, upstreams, vault, wakeups } = parts;
  reads = jest.spyOn(registry, 'offered');
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

  it('is there as soon as its server is registered, and gone as soon as that is switched off', async () => {
    expect(await catalogue.tool('second__one')).toBeUndefined();
    const route = { name: 'second', transport: 'http', url: server.url } as const;
    const { version } = await parts.register(route);
    expect(await catalogue.tool('second__one')).toMatchObject({ server: 'second' });
    await parts.change.execute(new ChangeMcpServer(admin(), 'second', version, { enabled: false }));
    expect(await catalogue.tool('second__one')).toBeUndefined();
  });
});
