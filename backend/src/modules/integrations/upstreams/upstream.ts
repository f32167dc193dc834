import type { CallToolResult, Tool } from '@modelcontextprotocol/client';
import type { Ctx } from '../../../platform/http/context.js';
import type { RunOfCall } from '../call.js';

/** A tool as its server describes it. */
export type ToolDefinition = Tool;

export interface UpstreamRequest {
  /** As pinned at registration. */
  definition: ToolDefinition;
  args: Record<string, unknown>;
  meta: Record<string, string>;
  /** For connecting and calling together. */
  timeoutMs: number;
  signal: AbortSignal;
  /** A second call does no harm: it may be made anew when the connection broke under it. */
  mayRepeat: boolean;
  onProgress?: ((fraction: number, message: string) => void) | undefined;
  /** For servers inside this process only; it never leaves it. */
  caller: Caller;
}

/** On whose behalf a server inside this process works. */
export interface Caller {
  ctx: Ctx;
  run: RunOfCall | undefined;
  idempotencyKey: string;
  /** How long the caller waits for the answer. */
  timeoutMs: number;
}

/**
 * A tool server, whatever road leads to it. One per registered server and process, shared by all calls.
 * Failures arrive as UpstreamFault, so that the gateway knows whether the call may have had its effect.
 */
export interface Upstream {
  list(options: { timeoutMs: number; signal?: AbortSignal }): Promise<ToolDefinition[]>;
  call(request: UpstreamRequest): Promise<CallToolResult>;
  close(): Promise<void>;
}

export type UpstreamFaultKind =
  'timeout' | 'cancelled' | 'unreachable' | 'connection_lost' | 'protocol';

export class UpstreamFault extends Error {
  override name = 'UpstreamFault';
  constructor(
    readonly kind: UpstreamFaultKind,
    message: string,
    /** False when the call certainly did not reach the tool: then it had no effect. */
    readonly mayHaveHappened: boolean,
    options: { cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
  readonly retryAfterSeconds: number | undefined;
}
