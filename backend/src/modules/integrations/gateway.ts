import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Span } from '@opentelemetry/api';
import type { CallAnswer, McpTool } from '@aos/contracts';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { type AosError, Forbidden } from '../../platform/http/problem.js';
import { activeTraceparent, inSpan } from '../../platform/telemetry/span.js';
import { Vault } from '../config/index.js';
import { LeaseEnded } from '../jobs/index.js';
import type { GatewayCall, GatewayResult } from './call.js';
import { type FailureKind, errorFingerprint } from './chain/error-fingerprint.js';
import {
  type CallEnd,
  type CallFailure,
  type CallSuccess,
  Ledger,
  type LedgerRow,
  type StoredResult,
} from './chain/ledger.js';
import { ResultRefused, checkResult, isDeeperThan, storable } from './chain/result-check.js';
import { resolveSecrets, secretNames } from './chain/secret-references.js';
import { type SchemaFault, ToolSchemas } from './chain/tool-schema.js';
import {
  SecretNotGranted,
  ServerUnreachable,
  ToolArgsInvalid,
  ToolFailed,
  ToolTimedOut,
} from './integrations.errors.js';
import { Registry, type Target } from './registry.js';
import { UpstreamFault } from './upstreams/upstream.js';

/**
 * The one door to every tool. Whoever calls (a person over REST, a run, an agent) passes the same steps:
 *
 *   1 may they       `tool.call` in the project of the run; a refusal is audited
 *   2 which tool     the server is known and switched on, the tool is one of its kept definitions
 *   3 do the args fit  against the kept JSON Schema; every fault is listed, with its path
 *   4 secrets        `${secret.NAME}`, names in `call.env` only, looked up (and audited) in the vault; from
 *                    here on two copies of the arguments exist, and only the one with references is stored
 *   5 ledger, before the row is committed, guarded by the job's fence; or the recorded end is given again
 *   6 upstream       with a deadline and the caller's signal; `_meta` carries traceparent and idempotency key
 *   7 is it an answer  size, depth, the tool's own output schema
 *   8 redaction      of the answer, the error, and whatever progress says
 *   9 ledger, after  with the event `tool.call` in the same transaction
 *
 * Guarantees. What is called has a committed row; what has a row that ended is not called again for the same
 * attempt (see Ledger for retries, crashes and lost leases). No value of a secret is in the ledger, an event,
 * a span, an answer or an error: stored arguments keep the reference, and what comes back passes redaction
 * before anything else sees it. No transaction is open while the tool works.
 *
 * Failure. A tool that answers `isError` is a result (`isError: true`), since it may tell a planner how to do
 * better. What keeps the tool from answering is thrown: ToolTimedOut, ServerUnreachable, ToolFailed, or the
 * reason of the caller's signal. Whether the effect may have happened all the same is in the ledger: `failed`
 * says no or that the tool said so, `unknown` says that nobody knows. If the database fails between the call
 * and its record, the row stays `started`, which is the truth, and the next attempt decides.
 *
 * Policy, pins, quotas, rate limits and the circuit breaker take their places between 1 and 6.
 */
@Injectable()
export class Gateway {
  private readonly schemas = new ToolSchemas();

  constructor(
    private readonly registry: Registry,
    private readonly ledger: Ledger,
    private readonly vault: Vault,
    private readonly audit: AuditTrail,
  ) {}

  async call(ctx: Ctx, call: GatewayCall): Promise<GatewayResult> {
    await this.requireAllowed(ctx, call);
    const target = await this.registry.target(call.server, call.tool);
    const names = this.requireGranted(call);
    this.requireShape(target, call.args);
    const attributes = {
      'aos.tool.server': call.server,
      'aos.tool.name': call.tool,
      ...(call.run
        ? {
            'aos.job.id': call.run.jobId,
            'aos.step.id': call.run.stepId,
            'aos.step.attempt': call.run.attempt,
          }
        : {}),
    };
    return inSpan('tool', `tool ${call.server}.${call.tool}`, attributes, async (span) => {
      if (names.length === 0) this.requireFit(target, call.args);
      // A recorded end needs no secret, and a look at one is audited.
      const isKnown = names.length > 0 && (await this.ledger.hasRecorded(call));
      const secrets = isKnown ? new Map<string, string>() : await this.reveal(ctx, call, names);
      if (names.length > 0 && !isKnown) this.requireFit(target, resolveSecrets(call.args, secrets));
      const begun = await this.ledger.begin(
        ctx,
        { ...call, args: storable(call.args) },
        target.tool.idempotent,
      );
      if (begun.kind === 'recorded') {
        span.setAttribute('aos.tool.recorded', true);
        if ('failure' in begun)
          throw this.failureOf(call, target, begun.failure.kind, begun.failure.message);
        return {
          callId: begun.callId,
          ...begun.result,
          durationMs: begun.durationMs,
          isRecorded: true,
        };
      }
      return this.perform(ctx, call, target, begun.row, secrets, span);
    });
  }

