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

/** Pages inside the rooms that are worth a command of their own. */
export const places = [
  { key: 'runs', icon: 'play', url: '/projects' },
  { key: 'createAgent', icon: 'plus', url: '/agents?new=1' },
  { key: 'registerServer', icon: 'plus', url: '/integrations?register=1' },
] as const satisfies readonly { key: string; icon: IconName; url: string }[];
