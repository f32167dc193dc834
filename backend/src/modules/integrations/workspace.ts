import { mkdir, mkdtemp, realpath, rmdir, stat } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, sep } from 'node:path';
import { say } from '@aos/contracts';
import { emptyFolder } from './builtin/env/folder-contents.js';
import { type OpenedFile, ToolFault } from './builtin/tool.js';

/** The folder of one run, or of one call outside any run. Readable by this user only. */
export class Workspace {
  private constructor(
    readonly path: string,
    private readonly isTemporary: boolean,
  ) {}

  static async ofJob(dataDir: string, jobId: string): Promise<Workspace> {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(jobId)) throw new Error(`not the id of a job: ${jobId}`);
    const path = join(dataDir, 'workspaces', jobId);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return new Workspace(await realpath(path), false);
  }

  static async ofCall(dataDir: string): Promise<Workspace> {
    const parent = join(dataDir, 'workspaces');
    await mkdir(parent, { recursive: true, mode: 0o700 });
    return new Workspace(await realpath(await mkdtemp(join(parent, 'call-'))), true);
  }

  /** Of a call outside any run nothing stays; the folder of a run stays for its later steps. */
  async release(): Promise<void> {
    if (!this.isTemporary) return;
    await emptyFolder(this.path);
    await rmdir(this.path);
  }

  /** A regular file below the folder, links resolved. @throws ToolFault for anything else. */
  async open(reference: string): Promise<OpenedFile> {
    const refused = new ToolFault(
      'file_unknown',
      say('file-of-run-none', { name: reference.slice(0, 200) }),
    );
    if (reference === '' || reference.includes('\u0000') || isAbsolute(reference)) throw refused;
    const path = await realpath(join(this.path, reference)).catch((cause: unknown) => {
      throw Object.assign(refused, { cause });
    });
    if (!path.startsWith(this.path + sep)) throw refused;
    const found = await stat(path);
    if (!found.isFile()) throw refused;
    return { path, name: basename(path), mediaType: mediaTypeOf(path), bytes: found.size };
  }
}

const mediaTypes: Record<string, string> = {
  '.csv': 'text/csv',
  '.tsv': 'text/tab-separated-values',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

const mediaTypeOf = (path: string) =>
  mediaTypes[extname(path).toLowerCase()] ?? 'application/octet-stream';
