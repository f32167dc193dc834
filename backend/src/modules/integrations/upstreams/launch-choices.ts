import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LaunchTemplate } from '@aos/contracts';
import { type LaunchFolders, installationRoot, packageFolders } from './launch-templates.js';

const MAX_CHOICES = 200;
const isScript = (name: string) => /\.[cm]?js$/.test(name);

/**
 * What `approveLaunch` would start on this machine, as a list to choose from: the reference servers that are
 * installed, the scripts that someone put into the folder kept for servers, and any package by its name.
 */
export function launchChoices(folders: LaunchFolders): LaunchTemplate[] {
  const choices = [
    ...packageFolders().flatMap(installedIn),
    ...ownScripts(join(folders.dataDir, 'mcp-servers')),
  ];
  const byId = new Map(choices.map((choice) => [choice.id, choice]));
  return [...byId.values(), anyPackage].slice(0, MAX_CHOICES);
}

const anyPackage: LaunchTemplate = {
  id: 'package',
  kind: 'package',
  title: 'npx',
  description: '',
  command: 'npx',
  args: ['-y'],
};

function installedIn(folder: string): LaunchTemplate[] {
  const scope = join(folder, '@modelcontextprotocol');
  if (!existsSync(scope)) return [];
  return readdirSync(scope)
    .filter((name) => name.startsWith('server-'))
    .sort()
    .flatMap((name) => {
      const about = manifestOf(join(scope, name));
      const script =
        typeof about?.bin === 'string' ? about.bin : Object.values(about?.bin ?? {})[0];
      if (!about || !script || !isScript(script)) return [];
      const path = relative(installationRoot(), join(scope, name, script));
      return [
        {
          id: about.name,
          kind: 'installed' as const,
          title: about.name,
          description: about.description ?? '',
          command: 'node',
          args: [path],
        },
      ];
    });
}

interface Manifest {
  name: string;
  description?: string;
  bin?: string | Record<string, string>;
}

function manifestOf(folder: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return undefined; // half installed: nothing to offer
  }
}

/** Scripts that lie in the folder itself, and the `index.js` of each folder in it. */
function ownScripts(folder: string): LaunchTemplate[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (!entry.isDirectory()) return isScript(entry.name) ? [entry.name] : [];
      const index = ['index.js', 'index.mjs', 'dist/index.js'].map((name) =>
        join(entry.name, name),
      );
      return index.filter((name) => existsSync(join(folder, name))).slice(0, 1);
    })
    .sort()
    .map((name) => ({
      id: `own:${name}`,
      kind: 'own' as const,
      title: name,
      description: '',
      command: 'node',
      args: [join(folder, name)],
    }));
}
