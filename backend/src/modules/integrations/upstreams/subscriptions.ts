import type { Client, McpSubscription, SubscriptionFilter } from '@modelcontextprotocol/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { UpstreamChange } from './upstream.js';

const LISTEN_LIMIT_MS = 10_000;
const RETRY_MS = 1000;

/**
 * Word of changes from one server, over whatever connection there is. To a server of the current revision
 * one stream (`subscriptions/listen`) is held open, and opened anew with other resources when those change;
 * an older one tells of lists unasked, and of a resource after `resources/subscribe`. What was asked for
 * outlives the connection: the next one is told of it again. A resource of which the server says that it will tell
 * nothing is not wanted any more, and whoever asked is told so.
 */
export class Subscriptions {
  /** `isTold`: whether the server will tell of it, as it said when it was first asked. */
  private readonly wanted = new Map<string, { count: number; isTold: Promise<boolean> }>();
  private client: Client | undefined;
  private stream: McpSubscription | undefined;
  private generation = 0;
  /** The last that was begun: it is for all that was wanted then. */
  private listening = Promise.resolve();

  constructor(private readonly onChange: (change: UpstreamChange) => void) {}

  get uris(): string[] {
    return [...this.wanted.keys()];
  }

  /** Before the connection is made: what it brings belongs to no call. */
  hear(client: Client): void {
    client.setNotificationHandler('notifications/tools/list_changed', () =>
      this.onChange({ kind: 'tools' }),
    );
    client.setNotificationHandler('notifications/prompts/list_changed', () =>
      this.onChange({ kind: 'prompts' }),
    );
    client.setNotificationHandler('notifications/resources/list_changed', () =>
      this.onChange({ kind: 'resources' }),
    );
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      if (this.wanted.has(params.uri)) this.onChange({ kind: 'resource', uri: params.uri });
    });
  }

  /** The connection is there: asks for what is wanted. Never throws; a server that balks tells of nothing. */
  async begin(client: Client): Promise<void> {
    this.client = client;
    this.stream = undefined;
    if (client.getProtocolEra() === 'modern') return this.listen(client);
    if (!client.getServerCapabilities()?.resources?.subscribe) return;
    for (const uri of this.uris) await client.subscribeResource({ uri }).catch(() => undefined); // it may have gone meanwhile
  }

  end(client: Client): void {
    if (this.client !== client) return;
    this.client = undefined;
    this.stream = undefined;
    this.generation++;
  }

  /** False where the server does not tell of this resource; then it need not be removed. */
  async add(uri: string): Promise<boolean> {
    const known = this.wanted.get(uri);
    const wish = known ?? { count: 0, isTold: Promise.resolve(true) };
    wish.count++;
    this.wanted.set(uri, wish);
    if (!known && this.client) wish.isTold = this.ask(this.client, uri);
    const isTold = await wish.isTold;
    if (!isTold && this.wanted.get(uri) === wish) this.wanted.delete(uri);
    return isTold;
  }

  remove(uri: string): void {
    const wish = this.wanted.get(uri);
    if (wish === undefined) return;
    if (--wish.count > 0) return;
    this.wanted.delete(uri);
    const { client } = this;
    if (!client) return;
    const told =
      client.getProtocolEra() === 'modern'
        ? this.listen(client)
        : client.unsubscribeResource({ uri });
    told.catch(() => undefined); // it is forgotten here whatever the server says
  }

  private async ask(client: Client, uri: string): Promise<boolean> {
    if (!client.getServerCapabilities()?.resources?.subscribe) return false;
    if (client.getProtocolEra() !== 'modern')
      return client.subscribeResource({ uri }).then(
        () => true,
        () => false,
      );
    void this.listen(client);
    for (let last; last !== this.listening;) await (last = this.listening);
    return this.stream?.honoredFilter.resourceSubscriptions?.includes(uri) ?? false;
  }

  private listen(client: Client): Promise<void> {
    this.listening = this.open(client);
    return this.listening;
  }

  private async open(client: Client): Promise<void> {
    const generation = ++this.generation;
    const filter = this.filter(client);
    const before = this.stream;
    if (Object.keys(filter).length === 0) return before?.close();
    try {
      const stream = await client.listen(filter, { timeout: LISTEN_LIMIT_MS });
      if (generation !== this.generation) return await stream.close();
      this.stream = stream;
      // The new one is open before the old one is closed: nothing is missed in between.
      await before?.close();
      void stream.closed.then((how) => this.again(client, generation, how));
    } catch {
      void this.again(client, generation, 'remote');
    }
  }

  private async again(client: Client, generation: number, how: string): Promise<void> {
    if (how === 'local' || generation !== this.generation || this.client !== client) return;
    await pause(RETRY_MS, undefined, { ref: false });
    if (generation === this.generation && this.client === client) await this.listen(client);
  }

  private filter(client: Client): SubscriptionFilter {
    const capabilities = client.getServerCapabilities();
    return {
      ...(capabilities?.tools?.listChanged ? { toolsListChanged: true } : {}),
      ...(capabilities?.prompts?.listChanged ? { promptsListChanged: true } : {}),
      ...(capabilities?.resources?.listChanged ? { resourcesListChanged: true } : {}),
      ...(capabilities?.resources?.subscribe && this.wanted.size > 0
        ? { resourceSubscriptions: this.uris }
        : {}),
    };
  }
}
