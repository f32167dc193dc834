import type { EventRow } from '../outbox/event-row.js';

export const channels = ['outbox', 'seq', 'jobs', 'control'] as const;
/** What can have happened; who hears of it looks. */
export type Channel = (typeof channels)[number];

/** Numbered events, and of which numbering: `relay_state.epoch`. */
export interface Numbered {
  epoch: string;
  rows: readonly EventRow[];
}

/** What this process does with what it hears. */
export interface Ears {
  woken(channels: readonly Channel[]): void;
  /** In order of `seq`; perhaps known already, perhaps not the next ones. */
  numbered(events: Numbered): void;
  /** Somebody has begun to listen, who cannot know what was said before. */
  joined(): void;
}

export interface BusState {
  kind: 'postgres' | 'nats' | 'redis';
  /** Whether others hear what is said here. */
  isUp: boolean;
  /** Messages that were thrown away: no process of this installation has sealed them. */
  refused: number;
}

/**
 * The way between the processes of one installation (`AOS_BUS`).
 *
 *     Wakeups ── wake(channels) ──┐                          ┌── woken(channels) ──> relays, tails, workers look
 *     Relay ──── tell(events) ────┴──> bus of the others ────┴── numbered(events) ─> EventTail, without a read
 *
 * It makes things sooner, never correct. What it carries is in the database already, and everyone who listens
 * polls as well: a message that is lost, doubled, late or out of order costs one poll and no data. So nothing is
 * stored on the way, nobody waits for an answer, and no transaction is open while something is said.
 *
 *   postgres   NOTIFY, which carries no data (PostgresBus); the default
 *   nats       core NATS, one subject for the installation (BrokerBus)
 *   redis      pub/sub of Redis or Valkey, likewise
 *
 * A broker is one more door. What passes through it is sealed with a key that comes from the master key
 * (SealedMessages): who reads the broker sees nothing of it, who writes to it is not believed.
 *
 * Failure. A broker that is not there when the process starts stops the start, as a database does. One that goes
 * away later is dialled again for ever; until it is back, `isUp` is false, health says so, and the processes find
 * each other's work by polling. After every new connection all is looked for once.
 */
export interface Bus {
  /** Says nothing before, and hears nothing. */
  listen(ears: Ears): Promise<void>;
  wake(channels: readonly Channel[]): Promise<void>;
  /** @returns false when it was not sent, or this bus carries no data: then wake 'seq'. */
  tell(events: Numbered): boolean;
  state(): BusState;
  close(): Promise<void>;
}

/** Injection token; absent where a process is alone on its database. */
export const BUS = Symbol('BUS');
