import type { McpServerInfo, ServerStanding, ToolActivity } from '@aos/contracts';
import type { IconName } from '../../shared/ui/icon';
import type { Tone } from '../../shared/ui/state-mark';

/** The worst first. */
export const serverStates = [
  'unreachable',
  'resting',
  'degraded',
  'unknown',
  'off',
  'healthy',
] as const;
export type ServerState = (typeof serverStates)[number];

export const tones: Record<ServerState, Tone> = {
  healthy: 'done',
  degraded: 'waiting',
  unreachable: 'failed',
  resting: 'failed',
  off: 'idle',
  unknown: 'idle',
};

export const icons: Partial<Record<ServerState, IconName>> = {
  degraded: 'anomaly',
  resting: 'waiting',
};

/** Of so few calls a share says nothing. */
const FEWEST_CALLS = 5;
const MANY_FAILURES = 0.2;

/** The state is of the connection: that calls fail is marked beside their share from the first one on. */
export const failsOften = (activity?: Pick<ToolActivity, 'calls' | 'failed'>): boolean =>
  activity !== undefined && activity.calls > 0 && activity.failed / activity.calls >= MANY_FAILURES;

/** It answers, and still every fifth call fails: that is worth a look. */
export function stateOf(server: McpServerInfo, activity?: ToolActivity): ServerState {
  // Its circuit is open: calls to it are refused for a while, whatever its health was when it was last asked.
  if (server.enabled && server.circuit.state !== 'closed') return 'resting';
  switch (server.health.state) {
    case 'disabled':
      return 'off';
    case 'unhealthy':
      return 'unreachable';
    case 'unknown':
      return 'unknown';
    case 'healthy':
      return activity && activity.calls >= FEWEST_CALLS && failsOften(activity)
        ? 'degraded'
        : 'healthy';
  }
}

export const errorShare = (activity?: Pick<ToolActivity, 'calls' | 'failed'>): string =>
  activity && activity.calls > 0
    ? `${Number(((100 * activity.failed) / activity.calls).toFixed(1))} %`
    : '';

/** Where it is: an address, or a command. */
export const placeOf = (server: McpServerInfo): string =>
  server.command !== null
    ? [server.command, ...server.args].join(' ')
    : server.transport === 'http' || server.transport === 'sse'
      ? server.url
      : '';

/**
 * The servers as they do now. Null where they are others than those, or registered otherwise: then they are to be asked for
 * anew. Both lists are by name.
 */
export function asTheyDo(
  servers: readonly McpServerInfo[],
  now: readonly ServerStanding[],
): McpServerInfo[] | null {
  if (servers.length !== now.length) return null;
  const all = servers.map((server, n): McpServerInfo | null => {
    const standing = now[n]!;
    if (standing.name !== server.name || standing.version !== server.version) return null;
    const { state, circuit, tools, error = null, said, perMinute = null } = standing;
    return {
      ...server,
      tools,
      health: { ...server.health, state, error, said },
      circuit: { ...server.circuit, state: circuit },
      quota: { ...server.quota, perMinute },
      pins: standing.pins ?? { changed: 0, quarantined: 0 },
    };
  });
  return all.every((server) => server !== null) ? all : null;
}
