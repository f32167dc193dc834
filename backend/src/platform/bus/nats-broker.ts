import { type NatsConnection, connect } from '@nats-io/transport-node';
import { type Broker, type BrokerEvents, PING_MS } from './broker-bus.js';

const CONNECT_MS = 5_000;

/** Core NATS: at most once, in order from one sender. */
export class NatsBroker implements Broker {
  readonly kind = 'nats';
  readonly place: string;
  maxBytes = 1024 * 1024;
  private connection: NatsConnection | undefined;
  private taking: Promise<void> | undefined;

  constructor(
    private readonly url: URL,
    private readonly subject: string,
    private readonly pingMs = PING_MS,
  ) {
    this.place = `${url.protocol}//${url.host}`;
  }

  async connect(on: BrokerEvents): Promise<void> {
    const [user, pass] = [this.url.username, this.url.password].map(decodeURIComponent);
    const connection = await connect({
      servers: this.url.host,
      name: 'aos',
      timeout: CONNECT_MS,
      noEcho: true,
      maxReconnectAttempts: -1,
      // Else one that refuses twice while its users are set up anew would never be dialled again.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 500,
      pingInterval: this.pingMs,
      maxPingOut: 2,
      ...(user && pass ? { user, pass } : user ? { token: user } : {}),
      ...(this.url.protocol === 'tls:' ? { tls: {} } : {}),
    });
    this.connection = connection;
    this.maxBytes = connection.info?.max_payload ?? this.maxBytes;
    connection.subscribe(this.subject, {
      callback: (error, message) => {
        if (!error) on.message(message.data);
      },
    });
    void this.follow(connection, on);
    await connection.flush(); // it is subscribed
  }

  /** As many as are sent while the broker takes one share its answer. */
  async send(message: Buffer): Promise<void> {
    this.connection!.publish(this.subject, message);
    this.taking ??= this.connection!.flush().finally(() => (this.taking = undefined));
    await this.taking;
  }

  async close(): Promise<void> {
    await this.connection?.close();
  }

  private async follow(connection: NatsConnection, on: BrokerEvents): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') on.down('the connection ended');
      if (status.type === 'reconnect') on.up();
    }
  }
}
