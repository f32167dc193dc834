import { isUtf8 } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { constants, type Dirent, type Stats } from 'node:fs';
import { lstat, mkdir, open, rename, rmdir, unlink } from 'node:fs/promises';
import { type Said, say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type BuiltinTool } from '../tool.js';
import { contentsOf, emptyFolder, under } from './folder-contents.js';
import {
  codeOf,
  ignore,
  inWorkspace,
  segmentsOf,
  type Place,
  type WayOptions,
} from './workspace-path.js';

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;

const MB = 1024 * 1024;
const READ_BYTES = 1 * MB;
const MAX_READ_BYTES = 8 * MB;
const MAX_WRITE_BYTES = 16 * MB;
/** Larger files, sparse ones too, are for csv.profile and its like, not for a model to read. */
const MAX_FILE_BYTES = 1024 * MB;
const MAX_APPENDED_BYTES = 256 * MB;

const pathInput = z.string().min(1).max(1_024).describe('Relative to the workspace, parted by "/"');
const encodingInput = z.enum(['utf8', 'base64']).optional().describe('Default utf8');
const entryType = z.enum(['file', 'folder', 'link', 'other']);

function typeOf(entry: Stats | Dirent): z.infer<typeof entryType> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** What went wrong in words, for the errors a caller can do something about. */
function explained(error: unknown, path: string): unknown {
  const known: Record<string, [code: string, said: Said]> = {
    ENOENT: ['not_found', say('file-none', { path })],
    ELOOP: ['path_refused', say('file-link', { path })],
    EISDIR: ['not_a_file', say('file-folder', { path })],
    ENOTDIR: ['not_a_folder', say('file-no-folder', { path })],
    ENXIO: ['not_a_file', say('file-pipe', { path })],
    ENOTEMPTY: ['not_empty', say('file-not-empty', { path })],
    EEXIST: ['already_exists', say('file-exists', { path })],
    ENOSPC: ['disk_full', say('disk-full')],
  };
  const [code, said] = known[codeOf(error) ?? ''] ?? [];
  return code ? new ToolFault(code, said!, { cause: error }) : error;
}

async function at<T>(
  root: string,
  path: string,
  options: WayOptions,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  try {
    return await inWorkspace(root, path, options, use);
  } catch (error) {
    throw explained(error, path);
  }
}

function requireName(place: Place): void {
  if (place.name === '') throw new ToolFault('not_a_file', say('file-workspace'));
}

