import { constants } from 'node:fs';
import { access, chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import lockfile from 'proper-lockfile';
import { StartRefused } from '../config/environment.js';

/**
 * Makes the data folder, readable by this user alone. Asked first, whatever the database: keys and artifacts lie in it.
 *
 * @throws StartRefused when it cannot be made or written.
 */
export async function prepareDataFolder(dataDir: string): Promise<void> {
  try {
    await makeFolder(dataDir);
    await chmod(dataDir, 0o700);
    await access(dataDir, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StartRefused(
      `AOS_DATA_DIR ${dataDir} cannot be written to: ${(cause as Error).message}. Set it to a folder of the user that AOS runs as.`,
      { cause },
    );
  }
}

/** Not with `recursive`: where a folder cannot be made though the one above it is there, as below /proc, Node tries for ever. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}

/**
 * The data folder belongs to one process. PGlite takes no lock of its own, and two processes on one
 * folder destroy it; so the lock is taken before the database is opened and kept fresh while it is used.
 * A process killed by SIGKILL leaves the lock behind; it is taken over once it is stale (10 s), or at once
 * when the process named in it is gone.
 *
 * @returns a function that gives the folder back.
 */
export async function lockDataFolder(dataDir: string): Promise<() => Promise<void>> {
  const pidFile = join(dataDir, 'process.json');
  await releaseIfOwnerIsGone(dataDir, pidFile);
  try {
    const release = await lockfile.lock(dataDir, {
      lockfilePath: join(dataDir, 'lock'),
      stale: 10_000,
      update: 2_000,
      onCompromised: (error) => {
        // Another process holds the folder now (this one was stopped for long): going on would destroy data.
        console.error(
          `The lock on ${dataDir} was lost (${error.message}). Stopping at once to keep the data whole.`,
        );
        process.exit(1);
      },
    });
    await writeFile(
      pidFile,
      JSON.stringify({ pid: process.pid, startedAt: await startTime(process.pid) }),
      { mode: 0o600 },
    );
    return async () => {
      await rm(pidFile, { force: true });
      await release();
    };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ELOCKED') throw cause;
    throw new StartRefused(
      `The data folder ${dataDir} is in use by another AOS process. Stop that one, or set AOS_DATA_DIR to another folder.`,
      { cause },
    );
  }
}

async function releaseIfOwnerIsGone(dataDir: string, pidFile: string): Promise<void> {
  const text = await readFile(pidFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!text) return;
  let owner: { pid: number; startedAt: string | undefined };
  try {
    owner = JSON.parse(text) as typeof owner;
  } catch {
    return; // half-written by a crash: the lock then goes stale by itself
  }
  if (isAlive(owner.pid) && (await startTime(owner.pid)) === owner.startedAt) return;
  await rm(join(dataDir, 'lock'), { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A pid is reused; a pid with its start time is not. Undefined where /proc is missing. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
