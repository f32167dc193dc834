import { type Approvers, type FieldFault, type Said, say } from '@aos/contracts';
import { AosError, faultAt } from '../../platform/http/problem.js';
import { whomOf } from './chain/approvers.js';

export class UnknownServer extends AosError {
  constructor(server: string) {
    super('unknown_server', say('no-server', { server }));
  }
}

export class UnknownTool extends AosError {
  constructor(server: string, tool: string) {
    super('unknown_tool', say('no-tool', { server, tool }));
  }
}

export class ServerExists extends AosError {
  constructor(server: string) {
    super('already_exists', say('server-exists', { server }));
  }
}

export class ServerIsBuiltIn extends AosError {
  constructor(server: string) {
    super('conflict', say('server-built-in', { server }));
  }
}

export class ServerNameTaken extends AosError {
  constructor(server: string) {
    super('conflict', say('server-name-kept', { server }));
  }
}

/** Where it is belongs to what it is. */
export class ServerPlaceFixed extends AosError {
  constructor(server: string, transport: string) {
    super('conflict', say('server-fixed', { server, transport }));
  }
}

/** A change of the way to it is tried before it is kept. */
export class ServerNotThere extends AosError {
  constructor(server: string, why: string) {
    super('server_unreachable', say('server-not-there', { server, why }));
  }
}

/** Whoever confirms a server has seen its definitions: it has to answer when it is proposed and when it is confirmed. */
export class ServerAway extends AosError {
  constructor(server: string, why: string | Said, to: 'propose' | 'confirm') {
    super('server_unreachable', say(`server-away-to-${to}`, { server, why }));
  }
}

export class ServerTellsOtherwise extends AosError {
  constructor(server: string, errors: FieldFault[]) {
    super('conflict', say('server-tells-otherwise', { server }), { errors });
  }
}

export class ServerDisabled extends AosError {
  constructor(server: string) {
    super('server_unreachable', say('server-off', { server }));
  }
}

export class ServerUrlRefused extends AosError {
  constructor(why: Said) {
    super('validation_failed', say('server-address'), {
      errors: [faultAt('url', why)],
    });
  }
}

export class ToolArgsInvalid extends AosError {
  constructor(tool: string, errors: FieldFault[]) {
    super('tool_args_invalid', say('args-unfit', { tool }), { errors });
  }
}

export class SecretNotGranted extends AosError {
  constructor(names: readonly string[]) {
    super('unknown_secret', say('secrets-not-granted', { names: names.join(', ') }));
  }
}

export class LaunchRefused extends AosError {
  constructor(why: Said) {
    super('launch_refused', why);
  }
}

export class ToolTimedOut extends AosError {
  constructor(tool: string, timeoutMs: number) {
    super('tool_timeout', say('call-slow', { tool, ms: timeoutMs }));
  }
}

export class ToolFailed extends AosError {
  constructor(detail: string | Said) {
    super('tool_failed', detail);
  }
}

