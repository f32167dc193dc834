import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary-folder.js';
import { StartRefused } from '../config/environment.js';
import { lockDataFolder, prepareDataFolder } from './folder-lock.js';

describe('the data folder', () => {
  it('is made with those above it, for this user alone, and closed to others when it was open', async () => {
    const folder = join(await temporaryFolder(), 'a/b/data');
    await prepareDataFolder(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    await chmod(folder, 0o755);
    await prepareDataFolder(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('is refused where it cannot be, at once', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    // Below /proc nothing can be made, by root neither, and what is there cannot be written.
    const noWhere =
      process.platform === 'linux' ? ['/proc/aos', '/proc/aos/data', '/proc/self'] : [];
    for (const folder of [file, join(file, 'data'), ...noWhere]) {
      const preparing = prepareDataFolder(folder);
      await expect(preparing).rejects.toThrow(StartRefused);
      await expect(preparing).rejects.toThrow(`AOS_DATA_DIR ${folder} cannot be written to`);
    }
    expect(await readFile(file, 'utf8')).toBe('');
  });
});

describe('the lock on the data folder', () => {
  it('lets one process in and says what to do to the second', async () => {
    const folder = join(await temporaryFolder(), 'data');
    await prepareDataFolder(folder);
    const unlock = await lockDataFolder(folder);
    const second = lockDataFolder(folder);
    await expect(second).rejects.toThrow(StartRefused);
    await expect(second).rejects.toThrow('AOS_DATA_DIR');
    await unlock();
    const again = await lockDataFolder(folder);
    await again();
  });

  it('is taken over at once from a process that was killed', async () => {
    const folder = await temporaryFolder();
    const dead = spawn(process.execPath, ['-e', '0']);
    await once(dead, 'exit');
    // What SIGKILL leaves behind: a fresh lock and the name of a process that is gone.
    await mkdir(join(folder, 'lock'));
    await writeFile(
      join(folder, 'process.json'),
      JSON.stringify({ pid: dead.pid, startedAt: '1' }),
    );
    const unlock = await lockDataFolder(folder);
    await unlock();
  });

  it('is not taken over from a process that lives', async () => {
    const folder = await temporaryFolder();
    const unlock = await lockDataFolder(folder);
    await expect(lockDataFolder(folder)).rejects.toThrow('in use by another AOS process');
    await unlock();
  });
});
