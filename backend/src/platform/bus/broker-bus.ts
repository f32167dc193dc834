import { Logger } from '@nestjs/common';
import type { EventRow } from '../outbox/event-row.js';
import {
  type Bus,
  type BusState,
  type Channel,
  type Ears,
  type Numbered,
  channels,
} from './bus.js';
import { SealedMessages } from './sealed-messages.js';

/** What a broker has to do: hand each message to all other subscribers that are there, once, or not at all. */
export interface Broker {
  readonly kind: 'nats' | 'redis';
  /** Where, without user and password. */
  readonly place: string;
  /** What one message may hold. */
  readonly maxBytes: number;
  /** @throws when nothing answers, or it refuses; later losses are its own to mend. */
  connect(on: BrokerEvents): Promise<void>;
  /** Resolves when the broker has it. */
  send(message: Buffer): Promise<void>;
  close(): Promise<void>;
}

export interface BrokerEvents {
  message(message: Uint8Array): void;
  up(): void;
  down(why: string): void;
}

/** A broker that has not answered for two or three of these counts as away. */
export const PING_MS = 10_000;

/** What is sent and not taken yet. A broker that stands still must not fill this process. */
const MOST_UNDER_WAY_BYTES = 8 * 1024 * 1024;

type Said = { wake: Channel[] } | { epoch: string; rows: EventRow[] } | { here: true };

/** A bus over a broker: see Bus for what it promises, and SealedMessages for what the broker gets to see. */
export class BrokerBus implements Bus {
  private readonly logger = new Logger('Bus');
  private readonly messages: SealedMessages;
  private ears: Ears | undefined;
  private isUp = false;
  private underWay = 0;
  private refused = 0;
  private isClosed = false;

  /** @param key for this use alone, the same in all processes of the installation */
  constructor(
    private readonly broker: Broker,
    key: Buffer,
  ) {
    this.messages = new SealedMessages(key);
  }

  /** @throws when the broker cannot be had now. */
  async open(): Promise<void> {
    await this.broker.connect({
      message: (message) => this.hear(message),
      up: () => this.setUp(),
      down: (why) => this.setDown(why),
    });
    this.setUp();
  }

  async listen(ears: Ears): Promise<void> {
    this.ears = ears;
    ears.woken(channels);
    this.say({ here: true });
  }

  async wake(pending: readonly Channel[]): Promise<void> {
    this.say({ wake: [...pending] });
  }

  tell({ epoch, rows }: Numbered): boolean {
    const message = this.sealed({ epoch, rows: [...rows] });
    if (message.length <= this.broker.maxBytes) return this.send(message);
    if (rows.length === 1) return false;
    const half = rows.length >> 1;
    return (
      this.tell({ epoch, rows: rows.slice(0, half) }) &&
      this.tell({ epoch, rows: rows.slice(half) })
    );
  }

  state(): BusState {
    return { kind: this.broker.kind, isUp: this.isUp, refused: this.refused };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.isUp = false;
    await this.broker.close();
  }

  private say(what: Said): void {
    this.send(this.sealed(what));
  }

  private sealed(what: Said): Buffer {
    return this.messages.seal(JSON.stringify(what));
  }

  private send(message: Buffer): boolean {
    if (!this.isUp || this.underWay + message.length > MOST_UNDER_WAY_BYTES) return false;
    this.underWay += message.length;
    this.broker
      .send(message)
      .catch((error: Error) => this.logger.debug(`a message was not taken: ${error.message}`))
      .finally(() => (this.underWay -= message.length));
    return true;
  }

  private hear(message: Uint8Array): void {
    const text = this.messages.open(message);
    if (text === 'mine') return;
    if (text === undefined) {
      if (this.refused++ === 0)
        this.logger.warn(
          `a message on ${this.broker.place} was not sealed with the master key of this process, and was not read; there may be more`,
        );
      return;
    }
    const said = JSON.parse(text) as Said;
    if ('wake' in said) this.ears?.woken(said.wake);
    else if ('here' in said) this.ears?.joined();
    else this.ears?.numbered({ epoch: said.epoch, rows: said.rows.map(revived) });
  }

  private setUp(): void {
    if (this.isUp || this.isClosed) return;
    this.isUp = true;
    // Whatever was said meanwhile was not heard here, and what happened here was not heard elsewhere.
    this.ears?.woken(channels);
    this.ears?.joined();
  }

  private setDown(why: string): void {
    if (!this.isUp || this.isClosed) return;
    this.isUp = false;
    this.logger.warn(
      `lost ${this.broker.place}: ${why}. Others are found by polling until it is back.`,
    );
  }
}

/** JSON has no dates. */
const revived = (row: EventRow): EventRow => ({ ...row, created_at: new Date(row.created_at) });