/** Opens a plain file for reading. A pipe does not block, a device does not open. */
async function readable(place: Place) {
  const handle = await open(place.at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (stats.isDirectory())
      throw new ToolFault('not_a_file', say('file-folder', { path: place.path }));
    if (!stats.isFile()) {
      throw new ToolFault('not_a_file', say('file-special', { path: place.path }));
    }
    if (stats.size > MAX_FILE_BYTES) {
      throw new ToolFault('too_large', say('file-large', { path: place.path, bytes: stats.size }));
    }
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

const filesRead = tool({
  name: 'files.read',
  title: 'Read a file',
  description: 'Reads a file of the workspace, or a part of it, as text or base64.',
  input: z.strictObject({
    path: pathInput,
    encoding: encodingInput,
    offset: z.int().min(0).optional(),
    maxBytes: z.int().min(1).max(MAX_READ_BYTES).optional().describe('Default 1 MiB'),
  }),
  output: z.object({
    path: z.string(),
    content: z.string(),
    encoding: z.enum(['utf8', 'base64']),
    size: z.number().int().describe('Of the whole file'),
    bytes: z.number().int().describe('Of the part read'),
    truncated: z.boolean(),
  }),
  idempotent: true,
  readOnly: true,
  run: ({ path, encoding = 'utf8', offset = 0, maxBytes = READ_BYTES }, ctx) =>
    at(ctx.workspace, path, { followLast: true }, async (place) => {
      requireName(place);
      const { handle, stats } = await readable(place);
      try {
        const buffer = Buffer.alloc(Math.max(0, Math.min(maxBytes, stats.size - offset)));
        let bytes = 0;
        while (bytes < buffer.length) {
          const read = await handle.read(buffer, bytes, buffer.length - bytes, offset + bytes);
          if (read.bytesRead === 0) break; // it became shorter meanwhile
          bytes += read.bytesRead;
        }
        const content = buffer.subarray(0, bytes).toString(encoding);
        const truncated = offset + bytes < stats.size;
        return { path: place.path, content, encoding, size: stats.size, bytes, truncated };
      } finally {
        await handle.close();
      }
    }),
});

/** Whole or not at all: a reader sees the old file or the new one, whatever stops the writer. */
export function writeWhole(
  root: string,
  path: string,
  data: Buffer,
): Promise<{ path: string; bytes: number; sha256: string; created: boolean }> {
  return at(root, path, { createFolders: true, followLast: true }, async (place) => {
    requireName(place);
    const before = await lstat(place.at).catch(ignore('ENOENT'));
    if (before?.isDirectory())
      throw new ToolFault('not_a_file', say('file-folder', { path: place.path }));
    const draft = `${place.folder}/.${randomBytes(9).toString('base64url')}.tmp`;
    const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } catch (error) {
      await unlink(draft);
      throw error;
    } finally {
      await handle.close();
    }
    await rename(draft, place.at);
    const sha256 = createHash('sha256').update(data).digest('hex');
    return { path: place.path, bytes: data.length, sha256, created: !before };
  });
}

function decoded(content: string, encoding: 'utf8' | 'base64' = 'utf8'): Buffer {
  const data = Buffer.from(content, encoding);
  if (data.length > MAX_WRITE_BYTES) {
    throw new ToolFault('too_large', say('file-write-large', { most: MAX_WRITE_BYTES / MB }));
  }
  return data;
}

const filesWrite = tool({
  name: 'files.write',
  title: 'Write a file',
  description:
    'Writes a whole file of the workspace, replacing what was there. Missing folders are made.',
  input: z.strictObject({
    path: pathInput,
    content: z.string().max(Math.ceil(MAX_WRITE_BYTES * 1.4)),
    encoding: encodingInput,
  }),
  output: z.object({
    path: z.string(),
    bytes: z.number().int(),
    sha256: z.string(),
    created: z.boolean(),
  }),
  idempotent: true,
  readOnly: false,
  run: async ({ path, content, encoding }, ctx) =>
    writeWhole(ctx.workspace, path, decoded(content, encoding)),
});

const filesAppend = tool({
  name: 'files.append',
  title: 'Append to a file',
  description: 'Adds to the end of a file of the workspace; makes the file where there is none.',
  input: z.strictObject({
    path: pathInput,
    content: z.string().max(Math.ceil(MAX_WRITE_BYTES * 1.4)),
    encoding: encodingInput,
  }),
  output: z.object({ path: z.string(), bytes: z.number().int(), size: z.number().int() }),
  idempotent: false,
  readOnly: false,
  run: async ({ path, content, encoding }, ctx) => {
    const data = decoded(content, encoding);
    return at(ctx.workspace, path, { createFolders: true, followLast: true }, async (place) => {
      requireName(place);
      const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
      const handle = await open(place.at, flags, 0o600);
      try {
        const stats = await handle.stat();
        if (!stats.isFile())
          throw new ToolFault('not_a_file', say('file-no-file', { path: place.path }));
        const size = stats.size + data.length;
        if (size > MAX_APPENDED_BYTES) {
          throw new ToolFault('too_large', say('file-grows', { path: place.path }));
        }
        await handle.writeFile(data);
        return { path: place.path, bytes: data.length, size };
      } finally {
        await handle.close();
      }
    });
  },
});

const entrySchema = z.object({
  path: z.string(),
  type: entryType,
  bytes: z.number().int(),
  modifiedAt: z.string(),
});

function entryOf(path: string, stats: Stats): z.infer<typeof entrySchema> {
  const bytes = stats.isFile() ? stats.size : 0;
  return { path, type: typeOf(stats), bytes, modifiedAt: stats.mtime.toISOString() };
}

const filesList = tool({
  name: 'files.list',
  title: 'List a folder',
  description:
    'Lists a folder of the workspace, by name; with recursive, all below it that a path leads to.',
  input: z.strictObject({
    path: z.string().max(1_024).optional().describe('Default: the workspace itself'),
    recursive: z.boolean().optional(),
    limit: z.int().min(1).max(5_000).optional().describe('Default 1,000'),
  }),
  output: z.object({ path: z.string(), entries: z.array(entrySchema), truncated: z.boolean() }),
  idempotent: true,
  readOnly: true,
  async run({ path = '', recursive = false, limit = 1_000 }, ctx) {
    const entries: z.infer<typeof entrySchema>[] = [];
    const asked = segmentsOf(path).join('/');
    const pending = [asked];
    let truncated = false;
    for (let folder = pending.shift(); folder !== undefined; folder = pending.shift()) {
      ctx.signal.throwIfAborted();
      // Every folder is walked to from the root again, so that none is reached through a link.
      await at(ctx.workspace, folder, { intoFolder: true }, async (place) => {
        const { names, more } = await firstNames(place.at, limit - entries.length, ctx.signal);
        if (more) truncated = true;
        for (const name of names) {
          const child = place.path === '' ? String(name) : `${place.path}/${name}`;
          const found = await lstat(under(place.at, name)).catch(ignore('ENOENT'));
          if (!found) continue; // gone since the folder was read
          entries.push(entryOf(child, found));
          if (!recursive || !found.isDirectory()) continue;
          if (isUtf8(name) && isPath(child)) pending.push(child);
          else truncated = true;
        }
      }).catch((error: unknown) => {
        const isGone = error instanceof ToolFault && error.code === 'not_found';
        if (!isGone || folder === asked) throw error;
      });
      if (entries.length < limit) continue;
      truncated ||= pending.length > 0;
      break;
    }
    return { path: asked, entries, truncated };
  },
});

/** The first names of a folder, in their order; of the others it is known only that there are some. */
async function firstNames(folder: string, most: number, signal: AbortSignal) {
  let names: Buffer[] = [];
  let more = false;
  for await (const some of contentsOf(folder)) {
    signal.throwIfAborted();
    names = [...names, ...some.map(({ name }) => name)].sort((x, y) => x.compare(y));
    more ||= names.length > most;
    names.length = Math.min(names.length, most);
  }
  return { names, more };
}

const filesStat = tool({
  name: 'files.stat',
  title: 'Look at a file',
  description: 'Says whether something exists in the workspace, what it is, its size and age.',
  input: z.strictObject({ path: pathInput }),
  output: z.object({ exists: z.boolean(), entry: entrySchema.optional() }),
  idempotent: true,
  readOnly: true,
  async run({ path }, ctx) {
    try {
      return await at(ctx.workspace, path, {}, async (place) => ({
        exists: true,
        entry: entryOf(place.path, await lstat(place.name === '' ? `${place.at}/.` : place.at)),
      }));
    } catch (error) {
      if (error instanceof ToolFault && error.code === 'not_found') return { exists: false };
      throw error;
    }
  },
});

const filesDelete = tool({
  name: 'files.delete',
  title: 'Delete a file or folder',
  description: 'Deletes a file, a link (not what it points at), or a folder of the workspace.',
  input: z.strictObject({
    path: pathInput,
    recursive: z.boolean().optional().describe('Needed for a folder that is not empty'),
  }),
  output: z.object({ path: z.string(), deleted: z.boolean() }),
  idempotent: true,
  readOnly: false,
  async run({ path, recursive = false }, ctx) {
    try {
      return await at(ctx.workspace, path, {}, async (place) => {
        requireName(place);
        const stats = await lstat(place.at);
        if (!stats.isDirectory()) await unlink(place.at);
        else {
          if (recursive)
            await at(ctx.workspace, place.path, { intoFolder: true }, (folder) =>
              emptyFolder(folder.at, ctx.signal),
            );
          await rmdir(place.at);
        }
        return { path: place.path, deleted: true };
      });
    } catch (error) {
      if (error instanceof ToolFault && error.code === 'not_found') return { path, deleted: false };
      throw error;
    }
  },
});

/** Whether the tools take it: some names that a program can give they do not. */
function isPath(path: string): boolean {
  try {
    segmentsOf(path);
    return true;
  } catch (error) {
    if (error instanceof ToolFault) return false;
    throw error;
  }
}

const filesMove = tool({
  name: 'files.move',
  title: 'Move or rename',
  description: 'Moves a file or folder within the workspace. Does not overwrite unless told to.',
  input: z.strictObject({ from: pathInput, to: pathInput, overwrite: z.boolean().optional() }),
  output: z.object({ from: z.string(), to: z.string() }),
  idempotent: false,
  readOnly: false,
  run: ({ from, to, overwrite = false }, ctx) =>
    at(ctx.workspace, from, {}, async (source) => {
      requireName(source);
      await lstat(source.at);
      return at(ctx.workspace, to, { createFolders: true }, async (target) => {
        requireName(target);
        if (`${target.path}/`.startsWith(`${source.path}/`)) {
          throw new ToolFault('path_refused', say('file-into-itself', { path: source.path }));
        }
        const before = await lstat(target.at).catch(ignore('ENOENT'));
        if (before && (!overwrite || before.isDirectory())) {
          throw new ToolFault('already_exists', say('file-exists', { path: target.path }));
        }
        await rename(source.at, target.at);
        return { from: source.path, to: target.path };
      });
    }),
});

const filesMkdir = tool({
  name: 'files.mkdir',
  title: 'Make a folder',
  description: 'Makes a folder of the workspace, and those above it. An existing one is left.',
  input: z.strictObject({ path: pathInput }),
  output: z.object({ path: z.string(), created: z.boolean() }),
  idempotent: true,
  readOnly: false,
  run: ({ path }, ctx) =>
    at(ctx.workspace, path, { createFolders: true }, async (place) => {
      requireName(place);
      const before = await lstat(place.at).catch(ignore('ENOENT'));
      if (before?.isDirectory()) return { path: place.path, created: false };
      await mkdir(place.at, 0o700);
      return { path: place.path, created: true };
    }),
});

export const files: BuiltinTool[] = [
  ...[filesRead, filesWrite, filesAppend, filesList],
  ...[filesStat, filesDelete, filesMove, filesMkdir],
];
