import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LaunchTemplate } from '@aos/contracts';
import { installationRoot, packageFolders } from './launch-templates.js';

const MAX_CHOICES = 200;
const isScript = (name: string) => /\.[cm]?js$/.test(name);

/**
 * What `approveLaunch` would start on this machine, as a list to choose from: the reference servers that are
 * installed, the scripts that someone put into the folder kept for servers, and the packages that the settings
 * list, to be named.
 */
export function launchChoices(dataDir: string, packages: readonly string[]): LaunchTemplate[] {
  const choices = [
    ...packageFolders().flatMap(installedIn),
    ...ownScripts(join(dataDir, 'mcp-servers')),
  ];
  const byId = new Map(choices.map((choice) => [choice.id, choice]));
  const named = packages.length > 0 ? [{ ...aPackage, description: shown(packages) }] : [];
  return [...byId.values(), ...named].slice(0, MAX_CHOICES);
}

const MOST_SHOWN = 10;
const shown = (packages: readonly string[]) =>
  [...packages.slice(0, MOST_SHOWN), ...(packages.length > MOST_SHOWN ? ['…'] : [])].join(', ');

const aPackage: LaunchTemplate = {
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
