import { Injectable } from '@nestjs/common';
import { type BulkheadPolicy, bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { say } from '@aos/contracts';
import { NoPlace, inTurn } from '../in-turn.js';
import { TooManyCalls } from '../integrations.errors.js';
import type { CallEnd } from './ledger.js';
import { LimitsInForce } from './limits-in-force.js';
import type { Foresight, Link, Next, Passage } from './link.js';

/** So many may wait for each that is under way; past that a call is told to come back. */
const QUEUE_PER_SLOT = 20;
const COME_BACK_MS = 1000;

/**
 * So many calls at once to one server: a slow one holds up its own callers, and not the process. Who waits for a place
 * waits no longer than for an answer, since a call that asks a person something may hold its place for minutes.
 */
@Injectable()
export class BulkheadLink implements Link {
  readonly name = 'bulkhead';
  private readonly gates = new Map<string, { slots: number; policy: BulkheadPolicy }>();

  constructor(private readonly inForce: LimitsInForce) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const { server } = passage.target;
    const { concurrent } = await this.inForce.ofServer(server.limits);
    try {
      const gate = this.gateOf(server.name, concurrent);
      const { timeoutMs, call } = passage;
      return await inTurn(gate, { timeoutMs, signal: call.signal }, next);
    } catch (error) {
      if (!isBulkheadRejectedError(error) && !(error instanceof NoPlace)) throw error;
      const against = { name: 'concurrent', limit: concurrent } as const;
      throw new TooManyCalls(server.name, `${concurrent} calls at once`, against, COME_BACK_MS);
    }
  }

  async preview({ target: { server } }: Passage): Promise<Foresight> {
    const { concurrent } = await this.inForce.ofServer(server.limits);
    const free = this.gateOf(server.name, concurrent).executionSlots;
    return {
      verdict: 'pass',
      says: say('link-places', { taken: concurrent - free, places: concurrent }),
    };
  }

  inFlight(server: string): number {
    const gate = this.gates.get(server);
    return gate ? gate.slots - gate.policy.executionSlots : 0;
  }

  /** With another number of places a new gate is made; calls under way leave through the old one. */
  private gateOf(server: string, slots: number): BulkheadPolicy {
    const known = this.gates.get(server);
    if (known?.slots === slots) return known.policy;
    const policy = bulkhead(slots, slots * QUEUE_PER_SLOT);
    this.gates.set(server, { slots, policy });
    return policy;
  }
}
