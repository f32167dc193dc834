import type { Client, McpSubscription, SubscriptionFilter } from '@modelcontextprotocol/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { UpstreamChange } from './upstream.js';

const LISTEN_LIMIT_MS = 10_000;
const RETRY_MS = 1000;

/**
 * Word of changes from one server, over whatever connection there is. To a server of the current revision
 * one stream (`subscriptions/listen`) is held open, and opened anew with other resources when those change;
 * an older one tells of lists unasked, and of a resource after `resources/subscribe`. What was asked for
 * outlives the connection: the next one is told of it again.
 */
export class Subscriptions {
  private readonly wanted = new Map<string, number>();
  private client: Client | undefined;
  private stream: McpSubscription | undefined;
  private generation = 0;

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

  async add(uri: string): Promise<void> {
    const count = this.wanted.get(uri) ?? 0;
    this.wanted.set(uri, count + 1);
    const { client } = this;
    if (count > 0 || !client) return;
    if (client.getProtocolEra() === 'modern') await this.listen(client);
    else if (client.getServerCapabilities()?.resources?.subscribe)
      await client.subscribeResource({ uri });
  }

  remove(uri: string): void {
    const count = this.wanted.get(uri);
    if (count === undefined) return;
    if (count > 1) return void this.wanted.set(uri, count - 1);
    this.wanted.delete(uri);
    const { client } = this;
    if (!client) return;
    const told =
      client.getProtocolEra() === 'modern'
        ? this.listen(client)
        : client.unsubscribeResource({ uri });
    told.catch(() => undefined); // it is forgotten here whatever the server says
  }

  private async listen(client: Client): Promise<void> {
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
      await this.again(client, generation, 'remote');
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
