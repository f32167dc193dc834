/**
 * The index of a repository, held while it is written.
 *
 * Git holds it by a file, index.lock, and leaves that behind when it is killed, as it is together with AOS. Nobody can
 * tell then whether somebody still works on it, so every later git would be kept out. So AOS takes git's lock itself,
 * with a word in it about who has it, and lets git work on a copy:
 *
 *     index.lock (ours) -> index copied to index.aos -> git writes that -> it takes the place of index -> index.lock gone
 *
 * A git that the shell runs keeps out as ever. A lock that says it is of an AOS that does not run any more is taken away,
 * and with it what a git that died with it may have left. A lock that says nothing is somebody else's, and stays.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, readFile, readlink, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { say } from '@aos/contracts';
import { ToolFault, type ToolContext } from '../tool.js';
import { codeOf, ignore, inWorkspace } from './workspace-path.js';

const LOCK = 'index.lock';
/** In the folder .git. */
export const COPY = 'index.aos';
/** No step takes as long. By that alone a lock of another machine or container is known to be dead. */
const LONGEST_HELD_MS = 180_000;

const me = randomUUID();
let place: Promise<string> | undefined;

/** Where a process number means a process: in one boot of one machine, in one container. */
async function findPlace(): Promise<string> {
  const [boot, space] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return `${boot.trim() || hostname()}/${space}`.replaceAll(/\s/g, '_');
}

/** `work` is to let git write to the copy. Only what it returns from takes the place of the index. */
export async function holdingIndex<T>(
  { workspace }: Pick<ToolContext, 'workspace'>,
  folder: string,
  work: () => Promise<T>,
): Promise<T> {
  return inWorkspace(workspace, join(folder, '.git'), { intoFolder: true }, async ({ at }) => {
    await take(workspace, folder, at);
    try {
      await remove(at, COPY, `${COPY}.lock`);
      const done = await work();
      await rename(`${at}/${COPY}`, `${at}/index`).catch(ignore('ENOENT'));
      return done;
    } finally {
      await remove(at, COPY, `${COPY}.lock`, LOCK);
    }
  });
}

async function take(workspace: string, folder: string, at: string): Promise<void> {
  const mine = `aos ${me} ${await (place ??= findPlace())} ${process.pid}\n`;
  const own = `${at}/${LOCK}.${randomUUID()}`;
  // Made whole and then given its name: one without its word would be nobody's.
  await writeFile(own, mine, { flag: 'wx', mode: 0o600 });
  try {
    if (await isTaken(own, at)) {
      await removeDead(workspace, folder, at);
      if (await isTaken(own, at)) throw busy();
    }
  } finally {
    await unlink(own);
  }
}

const isTaken = (own: string, at: string): Promise<boolean> =>
  link(own, `${at}/${LOCK}`).then(
    () => false,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return true;
      throw error;
    },
  );

async function removeDead(workspace: string, folder: string, at: string): Promise<void> {
  const said = await wordOf(`${at}/${LOCK}`);
  if (said === undefined) return; // it was given back just now
  if (!(await isDead(said))) throw busy();
  // Another process may have found it dead as well, and hold it by now.
  const aside = `${at}/${LOCK}.${randomUUID()}`;
  await rename(`${at}/${LOCK}`, aside).catch(ignore('ENOENT'));
  const taken = await wordOf(aside);
  if (taken !== undefined && taken.text !== said.text)
    await link(aside, `${at}/${LOCK}`).catch(ignore('EEXIST'));
  await unlink(aside).catch(ignore('ENOENT'));
  if (taken?.text === said.text) await removeLocksOfCommit(workspace, folder, at);
}

interface Word {
  text: string;
  at: number;
}

/** Neither a link nor a pipe is opened: whoever works in the workspace may have put one there. */
async function wordOf(path: string): Promise<Word | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(ignore('ENOENT', 'ELOOP'));
  if (!file) return undefined;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > 500) return { text: '', at: stats.mtimeMs };
    return { text: await file.readFile('utf8'), at: stats.mtimeMs };
  } finally {
    await file.close();
  }
}

async function isDead({ text, at }: Word): Promise<boolean> {
  const [, id, where, pid] = /^aos (\S+) (\S+) (\d+)\n$/.exec(text) ?? [];
  if (id === undefined) return false;
  if (id === me) return true; // steps of this process take turns: nobody works under it
  if (where === (await place) && !runs(Number(pid))) return true;
  return Date.now() - at > LONGEST_HELD_MS;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Held for the moment in which a commit gets its name, by who has the index. */
async function removeLocksOfCommit(workspace: string, folder: string, at: string): Promise<void> {
  await remove(at, 'HEAD.lock');
  const branch = /^ref: (refs\/heads\/.+)\n?$/.exec((await wordOf(`${at}/HEAD`))?.text ?? '')?.[1];
  if (branch === undefined) return;
  const path = join(folder, '.git', `${branch}.lock`);
  await inWorkspace(workspace, path, {}, (lock) => unlink(lock.at)).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT' && !(error instanceof ToolFault)) throw error; // a branch without a folder
  });
}

async function remove(at: string, ...names: string[]): Promise<void> {
  for (const name of names) await unlink(`${at}/${name}`).catch(ignore('ENOENT'));
}

const busy = () => new ToolFault('git_failed', say('git-busy'));
