import type { Agent, AgentStanding } from '@aos/contracts';
import type { Tone } from '../../shared/ui/state-mark';

export const tones: Record<Agent['status'], Tone> = {
  running: 'running',
  stopped: 'idle',
  draining: 'recovering',
  failed: 'failed',
};

/**
 * The agents as they do now. Null where they are others than those, or made otherwise: then they are to be asked for anew.
 * Both lists are in the order in which the agents were made.
 */
export function asTheyDo(agents: readonly Agent[], now: readonly AgentStanding[]): Agent[] | null {
  if (agents.length !== now.length) return null;
  const isSame = ({ id, version }: Agent, n: number) =>
    now[n]!.id === id && now[n]!.version === version;
  return agents.every(isSame) ? agents.map((agent, n) => ({ ...agent, ...now[n]! })) : null;
}
