import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/harness.js';
import { StartRefused } from '../config/environment.js';
import { lockDataFolder } from './folder-lock.js';

describe('the lock on the data folder', () => {
  it('lets one process in and says what to do to the second', async () => {
    const folder = join(await temporaryFolder(), 'data');
    const unlock = await lockDataFolder(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
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
