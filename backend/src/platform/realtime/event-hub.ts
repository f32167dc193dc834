import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  Optional,
} from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Database } from '../database/database.js';
import { ADDRESS_REFUSED, AddressGate } from '../http/address-gate.js';
import { Authenticator } from '../http/authenticator.js';
import type { Principal } from '../http/context.js';
import { type EventRow, eventColumns, toAosEvent } from '../outbox/event-row.js';
import { Wakeups } from '../outbox/wakeups.js';
import { Connection, type Ending, type Wire } from './connection.js';
import { EventTail, type TailBatch } from './event-tail.js';
import { Filter, type Wish, mayStream } from './filter.js';
import { FramedEvent } from './framed-event.js';

/**
 * All open streams of the process, WebSocket and SSE alike.
 *
 * Fan-out: connections that get the same bytes (same kind, wish and projects) form a group. A batch is
 * filtered and joined to one buffer per group, and that buffer is written once per connection. Batches are
 * gathered by the relay and by the time that writing the last one took; nothing waits here.
 *
 * No gap, no repeat: a connection becomes live in the same turn of the event loop in which its cursor is
 * found to equal the tail's, and a batch is handed out within one turn as well.
 *
 * Slow consumers: a live connection with more than `mostPendingBytes` waiting is taken out of its group and
 * served from its cursor once it has drained. If it takes nothing for `stallMs`, or falls behind further
 * than the recent events reach, it is closed as "slow". The memory it costs is bounded all the time.
 *
 * Authorisation: every connection is asked for again, with the request that opened it, each `recheckMs` and
 * when a wake-up on `control` says that sessions, tokens or roles changed. While nobody can be asked (the
 * database is away) streams stay, for at most `unconfirmedMs`.
 */
export interface HubOptions {
  mostPendingBytes: number;
  stallMs: number;
  pageSize: number;
  heartbeatMs: number;
  recheckMs: number;
  unconfirmedMs: number;
  /** After a wake-up on `control`: many come at once. */
  recheckDelayMs: number;
  mostPerPrincipal: number;
  mostConnections: number;
  /** Clients that read history from the database at the same time. */
  mostReaders: number;
}
export const HUB_OPTIONS = Symbol('HUB_OPTIONS');
const defaults: HubOptions = {
  mostPendingBytes: 256 * 1024,
  stallMs: 5_000,
  pageSize: 200,
  heartbeatMs: 15_000,
  recheckMs: 30_000,
  unconfirmedMs: 120_000,
  recheckDelayMs: 50,
  mostPerPrincipal: 2_000,
  mostConnections: 10_000,
  mostReaders: 4,
};

interface Group {
  kind: Wire['kind'];
  filter: Filter;
  members: Set<Connection>;
}

@Injectable()
export class EventHub implements BeforeApplicationShutdown {
  private readonly logger = new Logger(EventHub.name);
  readonly options: HubOptions;
  private readonly connections = new Set<Connection>();
  private readonly perPrincipal = new Map<string, number>();
  private readonly groups = new Map<string, Group>();
  private readonly stops: (() => void)[] = [];
  private readonly readers: (() => void)[] = [];
  private activeReaders = 0;
  private recheckTimer: NodeJS.Timeout | undefined;
  private rechecking: Promise<void> | undefined;
  private isClosing = false;

  constructor(
    private readonly tail: EventTail,
    private readonly database: Database,
    private readonly authenticator: Authenticator,
    private readonly wakeups: Wakeups,
    private readonly gate: AddressGate,
    @Optional() @Inject(HUB_OPTIONS) options?: Partial<HubOptions>,
  ) {
    this.options = { ...defaults, ...options };
  }

  start(): void {
    if (this.stops.length > 0) return;
    const heartbeat = setInterval(() => this.beat(), this.options.heartbeatMs);
    const recheck = setInterval(() => this.recheckSoon(), this.options.recheckMs);
    this.stops.push(
      this.tail.onBatch((batch, previousSeq) => this.fanOut(batch, previousSeq)),
      this.tail.onRestart(() => this.restart()),
      this.wakeups.on('control', () => this.recheckSoon()),
      () => clearInterval(heartbeat),
      () => clearInterval(recheck),
      () => clearTimeout(this.recheckTimer),
    );
  }

