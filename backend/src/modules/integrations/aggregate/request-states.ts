import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { MasterKey } from '../../../platform/config/master-key.js';
import { Database } from '../../../platform/database/database.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import type { Ctx } from '../../../platform/http/context.js';
import { openSealed, seal } from '../../config/index.js';
import { ANSWER_LIMIT_MS } from '../upstreams/flights.js';
import { callerOf } from './exchange.js';

/** What a request is about; the state of one is good for no other. */
export interface Subject {
  method: string;
  name: string;
  args: unknown;
}

/**
 * `through`: the server's own state, to be handed back to it, and the approval that the call has taken. `parked`: a call
 * that waits in a process.
 */
export type RequestState =
  | { kind: 'through'; server: string; upstream: string | undefined; approved?: string | undefined }
  | { kind: 'parked'; callId: string; process: string };

interface Sealed {
  id: string;
  until: number;
  state: RequestState;
}

/** A person's time to answer, and the way there and back. */
const LIFETIME_MS = ANSWER_LIMIT_MS + 60_000;
const MARK = 'aos1.';
const ELSEWHERE =
  'The call waits for answers in another process of AOS, the one that gave this state. Send them there; where it has ended, make the call again.';

/**
 * The state of a request that waits for input travels by way of the client. It is encrypted and sealed, and
 * bound (as the additional data of the seal) to who asks, and to method, name and arguments: at another
 * person's hand, or for another tool, it does not open. It is good for a time, and once: what was used is
 * kept in a table, since the next round may reach another process. A state that is refused is audited.
 */
@Injectable()
export class RequestStates {
  private readonly key: Buffer;
  /** Of this process, since it began. */
  readonly process = randomUUID();

  constructor(
    masterKey: MasterKey,
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {
    this.key = masterKey.derive('mcp-request-state');
  }

  seal(ctx: Ctx, subject: Subject, state: RequestState): string {
    const sealed: Sealed = { id: randomUUID(), until: Date.now() + LIFETIME_MS, state };
    const plain = Buffer.from(JSON.stringify(sealed));
    return MARK + seal(this.key, plain, boundTo(ctx, subject)).toString('base64url');
  }

  /** @throws ProtocolError, always the same, whatever is wrong with it. */
  async open(ctx: Ctx, subject: Subject, token: string): Promise<RequestState> {
    const sealed = this.unseal(ctx, subject, token);
    // It stays good: the client may come to the right process yet.
    if (sealed?.state.kind === 'parked' && sealed.state.process !== this.process)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, ELSEWHERE, {
        reason: 'call_elsewhere',
      });
    const why = !sealed ? 'not made for this' : await this.whySpent(sealed);
    if (sealed && why === undefined) return sealed.state;
    await this.audit.recordAlone(ctx, {
      action: 'mcp.request-state',
      resource: `${subject.method}:${subject.name}`,
      outcome: 'denied',
      diff: { why },
    });
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Invalid or expired requestState', {
      reason: 'invalid_request_state',
    });
  }

  private unseal(ctx: Ctx, subject: Subject, token: string): Sealed | undefined {
    if (!token.startsWith(MARK)) return undefined;
    const bytes = Buffer.from(token.slice(MARK.length), 'base64url');
    // Buffer skips what is not base64url; a token that was written otherwise is not ours.
    if (bytes.toString('base64url') !== token.slice(MARK.length)) return undefined;
    try {
      const plain = openSealed(this.key, bytes, boundTo(ctx, subject));
      return JSON.parse(plain.toString('utf8')) as Sealed;
    } catch {
      return undefined;
    }
  }

  private async whySpent({ id, until }: Sealed): Promise<string | undefined> {
    if (Date.now() > until) return 'expired';
    const { count } = await this.database.run(
      `INSERT INTO mcp_used_states (id, expires_at) VALUES ($1, to_timestamp($2 / 1000.0)) ON CONFLICT DO NOTHING`,
      [id, until],
    );
    if (count === 0) return 'used before';
    await this.database.run('DELETE FROM mcp_used_states WHERE expires_at < now()');
    return undefined;
  }
}

function boundTo(ctx: Ctx, { method, name, args }: Subject): string {
  return JSON.stringify([callerOf(ctx), method, name, canonicalHash(args ?? {})]);
}
