import { execFileSync } from 'node:child_process';
import { constants, writeFileSync } from 'node:fs';
import fs, {
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeDeep } from '../../../../../test/deep-folder.js';
import { mostFileRequests } from '../../../../../test/file-requests.js';
import type { BuiltinTool } from '../tool.js';
import { TestHost } from '../testing.js';
import { env } from './index.js';
import { inWorkspace, segmentsOf } from './workspace-path.js';

function named(name: string): BuiltinTool {
  return env.find((tool) => tool.name === name)!;
}

describe('files', () => {
  let host: TestHost;
  let outside: string;

  beforeEach(async () => {
    host = await TestHost.start();
    // A sibling whose name begins like the workspace's: `startsWith` alone would let it pass.
    outside = `${host.workspace}-evil`;
    await mkdir(outside);
    await writeFile(join(outside, 'secret.txt'), 'secret');
  });
  afterEach(async () => host.stop());

  const call = <T = Record<string, unknown>>(name: string, args: unknown) =>
    host.call<T>(named(name), args);

  it('lists and deletes what no path leads to: names that are no text or none that it takes, and folders too deep', async () => {
    const odd = join(host.workspace, 'odd');
    await mkdir(join(odd, 'sub'), { recursive: true });
    await mkdir(join(odd, 'a\nb'));
    for (const path of ['sub/x', 'a\nb/x']) await writeFile(join(odd, path), '');
    const noText = Buffer.concat([Buffer.from(`${odd}/bad`), Buffer.from([0xff])]);
    await mkdir(noText);
    await writeFile(Buffer.concat([noText, Buffer.from('/'), Buffer.from([0xfe])]), '');
    await mkdir(join(host.workspace, 'last'));
    makeDeep(join(odd, 'deep'), join(host.workspace, 'last'));
    const { entries, truncated } = await call<{ entries: { path: string }[]; truncated: boolean }>(
      'files.list',
      { path: 'odd', recursive: true },
    );
    const shown = ['odd/a\nb', 'odd/bad\ufffd', 'odd/deep', 'odd/sub', 'odd/sub/x'];
    expect(entries.map(({ path }) => path)).toEqual(expect.arrayContaining(shown));
    expect(truncated).toBe(true);
    expect(await call('files.delete', { path: 'odd', recursive: true })).toMatchObject({
      deleted: true,
    });
    expect(await readdir(host.workspace)).toEqual([]);
  });

  it('lists and deletes a folder of very many files some at a time, and lists the first ones of them', async () => {
    const many = join(host.workspace, 'many');
    await mkdir(join(many, '0'), { recursive: true });
    for (let i = 0; i < 5_000; i++) writeFileSync(join(many, `f${i}`), '');
    const list = () =>
      call<{ entries: { path: string }[] }>('files.list', { path: 'many', limit: 2 });
    const { entries, ...rest } = await list();
    expect(entries.map(({ path }) => path)).toEqual(['many/0', 'many/f0']);
    expect(rest).toMatchObject({ truncated: true });
    const most = await mostFileRequests(() =>
      call('files.delete', { path: 'many', recursive: true }),
    );
    expect(most).toBeLessThan(200);
    expect(await readdir(host.workspace)).toEqual([]);
  });

  it('stops in the middle of a folder when the run is cancelled', async () => {
    await writeFile(join(host.workspace, 'x'), '');
    const listing = call('files.list', {});
    host.cancel();
    await expect(listing).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('says so where folders were left out of a list', async () => {
    for (const folder of ['a', 'b']) await mkdir(join(host.workspace, folder));
    await writeFile(join(host.workspace, 'b', 'x'), '');
    expect(await call('files.list', { recursive: true, limit: 2 })).toMatchObject({
      truncated: true,
    });
  });

  it('writes, reads, appends, lists, moves and deletes within the workspace', async () => {
    expect(await call('files.write', { path: 'a/b.txt', content: 'one' })).toMatchObject({
      path: 'a/b.txt',
      bytes: 3,
      created: true,
    });
    expect(await call('files.write', { path: 'a/b.txt', content: 'two' })).toMatchObject({
      created: false,
    });
    await call('files.append', { path: 'a/b.txt', content: '+three' });
    expect(await call('files.read', { path: './a//b.txt' })).toMatchObject({
      content: 'two+three',
      size: 9,
      truncated: false,
    });
    expect(await call('files.read', { path: 'a/b.txt', offset: 4, maxBytes: 3 })).toMatchObject({
      content: 'thr',
      truncated: true,
    });
    expect(await call('files.mkdir', { path: 'c/d' })).toEqual({ path: 'c/d', created: true });
    expect(await call('files.mkdir', { path: 'c/d' })).toEqual({ path: 'c/d', created: false });
    await call('files.move', { from: 'a/b.txt', to: 'c/d/e.txt' });
    const { entries } = await call<{ entries: { path: string; type: string }[] }>('files.list', {
      recursive: true,
    });
    expect(entries.map(({ path, type }) => `${type} ${path}`)).toEqual([
      'folder a',
      'folder c',
      'folder c/d',
      'file c/d/e.txt',
    ]);
    expect(await call('files.stat', { path: 'c/d/e.txt' })).toMatchObject({ exists: true });
    expect(await call('files.delete', { path: 'c', recursive: true })).toMatchObject({
      deleted: true,
    });
    expect(await call('files.delete', { path: 'c' })).toMatchObject({ deleted: false });
    expect(await call('files.stat', { path: 'c' })).toEqual({ exists: false });
  });

  it('makes what nobody else on the machine can read', async () => {
    await call('files.write', { path: 'd/w', content: 'x' });
    await call('files.append', { path: 'a', content: 'x' });
    await call('files.mkdir', { path: 'm' });
    for (const name of ['d', 'd/w', 'a', 'm'])
      expect((await stat(join(host.workspace, name))).mode & 0o077).toBe(0);
  });

  it('moves nothing over a folder, not over an empty one either', async () => {
    await call('files.mkdir', { path: 'from' });
    await call('files.mkdir', { path: 'to' });
    const move = { from: 'from', to: 'to', overwrite: true };
    await expect(call('files.move', move)).rejects.toMatchObject({ code: 'already_exists' });
    expect((await readdir(host.workspace)).sort()).toEqual(['from', 'to']);
  });

  it('keeps bytes that are not text', async () => {
    const content = Buffer.from([0, 255, 10, 13]).toString('base64');
    await call('files.write', { path: 'x.bin', content, encoding: 'base64' });
    expect(await call('files.read', { path: 'x.bin', encoding: 'base64' })).toMatchObject({
      content,
    });
  });

  it.each([
    ['../x'],
    ['a/../../x'],
    ['..'],
    ['/etc/passwd'],
    ['/proc/self/environ'],
    ['~/.ssh/id_rsa'],
    ['%2e%2e/x'],
    ['%2E./x'],
    ['a%2f..%2fx'],
    ['..\\x'],
    ['C:\\x'],
    ['a\u0000b'],
    ['a\nb'],
    [`${'d/'.repeat(70)}x`],
    ['x'.repeat(300)],
  ])('refuses the path %j in every tool', async (path) => {
    const calls = [
      call('files.read', { path }),
      call('files.write', { path, content: 'x' }),
      call('files.append', { path, content: 'x' }),
      call('files.list', { path }),
      call('files.stat', { path }),
      call('files.delete', { path, recursive: true }),
      call('files.mkdir', { path }),
      call('files.move', { from: path, to: 'y' }),
      call('files.move', { from: 'y', to: path }),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: 'rejected' });
      const { reason } = outcome as PromiseRejectedResult;
      // Two of these paths make files.move fail on the missing "y" first.
      expect(['path_refused', 'not_found']).toContain((reason as { code: string }).code);
    }
    expect(() => segmentsOf(path)).toThrow(/workspace|control|backslash|long|deep|relative/);
  });

  it('refuses a path that is too long, if none of its names is', () => {
    expect(() => segmentsOf(Array.from({ length: 5 }, () => 'x'.repeat(250)).join('/'))).toThrow(
      /too long for a path/,
    );
  });

  it('knows no other way to write two dots or a slash', async () => {
    // Names like any other, of which nothing leaves the workspace.
    for (const path of ['\uff0e\uff0e\uff0fx', '%252e%252e', '...', '\u2024\u2024', '\ud800']) {
      await call('files.write', { path, content: 'x' });
      expect(await readdir(join(host.workspace, '..'))).not.toContain('x');
    }
    expect(await readdir(host.workspace)).toHaveLength(5);
  });

  it('follows ten links on the way, and no eleventh', async () => {
    await call('files.write', { path: 'd/in.txt', content: 'inside' });
    await symlink('.', join(host.workspace, 'd/l'));
    const behind = (links: number) => `d/${'l/'.repeat(links)}in.txt`;
    expect(await call('files.read', { path: behind(10) })).toMatchObject({ content: 'inside' });
    await expect(call('files.read', { path: behind(11) })).rejects.toMatchObject({
      code: 'path_refused',
    });
  });

  it('refuses a sibling folder whose name begins like the workspace', async () => {
    const name = outside.split('/').at(-1)!;
    await expect(call('files.read', { path: `../${name}/secret.txt` })).rejects.toMatchObject({
      code: 'path_refused',
    });
  });

  it('follows links inside the workspace and refuses those that lead out of it', async () => {
    await call('files.write', { path: 'real/in.txt', content: 'inside' });
    await symlink('real', join(host.workspace, 'here'));
    await symlink('in.txt', join(host.workspace, 'real/again.txt'));
    await symlink(outside, join(host.workspace, 'out'));
    await symlink(join(outside, 'secret.txt'), join(host.workspace, 'leak.txt'));
    await symlink('loop', join(host.workspace, 'loop'));
    await symlink('..', join(host.workspace, 'up'));
    await symlink('/proc/self/environ', join(host.workspace, 'environ'));
    expect(await call('files.read', { path: 'here/again.txt' })).toMatchObject({
      content: 'inside',
      path: 'real/in.txt',
    });
    const refused = [
      call('files.read', { path: 'leak.txt' }),
      call('files.read', { path: 'out/secret.txt' }),
      call('files.list', { path: 'out' }),
      call('files.list', { path: 'up' }),
      call('files.read', { path: 'environ' }),
      call('files.write', { path: 'out/new.txt', content: 'x' }),
      call('files.write', { path: 'leak.txt', content: 'x' }),
      call('files.append', { path: 'leak.txt', content: 'x' }),
      call('files.mkdir', { path: 'out/new' }),
      call('files.delete', { path: 'out/secret.txt' }),
      call('files.move', { from: 'out/secret.txt', to: 'x' }),
      call('files.move', { from: 'real/in.txt', to: 'out/x' }),
    ];
    for (const outcome of await Promise.allSettled(refused)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'path_refused' } });
    }
    await expect(call('files.read', { path: 'loop' })).rejects.toThrow();
    expect(await readdir(outside)).toEqual(['secret.txt']);
    expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
    const { entries } = await call<{ entries: { path: string; type: string; bytes: number }[] }>(
      'files.list',
      { recursive: true },
    );
    expect(entries.filter(({ path }) => path.startsWith('out'))).toMatchObject([
      { path: 'out', type: 'link', bytes: 0 },
    ]);
  });

  it('deletes a link, not what it points at, also below a folder', async () => {
    await mkdir(join(host.workspace, 'kept'));
    await symlink('kept', join(host.workspace, 'link'));
    expect(await call('files.delete', { path: 'link' })).toMatchObject({ deleted: true });
    expect(await readdir(host.workspace)).toEqual(['kept']);
    await mkdir(join(host.workspace, 'd'));
    await symlink(outside, join(host.workspace, 'd/out'));
    await call('files.delete', { path: 'd', recursive: true });
    expect(await readdir(outside)).toEqual(['secret.txt']);
  });

  it('stays in the folder it opened when that is swapped for a link meanwhile', async () => {
    await call('files.write', { path: 'd/f.txt', content: 'inside' });
    await writeFile(join(outside, 'f.txt'), 'outside');
    const read = await inWorkspace(host.workspace, 'd/f.txt', {}, async (place) => {
      execFileSync('mv', [join(host.workspace, 'd'), join(host.workspace, 'old')]);
      await symlink(outside, join(host.workspace, 'd'));
      return readFile(place.at, 'utf8');
    });
    expect(read).toBe('inside');
  });

  describe('when a file is swapped for a link after it was looked at', () => {
    afterEach(() => jest.restoreAllMocks());

    it.each([
      ['files.read', {}],
      ['files.append', { content: 'x' }],
    ])('%s does not follow it', async (name, args) => {
      await call('files.write', { path: 'f.txt', content: 'inside' });
      const { open } = fs;
      let opened = 0;
      jest.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
        if (String(path).endsWith('/f.txt') && ++opened === 2) {
          await unlink(join(host.workspace, 'f.txt'));
          await symlink(join(outside, 'secret.txt'), join(host.workspace, 'f.txt'));
        }
        return open(path, ...rest);
      });
      await expect(call(name, { path: 'f.txt', ...args })).rejects.toMatchObject({
        code: 'path_refused',
      });
      expect(opened).toBe(2);
      expect(await readFile(join(outside, 'secret.txt'), 'utf8')).toBe('secret');
    });

    it('one who goes on swapping them is not followed without end', async () => {
      const [a, b] = [join(host.workspace, 'a'), join(host.workspace, 'b')];
      await writeFile(b, 'found');
      const { open } = fs;
      let swaps = 0;
      jest.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
        const name = basename(String(path));
        // Whichever is opened is a link to the other by then; fifty times, if nothing ends it before.
        if ((name === 'a' || name === 'b') && swaps++ < 50) {
          const [link, file] = name === 'a' ? [a, b] : [b, a];
          for (const each of [link, file]) await rm(each, { force: true });
          await writeFile(file, 'found');
          await symlink(file, link);
        }
        return open(path, ...rest);
      });
      await expect(call('files.read', { path: 'a' })).rejects.toMatchObject({
        code: 'path_refused',
      });
      expect(swaps).toBeLessThan(20);
    });

    it('a draft is written into no file that somebody has put in its place', async () => {
      const { open } = fs;
      let planted = '';
      jest.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
        if (String(path).endsWith('.tmp') && planted === '') {
          planted = join(host.workspace, basename(String(path)));
          await writeFile(planted, 'of another');
        }
        return open(path, ...rest);
      });
      await expect(call('files.write', { path: 'f.txt', content: 'new' })).rejects.toMatchObject({
        code: 'already_exists',
      });
      expect(await readFile(planted, 'utf8')).toBe('of another');
    });

    it('a draft that cannot be written is taken away, and the old file stays', async () => {
      await call('files.write', { path: 'f.txt', content: 'old' });
      const { open } = fs;
      jest.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => {
        const handle = await open(path, ...rest);
        if (String(path).endsWith('.tmp'))
          handle.writeFile = () =>
            Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
        return handle;
      });
      await expect(call('files.write', { path: 'f.txt', content: 'new' })).rejects.toMatchObject({
        code: 'disk_full',
      });
      expect(await readdir(host.workspace)).toEqual(['f.txt']);
      expect(await readFile(join(host.workspace, 'f.txt'), 'utf8')).toBe('old');
    });
  });

  it('appends to no pipe, not to one that somebody reads either', async () => {
    const path = join(host.workspace, 'read');
    execFileSync('mkfifo', [path]);
    const reader = await fs.open(path, constants.O_RDWR | constants.O_NONBLOCK);
    await expect(call('files.append', { path: 'read', content: 'x' })).rejects.toMatchObject({
      code: 'not_a_file',
    });
    await reader.close();
  });

  it('refuses pipes without waiting for them, and files too large to read', async () => {
    execFileSync('mkfifo', [join(host.workspace, 'pipe')]);
    await host.put('huge', '');
    await truncate(join(host.workspace, 'huge'), 100 * 1024 ** 3);
    for (const [name, args] of [
      ['files.read', { path: 'pipe' }],
      ['files.append', { path: 'pipe', content: 'x' }],
    ] as const) {
      await expect(call(name, args)).rejects.toMatchObject({ code: 'not_a_file' });
    }
    await expect(call('files.read', { path: 'huge' })).rejects.toMatchObject({ code: 'too_large' });
    await expect(call('files.append', { path: 'huge', content: 'x' })).rejects.toMatchObject({
      code: 'too_large',
    });
    await expect(
      call('files.write', { path: 'big', content: 'x'.repeat(17 * 1024 * 1024) }),
    ).rejects.toMatchObject({ code: 'too_large' });
  });

  it('leaves the old file and no draft behind when it cannot write the new one', async () => {
    await mkdir(join(host.workspace, 'taken'));
    await expect(call('files.write', { path: 'taken', content: 'x' })).rejects.toMatchObject({
      code: 'not_a_file',
    });
    expect(await readdir(host.workspace)).toEqual(['taken']);
  });

  it('says what is there instead of overwriting or half deleting', async () => {
    await call('files.write', { path: 'a', content: '1' });
    await call('files.write', { path: 'b', content: '2' });
    await call('files.write', { path: 'f/x', content: '3' });
    await expect(call('files.move', { from: 'a', to: 'b' })).rejects.toMatchObject({
      code: 'already_exists',
    });
    await expect(call('files.move', { from: 'f', to: 'f/g' })).rejects.toMatchObject({
      code: 'path_refused',
    });
    await expect(call('files.delete', { path: 'f' })).rejects.toMatchObject({ code: 'not_empty' });
    await expect(call('files.read', { path: 'a/x' })).rejects.toMatchObject({
      code: 'not_a_folder',
    });
    await expect(call('files.read', { path: 'f' })).rejects.toMatchObject({
      code: 'not_a_file',
      message: expect.stringContaining('folder') as string,
    });
    await expect(call('files.read', { path: 'nothing' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(call('files.delete', { path: '.' })).rejects.toMatchObject({ code: 'not_a_file' });
  });

  it('lists no more than it was asked for, and says so', async () => {
    for (const name of ['1', '2', '3']) await host.put(name, '');
    const listed = await call<{ entries: unknown[] }>('files.list', { limit: 2 });
    expect(listed).toMatchObject({ truncated: true });
    expect(listed.entries).toHaveLength(2);
  });
});
