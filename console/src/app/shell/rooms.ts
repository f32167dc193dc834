import type { Permission } from '@aos/contracts';
import type { IconName } from '../shared/ui/icon';

export interface Room {
  path: string;
  icon: IconName;
  key: string;
}

/** The seven rooms, in the order in which they stand everywhere. */
export const rooms = [
  { path: 'chat', icon: 'chat', key: 'c' },
  { path: 'monitor', icon: 'monitor', key: 'm' },
  { path: 'projects', icon: 'projects', key: 'p' },
  { path: 'memory', icon: 'memory', key: 'e' },
  { path: 'settings', icon: 'settings', key: 's' },
  { path: 'integrations', icon: 'integrations', key: 'i' },
  { path: 'agents', icon: 'agents', key: 'a' },
] as const satisfies readonly Room[];

export interface Place {
  key: string;
  icon: IconName;
  url: string;
  /** Who lacks it could only look at a refusal there. */
  needs?: Permission;
}

/** Pages inside the rooms that are worth a command of their own. */
export const places: readonly Place[] = [
  { key: 'createAgent', icon: 'plus', url: '/agents?new', needs: 'agent.write' },
  { key: 'registerServer', icon: 'plus', url: '/integrations?register', needs: 'tool.write' },
  { key: 'findTool', icon: 'search', url: '/integrations?view=tools' },
  { key: 'tasks', icon: 'list', url: '/projects' },
  { key: 'projects', icon: 'projects', url: '/projects/all' },
  { key: 'traces', icon: 'monitor', url: '/monitor/traces' },
  { key: 'logs', icon: 'text', url: '/monitor/logs' },
  { key: 'map', icon: 'integrations', url: '/monitor/map' },
  { key: 'system', icon: 'settings', url: '/settings/system', needs: 'config.read' },
  { key: 'history', icon: 'settings', url: '/settings/history', needs: 'config.read' },
  { key: 'runtime', icon: 'settings', url: '/settings/runtime', needs: 'secret.read' },
  { key: 'people', icon: 'person', url: '/settings/people', needs: 'user.read' },
  { key: 'roles', icon: 'person', url: '/settings/roles', needs: 'role.read' },
  { key: 'access', icon: 'person', url: '/settings/access' },
  { key: 'audit', icon: 'list', url: '/settings/audit', needs: 'audit.read' },
  { key: 'account', icon: 'person', url: '/settings/account' },
  { key: 'preferences', icon: 'settings', url: '/settings/preferences' },
];
