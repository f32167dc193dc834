import { rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
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
import { contentsOf, emptyFolder } from './builtin/env/folder-contents.js';

const HOUR_MS = 3600_000;
/** What a task made and did not hand in as an artifact can be looked at for so long after its end. */
const KEPT_DAYS = 7;
/** No call takes that long: its process was killed. */
const CALL_KEPT_MS = 24 * HOUR_MS;

/**
 * Takes away the folders of tasks that ended long ago, and those of calls that were killed before they could clear up. Of a
 * task that has not ended nothing goes, however long it waits. What could not be removed is tried again in an hour; several
 * processes on one data folder may sweep at once.
 */
@Injectable()
export class WorkspaceSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(WorkspaceSweep.name);
  private readonly stopped = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<unknown> | undefined;

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.environment.roles.has('worker')) return;
    this.timer = setInterval(() => {
      this.sweeping ??= this.sweep()
        .catch((error: unknown) => {
          if (!this.stopped.signal.aborted)
            this.logger.warn(`Folders of ended tasks could not be removed: ${String(error)}`);
        })
        .finally(() => (this.sweeping = undefined));
    }, HOUR_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    this.stopped.abort(new Error('AOS is stopping'));
    await this.sweeping;
  }

  /** @returns how many folders went. */
  async sweep(): Promise<number> {
    const parent = join(this.environment.dataDir, 'workspaces');
    let gone = 0;
    try {
      for await (const some of contentsOf(parent)) {
        const names = some.filter(({ isFolder }) => isFolder).map(({ name }) => name.toString());
        for (const name of await this.over(parent, names)) {
          const folder = join(parent, name);
          await emptyFolder(folder, this.stopped.signal);
          await rmdir(folder);
          gone++;
        }
      }
    } catch (error) {
      // No task has made one yet, or another process was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    return gone;
  }

  private async over(parent: string, names: readonly string[]): Promise<string[]> {
    const ofTasks = names.filter((name) => /^\d{1,18}$/.test(name));
    const rows = await this.database.query<{ id: string; is_over: boolean }>(
      `SELECT id::text AS id, coalesce(finished_at < now() - make_interval(days => $2), false) AS is_over
         FROM jobs WHERE id = ANY ($1::bigint[])`,
      [ofTasks, KEPT_DAYS],
    );
    const ended = rows.filter(({ is_over }) => is_over).map(({ id }) => id);
    const calls = names.filter((name) => name.startsWith('call-'));
    const ages = await Promise.all(
      calls.map(async (name) => Date.now() - (await stat(join(parent, name))).mtimeMs),
    );
    return [...ended, ...calls.filter((_, n) => ages[n]! > CALL_KEPT_MS)];
  }
}
