import { Injectable } from '@nestjs/common';
import { type BulkheadPolicy, bulkhead } from 'cockatiel';
import { say } from '@aos/contracts';
import { NoPlace, inTurn } from '../in-turn.js';
import { TooManyCalls } from '../integrations.errors.js';
import { UpstreamFault } from '../upstreams/upstream.js';
import type { CallEnd } from './ledger.js';
import { LimitsInForce } from './limits-in-force.js';
import type { Foresight, Link, Next, Passage } from './link.js';

/** So many may wait for each that is under way; past that a call is told to come back. */
const QUEUE_PER_SLOT = 20;
const COME_BACK_MS = 1000;
/** The line itself has none: who comes back may stand in it, however many do. */
const NO_END = Number.MAX_SAFE_INTEGER;

/**
 * So many calls at once to one server: a slow one holds up its own callers, and not the process. Who waits for a place
 * waits no longer than for an answer, since a call that asks a person something may hold its place for minutes.
 *
 * A call gives its place back while a person is asked and nothing of it is under way at the server, and waits for one
 * like any other before it goes on: so it is with a server of the current revision, which has answered with its
 * question and forgotten the call. One of an older revision asks in the middle of its work: the request is open there
 * all the while, with what it holds of the server (a stream, often a worker), and that is what the limit is to bound.
 * So such a call keeps its place, and how many of them one caller may have is bounded elsewhere (ParkedCalls).
 */
@Injectable()
export class BulkheadLink implements Link {
  readonly name = 'bulkhead';
  private readonly gates = new Map<string, Gate>();

  constructor(private readonly inForce: LimitsInForce) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const place = new PlaceOfCall(passage, await this.gateOf(passage));
    await place.take();
    passage.place = {
      leave: () => place.leave(),
      comeBack: async () => place.comeBack(await this.gateOf(passage)),
    };
    try {
      return await next();
    } finally {
      place.leave();
    }
  }

  async preview(passage: Passage): Promise<Foresight> {
    const { slots, policy } = await this.gateOf(passage);
    const taken = slots - policy.executionSlots;
    return { verdict: 'pass', says: say('link-places', { taken, places: slots }) };
  }

  inFlight(server: string): number {
    const gate = this.gates.get(server);
    return gate ? gate.slots - gate.policy.executionSlots : 0;
  }

  /** With another number of places a new gate is made; calls under way leave through the old one. */
  private async gateOf({ target: { server } }: Passage): Promise<Gate> {
    const { concurrent: slots } = await this.inForce.ofServer(server.limits);
    const known = this.gates.get(server.name);
    if (known?.slots === slots) return known;
    const gate = { slots, policy: bulkhead(slots, NO_END) };
    this.gates.set(server.name, gate);
    return gate;
  }
}

interface Gate {
  slots: number;
  policy: BulkheadPolicy;
}

class PlaceOfCall {
  /** Undefined while it has none. */
  private giveBack: (() => void) | undefined;

  constructor(
    private readonly passage: Passage,
    private gate: Gate,
  ) {}

  /** @throws TooManyCalls when none is free in time; the reason of the caller's signal. */
  async take(): Promise<void> {
    const { slots, policy } = this.gate;
    try {
      if (NO_END - policy.queueSlots >= slots * QUEUE_PER_SLOT) throw new NoPlace();
      await this.enter();
    } catch (error) {
      if (!(error instanceof NoPlace)) throw error;
      const against = { name: 'concurrent', limit: slots } as const;
      const { name } = this.passage.target.server;
      throw new TooManyCalls(name, `${slots} calls at once`, against, COME_BACK_MS);
    }
  }

  leave(): void {
    this.giveBack?.();
    this.giveBack = undefined;
  }

  /**
   * However many wait already: what a person has answered meanwhile is not thrown away for that.
   * @throws UpstreamFault when none is free in time; the reason of the caller's signal.
   */
  async comeBack(gate: Gate): Promise<void> {
    if (this.giveBack) return;
    this.gate = gate;
    try {
      await this.enter();
    } catch (error) {
      if (!(error instanceof NoPlace)) throw error;
      throw new UpstreamFault('unreachable', say('server-full', { places: gate.slots }), false, {
        retryAfterSeconds: COME_BACK_MS / 1000,
      });
    }
  }

  private enter(): Promise<void> {
    const { gate, passage } = this;
    const { timeoutMs, call } = passage;
    return new Promise((entered, refuse) => {
      const held = () =>
        new Promise<void>((left) => {
          this.giveBack = left;
          entered();
        });
      inTurn(gate.policy, { timeoutMs, signal: call.signal }, held).catch(refuse);
    });
  }
}
