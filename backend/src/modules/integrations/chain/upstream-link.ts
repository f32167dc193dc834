import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { CallToolResult, InputRequiredResult } from '@modelcontextprotocol/client';
import { say } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { activeTraceparent } from '../../../platform/telemetry/span.js';
import { Settings, Vault } from '../../config/index.js';
import type { GatewayCall } from '../call.js';
import { type Caller, UpstreamFault } from '../upstreams/upstream.js';
import type { CallEnd, CallFailure, CallSuccess, StoredResult } from './ledger.js';
import type { Foresight, Link, Passage } from './link.js';
import { RetryBudget } from './retry-budget.js';
import { resolveSecrets } from './secret-references.js';

const FIRST_PAUSE_MS = 100;

/**
 * The call itself: with a deadline, the caller's signal, and `_meta` that carries the traceparent and the
 * idempotency key. An idempotent tool is called again, after a pause with jitter, when the server could not be
 * reached or broke off; as often as the settings say, within the deadline and the budget of the server (see
 * RetryBudget). A call that was not answered in time is not repeated: the server may be at it still. Nor is the one by
 * which an open circuit is tried.
 * Never throws: whatever happens out there is an end of the call.
 */
@Injectable()
export class UpstreamLink implements Link {
  readonly name = 'upstream';
  private readonly budget = new RetryBudget();

  constructor(
    private readonly vault: Vault,
    private readonly settings: Settings,
  ) {}

  async pass(passage: Passage): Promise<CallEnd> {
    const { call, timeoutMs, target } = passage;
    const began = performance.now();
    const deadline = began + timeoutMs;
    const { retries } = (await this.settings.system()).gateway;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.attempt(
        passage,
        Math.max(1, Math.ceil(deadline - performance.now())),
      );
      const durationMs = Math.round(performance.now() - began);
      if (outcome.status === 'succeeded') {
        this.budget.earn(target.server.name);
        return { ...outcome, durationMs };
      }
      const waitMs = FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
      const mayRepeat =
        mayBeRepeated(passage) &&
        attempt <= retries &&
        isWorthARetry(outcome) &&
        performance.now() + waitMs < deadline &&
        this.budget.spend(target.server.name);
      if (!mayRepeat) return { ...outcome, durationMs };
      passage.span?.addEvent('retry', { attempt, kind: outcome.kind });
      await pause(waitMs, undefined, call.signal ? { signal: call.signal } : {}).catch(
        () => undefined, // cancelled: the next attempt says so at once
      );
    }
  }

  preview({ call, target, timeoutMs }: Passage): Foresight {
    return {
      verdict: 'pass',
      says: say(target.tool.idempotent ? 'link-would-call-again' : 'link-would-call', {
        server: call.server,
        tool: target.definition.name,
        transport: target.server.transport,
        ms: timeoutMs,
      }),
    };
  }

  private async attempt(passage: Passage, leftMs: number): Promise<Unmeasured> {
    const { ctx, call, target, row } = passage;
    const pieces = call.onProgress && this.vault.pieces();
    const caller: Caller = {
      ctx,
      run: call.run,
      idempotencyKey: `${row!.createdAt.toISOString()} ${row!.upstreamKey}`,
      timeoutMs: leftMs,
    };
    try {
      const answer = await target.upstream.call({
        definition: target.definition,
        args: resolveSecrets(call.args, passage.secrets),
        meta: {
          traceparent: traceparentOf(call, ctx),
          'aos.dev/idempotencyKey': row!.upstreamKey,
        },
        timeoutMs: leftMs,
        signal: call.signal ?? new AbortController().signal,
        onProgress:
          call.onProgress &&
          ((fraction, message) => call.onProgress!(fraction, pieces!(message).slice(0, 1000))),
        mayRepeat: mayBeRepeated(passage),
        client: call.client,
        caller,
        place: passage.place,
      });
      return {
        status: 'succeeded',
        result: unchecked(answer),
        ...(caller.said ? { said: caller.said } : {}),
      };
    } catch (error) {
      return endOf(error);
    }
  }
}

type Unmeasured = Omit<CallSuccess, 'durationMs'> | Omit<CallFailure, 'durationMs'>;

/** The link above checks it. */
const unchecked = (answer: CallToolResult | InputRequiredResult) =>
  answer as unknown as StoredResult;

const mayBeRepeated = ({ target, isTry }: Passage): boolean => target.tool.idempotent && !isTry;

function isWorthARetry({ kind, retryAfterSeconds }: Omit<CallFailure, 'durationMs'>): boolean {
  // A server that says when to come back is not asked before.
  return retryAfterSeconds === undefined && (kind === 'unreachable' || kind === 'connection_lost');
}

function endOf(error: unknown): Omit<CallFailure, 'durationMs'> {
  if (!(error instanceof UpstreamFault))
    return { status: 'unknown', kind: 'internal', error: (error as Error).message };
  // "protocol" is an answer, if not the one hoped for; the others may hide an effect.
  const isOpen = error.mayHaveHappened && error.kind !== 'protocol';
  return {
    status: isOpen ? 'unknown' : 'failed',
    kind: error.kind,
    error: error.message,
    ...(error.said ? { said: error.said } : {}),
    retryAfterSeconds: error.retryAfterSeconds,
  };
}

/** Of the call's span; where nothing is traced, of the run, so that the far side can still be joined to it. */
function traceparentOf(call: GatewayCall, ctx: Ctx): string {
  const active = activeTraceparent();
  if (active && !active.startsWith(`00-${'0'.repeat(32)}`)) return active;
  const traceId = call.run?.traceId ?? ctx.traceId;
  const known =
    /^[0-9a-f]{32}$/.test(traceId) && !/^0+$/.test(traceId)
      ? traceId
      : randomBytes(16).toString('hex');
  return `00-${known}-${randomBytes(8).toString('hex')}-00`;
}
