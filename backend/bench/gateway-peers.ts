import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Who is measured beside AOS. Not of the project's own packages: installed when the benchmark is first run. */
export const peers = { 'mcp-proxy': '6.7.19', supergateway: '4.0.0', 'mcp-hub': '4.2.1' } as const;
export type Peer = keyof typeof peers;

/** backend/dist-bench/bench, seen from the repository. */
const root = resolve(import.meta.dirname, '../../..');
const folder = join(root, '.aos/bench-gateway');

/** The script that starts a peer, or why there is none. */
export async function installPeers(): Promise<Record<Peer, string> | { why: string }> {
  const manifest = JSON.stringify({ private: true, dependencies: peers });
  const known = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '');
  const isThere = known === manifest && existsSync(join(folder, 'node_modules/.package-lock.json'));
  if (!isThere) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), manifest);
    try {
      await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
    } catch (error) {
      return { why: `npm install in .aos/bench-gateway failed: ${(error as Error).message}` };
    }
  }
  const scripts = await Promise.all(
    (Object.keys(peers) as Peer[]).map(async (name) => {
      const home = join(folder, 'node_modules', name);
      const { bin } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as {
        bin: string | Record<string, string>;
      };
      return [name, join(home, typeof bin === 'string' ? bin : bin[name]!)] as const;
    }),
  );
  return Object.fromEntries(scripts) as Record<Peer, string>;
}

async function npm(args: string[]): Promise<void> {
  // Under `npm run` this is npm's own file, and the Node it runs on.
  const { npm_execpath: file, npm_node_execpath: node } = process.env;
  const isOurs = file !== undefined && /npm-cli\.[cm]?js$/.test(file);
  const [command, before] = isOurs ? [node ?? process.execPath, [file]] : ['npm', []];
  await promisify(execFile)(command, [...before, ...args], { cwd: folder });
}
