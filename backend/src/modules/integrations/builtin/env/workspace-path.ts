/**
 * Reaches a file of the workspace, and no other.
 *
 * Checking a path and then using it leaves a gap in which someone may swap a folder for a link: the
 * run's own shell, for one, works in the same tree. So nothing is checked and then used by name.
 * The path is walked from the root, one folder at a time, each opened relative to the one before
 * (`/proc/self/fd/N/name`, which is how Node can say openat) and never following a link; what is
 * finally done is done relative to the last of those open folders.
 *
 *     workspace (fd) --O_NOFOLLOW--> a (fd) --O_NOFOLLOW--> b (fd) --> open, rename, unlink "name"
 *
 * A link met on the way is resolved, and if it leads to a place within the workspace the walk starts
 * over with that real path; so links inside work, links to the outside are refused, and a link that
 * changes meanwhile finds the walk on a path without links.
 *
 * Where there is no /proc (macOS), the same walk goes by names, with O_NOFOLLOW on each folder and
 * the real path compared again after the last one. That leaves a race for someone who can already
 * write in the workspace from another process; servers run Linux.
 */
import { constants } from 'node:fs';
import { mkdir, open, realpath, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { say } from '@aos/contracts';
import { ToolFault } from '../tool.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const MAX_PATH_CHARS = 1_024;
const MAX_DEPTH = 64;
const MAX_LINKS = 10;

export interface Place {
  /** For system calls: the anchored path of the file itself. */
  at: string;
  /** For system calls: the anchored path of the folder it stands in. */
  folder: string;
  name: string;
  /** As the caller should see it: relative to the workspace, links resolved. */
  path: string;
}

/** The names in a path. Throws for whatever could mean another place than it seems to. */
export function segmentsOf(path: string): string[] {
  const refuse = (
    code: `path-${'long' | 'controls' | 'absolute' | 'backslash' | 'outside' | 'name-long' | 'deep'}`,
  ) => new ToolFault('path_refused', say(code, { path: clean(path) }));
  if (path.length > MAX_PATH_CHARS) throw refuse('path-long');
  if (/[\u0000-\u001f\u007f]/.test(path)) throw refuse('path-controls');
  if (isAbsolute(path) || /^[A-Za-z]:|^\\|^~/.test(path)) {
    throw refuse('path-absolute');
  }
  if (path.includes('\\')) throw refuse('path-backslash');
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  for (const segment of segments) {
    // Nothing here decodes percent signs, but a caller who sends them means to get out.
    const decoded = segment.replace(/%2e/gi, '.').replace(/%2f|%5c/gi, '/');
    if (segment === '..' || decoded === '..' || decoded.includes('/')) {
      throw refuse('path-outside');
    }
    if (Buffer.byteLength(segment) > 255) throw refuse('path-name-long');
  }
  if (segments.length > MAX_DEPTH) throw refuse('path-deep');
  return segments;
}

function clean(path: string): string {
  return path.slice(0, 200).replace(/[\u0000-\u001f\u007f]/g, '?');
}

export interface WayOptions {
  /** Folders missing on the way are made. */
  createFolders?: boolean;
  /** A link at the end is followed too, if it stays inside. */
  followLast?: boolean;
  /** `path` is a folder, to be opened itself: `at` is then the open folder. */
  intoFolder?: boolean;
}

/**
 * Opens the way to `path` and calls `use` while it is held open. The last name
 * need not exist, and is not looked at.
 */
export async function inWorkspace<T>(
  root: string,
  path: string,
  options: WayOptions,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const realRoot = await realpath(root);
  let segments = segmentsOf(path);
  if (options.intoFolder) segments.push('.');
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    const walk = new Walk(realRoot, path);
    try {
      const detour = await walk.to(segments, options);
      if (detour === undefined) return await use(walk.place(segments));
      segments = detour;
    } finally {
      await walk.close();
    }
  }
  throw new ToolFault('path_refused', say('path-many-links', { path: clean(path) }));
}

const isLinux = process.platform === 'linux';

class Walk {
  private readonly handles: FileHandle[] = [];

  constructor(
    private readonly realRoot: string,
    private readonly asked: string,
  ) {}

  /** Undefined on arrival, or the path to start over with after a link. */
  async to(
    segments: string[],
    { createFolders, followLast }: WayOptions,
  ): Promise<string[] | undefined> {
    this.handles.push(await open(this.realRoot, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    for (const [depth, segment] of segments.slice(0, -1).entries()) {
      const at = `${this.anchor(segments.slice(0, depth))}/${segment}`;
      if (createFolders) await mkdir(at, 0o700).catch(ignore('EEXIST'));
      try {
        this.handles.push(await open(at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      } catch (error) {
        return this.detour(error, segments, depth);
      }
    }
    if (!isLinux) await this.recheck(segments.slice(0, -1));
    const last = segments.at(-1);
    if (!followLast || last === undefined) return undefined;
    try {
      const probe = await open(
        `${this.anchor(segments.slice(0, -1))}/${last}`,
        O_RDONLY | O_NOFOLLOW | constants.O_NONBLOCK,
      );
      await probe.close();
    } catch (error) {
      if (codeOf(error) === 'ELOOP') return this.detour(error, segments, segments.length - 1);
      // Whatever else is wrong with it is for the caller's own call to meet.
    }
    return undefined;
  }

  place(segments: string[]): Place {
    const folder = this.anchor(segments.slice(0, -1));
    const name = segments.at(-1) ?? '';
    const path = segments.filter((segment) => segment !== '.').join('/');
    return { at: name === '' ? folder : `${folder}/${name}`, folder, name, path };
  }

  async close(): Promise<void> {
    for (const handle of this.handles) await handle.close();
  }

  private anchor(segments: string[]): string {
    return isLinux ? `/proc/self/fd/${this.handles.at(-1)!.fd}` : join(this.realRoot, ...segments);
  }

  private async detour(error: unknown, segments: string[], depth: number): Promise<string[]> {
    const code = codeOf(error);
    if (code === 'ENOENT') {
      throw new ToolFault('not_found', say('file-none', { path: clean(this.asked) }));
    }
    // A link gives ELOOP, or ENOTDIR where O_DIRECTORY is looked at first; a plain file ENOTDIR too.
    if (code !== 'ELOOP' && code !== 'ENOTDIR') throw error;
    const linked = join(this.realRoot, ...segments.slice(0, depth + 1));
    let target: string;
    try {
      target = await realpath(linked);
    } catch (cause) {
      throw new ToolFault('not_found', say('path-link-nowhere', { path: clean(this.asked) }), {
        cause,
      });
    }
    const inside = relative(this.realRoot, target);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw new ToolFault('path_refused', say('path-outside', { path: clean(this.asked) }));
    }
    if (target === linked) {
      throw new ToolFault(
        'not_a_folder',
        say('path-a-file', { path: segments.slice(0, depth + 1).join('/') }),
      );
    }
    return [...inside.split(sep).filter((name) => name !== ''), ...segments.slice(depth + 1)];
  }

  private async recheck(folders: string[]): Promise<void> {
    const expected = join(this.realRoot, ...folders);
    if ((await realpath(expected)) !== expected) {
      throw new ToolFault('path_refused', say('path-changed', { path: clean(this.asked) }));
    }
  }
}

/** For system calls: an open folder; where that cannot be said, the place that it was opened at. */
export const anchorOf = (folder: FileHandle, place: Buffer): Buffer =>
  isLinux ? Buffer.from(`/proc/self/fd/${folder.fd}`) : place;

/** Not `instanceof Error`: Node's own errors come from another realm than a test's. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function ignore(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? '')) throw error;
  };
}