  /** Streams end before the HTTP server closes: it would wait for them. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    for (const stop of this.stops.splice(0)) stop();
    const wires = [...this.connections].map((connection) => connection.wire);
    for (const connection of [...this.connections]) this.end(connection, 'going away');
    const patience = new AbortController();
    await Promise.race([
      Promise.all(wires.map((wire) => wire.closed)),
      pause(1_000, undefined, { signal: patience.signal }).catch(() => undefined), // cancelled below
    ]);
    patience.abort();
    await this.rechecking;
  }

  metrics(): { connections: number; live: number; groups: number; behind: number } {
    const states = [...this.connections].map((connection) => connection.state);
    return {
      connections: states.length,
      live: states.filter((state) => state === 'live').length,
      behind: states.filter((state) => state === 'behind').length,
      groups: this.groups.size,
    };
  }

  /** Whether one more stream is allowed; undefined when it is. */
  refusal(principal: Principal): 'forbidden' | 'too many' | 'closing' | undefined {
    if (this.isClosing) return 'closing';
    if (!mayStream(principal)) return 'forbidden';
    const own = this.perPrincipal.get(principal.id) ?? 0;
    const isFull = this.connections.size >= this.options.mostConnections;
    return isFull || own >= this.options.mostPerPrincipal ? 'too many' : undefined;
  }

  open(wire: Wire, request: IncomingMessage, principal: Principal): Connection {
    const connection = new Connection(wire, request, principal);
    this.connections.add(connection);
    this.perPrincipal.set(principal.id, (this.perPrincipal.get(principal.id) ?? 0) + 1);
    return connection;
  }

  /** The wire has closed, from whichever side. */
  closed(connection: Connection): void {
    if (!this.connections.delete(connection)) return;
    this.leaveGroup(connection);
    connection.state = 'closed';
    const left = (this.perPrincipal.get(connection.principal.id) ?? 1) - 1;
    if (left > 0) this.perPrincipal.set(connection.principal.id, left);
    else this.perPrincipal.delete(connection.principal.id);
  }

  /**
   * Replaces what the connection had subscribed to. With `since`, everything after it comes first; without,
   * events from now on, except that a single trace is told from its beginning: who asks for a trace that it
   * has just begun would otherwise miss the first event or not, as it happens.
   */
  async subscribe(connection: Connection, wish: Wish, since: number | undefined): Promise<void> {
    if (connection.state === 'closed') return;
    this.leaveGroup(connection);
    const generation = ++connection.generation;
    connection.state = 'idle';
    connection.filter = new Filter(wish, connection.principal);
    connection.isReadySaid = false;
    connection.wasLive = false;
    connection.cursor = since ?? (wish.traceId === undefined ? this.tail.lastSeq : 0);
    try {
      const reason = since === undefined ? undefined : await this.whyNotResumable(since);
      if (connection.generation !== generation || this.isEnded(connection)) return;
      if (reason) {
        connection.wire.resync(reason);
        connection.cursor = this.tail.lastSeq;
      }
    } catch (error) {
      this.giveUp(connection, error);
      return;
    }
    connection.state = 'behind';
    this.pump(connection);
  }

  end(connection: Connection, ending: Ending): void {
    this.closed(connection);
    connection.wire.end(ending);
  }

  private async whyNotResumable(since: number): Promise<string | undefined> {
    if (!(await this.tail.wasGivenOut(since))) return 'unknown-position';
    if (since >= this.tail.lastSeq || this.tail.recent.covers(since)) return undefined;
    const [row] = await this.database.query<{ oldest: string | null }>(
      'SELECT min(seq) AS oldest FROM events WHERE seq IS NOT NULL',
    );
    return row?.oldest && since + 1 >= Number(row.oldest) ? undefined : 'window-passed';
  }

  private fanOut(batch: TailBatch, previousSeq: number): void {
    for (const group of this.groups.values()) {
      const frames: Buffer[] = [];
      for (const each of batch)
        if (group.filter.matches(each.event))
          frames.push(group.kind === 'ws' ? each.webSocketFrame : each.sseFrame);
      if (frames.length === 0) continue;
      const chunk = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
      for (const connection of group.members) {
        if (connection.wire.pendingBytes > this.options.mostPendingBytes)
          this.fallBehind(connection, previousSeq);
        else connection.wire.write(chunk);
      }
    }
  }