export class ServerUnreachable extends AosError {
  constructor(detail: string | Said, retryAfterSeconds?: number) {
    super(
      'server_unreachable',
      detail,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
}

/** The recorded call under this key was made with other arguments: giving its answer would be wrong. */
export class LedgerKeyReused extends AosError {
  constructor(tool: string) {
    super('idempotency_key_reused', say('call-key-reused', { tool }));
  }
}

export class CapabilityRefused extends AosError {
  constructor(why: string) {
    super('grant_invalid', say('grant-refused', { why }));
  }
}

/** The scopes that would reach a tool, narrowest first. */
const scopesFor = (server: string, tool: string): string[] => [
  `tool.call:${server}.${tool}`,
  `tool.call:${server}.*`,
  'tool.call',
];

export class InsufficientScope extends AosError {
  readonly scopes: string[];
  constructor(server: string, tool: string) {
    const scopes = scopesFor(server, tool);
    super(
      'insufficient_scope',
      say('scope-missing', { tool: `${server}.${tool}`, scopes: scopes.join(', ') }),
    );
    this.scopes = scopes;
  }
}

export class PolicyDenied extends AosError {
  constructor(tool: string, rule: string | null) {
    super(
      'policy_denied',
      rule === null
        ? say('policy-denies-by-default', { tool })
        : say('policy-denies', { tool, rule }),
    );
  }
}

/** A newer version of AOS may have written them; another process, or this one after its update, can read them. */
export class PoliciesUnreadable extends AosError {
  constructor() {
    super('unavailable', say('policies-unreadable'), { retryAfterSeconds: 60 });
  }
}

/** Other policies hold than those that let a call pass: it is decided anew, and nobody is told of this. */
export class PoliciesMoved extends Error {}

export class ToolQuarantined extends AosError {
  constructor(tool: string, why: 'changed' | 'hides' | 'new') {
    super('tool_quarantined', say(`held-${why}`, { tool }));
  }
}

/** What a call was held against. */
export interface HeldAgainst {
  name: 'minute' | 'day' | 'grant' | 'concurrent';
  limit: number;
  windowSeconds?: number;
}

/** Says when to come back: Retry-After, and the RateLimit fields of draft-ietf-httpapi-ratelimit-headers. */
export class LimitReached extends AosError {
  constructor(
    code: 'quota_exceeded' | 'too_many_requests',
    detail: Said,
    readonly rateLimit: HeldAgainst,
    /** Undefined when waiting does not help. */
    retryAfterMs: number | undefined,
  ) {
    const { name, limit, windowSeconds } = rateLimit;
    const seconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
    super(code, detail, {
      ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
      headers: {
        'ratelimit-policy': `"${name}";q=${limit}${windowSeconds === undefined ? '' : `;w=${windowSeconds}`}`,
        ratelimit: `"${name}";r=0${seconds === undefined ? '' : `;t=${seconds}`}`,
      },
    });
  }
}

export class QuotaExceeded extends LimitReached {
  constructor(of: string, limit: number, retryAfterMs: number) {
    super(
      'quota_exceeded',
      say('quota-used-up', { of, limit }),
      { name: 'day', limit, windowSeconds: 86_400 },
      retryAfterMs,
    );
  }
}

export class TooManyCalls extends LimitReached {
  constructor(of: string, words: string | Said, against: HeldAgainst, retryAfterMs?: number) {
    super('too_many_requests', say('limit-reached', { of, words }), against, retryAfterMs);
  }
}

export class CircuitOpen extends AosError {
  constructor(server: string, retryAfterMs: number, lastError: string | undefined) {
    super(
      'circuit_open',
      lastError
        ? say('circuit-holds-because', { server, why: lastError.slice(0, 300) })
        : say('circuit-holds', { server }),
      { retryAfterSeconds: Math.ceil(retryAfterMs / 1000) },
    );
  }
}

export interface AskedApproval {
  approvalId: string;
  retryHandle: string;
  expiresAt: Date;
  approvers: Approvers;
  /** So many have said yes. */
  given: number;
}

/** A call that a policy lets through only once somebody has approved it. */
export class ApprovalRequired extends AosError {
  constructor(
    tool: string,
    /** Absent inside a run, where the run itself asks. */
    readonly asked?: AskedApproval,
  ) {
    super(
      'approval_required',
      asked
        ? say('call-wants-approval-of', {
            ...{ tool, whom: whomOf(asked.approvers) },
            ...{ given: asked.given, count: asked.approvers.count },
          })
        : say('call-wants-approval', { tool }),
    );
  }
}

export class CallApprovalVoid extends AosError {
  constructor(why: string) {
    super(
      'approval_void',
      `The approval is not one of this call: ${why}. Make the call without it to ask anew.`,
    );
  }
}

export class CallApprovalEnded extends AosError {
  constructor(status: 'expired' | 'late' | 'refused' | 'used', by: string | null) {
    super(
      status === 'expired' || status === 'late' ? 'approval_expired' : 'approval_decided',
      status === 'expired'
        ? 'Nobody decided in time. Make the call without the handle to ask anew.'
        : status === 'late'
          ? 'The approval was good until an hour after its question would have ended, and that is over. Make the call without the handle to ask anew.'
          : status === 'used'
            ? 'The approval was good for one call, and that was made.'
            : `${by ?? 'Somebody'} decided that the call is not made.`,
    );
  }
}

export class PinMoved extends AosError {
  constructor(tool: string) {
    super('conflict', say('pin-moved', { tool }));
  }
}
