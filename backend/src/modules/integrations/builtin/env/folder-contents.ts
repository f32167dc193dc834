/**
 * What lies in a folder, some at a time. A program makes hundreds of thousands of files in the minute that it has, and
 * whoever reads or removes them all at once (readdir, fs.rm) stands everybody still for seconds and takes hundreds of
 * megabytes for it.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { anchorOf, ignore } from './workspace-path.js';

const AT_ONCE = 64;

export interface Entry {
  /** Names are bytes, and need not be text. */
  name: Buffer;
  isFolder: boolean;
}

export async function* contentsOf(folder: string | Buffer): AsyncGenerator<Entry[], void> {
  let some: Entry[] = [];
  // In Latin-1 each byte is a character.
  for await (const entry of await opendir(folder, { encoding: 'latin1', bufferSize: AT_ONCE })) {
    some.push({ name: Buffer.from(entry.name, 'latin1'), isFolder: entry.isDirectory() });
    if (some.length < AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/**
 * Not fs.rm: it also goes by names, and a folder swapped for a link meanwhile would lead it outside. What lies in its
 * folders is moved up into it first: so none is too deep.
 */
export async function emptyFolder(top: string, signal?: AbortSignal): Promise<void> {
  for (let isEmpty = false; !isEmpty;) {
    isEmpty = true;
    for await (const some of contentsOf(top)) {
      isEmpty = false;
      const folders = await withoutFiles(top, some, signal);
      for (const name of folders) await flatten(top, under(top, name), signal);
    }
  }
}

async function flatten(top: string, place: Buffer, signal?: AbortSignal): Promise<void> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const handle = await open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    const folder = anchorOf(handle, place);
    for await (const some of contentsOf(folder)) {
      for (const name of await withoutFiles(folder, some, signal)) {
        const above = Buffer.from(`.${randomBytes(9).toString('base64url')}`);
        await rename(under(folder, name), under(top, above));
      }
    }
  } finally {
    await handle.close();
  }
  await rmdir(place);
}

/** Deletes what is no folder, and answers with the names of the folders. */
async function withoutFiles(folder: string | Buffer, some: Entry[], signal?: AbortSignal) {
  signal?.throwIfAborted();
  const files = some.filter(({ isFolder }) => !isFolder);
  await Promise.all(files.map(({ name }) => unlink(under(folder, name)).catch(ignore('ENOENT'))));
  return some.filter(({ isFolder }) => isFolder).map(({ name }) => name);
}

export const under = (folder: string | Buffer, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(folder), Buffer.from('/'), name]);