  private fallBehind(connection: Connection, seq: number): void {
    this.leaveGroup(connection);
    connection.state = 'behind';
    connection.cursor = seq;
    this.pump(connection);
  }

  /** Serves a connection that is behind until it is live, at the pace at which it takes. */
  private pump(connection: Connection): void {
    if (connection.isPumping) return;
    connection.isPumping = true;
    void this.servePages(connection)
      .catch((error: unknown) => this.giveUp(connection, error))
      .finally(() => {
        connection.isPumping = false;
        if (connection.state === 'behind') this.pump(connection);
      });
  }

  private async servePages(connection: Connection): Promise<void> {
    while (connection.state === 'behind') {
      if (connection.wire.pendingBytes > 0 && !(await this.drained(connection))) {
        if (!this.isEnded(connection)) this.end(connection, 'slow');
        return;
      }
      if (!this.isBehind(connection)) return; // subscribed anew, or closed, meanwhile
      if (this.tail.recent.covers(connection.cursor)) this.serveRecent(connection);
      else if (connection.wasLive) {
        this.end(connection, 'slow');
        return;
      } else await this.serveHistory(connection);
      if (this.isBehind(connection) && connection.cursor >= this.tail.lastSeq)
        this.goLive(connection);
    }
  }

  private serveRecent(connection: Connection): void {
    const upTo = this.tail.lastSeq;
    const frames: Buffer[] = [];
    let bytes = 0;
    for (const each of this.tail.recent.after(connection.cursor)) {
      if (bytes > this.options.mostPendingBytes / 2) {
        this.writePage(connection, frames, connection.cursor);
        return;
      }
      connection.cursor = each.event.seq;
      if (!connection.filter!.matches(each.event)) continue;
      const frame = connection.wire.frameOf(each);
      frames.push(frame);
      bytes += frame.length;
    }
    this.writePage(connection, frames, Math.max(connection.cursor, upTo));
  }

  private async serveHistory(connection: Connection): Promise<void> {
    const { generation, cursor } = connection;
    const upTo = this.tail.lastSeq;
    const { condition, values } = connection.filter!.toSql(4);
    const rows = await this.withReader(() =>
      this.database.query<EventRow>(
        `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
          WHERE e.seq > $1 AND e.seq <= $2 AND ${condition} ORDER BY e.seq LIMIT $3`,
        [cursor, upTo, this.options.pageSize, ...values],
      ),
    );
    if (connection.generation !== generation || this.isEnded(connection)) return;
    const frames = rows.map((row) => connection.wire.frameOf(new FramedEvent(toAosEvent(row))));
    const isWhole = rows.length < this.options.pageSize;
    this.writePage(connection, frames, isWhole ? Math.max(cursor, upTo) : Number(rows.at(-1)!.seq));
  }

  private writePage(connection: Connection, frames: Buffer[], cursor: number): void {
    connection.cursor = cursor;
    if (frames.length > 0) connection.wire.write(Buffer.concat(frames));
  }

  private goLive(connection: Connection): void {
    const { wire } = connection;
    const filter = connection.filter!;
    const key = `${wire.kind} ${filter.key}`;
    const group = this.groups.get(key) ?? { kind: wire.kind, filter, members: new Set() };
    this.groups.set(key, group);
    group.members.add(connection);
    connection.state = 'live';
    connection.wasLive = true;
    if (connection.isReadySaid) return;
    connection.isReadySaid = true;
    wire.ready(connection.cursor);
  }

  private leaveGroup(connection: Connection): void {
    if (connection.state !== 'live') return;
    const key = `${connection.wire.kind} ${connection.filter!.key}`;
    const group = this.groups.get(key);
    group?.members.delete(connection);
    if (group?.members.size === 0) this.groups.delete(key);
  }

