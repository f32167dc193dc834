import type { AgentConfig, agentStatuses } from '@aos/contracts';
import { AgentStateRefused } from './agents.errors.js';

export type AgentStatus = (typeof agentStatuses)[number];
export type AgentOrder = 'start' | 'stop' | 'drained' | 'fail';

/**
 * How an agent moves; what is not here is refused. `null` is "nothing to do": an order given twice does no
 * harm.
 *
 *     stopped --start--> running --stop--> draining --its last run ends--> stopped
 *                           \--fail--> failed --start--> running
 *
 * Draining takes no new tasks and lets the accepted ones end. Starting again while draining is allowed: the
 * tasks under way simply go on.
 */
export const transitions: Record<AgentStatus, Partial<Record<AgentOrder, AgentStatus | null>>> = {
  stopped: { start: 'running', stop: null, drained: null },
  running: { start: null, stop: 'draining', fail: 'failed', drained: null },
  draining: { start: 'running', stop: null, drained: 'stopped', fail: 'failed' },
  failed: { start: 'running', stop: 'stopped', fail: null, drained: null },
};

/** @returns the new status, or undefined when the order changes nothing. @throws AgentStateRefused */
export function nextStatus(
  name: string,
  status: AgentStatus,
  order: AgentOrder,
): AgentStatus | undefined {
  const next = transitions[status][order];
  if (next === undefined) throw new AgentStateRefused(name, status, order);
  return next ?? undefined;
}

export const initialConfig: AgentConfig = {
  prompt: '',
  sop: [],
  tools: [],
  env: [],
  concurrency: 2,
};
