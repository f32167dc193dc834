import type { Span } from '@opentelemetry/api';
import { type Approvers, type FieldFault, type Said, inEnglish } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import type { GatewayCall } from '../call.js';
import type { Target } from '../registry.js';
import type { Place } from '../upstreams/upstream.js';
import type { CallEnd, LedgerRow } from './ledger.js';
import type { Decision } from './policy-rules.js';

export type LinkName =
  | 'trace'
  | 'identity'
  | 'capability'
  | 'tool'
  | 'policy'
  | 'pin'
  | 'schema'
  | 'quota'
  | 'rate-limit'
  | 'approval'
  | 'bulkhead'
  | 'circuit'
  | 'ledger'
  | 'redaction'
  | 'result-check'
  | 'upstream';

/** The rest of the chain, from the next link on. */
export type Next = () => Promise<CallEnd>;

/** One step of the way. It throws why the call goes no further, or goes on and may look at the end. */
export interface Link {
  readonly name: LinkName;
  pass(passage: Passage, next: Next): Promise<CallEnd>;
  /** For a dry run: what it would do, without doing it. A thrown AosError is what would stop the call. */
  preview?(passage: Passage): Promise<Foresight> | Foresight;
}

/** What a link would do with a call. */
export interface Foresight {
  verdict: 'pass' | 'ask';
  says: Said | readonly Said[];
}

export interface Finding {
  link: LinkName;
  verdict: 'pass' | 'ask' | 'stop' | 'unknown';
  says: string;
  said?: Said[];
  code?: string;
  errors?: FieldFault[];
  retryAfterSeconds?: number;
}

const noSecrets: ReadonlyMap<string, string> = new Map();

/** One call on its way, with what the links have found out about it. */
export class Passage {
  span: Span | undefined;
  /** Whose rule let the call through, or asked for an approval. */
  rule: string | null = null;
  needsApproval = false;
  /** Who has to give it, where the rule says so. */
  approvers: Approvers | undefined;
  /** The version of the policies that let the call pass. */
  policies = 0;
  /** Of a dry run by rules that are not in force: what those say. */
  foretold: Decision | undefined;
  secrets: ReadonlyMap<string, string> = noSecrets;
  row: LedgerRow | undefined;
  callId = '';
  isRecorded = false;
  /** It is the one call by which an open circuit is tried: it is made once, and what comes of it decides. */
  isTry = false;
  /** Of those that its server has, once it has one. */
  place: Place | undefined;
  private found: Target | undefined;

  constructor(
    readonly ctx: Ctx,
    readonly call: GatewayCall,
  ) {}

  get name(): string {
    return `${this.call.server}.${this.call.tool}`;
  }

  get projectId(): string | null {
    return this.call.run?.projectId ?? this.call.projectId ?? null;
  }

  get hasTarget(): boolean {
    return this.found !== undefined;
  }

  get target(): Target {
    if (!this.found) throw new Error('a link was asked before the tool was found');
    return this.found;
  }

  set target(target: Target) {
    this.found = target;
  }

  get timeoutMs(): number {
    return Math.min(this.call.timeoutMs ?? this.target.timeoutMs, MOST_TIMEOUT_MS);
  }
}

const MOST_TIMEOUT_MS = 3_600_000;

export function foreseen(link: LinkName, { verdict, says }: Foresight): Finding {
  const said = [says].flat() as Said[];
  return { link, verdict, says: inEnglish(said), said };
}

export const stopped = (link: LinkName, error: AosError): Finding => ({
  link,
  verdict: 'stop',
  says: error.message,
  ...(error.said ? { said: [error.said] } : {}),
  code: error.code,
  ...(error.errors ? { errors: error.errors } : {}),
  ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
});
