import { type Said, inEnglish } from '@aos/contracts';
import type {
  CallToolResult,
  Implementation,
  InputRequiredResult,
  ServerCapabilities,
  Tool,
} from '@modelcontextprotocol/client';
import type { Ctx, Principal } from '../../../platform/http/context.js';
import type { RunOfCall } from '../call.js';
import type { ClientSide } from './client-side.js';

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
  /** The MCP client behind the call, when there is one. */
  client?: ClientSide | undefined;
  place?: Place | undefined;
}

/** What a call takes of the number that may be under way at its server. */
export interface Place {
  /** Gives it to others while nothing of the call is under way there. */
  leave(): void;
  /** Waits for one again. @throws UpstreamFault when none is free in time; the reason of the caller's signal. */
  comeBack(): Promise<void>;
}

/** A request other than a call of a tool. */
export interface OtherRequest {
  /** Who asks; a server that callers sign in to themselves is asked as them. */
  actor: Principal;
  method: 'prompts/get' | 'resources/read' | 'completion/complete';
  params: Record<string, unknown>;
  meta: Record<string, string>;
  timeoutMs: number;
  signal: AbortSignal;
  client: ClientSide;
}

export type ListKind = 'prompts' | 'resources' | 'resourceTemplates';

/**
 * What a server has changed by itself. `lost` and `found`: its connection went, or came (again). `new`: it is being
 * registered, and nobody knows yet what it offers besides tools.
 */
export type UpstreamChange =
  | { kind: 'tools' | 'prompts' | 'resources' | 'lost' | 'found' | 'new' }
  | { kind: 'resource'; uri: string };

/** What a server has said of itself when it was connected. */
export interface About {
  capabilities: ServerCapabilities;
  instructions: string | undefined;
  info: Implementation | undefined;
  era: 'modern' | 'older';
}

/** On whose behalf a server inside this process works. */
export interface Caller {
  ctx: Ctx;
  run: RunOfCall | undefined;
  idempotencyKey: string;
  /** How long the caller waits for the answer. */
  timeoutMs: number;
  /** Set by a tool that fails: what it says of that, by its code. Of a server elsewhere nobody would take it. */
  said?: Said;
}

/**
 * A tool server, whatever road leads to it. One per registered server and process, shared by all calls.
 * Failures arrive as UpstreamFault, so that the gateway knows whether the call may have had its effect.
 */
export interface Upstream {
  /** A tool that does not fit the protocol is there in name only (see `unfitOf`). */
  list(options: { timeoutMs: number; signal?: AbortSignal }): Promise<ToolDefinition[]>;
  /** `input_required` only where the client of the request takes that for an answer. */
  call(request: UpstreamRequest): Promise<CallToolResult | InputRequiredResult>;
  request(request: OtherRequest): Promise<Record<string, unknown>>;
  /** All pages of a list; empty when the server offers none of the kind. */
  items(kind: ListKind, options: { timeoutMs: number }): Promise<Record<string, unknown>[]>;
  /** Asks for word when the resource changes, until it is given up as many times. False: the server sends none. */
  subscribe(uri: string): Promise<boolean>;
  unsubscribe(uri: string): void;
  /** Connects if need be, and says who is there. */
  about(options: { timeoutMs: number }): Promise<About>;
  /** One round trip, to see whether it answers; one that was lost is connected again. False when it does not. */
  probe(timeoutMs: number): Promise<boolean>;
  close(): Promise<void>;
}

export type UpstreamFaultKind =
  'timeout' | 'cancelled' | 'unreachable' | 'connection_lost' | 'protocol';

export class UpstreamFault extends Error {
  override name = 'UpstreamFault';
  constructor(
    readonly kind: UpstreamFaultKind,
    why: string | Said,
    /** False when the call certainly did not reach the tool: then it had no effect. */
    readonly mayHaveHappened: boolean,
    options: { cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(typeof why === 'string' ? why : inEnglish(why), { cause: options.cause });
    this.said = typeof why === 'string' ? undefined : why;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
  /** The message by its code; what another program said has none. */
  readonly said: Said | undefined;
  readonly retryAfterSeconds: number | undefined;
}
