import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDeep } from '../../../test/deep-folder.js';
import { mostFileRequests } from '../../../test/file-requests.js';
import { temporaryFolder } from '../../../test/temporary-folder.js';
import { Workspace } from './workspace.js';

let workspace: Workspace;
let dataDir: string;
beforeAll(async () => {
  dataDir = await temporaryFolder();
  workspace = await Workspace.ofJob(dataDir, '7');
  await mkdir(join(dataDir, 'workspaces', '77'));
  await writeFile(join(dataDir, 'workspaces', '77', 'other.csv'), 'secret');
  await writeFile(join(workspace.path, 'a.csv'), 'a\n1\n');
  await symlink('/etc/passwd', join(workspace.path, 'link'));
  execFileSync('mkfifo', [join(workspace.path, 'pipe')]);
});

it('leaves nothing of a call, however deep its folders are, and whatever they are called', async () => {
  const own = await temporaryFolder();
  const call = await Workspace.ofCall(own);
  for (const branch of ['one', 'two']) {
    const last = join(call.path, 'last');
    await mkdir(Buffer.concat([Buffer.from(`${last}/a`), Buffer.from([0xff])]), {
      recursive: true,
    });
    await writeFile(join(last, 'file'), 'x');
    makeDeep(join(call.path, branch), last);
  }
  await call.release();
  expect(await readdir(join(own, 'workspaces'))).toEqual([]);
});

it('removes very many files of a call some at a time', async () => {
  const own = await temporaryFolder();
  const call = await Workspace.ofCall(own);
  for (let i = 0; i < 5_000; i++) writeFileSync(join(call.path, `f${i}`), '');
  const most = await mostFileRequests(() => call.release());
  expect(most).toBeLessThan(200);
  expect(await readdir(join(own, 'workspaces'))).toEqual([]);
});

it('opens a file of the run', async () => {
  expect(await workspace.open('a.csv')).toMatchObject({
    name: 'a.csv',
    mediaType: 'text/csv',
    bytes: 4,
  });
  expect((await stat(workspace.path)).mode & 0o777).toBe(0o700);
});

it.each([
  '../77/other.csv',
  '/etc/passwd',
  'link',
  'pipe',
  '.',
  '',
  'a\u0000.csv',
  '/proc/self/environ',
  'none.csv',
  'a.csv/../../77/other.csv',
])('refuses %j', async (path) => {
  await expect(workspace.open(path)).rejects.toMatchObject({ code: 'file_unknown' });
});

it('keeps nothing of a call outside any run', async () => {
  const one = await Workspace.ofCall(dataDir);
  await writeFile(join(one.path, 'x'), 'x');
  await one.release();
  expect(existsSync(one.path)).toBe(false);
  await workspace.release();
  expect(existsSync(workspace.path)).toBe(true);
});
