import { Inject, Injectable } from '@nestjs/common';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../platform/config/environment.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';

/** Probes come every few seconds, from several sides; what a disk says is good for so long. */
const GOOD_FOR_MS = 10_000;
/** A disk that takes longer than this is, to whoever waits for it, not there. */
const PATIENCE_MS = 2_000;
/** More than a file system may still have room for beside its data when it is full. */
const BYTES = 64 * 1024;

const faults: Record<string, string> = {
  ENOSPC: 'The disk of the data folder is full.',
  EDQUOT: 'The quota of the disk that the data folder is on is used up.',
  EROFS: 'The data folder is on a disk that can only be read.',
  EACCES: 'The data folder may not be written.',
  EPERM: 'The data folder may not be written.',
  ENOENT: 'The data folder is not there.',
  ENOTDIR: 'The data folder is not there.',
  EMFILE: 'No file can be opened: this process has too many.',
  ENFILE: 'No file can be opened: this machine has too many.',
};

/**
 * Whether the data folder takes what is written to it: a file of 64 kB is written through to the disk and is gone again.
 * It has no name while it is written, so that nothing is left of it by a process that is killed. One attempt at a time:
 * a disk that hangs holds one thread of Node's, however many ask.
 */
@Injectable()
export class DataFolder {
  private looking: Promise<string | undefined> | undefined;
  private last: { at: number; fault: string | undefined } | undefined;

  constructor(@Inject(ENVIRONMENT) private readonly environment: Pick<Environment, 'dataDir'>) {}

  /** What is wrong with it, in a sentence for whoever asks; undefined when nothing is. */
  async fault(): Promise<string | undefined> {
    if (this.last && performance.now() - this.last.at < GOOD_FOR_MS) return this.last.fault;
    this.looking ??= this.look().finally(() => (this.looking = undefined));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<string>((resolve) => {
      const said = `The disk of the data folder has not answered in ${PATIENCE_MS / 1000} s.`;
      timer = setTimeout(resolve, PATIENCE_MS, said);
    });
    try {
      return await Promise.race([this.looking, tooLong]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async look(): Promise<string | undefined> {
    const fault = await this.write().then(
      () => undefined,
      ({ code = '' }: NodeJS.ErrnoException) =>
        faults[code] ?? `The data folder cannot be written (${code || 'for no known reason'}).`,
    );
    this.last = { at: performance.now(), fault };
    return fault;
  }

  private async write(): Promise<void> {
    const path = join(this.environment.dataDir, `.probe-${process.pid}`);
    const file = await fs.open(path, 'w', 0o600);
    try {
      await fs.rm(path, { force: true });
      await file.writeFile(Buffer.alloc(BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
  }
}
