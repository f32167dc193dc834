import type { InputRequest } from '@modelcontextprotocol/server';
import type { Ctx } from '../../../platform/http/context.js';
import type { GatewayCall, GatewayResult } from '../call.js';
import type { Gateway } from '../gateway.js';
import { ApprovalRequired } from '../integrations.errors.js';
import { type ClientSide, isAskable } from '../upstreams/client-side.js';

/** How often somebody may say "go on" before it was decided. */
const MOST_ROUNDS = 20;

/**
 * A call that may need somebody's approval. A client that can ask its user is asked to wait: once the user
 * says to go on, the same call is made with the handle of the approval. The answer is no approval, and the
 * user cannot give one: that is another person's to decide. Any other client gets the handle with the error,
 * and shows it in `_meta` when it calls again.
 */
export async function callWithApproval(
  gateway: Gateway,
  ctx: Ctx,
  call: GatewayCall,
  client: ClientSide,
  signal: AbortSignal,
): Promise<GatewayResult> {
  let { approval } = call;
  for (let round = 1; ; round++) {
    try {
      return await gateway.call(ctx, { ...call, approval });
    } catch (error) {
      const asked = error instanceof ApprovalRequired ? error.asked : undefined;
      if (!asked || round > MOST_ROUNDS) throw error;
      const question = toWait(error as ApprovalRequired, asked.approvalId, round);
      if (!isAskable(client.capabilities, question)) throw error;
      const answer = await client.ask(question, signal);
      if (!('action' in answer) || answer.action !== 'accept') throw error;
      approval = asked.retryHandle;
    }
  }
}

const toWait = (
  { message }: ApprovalRequired,
  approvalId: string,
  round: number,
): InputRequest => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: `${message} ${round === 1 ? 'The question was put' : 'It is not decided yet: the question is'} to those who may decide it (approval ${approvalId}). Go on once it is decided.`,
    requestedSchema: { type: 'object', properties: {} },
  },
});
