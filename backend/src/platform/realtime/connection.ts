import type { IncomingMessage } from 'node:http';
import type { Principal } from '../http/context.js';
import type { Filter } from './filter.js';
import type { FramedEvent } from './framed-event.js';

/** Why the server ends a stream; over WebSocket, with these close codes. */
export const endings = {
  /** It stopped reading, or reads slower than events come. */
  slow: 4008,
  'going away': 1001,
  'session ended': 4401,
  'address not allowed': 4403,
  'try again later': 1013,
} as const;
export type Ending = keyof typeof endings;

/**
 * One open stream, as the hub sees it; WebSocket and SSE each have their own. Bytes written are shared by
 * many connections and are never changed.
 */
export interface Wire {
  readonly kind: 'ws' | 'sse';
  frameOf(event: FramedEvent): Buffer;
  write(bytes: Buffer): void;
  /** Bytes that the client has not taken yet, on our side. */
  readonly pendingBytes: number;
  onceDrained(listener: () => void): void;
  ready(seq: number): void;
  resync(reason: string): void;
  heartbeat(): void;
  /** Says why, after all that was written before, and closes. Harmless when it is closed already. */
  end(ending: Ending): void;
  readonly closed: Promise<void>;
}

/**
 *     idle ──subscribe──> behind ──caught up──> live
 *                            ^                    │
 *                            └──── not drained ───┘
 *
 * `live`: gets each batch as it comes, from the chunk that its group shares. `behind`: has a cursor of its
 * own and is served page by page as fast as it takes them, from the recent events or the database. All that
 * ever waits in memory for one connection is a page; how far behind it is costs nothing.
 */
export class Connection {
  state: 'idle' | 'behind' | 'live' | 'closed' = 'idle';
  filter: Filter | undefined;
  /** Of `behind`: everything up to here was written. */
  cursor = 0;
  /** Grows with each subscribe, so that a page read for an earlier one is dropped. */
  generation = 0;
  /** `ready` is said once per subscribe. */
  isReadySaid = false;
  isPumping = false;
  /** Has been live since it subscribed: falling out of the recent events then means that it is slow. */
  wasLive = false;
  confirmedAt = Date.now();

  constructor(
    readonly wire: Wire,
    readonly request: IncomingMessage,
    public principal: Principal,
  ) {}

  /** Connections with the same credentials are checked together. */
  get credentials(): string {
    const { authorization, cookie } = this.request.headers;
    return `${authorization ?? ''}\n${cookie ?? ''}`;
  }
}
