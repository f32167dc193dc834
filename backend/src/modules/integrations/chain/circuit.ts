import { Injectable, Logger } from '@nestjs/common';
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
  isBrokenCircuitError,
} from 'cockatiel';
import { say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { systemPrincipal } from '../../../platform/http/context.js';
import { type NewEvent, Outbox } from '../../../platform/outbox/outbox.js';
import { Settings } from '../../config/index.js';
import { CircuitOpen } from '../integrations.errors.js';
import { errorFingerprint } from './error-fingerprint.js';
import type { CallEnd, CallFailure } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';

interface Circuit {
  settings: string;
  policy: CircuitBreakerPolicy;
  openForMs: number;
  openedAt: number;
  lastFailure: CallFailure | undefined;
  /** Of the call that failed last, for whoever is told. */
  traceId: string;
}

export interface CircuitReport {
  state: 'closed' | 'open' | 'half-open';
  /** When the next call is let through to try. */
  retryAt: string | null;
}

/**
 * A server that fails several times in a row is left alone for a while; then one call is let through to try,
 * and what comes of it decides. While that one is under way all others are still refused.
 * What counts is a call that went out and came to nothing: the server failed, broke off, or said nothing in time. One
 * that cannot even be connected is left alone by its connection already, which finds it again sooner (see
 * WarmClient); only the one call that tries an open circuit has to get through. A tool that answers with an error
 * works. What says nothing of the server (a call that its caller gave up, one that is in the ledger already, one that
 * could not be recorded) neither counts nor takes back what has counted; if it was the try, the circuit stays open until
 * the next one. Servers in this process have no circuit: there is nothing to be left alone.
 */
@Injectable()
export class CircuitLink implements Link {
  readonly name = 'circuit';
  private readonly logger = new Logger(CircuitLink.name);
  private readonly circuits = new Map<string, Circuit>();

  constructor(
    private readonly settings: Settings,
    private readonly database: Database,
    private readonly outbox: Outbox,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const { server } = passage.target;
    if (server.transport === 'builtin' || server.transport === 'agent') return next();
    const circuit = await this.circuitOf(server.name);
    requireNoProbe(server.name, circuit);
    try {
      return await circuit.policy.execute(async () => {
        const isTry = circuit.policy.state === CircuitState.HalfOpen;
        passage.isTry = isTry;
        const end = await next().catch((error: unknown) => {
          throw new SaysNothing(isTry, () => Promise.reject(error as Error));
        });
        if (isOutage(end, circuit.policy)) {
          circuit.lastFailure = end;
          circuit.traceId = passage.call.run?.traceId ?? passage.ctx.traceId;
        }
        if (passage.isRecorded || isUntried(end, circuit.policy))
          throw new SaysNothing(isTry, () => Promise.resolve(end));
        return end;
      });
    } catch (error) {
      if (error instanceof SaysNothing) return await error.outcome();
      if (isBrokenCircuitError(error)) throw openError(server.name, circuit);
      throw error;
    }
  }

  preview({ target: { server } }: Passage): Foresight {
    const circuit = this.circuits.get(server.name);
    if (!circuit) return { verdict: 'pass', says: say('link-circuit-closed') };
    requireNoProbe(server.name, circuit);
    if (circuit.policy.state === CircuitState.Open && waitMs(circuit) > 0)
      throw openError(server.name, circuit);
    return { verdict: 'pass', says: say(`link-circuit-${this.report(server.name).state}`) };
  }

  report(server: string): CircuitReport {
    const circuit = this.circuits.get(server);
    const state = circuit?.policy.state ?? CircuitState.Closed;
    if (!circuit || state === CircuitState.Closed) return { state: 'closed', retryAt: null };
    if (state === CircuitState.HalfOpen) return { state: 'half-open', retryAt: null };
    return {
      state: 'open',
      retryAt: new Date(circuit.openedAt + circuit.openForMs).toISOString(),
    };
  }

  /** For a server that was removed, or registered anew. */
  forget(server: string): void {
    this.circuits.delete(server);
  }

  private async circuitOf(server: string): Promise<Circuit> {
    const { failures, openForMs } = (await this.settings.system()).gateway.circuit;
    const settings = `${failures}/${openForMs}`;
    const known = this.circuits.get(server);
    if (known?.settings === settings && !isOpenedLater(known)) return known;
    const policy = circuitBreaker(
      handleWhenResult((end) => isOutage(end as CallEnd, circuit.policy)).orWhen(
        (error) => error instanceof SaysNothing && error.isTry,
      ),
      { halfOpenAfter: openForMs, breaker: new ConsecutiveBreaker(failures) },
    );
    const circuit: Circuit = {
      ...{ settings, policy, openForMs, openedAt: 0, lastFailure: undefined, traceId: '' },
    };
    policy.onBreak(() => {
      circuit.openedAt = Date.now();
      this.tell(opened(server, circuit));
    });
    policy.onReset(() => this.tell(closed(server, circuit)));
    this.circuits.set(server, circuit);
    return circuit;
  }

  /** Beside the call: that an operator cannot be told must not fail it. */
  private tell(event: NewEvent): void {
    this.database
      .transaction((tx) => this.outbox.append(tx, [event]))
      .catch((err: unknown) =>
        this.logger.error({
          msg: 'a change of a circuit could not be told',
          event: event.summary,
          err,
        }),
      );
  }
}

const outages = new Set(['unreachable', 'connection_lost', 'timeout']);

const isOutage = (end: CallEnd, { state }: CircuitBreakerPolicy): end is CallFailure =>
  end.status !== 'succeeded' &&
  outages.has(end.kind) &&
  (end.status === 'unknown' || state === CircuitState.HalfOpen);

/** Given up by who made it, or refused before it went out: while the circuit is closed that says nothing new. */
const isUntried = (end: CallEnd, policy: CircuitBreakerPolicy): boolean =>
  end.status !== 'succeeded' &&
  (end.kind === 'cancelled' ||
    (end.status === 'failed' && outages.has(end.kind) && !isOutage(end, policy)));

/** Neither a failure nor a success of the server: thrown past the breaker, which counts only what it is handed. */
class SaysNothing extends Error {
  constructor(
    /** Of such a try the breaker would think that it went well: it is handed a failure. */
    readonly isTry: boolean,
    readonly outcome: () => Promise<CallEnd>,
  ) {
    super('the call says nothing of its server');
  }
}

/**
 * By a clock that was set back since: it would stay open for as long as that was. Whether the server answers is found out
 * by calls, as at first.
 */
const isOpenedLater = ({ policy, openedAt }: Circuit): boolean =>
  policy.state === CircuitState.Open && openedAt > Date.now();

const waitMs = ({ openedAt, openForMs }: Circuit) => openedAt + openForMs - Date.now();

function requireNoProbe(server: string, circuit: Circuit): void {
  if (circuit.policy.state === CircuitState.HalfOpen) throw openError(server, circuit);
}

const openError = (server: string, circuit: Circuit) =>
  new CircuitOpen(server, Math.max(1000, waitMs(circuit)), circuit.lastFailure?.error);

function opened(server: string, { openForMs, lastFailure, traceId }: Circuit): NewEvent {
  const error = lastFailure?.error ?? 'it failed';
  const kind = lastFailure?.kind ?? 'unreachable';
  return {
    traceId,
    topic: 'tool',
    type: 'anomaly.detected',
    severity: 'error',
    summary: say('circuit-opened', {
      server,
      why: error.slice(0, 300),
      seconds: Math.round(openForMs / 1000),
    }),
    payload: {
      code: 'circuit_open',
      server,
      kind,
      error: error.slice(0, 1000),
      fingerprint: errorFingerprint(server, '*', kind, error),
    },
    actor: systemPrincipal.id,
  };
}

const closed = (server: string, { traceId }: Circuit): NewEvent => ({
  traceId,
  topic: 'tool',
  type: 'recovery.done',
  severity: 'success',
  summary: say('circuit-closed', { server }),
  payload: { server },
  actor: systemPrincipal.id,
});