  /** Resolves with false when nothing was taken for too long, or the connection was closed. */
  private drained(connection: Connection): Promise<boolean> {
    const { wire } = connection;
    return new Promise((resolve) => {
      let pending = wire.pendingBytes;
      const look = setInterval(() => {
        if (!this.isEnded(connection) && wire.pendingBytes < pending) pending = wire.pendingBytes;
        else answer(false);
      }, this.options.stallMs);
      const answer = (isDrained: boolean) => {
        clearInterval(look);
        resolve(isDrained);
      };
      wire.onceDrained(() => answer(true));
    });
  }

  /** The database could not be read for it: better to say so than to leave it without events. */
  private giveUp(connection: Connection, error: unknown): void {
    this.logger.warn(`a stream could not be served: ${(error as Error).message}`);
    this.end(connection, 'try again later');
  }

  private isBehind(connection: Connection): boolean {
    return connection.state === 'behind';
  }

  private isEnded(connection: Connection): boolean {
    return connection.state === 'closed';
  }

  private async withReader<T>(work: () => Promise<T>): Promise<T> {
    if (this.activeReaders >= this.options.mostReaders)
      await new Promise<void>((resolve) => this.readers.push(resolve));
    else this.activeReaders++;
    try {
      return await work();
    } finally {
      const next = this.readers.shift();
      if (next) next();
      else this.activeReaders--;
    }
  }

  private restart(): void {
    for (const connection of [...this.connections]) {
      if (connection.state !== 'live' && connection.state !== 'behind') continue;
      connection.wire.resync('stream-restarted');
      void this.subscribe(connection, connection.filter!.wish, this.tail.lastSeq);
    }
  }

  private beat(): void {
    for (const connection of this.connections) {
      // Who does not take what it has been sent needs no sign of life; but is it still there?
      if (connection.wire.pendingBytes > 0) this.watch(connection);
      else connection.wire.heartbeat();
    }
  }

  private watch(connection: Connection): void {
    if (connection.state !== 'live' && connection.state !== 'idle') return; // the pump watches the others
    void this.drained(connection).then((isDrained) => {
      if (!isDrained && !this.isEnded(connection) && connection.wire.pendingBytes > 0)
        this.end(connection, 'slow');
    });
  }

  private recheckSoon(): void {
    this.recheckTimer ??= setTimeout(() => {
      this.recheckTimer = undefined;
      this.rechecking = (this.rechecking ?? Promise.resolve()).then(() => this.recheck());
    }, this.options.recheckDelayMs);
  }

  private async recheck(): Promise<void> {
    for (const connection of this.connections)
      if (!(await this.admits(connection))) this.end(connection, ADDRESS_REFUSED);
    const byCredentials = new Map<string, Connection[]>();
    for (const connection of this.connections) {
      const same = byCredentials.get(connection.credentials);
      if (same) same.push(connection);
      else byCredentials.set(connection.credentials, [connection]);
    }
    for (const connections of byCredentials.values()) {
      if (this.isClosing) return;
      try {
        const principal = await this.authenticator.authenticate(connections[0]!.request);
        for (const connection of connections) this.confirm(connection, principal);
      } catch (error) {
        this.logger.warn(`could not check who is streaming: ${(error as Error).message}`);
        for (const connection of connections)
          if (Date.now() - connection.confirmedAt > this.options.unconfirmedMs)
            this.end(connection, 'try again later');
      }
    }
  }

  private async admits({ request }: Connection): Promise<boolean> {
    try {
      return await this.gate.admits(request);
    } catch (error) {
      this.logger.warn(`could not check from where is streamed: ${(error as Error).message}`);
      return true; // as for who streams: while nobody can be asked, streams stay
    }
  }

  private confirm(connection: Connection, principal: Principal | undefined): void {
    if (this.isEnded(connection)) return;
    if (!principal || principal.id !== connection.principal.id || !mayStream(principal)) {
      this.end(connection, 'session ended');
      return;
    }
    connection.confirmedAt = Date.now();
    connection.principal = principal;
    const before = connection.filter;
    if (!before) return;
    const filter = new Filter(before.wish, principal);
    if (filter.key === before.key) return;
    // Its projects changed: what it gets from here on follows them, at the place where it was.
    if (connection.state === 'live') {
      this.leaveGroup(connection);
      connection.filter = filter;
      connection.cursor = this.tail.lastSeq;
      this.goLive(connection);
    } else connection.filter = filter;
  }
}
