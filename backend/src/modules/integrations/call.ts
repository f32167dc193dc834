import type { Approvers, Said } from '@aos/contracts';
import type { Tx } from '../../platform/database/sql.js';
import type { Capability } from '../../platform/http/context.js';
import type { ClientSide } from './upstreams/client-side.js';

/** One call through the gateway. */
export interface GatewayCall {
  server: string;
  tool: string;
  /** May hold `${secret.NAME}`; resolved inside the call and nowhere else. */
  args: Record<string, unknown>;
  /** The same on every retry of the same step; made up for a call outside a run. */
  idempotencyKey?: string;
  timeoutMs?: number;
  signal?: AbortSignal;
  run?: RunOfCall;
  /** What narrows the call besides the caller's rights: a verified grant, or the scopes of a token. */
  capability?: Capability | undefined;
  /** Of a call outside a run. */
  projectId?: string | null;
  /** The handle that an earlier answer gave out, to make the call that was approved since. */
  approval?: string | undefined;
  /** Names of secrets that the caller may use; none when absent. */
  env?: readonly string[];
  onProgress?: (fraction: number, message: string) => void;
  /** The MCP client that asked for the call, when one did. */
  client?: ClientSide | undefined;
}

/** The run that a call belongs to. */
export interface RunOfCall {
  jobId: string;
  traceId: string;
  stepId: string;
  projectId: string | null;
  /** Birth of the run: the ledger's partition key, the same on every attempt. */
  createdAt: Date;
  attempt: number;
  fence: string;
  /** Called inside the ledger's transactions; throws LeaseEnded when the worker has lost the job. */
  guard: (tx: Tx) => Promise<void>;
  /** How a ledger row left open by a crash is met when the tool is not idempotent: ask, or call again. */
  onOpenCall: 'ask' | 'call-again';
  /** This very call was approved, by whom the policies wanted then; asked for by a policy, or by the plan. */
  approved?: { approvers: Approvers | undefined };
}

export interface GatewayResult {
  callId: string;
  isError: boolean;
  content: Record<string, unknown>[];
  structuredContent: Record<string, unknown> | null;
  /** What was structured is no object, and lies in `value` of one. */
  isWrapped?: true;
  /** What the server said beside it (`_meta`). */
  meta?: Record<string, unknown>;
  /** What the tool answered when it failed, by its code where it has one. */
  said?: Said;
  durationMs: number;
  /** True when the ledger held the completed call already and nothing was called. */
  isRecorded: boolean;
}

/**
 * A call that was begun before a crash and whose end is not known, to a tool that may not be called twice.
 * Nobody but the operator can say what to do.
 */
export class OpenCall extends Error {
  override name = 'OpenCall';
  constructor(
    readonly callId: string,
    readonly server: string,
    readonly tool: string,
    readonly startedAt: Date,
  ) {
    super(`${server}.${tool} was called before the crash and its outcome is not known`);
  }
}
