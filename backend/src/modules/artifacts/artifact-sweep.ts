import { type Dirent } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';

/** No upload takes this long, nor does any clock go wrong by as much. */
const DAY_MS = 24 * 3600_000;
/** More than crashes leave behind: what is it, then? */
const MOST = 10_000;
const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const whole = new RegExp(`^${uuid}$`);
const half = new RegExp(`^${uuid}\\.part$`);

/**
 * Removes the files of artifacts that came to nothing: a process that dies while it writes one leaves half of it, and
 * one that dies before the row is committed leaves it whole, for nobody. Looked for at the start and once a day, among
 * files older than a day; several processes on one folder may do so at once.
 *
 * A database that knows fewer of the files than it does not know is another one than they were made for, or has lost
 * them: then nothing is removed, and the log says so.
 */
@Injectable()
export class ArtifactSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(ArtifactSweep.name);
  private readonly folder: string;
  private readonly over = new AbortController();
  private sweeping = Promise.resolve();

  constructor(
    @Inject(ENVIRONMENT) environment: Environment,
    private readonly database: Database,
  ) {
    this.folder = join(environment.dataDir, 'artifacts');
  }

  onApplicationBootstrap(): void {
    this.sweeping = this.sweepDaily();
  }

  async onModuleDestroy(): Promise<void> {
    this.over.abort();
    await this.sweeping;
  }

  /** @returns how many files were removed. */
  async sweep(): Promise<number> {
    const before = Date.now() - DAY_MS;
    let known = 0;
    const unknown: string[] = [];
    for (const shelf of await entriesOf(this.folder)) {
      if (this.over.signal.aborted) return 0;
      if (unknown.length > MOST) break;
      if (!shelf.isDirectory() || !/^[0-9a-f]{2}$/.test(shelf.name)) continue;
      const old = await oldFiles(join(this.folder, shelf.name), before);
      const ids = await this.knownAmong(old.filter((name) => whole.test(name)));
      known += ids.size;
      unknown.push(
        ...old.filter((name) => !ids.has(name)).map((name) => join(this.folder, shelf.name, name)),
      );
    }
    const files = unknown.filter((path) => !path.endsWith('.part'));
    const isOurs = files.length <= known && unknown.length <= MOST;
    if (!isOurs)
      this.logger.warn({
        msg: 'most files of artifacts are in no row of this database, and are left alone',
        ...{ folder: this.folder, known, unknown: files.length },
      });
    const gone = isOurs ? unknown : unknown.filter((path) => path.endsWith('.part'));
    for (const path of gone) await rm(path, { force: true });
    return gone.length;
  }

  private async sweepDaily(): Promise<void> {
    const { signal } = this.over;
    while (!signal.aborted) {
      await this.sweep().catch((error: unknown) =>
        this.logger.warn({ msg: 'files of artifacts could not be swept', err: error }),
      );
      await pause(DAY_MS, undefined, { signal, ref: false }).catch(() => undefined); // the end
    }
  }

  private async knownAmong(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const rows = await this.database.query<{ id: string }>(
      'SELECT id FROM artifacts WHERE id = ANY($1::uuid[])',
      [ids],
    );
    return new Set(rows.map(({ id }) => id));
  }
}

/** Files by the names that ArtifactStore gives, and no others. */
async function oldFiles(shelf: string, before: number): Promise<string[]> {
  const old: string[] = [];
  for (const entry of await entriesOf(shelf)) {
    if (!entry.isFile() || !(whole.test(entry.name) || half.test(entry.name))) continue;
    const stats = await stat(join(shelf, entry.name)).catch(() => undefined); // another process was faster
    if (stats && stats.mtimeMs < before) old.push(entry.name);
  }
  return old;
}

/** None where there is no such folder: nothing was stored yet. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
