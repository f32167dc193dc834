import { createClient } from '@redis/client';
import { type Broker, type BrokerEvents, PING_MS } from './broker-bus.js';

const CONNECT_MS = 5_000;
type Client = ReturnType<typeof createClient>;

/** Pub/sub of Redis: who is subscribed gets it. Takes two connections, one to say and one to hear. */
export class RedisBroker implements Broker {
  readonly kind = 'redis';
  readonly place: string;
  /** More than one event takes, and no more than one reader should be given at once. */
  readonly maxBytes = 1024 * 1024;
  private says: Client | undefined;
  private hears: Client | undefined;
  private isOpen = false;

  constructor(
    private readonly url: URL,
    private readonly subject: string,
    private readonly pingMs = PING_MS,
  ) {
    this.place = `${url.protocol}//${url.host}`;
  }

  async connect(on: BrokerEvents): Promise<void> {
    const tell = () => {
      if (this.says?.isReady && this.hears?.isReady) on.up();
    };
    const open = async () => {
      const client = createClient({
        url: this.url.href,
        name: 'aos',
        pingInterval: this.pingMs,
        disableOfflineQueue: true,
        socket: {
          connectTimeout: CONNECT_MS,
          // One that stands still ends no connection. What only hears writes nothing but pings, each after the last one's answer.
          socketTimeout: 2 * this.pingMs,
          // The first time it is for the start to say that nothing answers.
          reconnectStrategy: (tries, cause) =>
            this.isOpen ? Math.min(5_000, 100 * 2 ** Math.min(tries, 10)) : cause,
        },
      });
      client.on('error', (error: Error) => on.down(error.message || 'the connection ended'));
      client.on('ready', tell);
      await client.connect();
      return client as Client;
    };
    try {
      this.says = await open();
      this.hears = await open();
      await this.hears.subscribe(this.subject, (message) => on.message(message), true);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.isOpen = true;
  }

  async send(message: Buffer): Promise<void> {
    await this.says!.publish(this.subject, message);
  }

  async close(): Promise<void> {
    for (const client of [this.says, this.hears]) if (client?.isOpen) client.destroy();
  }
}
