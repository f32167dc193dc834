import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { say } from '@aos/contracts';
import { LaunchRefused } from '../integrations.errors.js';

/**
 * What may be started as a stdio server. Whoever may register a server must not thereby be able to run
 * anything at all on this machine, so a command is not checked against what is bad but matched against what
 * is approved, and started without a shell:
 *
 *   npx [-y] <package>[@version] args…   a package that the settings list (gateway.npmPackages), in the version that
 *                                        they list; no URLs, no git, no files, and none that is itself an interpreter
 *   node <script> args…                  a script that lies, links resolved, in a folder kept for servers:
 *                                        the reference servers in node_modules, or `mcp-servers` in the data
 *                                        folder, where only someone with access to this machine puts files
 */
export interface Launch {
  file: string;
  args: string[];
}

export interface LaunchTerms {
  dataDir: string;
  /** As `gateway.npmPackages` lists them; `any` for a server that was registered before they were listed. */
  packages: readonly string[] | 'any';
}

const MAX_ARG_BYTES = 4096;
/** Options that make an interpreter run its argument; refused wherever they stand. */
const runsItsArgument =
  /^(-[ecprCE]|-pe|-ep|--eval|--print|--call|--require|--import|--loader|--experimental-loader|--shell)(=|$)/;
const registryName =
  /^(?:@[a-z0-9][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*(?:@[A-Za-z0-9.+^~-]{1,64})?$/;
const interpreters = new Set(
  'node bun deno tsx ts-node esno jiti sucrase-node zx shx shelljs execa-cli npm npx pnpm yarn corepack nodemon pm2 concurrently cross-env env-cmd dotenv-cli bash sh python'.split(
    ' ',
  ),
);

/** @throws LaunchRefused, with the reason and what would be allowed. */
export function approveLaunch(
  command: string,
  args: readonly string[],
  terms: LaunchTerms,
): Launch {
  const control = /[\u0000-\u001f\u007f]/;
  if (control.test(command) || /[;&|<>$`"'\\*?!(){}\s]/.test(command))
    throw new LaunchRefused(say('launch-characters'));
  for (const [index, arg] of args.entries()) {
    if (Buffer.byteLength(arg) > MAX_ARG_BYTES)
      throw new LaunchRefused(say('launch-argument-long', { n: index + 1, most: MAX_ARG_BYTES }));
    if (control.test(arg))
      throw new LaunchRefused(say('launch-argument-controls', { n: index + 1 }));
    if (/[;&|<>`]|\$[({]/.test(arg))
      throw new LaunchRefused(say('launch-argument-shell', { n: index + 1 }));
    if (runsItsArgument.test(arg))
      throw new LaunchRefused(say('launch-argument-runs', { n: index + 1 }));
  }
  if (command === 'npx') return approvePackage(args, terms.packages);
  if (command === 'node') return approveScript(args, terms.dataDir);
  throw new LaunchRefused(say('launch-command', { command: command.slice(0, 60) }));
}

function approvePackage(args: readonly string[], packages: LaunchTerms['packages']): Launch {
  const rest = args[0] === '-y' || args[0] === '--yes' ? args.slice(1) : args;
  const name = rest[0] ?? '';
  if (!registryName.test(name)) throw new LaunchRefused(say('launch-package'));
  if (interpreters.has(name.replace(/(?!^)@.*$/, '')))
    throw new LaunchRefused(say('launch-interpreter', { name }));
  const listed = packages === 'any' ? name : asListed(name, packages);
  if (listed === undefined) throw new LaunchRefused(say('launch-package-not-listed', { name }));
  return { file: 'npx', args: ['-y', '--', listed, ...rest.slice(1)] };
}

/** What is started for `wanted`: where the list names one version, that one. Undefined when no entry allows it. */
function asListed(wanted: string, packages: readonly string[]): string | undefined {
  const [name, version] = nameAndVersion(wanted);
  const pinned = packages.map(nameAndVersion).filter((entry) => entry[0] === name && entry[1]);
  const exact = pinned.find((entry) => version === undefined || entry[1] === version);
  if (exact) return `${name}@${exact[1]}`;
  const isListed = packages.some((entry) =>
    entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : entry === name,
  );
  return isListed ? wanted : undefined;
}

function nameAndVersion(text: string): [name: string, version: string | undefined] {
  const at = text.indexOf('@', 1);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** What is downloaded when it is started; undefined for what lies here already. */
export const downloadOf = ({ file, args }: Launch): string | undefined =>
  file === 'npx' ? args[2] : undefined;

function approveScript(args: readonly string[], dataDir: string): Launch {
  const [script = '', ...rest] = args;
  const refused = () => new LaunchRefused(say('launch-script', { script: script.slice(0, 200) }));
  if (script === '' || script.startsWith('-')) throw new LaunchRefused(say('launch-no-script'));
  const real = realPath(isAbsolute(script) ? script : resolve(installationRoot(), script));
  if (!real || !/\.[cm]?js$/.test(real)) throw refused();
  const isServer =
    packageFolders().some((folder) =>
      real.startsWith(join(folder, '@modelcontextprotocol', 'server-')),
    ) || real.startsWith((realPath(join(dataDir, 'mcp-servers')) ?? '\u0000') + sep);
  if (!isServer) throw refused();
  return { file: process.execPath, args: [...heapFlags(), real, ...rest] };
}

/** A script runs on our own Node, and with the flags by which its heap grows with what is in use: see node-flags.json. */
const heapFlags = () =>
  process.execArgv.filter((flag) => /^--(max-semi-space-size|heap-growing-percent)=/.test(flag));

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // there is no such file: refused like one that may not be started
  }
}

/** Every node_modules that this installation resolves packages from, nearest first. */
export function packageFolders(): string[] {
  const folders: string[] = [];
  for (let at = import.meta.dirname; dirname(at) !== at; at = dirname(at)) {
    const folder = join(at, 'node_modules');
    if (existsSync(folder)) folders.push(realpathSync(folder));
  }
  return folders;
}

export const installationRoot = () => dirname(packageFolders().at(-1) ?? process.cwd());
