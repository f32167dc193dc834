import type { Client, SubscriptionFilter } from '@modelcontextprotocol/client';
import { Subscriptions } from './subscriptions.js';

/** A server as its connection shows it: what it is asked to tell of, and how it answers. */
function serverOfTest(era: 'modern' | 'legacy', tells: (uri: string) => boolean, subscribe = true) {
  const asked: (string | SubscriptionFilter)[] = [];
  const client = {
    getProtocolEra: () => era,
    getServerCapabilities: () => ({ resources: { subscribe } }),
    subscribeResource: ({ uri }: { uri: string }) => {
      asked.push(uri);
      return tells(uri) ? Promise.resolve({}) : Promise.reject(new Error('no such resource'));
    },
    unsubscribeResource: () => Promise.resolve({}),
    listen: ({ resourceSubscriptions = [], ...filter }: SubscriptionFilter) => {
      asked.push({ ...filter, resourceSubscriptions });
      return Promise.resolve({
        honoredFilter: { ...filter, resourceSubscriptions: resourceSubscriptions.filter(tells) },
        close: () => Promise.resolve(),
        closed: new Promise(() => undefined),
      });
    },
  };
  return { client: client as unknown as Client, asked };
}

describe.each(['modern', 'legacy'] as const)('of a server of the %s era', (era) => {
  it('says of each resource whether the server will tell of it, and keeps no other', async () => {
    const subscriptions = new Subscriptions(() => undefined);
    const { client } = serverOfTest(era, (uri) => uri.startsWith('a:'));
    await subscriptions.begin(client);
    const uris = ['a:1', 'b:1', 'a:2', 'a:1', 'b:1'];
    const told = await Promise.all(uris.map((uri) => subscriptions.add(uri)));
    expect(told).toEqual([true, false, true, true, false]);
    expect(subscriptions.uris).toEqual(['a:1', 'a:2']);
    subscriptions.remove('a:1');
    expect(subscriptions.uris).toEqual(['a:1', 'a:2']);
    subscriptions.remove('a:1');
    expect(subscriptions.uris).toEqual(['a:2']);
  });

  it('that tells of no resources, none is asked for', async () => {
    const subscriptions = new Subscriptions(() => undefined);
    const { client, asked } = serverOfTest(era, () => true, false);
    await subscriptions.begin(client);
    expect(await subscriptions.add('a:1')).toBe(false);
    expect([subscriptions.uris, asked]).toEqual([[], []]);
  });
});

it('waits for no server that cannot be listened to at present', async () => {
  const subscriptions = new Subscriptions(() => undefined);
  const { client } = serverOfTest('modern', () => true);
  client.listen = () => Promise.reject(new Error('not now'));
  await subscriptions.begin(client);
  expect(await subscriptions.add('a:1')).toBe(false);
  subscriptions.end(client);
});
