import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestDatabase, openTestDatabase } from '../../../test/harness.js';
import { testEnvironment } from '../../../test/http-app.js';
import { temporaryFolder } from '../../../test/temporary-folder.js';
import { Workspace } from './workspace.js';
import { WorkspaceSweep } from './workspace-sweep.js';

let test: TestDatabase;
beforeAll(async () => {
  test = await openTestDatabase();
});
afterAll(() => test.close());

async function open() {
  const dataDir = await temporaryFolder();
  const { database } = test;
  const task = async (status: string, endedDaysAgo: number | null) => {
    const [row] = await database.query<{ id: string }>(
      `INSERT INTO jobs (spec, status, finished_at) VALUES ('{}', $1, now() - make_interval(days => $2)) RETURNING id::text AS id`,
      [status, endedDaysAgo],
    );
    const workspace = await Workspace.ofJob(dataDir, row!.id);
    await mkdir(join(workspace.path, 'deep/er'), { recursive: true });
    await writeFile(join(workspace.path, 'deep/er/file'), 'x');
    return row!.id;
  };
  return {
    dataDir,
    task,
    sweep: new WorkspaceSweep(testEnvironment({ dataDir }), database),
    left: () => readdir(join(dataDir, 'workspaces')),
  };
}

it('takes the folders of tasks that ended a week ago, and no others', async () => {
  const { task, sweep, left } = await open();
  const kept = [
    await task('waiting', null),
    await task('succeeded', 6),
    await task('running', null),
  ];
  await task('succeeded', 8);
  await task('failed', 90);
  expect(await sweep.sweep()).toBe(2);
  expect((await left()).sort()).toEqual(kept.sort());
});

it('takes what a killed call has left, and not what one is at work in', async () => {
  const { dataDir, sweep, left } = await open();
  const killed = await Workspace.ofCall(dataDir);
  const atWork = await Workspace.ofCall(dataDir);
  await writeFile(join(killed.path, 'file'), 'x');
  const twoDaysAgo = new Date(Date.now() - 48 * 3600_000);
  await utimes(killed.path, twoDaysAgo, twoDaysAgo);
  expect(await sweep.sweep()).toBe(1);
  expect(await left()).toEqual([atWork.path.split('/').at(-1)]);
});

it('leaves alone what is not its own, and does not follow a link', async () => {
  const { dataDir, task, sweep, left } = await open();
  const elsewhere = await temporaryFolder();
  await writeFile(join(elsewhere, 'precious'), 'x');
  const id = await task('succeeded', 8);
  await symlink(elsewhere, join(dataDir, 'workspaces', id, 'link'));
  await symlink(elsewhere, join(dataDir, 'workspaces', 'call-link'));
  await mkdir(join(dataDir, 'workspaces', 'notes'));
  const longAgo = new Date(0);
  await utimes(elsewhere, longAgo, longAgo);
  expect(await sweep.sweep()).toBe(1);
  expect((await left()).sort()).toEqual(['call-link', 'notes']);
  expect(await readdir(elsewhere)).toEqual(['precious']);
});

it('finds nothing to do where no task has run yet', async () => {
  const { sweep } = await open();
  expect(await sweep.sweep()).toBe(0);
});