  /** What a call would do, without doing it: permission, definition, arguments. */
  async dryRun(ctx: Ctx, call: GatewayCall): Promise<Record<string, unknown>> {
    await this.requireAllowed(ctx, call);
    const target = await this.registry.target(call.server, call.tool);
    this.requireGranted(call);
    this.requireShape(target, call.args);
    this.requireFit(target, call.args);
    return {
      dryRun: true,
      tool: target.tool.tool,
      transport: target.server.transport,
      health: target.server.health.state,
      idempotent: target.tool.idempotent,
      timeoutMs: this.timeoutOf(call, target),
    };
  }

  tool(server: string, name: string): Promise<McpTool | undefined> {
    return this.registry.tool(server, name);
  }

  tools(): Promise<McpTool[]> {
    return this.registry.tools();
  }

  /** Every fault of arguments against the tool's schema; a schema that is none is a fault at the whole. */
  validate(tool: McpTool, args: unknown): SchemaFault[] {
    try {
      return this.schemas.faults(tool.inputSchema, args);
    } catch (error) {
      return [
        {
          path: '',
          message: `the schema of ${tool.tool} cannot be used: ${(error as Error).message}`,
        },
      ];
    }
  }

  private async requireAllowed(ctx: Ctx, call: GatewayCall): Promise<void> {
    const projectId = call.run?.projectId ?? null;
    if (isAllowed(ctx.actor, 'tool.call', projectId)) return;
    // Over HTTP the refusal is recorded with the request; a run has no request.
    if (call.run)
      await this.audit.recordAlone(ctx, {
        action: 'tool.call',
        resource: `tool:${call.server}.${call.tool}`,
        outcome: 'denied',
        projectId,
      });
    throw new Forbidden('Calling tools takes the permission tool.call, here and in this project.');
  }

  private requireGranted(call: GatewayCall): string[] {
    const names = secretNames(call.args);
    const missing = names.filter((name) => !call.env?.includes(name));
    if (missing.length > 0) throw new SecretNotGranted(missing);
    return names;
  }

  private requireShape({ tool }: Target, args: Record<string, unknown>): void {
    if (isDeeperThan(args, 64))
      throw new ToolArgsInvalid(tool.tool, [
        { path: '', message: 'is nested deeper than 64 levels' },
      ]);
  }

  private requireFit({ tool }: Target, args: Record<string, unknown>): void {
    const faults = this.validate(tool, args);
    if (faults.length > 0) throw new ToolArgsInvalid(tool.tool, faults);
  }

  private async reveal(ctx: Ctx, call: GatewayCall, names: string[]): Promise<Map<string, string>> {
    const projectId = call.run?.projectId ?? null;
    const secrets = new Map<string, string>();
    for (const name of names)
      secrets.set(
        name,
        await this.vault.reveal(ctx, name, projectId, `tool:${call.server}.${call.tool}`),
      );
    return secrets;
  }

  private async perform(
    ctx: Ctx,
    call: GatewayCall,
    target: Target,
    row: LedgerRow,
    secrets: ReadonlyMap<string, string>,
    span: Span,
  ): Promise<GatewayResult> {
    span.setAttribute('aos.call.id', row.callId);
    const end = await this.callUpstream(ctx, call, target, row, secrets, span);
    const spanId = span.isRecording() ? span.spanContext().spanId : undefined;
    const isOwn = await this.ledger.complete(ctx, call, row, end, spanId);
    if (!isOwn) throw new LeaseEnded('lost');
    if (end.status !== 'succeeded') span.setAttribute('aos.error.fingerprint', end.fingerprint);
    const { result, durationMs } = end;
    if (end.status === 'succeeded' || result)
      return { callId: row.callId, ...result!, durationMs, isRecorded: false };
    if (end.kind === 'cancelled' && call.signal?.reason instanceof Error) throw call.signal.reason;
    throw this.failureOf(call, target, end.kind, end.error);
  }

