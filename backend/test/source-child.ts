import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

/** The sources import "./x.js"; Node strips types but does not map names. */
const loader = `import { registerHooks } from 'node:module';
registerHooks({ resolve(specifier, context, next) {
  try { return next(specifier, context); } catch (error) {
    if (!specifier.startsWith('.')) throw error;
    return next(specifier.replace(/\\.js$/, '.ts'), context);
  } } });`;

/**
 * Runs \`code\`, which may import sources of this project by their absolute path, in a process and a group of its own.
 * @param options.files how many files it may have open at once
 */
export async function spawnSource(
  code: string,
  { files = 1024 }: { files?: number } = {},
): Promise<ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> }> {
  const folder = await temporaryFolder();
  const [path, hooks] = [join(folder, 'main.mts'), join(folder, 'loader.mjs')];
  await Promise.all([writeFile(path, code), writeFile(hooks, loader)]);
  const node = [process.execPath, '--experimental-transform-types', '--import', hooks, path];
  return spawn('/bin/sh', ['-c', `ulimit -n ${files} && exec "$@"`, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
}
