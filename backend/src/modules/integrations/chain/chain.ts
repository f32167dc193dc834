import { Injectable } from '@nestjs/common';
import { AosError } from '../../../platform/http/problem.js';
import { ApprovalLink } from './approval.js';
import { BulkheadLink } from './bulkhead.js';
import { CapabilityLink } from './capability-link.js';
import { CircuitLink } from './circuit.js';
import { IdentityLink } from './identity-link.js';
import type { CallEnd } from './ledger.js';
import { LedgerLink } from './ledger-link.js';
import { type Finding, type Link, type Passage, foreseen, stopped } from './link.js';
import { PinLink } from './pin.js';
import { PolicyLink } from './policy.js';
import { QuotaLink, RateLimitLink } from './rate-limit.js';
import { RedactionLink } from './redaction.js';
import { ResultCheckLink } from './result-check-link.js';
import { SchemaLink } from './schema.js';
import { ToolLink } from './tool.js';
import { TraceLink } from './trace.js';
import { UpstreamLink } from './upstream-link.js';

/**
 * The way of every call. Whoever calls (a person over REST, a client of the MCP endpoint, a run, an agent)
 * passes the same links in the same order, the first one outermost: a link sees the call on its way in and,
 * where it wants to, the end of it on the way out.
 *
 *     in  |  trace         span and metrics; sees refusals as well
 *         |  identity      may they: `tool.call` in the project; a refusal is audited
 *         |  capability    a grant or scopes reach this tool, and allow one more call
 *         |  tool          the server is known and on, the tool is one of its kept definitions
 *         |  policy        allow, deny, or approve first; first rule wins
 *         |  pin           the definition is the approved one
 *         |  schema        the arguments fit; secrets are looked up, for this call only
 *         |  quota         calls per day
 *         |  rate limit    calls per minute
 *         |  approval      asks somebody, or takes the answer; one answer is good for one call
 *         |  bulkhead      so many at once to one server; the next ones wait
 *         |  circuit       a failing server is left alone, then tried with one call
 *         |  ledger        the row is committed before the call is made; its end and event after it
 *    out  ^  redaction     nothing known to be a secret goes further out than this
 *         ^  result check  size, depth, the tool's own output schema
 *         v  upstream      the call itself, with a deadline; again with jitter where that is safe
 *
 * States. A call that is stopped before the ledger has left no row (an approval apart) and had no effect. One
 * that has a row is `started`, and then `succeeded`, `failed`, or `unknown`: it went out and nobody saw its end.
 *
 * Guarantees. What is called has a committed row; what has a row that ended is not called again for the same
 * attempt (see Ledger for retries, crashes and lost leases). No value of a secret is in the ledger, an event,
 * a span, an answer or an error. No transaction is open while the tool works. A deny of the policy cannot be
 * approved away; an approval is of these arguments, this definition and this caller. What a server says of its
 * own tools (read-only, harmless) opens no link. The links in front of the ledger ask the database nothing that
 * they have asked in the last seconds: a call costs the two writes of the ledger.
 *
 * Failure. A tool that answers `isError` is a result, since it may tell a planner how to do better. What keeps
 * the tool from answering is thrown by the gateway once the row is complete. If the database fails between the
 * call and its record, the row stays `started`, which is the truth, and the next attempt decides. A link that
 * cannot decide (rules that cannot be read, a limit that cannot be counted) stops the call.
 */
@Injectable()
export class Chain {
  readonly links: readonly Link[];

  constructor(
    trace: TraceLink,
    identity: IdentityLink,
    capability: CapabilityLink,
    tool: ToolLink,
    policy: PolicyLink,
    pin: PinLink,
    schema: SchemaLink,
    quota: QuotaLink,
    rateLimit: RateLimitLink,
    approval: ApprovalLink,
    bulkhead: BulkheadLink,
    circuit: CircuitLink,
    ledger: LedgerLink,
    redaction: RedactionLink,
    resultCheck: ResultCheckLink,
    upstream: UpstreamLink,
  ) {
    this.links = [
      trace,
      identity,
      capability,
      tool,
      policy,
      pin,
      schema,
      quota,
      rateLimit,
      approval,
      bulkhead,
      circuit,
      ledger,
      redaction,
      resultCheck,
      upstream,
    ];
  }

  run(passage: Passage): Promise<CallEnd> {
    const from = (index: number): Promise<CallEnd> => {
      const link = this.links[index];
      if (!link) return Promise.reject(new Error('the chain has no end'));
      return link.pass(passage, () => from(index + 1));
    };
    return from(0);
  }

  /**
   * Asks each link what it would do. After a stop the others are asked as well: all faults at once.
   * @param isAboutAnother whoever asks may see the tools, and asks what somebody else could do with one
   */
  async foresee(passage: Passage, isAboutAnother = false): Promise<Finding[]> {
    const findings: Finding[] = [];
    for (const link of this.links) {
      if (!link.preview) continue;
      try {
        findings.push(foreseen(link.name, await link.preview(passage)));
      } catch (error) {
        if (!(error instanceof AosError)) throw error;
        // Who may not call, or calls what is not there, is told that and nothing of what lies behind.
        if (!passage.hasTarget && !isAboutAnother) throw error;
        findings.push(stopped(link.name, error));
        // The links behind it look at the tool.
        if (!passage.hasTarget && link.name === 'tool') break;
      }
    }
    return findings;
  }
}