  /** Never throws: whatever happens out there is an end of the call, redacted and ready to be recorded. */
  private async callUpstream(
    ctx: Ctx,
    call: GatewayCall,
    target: Target,
    row: LedgerRow,
    secrets: ReadonlyMap<string, string>,
    span: Span,
  ): Promise<CallEnd> {
    const began = performance.now();
    const redact = this.vault.redactor();
    const timeoutMs = this.timeoutOf(call, target);
    let end: Unmeasured<CallSuccess> | Unmeasured<CallFailure>;
    try {
      const answer = await target.upstream.call({
        definition: target.definition,
        args: resolveSecrets(call.args, secrets),
        meta: {
          traceparent: traceparentOf(call, ctx),
          'aos.dev/idempotencyKey': row.upstreamKey,
        },
        timeoutMs,
        signal: call.signal ?? new AbortController().signal,
        onProgress:
          call.onProgress &&
          ((fraction, message) => call.onProgress!(fraction, redact(message).slice(0, 1000))),
        mayRepeat: target.tool.idempotent,
        client: call.client,
        caller: {
          ctx,
          run: call.run,
          idempotencyKey: `${row.createdAt.toISOString()} ${row.upstreamKey}`,
          timeoutMs,
        },
      });
      const result = redact(checkResult(answer, target.tool.outputSchema, this.schemas));
      end = result.isError
        ? { status: 'failed', kind: 'tool_error', error: textOf(result), result }
        : { status: 'succeeded', result };
    } catch (error) {
      const failure = endOf(error);
      end = { ...failure, error: storable(redact(failure.error)).slice(0, 4000) };
      span.recordException({ name: end.kind, message: end.error });
    }
    const durationMs = Math.round(performance.now() - began);
    if (end.status === 'succeeded') return { ...end, durationMs };
    return {
      ...end,
      fingerprint: errorFingerprint(call.server, call.tool, end.kind, end.error),
      durationMs,
    };
  }

  private timeoutOf(call: GatewayCall, target: Target): number {
    return Math.min(call.timeoutMs ?? target.timeoutMs, MOST_TIMEOUT_MS);
  }

  private failureOf(
    call: GatewayCall,
    target: Target,
    kind: FailureKind,
    message: string,
  ): AosError {
    const name = `${call.server}.${call.tool}`;
    switch (kind) {
      case 'timeout':
        return new ToolTimedOut(name, this.timeoutOf(call, target));
      case 'unreachable':
      case 'connection_lost':
        return new ServerUnreachable(`${name}: ${message}.`);
      default:
        return new ToolFailed(`${name}: ${message}`);
    }
  }
}

const MOST_TIMEOUT_MS = 3_600_000;

/** Before the clock and the fingerprint are read. */
type Unmeasured<End> = Omit<End, 'durationMs' | 'fingerprint'>;

function endOf(error: unknown): Unmeasured<CallFailure> {
  if (error instanceof UpstreamFault) {
    // "protocol" is an answer, if not the one hoped for; the others may hide an effect.
    const isOpen = error.mayHaveHappened && error.kind !== 'protocol';
    return { status: isOpen ? 'unknown' : 'failed', kind: error.kind, error: error.message };
  }
  if (error instanceof ResultRefused)
    return { status: 'failed', kind: error.kind, error: error.message };
  return { status: 'unknown', kind: 'internal', error: (error as Error).message };
}

function textOf(result: StoredResult): string {
  const texts = result.content.flatMap((part) =>
    typeof part['text'] === 'string' ? [part['text']] : [],
  );
  return (texts.join('\n') || 'the tool answered that it failed').slice(0, 4000);
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

export const toAnswer = (result: GatewayResult, traceId: string): CallAnswer => ({
  callId: result.callId,
  traceId,
  isError: result.isError,
  content: result.content,
  structuredContent: result.structuredContent,
  durationMs: result.durationMs,
});
