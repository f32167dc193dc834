import pg from 'pg';
import type { Bus, BusState, Channel, Ears } from './bus.js';

/** How long a look at who else is there is good for. */
const KNOWN_MS = 5_000;
/** Shared by everyone who listens, and gone with their connection. */
const HERE = 726306;
const someoneElse = `SELECT count(*) > 1 AS is_there FROM pg_locks
  WHERE locktype = 'advisory' AND classid = 0 AND objid = ${HERE} AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * NOTIFY, on a connection of its own, outside any transaction: in a writing transaction it takes a lock for the whole
 * cluster at commit (measured: a factor of 28 at 32 connections). It carries no data.
 *
 * Nothing is sent while there is nobody to hear it: on a server with one process that is always so. Who listens says so
 * when they begin, upon which everyone tells them of everything once, and holds a lock that others look at now and then.
 * When the connection is cut it comes back with a growing pause, and wakes every channel once, since it cannot know
 * what it missed.
 */
export class PostgresBus implements Bus {
  private ears: Ears | undefined;
  private client: pg.Client | undefined;
  private connecting: Promise<void> | undefined;
  private reconnectTimer: NodeJS.Timeout | undefined;
  private failures = 0;
  private isHeard = true;
  private knownUntil = -Infinity;
  private isClosed = false;

  constructor(private readonly url: string) {}

  async listen(ears: Ears): Promise<void> {
    this.ears ??= ears;
    if (!this.client) await this.connect();
  }

  async wake(pending: readonly Channel[]): Promise<void> {
    try {
      const client = this.client;
      if (!client) return; // cut: other processes find the rows by polling
      if (performance.now() >= this.knownUntil) {
        const { rows } = await client.query<{ is_there: boolean }>(someoneElse);
        this.isHeard = rows[0]!.is_there;
        this.knownUntil = performance.now() + KNOWN_MS;
      }
      if (!this.isHeard) return;
      await client.query(`SELECT pg_notify(c, '') FROM unnest($1::text[]) AS c`, [
        pending.map((channel) => `aos_${channel}`),
      ]);
    } catch (error) {
      this.lost(error as Error);
    }
  }

  tell(): false {
    return false;
  }

  state(): BusState {
    return { kind: 'postgres', isUp: this.client !== undefined, refused: 0 };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.reconnectTimer);
    await this.client?.end().catch(() => undefined); // it may be cut already; it is not needed again
  }

  private async connect(): Promise<void> {
    this.connecting ??= this.open().finally(() => (this.connecting = undefined));
    await this.connecting;
  }

  private async open(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'aos-listener',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      // A wake-up is worth nothing after a crash, so nobody's commit waits at the disk behind it.
      options: '-c synchronous_commit=off',
    });
    client.on('error', (error) => this.lost(error, client));
    client.on('end', () => this.lost(new Error('connection ended'), client));
    client.on('notification', ({ channel, processId }) => {
      // Its own echo: this process was woken when it happened.
      if (processId === (client as pg.Client & { processID: number }).processID) return;
      if (channel === 'aos_here') this.welcome();
      else this.ears?.woken([channel.slice('aos_'.length) as Channel]);
    });
    try {
      await client.connect();
      await client.query(
        `SELECT pg_advisory_lock_shared(${HERE});
         LISTEN aos_outbox; LISTEN aos_seq; LISTEN aos_jobs; LISTEN aos_control; LISTEN aos_here; NOTIFY aos_here`,
      );
    } catch (error) {
      this.lost(error as Error, client);
      return;
    }
    if (this.isClosed) return client.end().catch(() => undefined); // nobody needs it any more
    this.client = client;
    this.failures = 0;
    this.knownUntil = -Infinity;
    this.ears?.woken(['outbox', 'seq', 'jobs', 'control']);
  }

  /** Somebody listens from now on, who may have missed what was not sent. */
  private welcome(): void {
    this.isHeard = true;
    this.knownUntil = performance.now() + KNOWN_MS;
    this.ears?.joined();
  }

  private lost(_error: Error, client = this.client): void {
    if (this.client && client !== this.client) return;
    this.client = undefined;
    void client?.end().catch(() => undefined); // already gone
    if (this.isClosed || this.reconnectTimer) return;
    const pause = Math.min(5_000, 100 * 2 ** this.failures++) * (0.5 + Math.random() / 2);
    this.reconnectTimer = setTimeout(() => {
      this.reconnectTimer = undefined;
      void this.connect();
    }, pause);
  }
}
