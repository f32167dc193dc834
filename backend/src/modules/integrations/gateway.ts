import { Injectable } from '@nestjs/common';
import { type Approvers, type CallAnswer, say } from '@aos/contracts';
import type { Ctx } from '../../platform/http/context.js';
import type { AosError } from '../../platform/http/problem.js';
import type { GatewayCall, GatewayResult } from './call.js';
import { wholeOf } from './chain/approvers.js';
import { Chain } from './chain/chain.js';
import type { CallFailure } from './chain/ledger.js';
import { type Finding, Passage } from './chain/link.js';
import { PolicyLink } from './chain/policy.js';
import type { Decision } from './chain/policy-rules.js';
import { SchemaLink } from './chain/schema.js';
import type { SchemaFault } from './chain/tool-schema.js';
import { ServerUnreachable, ToolFailed, ToolTimedOut } from './integrations.errors.js';
import { type KnownTool, Registry } from './registry.js';

/** The one door to every tool. What happens behind it, in which order, and what it promises: chain/chain.ts. */
@Injectable()
export class Gateway {
  constructor(
    private readonly chain: Chain,
    private readonly registry: Registry,
    private readonly policy: PolicyLink,
    private readonly schema: SchemaLink,
  ) {}

  /**
   * @throws AosError of the link that stopped it; OpenCall; LeaseEnded; the reason of the caller's signal.
   * A tool that answers that it failed is no error but a result (`isError`).
   */
  async call(ctx: Ctx, call: GatewayCall): Promise<GatewayResult> {
    const passage = new Passage(ctx, call);
    const end = await this.chain.run(passage);
    const { callId, isRecorded } = passage;
    const { durationMs } = end;
    if (end.status === 'succeeded') return { callId, ...end.result, durationMs, isRecorded };
    const { result, said } = end;
    if (result) return { callId, ...result, ...(said ? { said } : {}), durationMs, isRecorded };
    if (end.kind === 'cancelled' && call.signal?.reason instanceof Error) throw call.signal.reason;
    throw failureOf(passage, end);
  }

  /** What a call would do, link by link, without doing it. @throws AosError who may not call it at all. */
  async dryRun(ctx: Ctx, call: GatewayCall): Promise<DryRun> {
    const passage = new Passage(ctx, call);
    const links = await this.chain.foresee(passage);
    const { target } = passage;
    return {
      dryRun: true,
      outcome: outcomeOf(links),
      links,
      ...(passage.needsApproval ? { approvers: wholeOf(passage.approvers, true) } : {}),
      tool: target.tool.tool,
      transport: target.server.transport,
      health: target.server.health.state,
      idempotent: target.tool.idempotent,
      timeoutMs: passage.timeoutMs,
    };
  }

  /** The same for somebody else, and as if the policies had decided this: refusals are findings here, not thrown. */
  async foresee(ctx: Ctx, call: GatewayCall, decision: Decision): Promise<Foreseen> {
    const passage = new Passage(ctx, call);
    passage.foretold = decision;
    const links = await this.chain.foresee(passage, true);
    return { outcome: outcomeOf(links), links };
  }

  /** What the policies say of this call; a run asks before it makes it. */
  decide(ctx: Ctx, call: GatewayCall): Promise<Decision> {
    return this.policy.decide(ctx, call, new Passage(ctx, call).projectId);
  }

  /** Tells which tools a policy closes to this caller, so that they need not be shown. */
  closedTo(ctx: Ctx): Promise<(server: string, tool: string) => boolean> {
    return this.policy.closedTo(ctx);
  }

  tool(server: string, name: string): Promise<KnownTool | undefined> {
    return this.registry.tool(server, name);
  }

  tools(): Promise<KnownTool[]> {
    return this.registry.tools();
  }

  /** Every fault of arguments against the tool's schema; a schema that is none is a fault at the whole. */
  validate(tool: KnownTool, args: unknown): SchemaFault[] {
    return this.schema.faults(tool, args);
  }
}

export interface Foreseen {
  /** What would become of it: nothing, a question to somebody, or a call. */
  outcome: 'stop' | 'ask' | 'call';
  links: Finding[];
}

export interface DryRun extends Foreseen {
  dryRun: true;
  tool: string;
  transport: string;
  health: string;
  idempotent: boolean;
  timeoutMs: number;
  /** Who would have to say yes first. */
  approvers?: Approvers;
}

const outcomeOf = (links: readonly Finding[]): Foreseen['outcome'] =>
  links.some(({ verdict }) => verdict === 'stop')
    ? 'stop'
    : links.some(({ verdict }) => verdict === 'ask')
      ? 'ask'
      : 'call';

function failureOf(passage: Passage, end: CallFailure): AosError {
  const { kind, error, said, retryAfterSeconds } = end;
  const how = { tool: passage.name, why: said ?? error };
  switch (kind) {
    case 'timeout':
      return new ToolTimedOut(passage.name, passage.timeoutMs);
    case 'unreachable':
    case 'connection_lost':
      return new ServerUnreachable(say('call-unreached', how), retryAfterSeconds);
    default:
      return new ToolFailed(say('call-broke', how));
  }
}

export const toAnswer = (result: GatewayResult, traceId: string): CallAnswer => ({
  callId: result.callId,
  traceId,
  isError: result.isError,
  content: result.content,
  ...(result.said ? { said: result.said } : {}),
  structuredContent: result.structuredContent,
  durationMs: result.durationMs,
});
