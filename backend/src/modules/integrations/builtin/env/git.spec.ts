import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import fs, {
  mkdir,
  readFile,
  readdir,
  rm,
  symlink,
  truncate,
  watch,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { makeDeep } from '../../../../../test/deep-folder.js';
import { spawnSource } from '../../../../../test/source-child.js';
import { TestHost } from '../testing.js';
import { env } from './index.js';
import { SANDBOX_ROOT, findSandbox } from './sandbox.js';

describe('git', () => {
  let host: TestHost;
  const call = <T = Record<string, unknown>>(name: string, args: unknown = {}) =>
    host.call<T>(
      env.find((tool) => tool.name === name)!,
      args,
    );

  beforeEach(async () => {
    host = await TestHost.start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await host.stop();
  });

  /** As somebody else's git could have left it: there is a program to be asked about that. */
  function signHead(): void {
    const git = (args: string[], input?: string) =>
      execFileSync('git', ['-C', host.workspace, ...args], { input, encoding: 'utf8' });
    const signature = '-----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----';
    const signed = git(['cat-file', 'commit', 'HEAD']).replace('\n\n', `\ngpgsig ${signature}\n\n`);
    const commit = git(['hash-object', '-t', 'commit', '-w', '--stdin'], signed).trim();
    git(['update-ref', 'HEAD', commit]);
  }

  it('keeps a history in the workspace', async () => {
    expect(await call('git.init', { path: 'repo' })).toEqual({ path: 'repo', branch: 'main' });
    expect(await call('git.log', { path: 'repo' })).toEqual({ commits: [] });
    await call('files.write', { path: 'repo/-a b.txt', content: 'one\n' });
    expect(await call('git.status', { path: 'repo' })).toMatchObject({
      files: [{ path: '-a b.txt', staged: '?', unstaged: '?' }],
      clean: false,
    });
    expect(await call('git.add', { path: 'repo', files: ['-a b.txt'] })).toEqual({
      staged: ['-a b.txt'],
      truncated: false,
    });
    const { commit } = await call<{ commit: string }>('git.commit', {
      path: 'repo',
      message: 'First\n\nWith a body',
      author: { name: 'Ann', email: 'ann@example.com' },
    });
    await call('files.write', { path: 'repo/-a b.txt', content: 'two\n' });
    const { diff } = await call<{ diff: string }>('git.diff', { path: 'repo' });
    expect(diff).toContain('-one\n+two');
    expect(await call('git.log', { path: 'repo' })).toMatchObject({
      commits: [{ commit, author: 'Ann', message: 'First\n\nWith a body' }],
    });
    await expect(call('git.commit', { path: 'repo', message: 'Nothing' })).rejects.toMatchObject({
      code: 'git_failed',
    });
  });

  it('takes one commit for one, whatever its message holds', async () => {
    await call('git.init', { path: 'odd' });
    await call('files.write', { path: 'odd/a.txt', content: 'x' });
    await call('git.add', { path: 'odd', files: ['a.txt'] });
    const forged = ['f'.repeat(40), 'Somebody Else', 'else@example.test', '2020-01-01', 'never'];
    const message = `mine\x1e${forged.join('\x1f')}\x1e`;
    await call('git.commit', { path: 'odd', message });
    await call('files.write', { path: 'odd/a.txt', content: 'y' });
    await call('git.add', { path: 'odd', files: ['a.txt'] });
    await call('git.commit', { path: 'odd', message: 'second' });
    const { commits } = await call('git.log', { path: 'odd' });
    expect(commits).toMatchObject([{ message: 'second' }, { message, author: 'AOS' }]);
  });

  it('tells of a repository in which no branch, or one without a commit, is checked out', async () => {
    await call('git.init');
    await call('files.write', { path: 'a', content: 'x' });
    await call('git.add', { files: ['a'] });
    await call('git.commit', { message: 'first' });
    const head = (...args: string[]) => execFileSync('git', ['-C', host.workspace, ...args]);
    head('checkout', '--quiet', '--detach');
    expect(await call('git.status')).toMatchObject({ branch: '', files: [], clean: true });
    expect(await call('git.log')).toMatchObject({ commits: [{ message: 'first' }] });
    head('symbolic-ref', 'HEAD', 'refs/heads/new');
    expect(await call('git.status')).toMatchObject({ branch: 'new' });
    expect(await call('git.log')).toEqual({ commits: [] });
  });

  /** Begins to stage what takes git a second, and goes on when git is at it. */
  async function stageSlowly() {
    await call('git.init');
    await call('files.write', { path: 'slow', content: '' });
    await truncate(join(host.workspace, 'slow'), 250 * 1024 * 1024);
    const changes = watch(join(host.workspace, '.git'));
    const staging = call('git.add', { files: ['slow'] });
    staging.catch(() => undefined); // it may be stopped before somebody waits for it
    for await (const { filename } of changes) if (filename === 'index.lock') break;
    return { staging };
  }

  it('stages for two at once', async () => {
    const { staging } = await stageSlowly();
    await call('files.write', { path: 'other', content: 'x' });
    await call('git.add', { files: ['other'] });
    await staging;
    expect(await call('git.status')).toMatchObject({
      files: [
        { path: 'other', staged: 'A' },
        { path: 'slow', staged: 'A' },
      ],
    });
  });

  it('takes away the lock of a process that died, and no other', async () => {
    await call('git.init');
    await call('files.write', { path: 'a', content: '1' });
    await call('git.add', { files: ['a'] });
    const holder = await spawnSource(`
      const { holdingIndex } = await import('${join(import.meta.dirname, 'git-index.ts')}');
      await holdingIndex({ workspace: '${host.workspace}' }, '', () => {
        console.log('held');
        return new Promise(() => setInterval(() => undefined, 60_000));
      });`);
    await once(holder.stdout, 'data');
    const busy = { code: 'git_failed', message: expect.stringContaining('Another git') };
    await expect(call('git.commit', { message: 'early' })).rejects.toMatchObject(busy);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    // What a git that dies together with it leaves.
    for (const name of ['HEAD.lock', 'refs/heads/main.lock', 'index.aos.lock'])
      await writeFile(join(host.workspace, '.git', name), '');
    expect(await call('git.commit', { message: 'late' })).toMatchObject({ message: 'late' });
    expect(
      (await readdir(join(host.workspace, '.git'))).filter((name) => /lock|aos/.test(name)),
    ).toEqual([]);

    for (const word of ['', 'DIRC', `aos ${'x'.repeat(600)}`]) {
      await writeFile(join(host.workspace, '.git/index.lock'), word);
      await expect(call('git.add', { files: ['a'] })).rejects.toMatchObject(busy);
      expect(await readFile(join(host.workspace, '.git/index.lock'), 'utf8')).toBe(word);
    }
  });

  it('makes no repository among the files of another', async () => {
    await call('git.init');
    await symlink('.git', join(host.workspace, 'link'));
    for (const path of ['.git', '.git/hooks', 'a/.GIT/b', 'link'])
      await expect(call('git.init', { path })).rejects.toMatchObject({ code: 'path_refused' });
    expect(existsSync(join(host.workspace, '.git/.git'))).toBe(false);
    expect(existsSync(join(host.workspace, '.git/hooks'))).toBe(false);
  });

  it('lists as many files as an answer holds, and says that there are more', async () => {
    await call('git.init');
    const names = Array.from({ length: 6_000 }, (_, i) => `${'long-name-'.repeat(20)}${i}`);
    for (const name of names) writeFileSync(join(host.workspace, name), '');
    const { staged, truncated } = await call<{ staged: string[]; truncated: boolean }>('git.add', {
      files: ['.'],
    });
    expect([truncated, staged.length > 1000, staged.length < names.length]).toEqual([
      ...[true, true, true],
    ]);
    const status = await call<{ files: object[]; truncated: boolean; clean: boolean }>(
      'git.status',
    );
    expect(status).toMatchObject({ truncated: true, clean: false });
    for (const list of [staged, status.files])
      expect(Buffer.byteLength(JSON.stringify(list))).toBeLessThan(900_000);
  });

  it('stages again after it was stopped in the middle', async () => {
    const later = Object.create(host, { controller: { value: new AbortController() } }) as TestHost;
    const { staging } = await stageSlowly();
    host.cancel();
    await expect(staging).rejects.toMatchObject({ code: 'cancelled' });
    await truncate(join(host.workspace, 'slow'), 1);
    const add = env.find((tool) => tool.name === 'git.add')!;
    expect(await later.call(add, { files: ['slow'] })).toMatchObject({ staged: ['slow'] });
  });

  it('works in the workspace itself, and counts nothing of its own as a change', async () => {
    await call('git.init');
    expect(await call('git.status')).toMatchObject({ branch: 'main', files: [], clean: true });
  });

  it('does not find a repository above the workspace', async () => {
    const sub = join(host.workspace, 'sub');
    await mkdir(sub);
    await call('git.init');
    const inner = Object.assign(Object.create(host) as TestHost, { workspace: sub });
    const status = env.find((tool) => tool.name === 'git.status')!;
    await expect(inner.call(status, {})).rejects.toMatchObject({ code: 'not_a_repository' });
  });

  it('takes for a repository none above a folder that only looks like one', async () => {
    await call('git.init');
    await call('files.write', { path: 'sub/a', content: 'x' });
    await mkdir(join(host.workspace, 'sub/.git'));
    for (const name of ['git.status', 'git.log', 'git.diff'])
      await expect(call(name, { path: 'sub' })).rejects.toMatchObject({ code: 'git_failed' });
    await expect(call('git.add', { path: 'sub', files: ['a'] })).rejects.toMatchObject({
      code: 'git_failed',
    });
    expect(await call('git.status')).toMatchObject({ clean: false });
  });

  it.each([['../x'], ['/root/.ssh'], ['~/.ssh'], ['a/../../b'], ['%2e%2e']])(
    'refuses a repository at %s',
    async (path) => {
      for (const name of ['git.init', 'git.status', 'git.log', 'git.diff']) {
        await expect(call(name, { path })).rejects.toMatchObject({ code: 'path_refused' });
      }
    },
  );

  it('stages nothing from outside and nothing of .git', async () => {
    await call('git.init');
    await symlink('/etc', join(host.workspace, 'etc'));
    const inside = ['.git/config', '.GIT/config', 'a/.Git/x'];
    for (const file of ['../../../.kube/config', '/etc/passwd', 'etc/passwd', ...inside]) {
      await expect(call('git.add', { files: [file] })).rejects.toMatchObject({
        code: 'path_refused',
      });
    }
  });

  it('takes a file name for a file name', async () => {
    await call('git.init');
    await call('files.write', { path: 'a.txt', content: 'x' });
    for (const file of ['*.txt', ':(glob)**', '--force', ':/']) {
      await expect(call('git.add', { files: [file] })).rejects.toMatchObject({
        code: 'git_failed',
      });
    }
  });

  it.each([
    ['core.fsmonitor', '!touch pwned'],
    ['core.worktree', '/etc'],
    ['core.hooksPath', '/tmp'],
    ['filter.x.clean', 'touch pwned'],
    ['diff.external', 'touch pwned'],
    ['diff.x.textconv', 'touch pwned'],
    ['include.path', '/root/.gitconfig'],
    ['core.sshCommand', 'touch pwned'],
    ['alias.status', '!touch pwned'],
    ['gpg.program', 'touch pwned'],
    ['merge.x.driver', 'touch pwned'],
  ])('refuses a repository whose config sets %s', async (key, value) => {
    await call('git.init');
    execFileSync('git', ['config', '--file', join(host.workspace, '.git/config'), key, value]);
    await call('files.write', { path: '.gitattributes', content: '* filter=x diff=x' });
    for (const [name, args] of [
      ['git.status', {}],
      ['git.add', { files: ['.gitattributes'] }],
      ['git.diff', {}],
    ] as const) {
      await expect(call(name, args)).rejects.toMatchObject({ code: 'repository_refused' });
    }
    expect(existsSync(join(host.workspace, 'pwned'))).toBe(false);
  });

  it('runs nothing that settings ask for which were swapped in after they were looked at', async () => {
    await call('git.init');
    await call('files.write', { path: 'a', content: '1\n' });
    await call('git.add', { files: ['a'] });
    await call('git.commit', { message: 'x' });
    signHead();
    const root = (await findSandbox()).isReady ? SANDBOX_ROOT : host.workspace;
    const evil = join(root, 'evil');
    await writeFile(join(host.workspace, 'evil'), `#!/bin/sh\ntouch ${root}/pwned\n`, {
      mode: 0o755,
    });
    await mkdir(join(host.workspace, 'hooks'));
    for (const hook of ['pre-commit', 'post-commit', 'post-index-change'])
      await symlink('../evil', join(host.workspace, 'hooks', hook));
    const config = join(host.workspace, '.git/config');
    const sound = await readFile(config, 'utf8');
    const asking = `${sound}
      [core]\nfsmonitor = ${evil}\nhooksPath = ${root}/hooks\npager = ${evil}\neditor = ${evil}
      [diff]\nexternal = ${evil}
      [gpg]\nprogram = ${evil}
      [commit]\ngpgSign = true
      [log]\nshowSignature = true`;
    const real = { mkdir: fs.mkdir, lstat: fs.lstat };
    let isLook = false;
    jest.spyOn(fs, 'lstat').mockImplementation(async (path) => {
      if (path === config) {
        isLook = true;
        await writeFile(config, sound);
      }
      return real.lstat(path);
    });
    // Made before git is begun: for the look at the settings itself, and then for what it was for.
    jest.spyOn(fs, 'mkdir').mockImplementation(async (path, options) => {
      if (String(path).endsWith('/empty-home')) {
        if (!isLook) await writeFile(config, asking);
        isLook = false;
      }
      return real.mkdir(path, options);
    });
    await call('files.write', { path: 'a', content: '2\n' });
    await call('git.status');
    await call('git.diff');
    await call('git.add', { files: ['a'] });
    await call('git.diff', { staged: true });
    await call('git.commit', { message: 'y' });
    expect(await call('git.log')).toMatchObject({ commits: [{ message: 'y' }, { message: 'x' }] });
    expect(await readFile(config, 'utf8')).toBe(asking);
    expect(existsSync(join(host.workspace, 'pwned'))).toBe(false);
  });

  it('reads no settings that somebody laid into its home', async () => {
    await call('git.init');
    await call('git.status');
    const settings =
      '[filter "x"]\n  clean = touch pwned; cat\n[core]\n  fsmonitor = touch pwned\n';
    for (const path of ['.gitconfig', '.config/git/config', 'git/config'])
      await call('files.write', { path: `.aos/empty-home/${path}`, content: settings });
    for (const path of ['.gitattributes', '.aos/empty-home/git/attributes', '.git/info/attributes'])
      await call('files.write', { path, content: '* filter=x' });
    await call('git.add', { files: ['.gitattributes'] });
    await call('git.commit', { message: 'x' });
    expect(existsSync(join(host.workspace, 'pwned'))).toBe(false);
  });

  it('runs nothing that a repository within the repository asks for', async () => {
    await call('git.init');
    await call('git.init', { path: 'sub' });
    await call('files.write', { path: 'sub/a', content: '1' });
    await call('git.add', { path: 'sub', files: ['a'] });
    await call('git.commit', { path: 'sub', message: 'x' });
    const modules = '[submodule "sub"]\n  path = sub\n  url = ext::touch pwned\n  ignore = none\n';
    await call('files.write', { path: '.gitmodules', content: modules });
    const refused = { code: 'repository_refused' };
    for (const file of ['sub', '.'])
      await expect(call('git.add', { files: [file] })).rejects.toMatchObject(refused);
    // Whoever writes in the workspace can stage it otherwise.
    execFileSync('git', ['-C', host.workspace, 'add', '--no-warn-embedded-repo', 'sub']);
    const config = join(host.workspace, 'sub/.git/config');
    for (const [key, value] of [
      ['filter.x.clean', 'touch ../pwned; cat'],
      ['core.fsmonitor', 'touch ../pwned'],
      ['diff.external', 'touch ../pwned'],
    ] as const)
      execFileSync('git', ['config', '--file', config, key, value]);
    await call('files.write', { path: 'sub/.gitattributes', content: '* filter=x' });
    await call('files.write', { path: 'sub/a', content: '2' });
    await call('git.status');
    await call('git.diff');
    for (const file of ['sub', '.', 'sub/a'])
      await expect(call('git.add', { files: [file] })).rejects.toThrow();
    await call('git.add', { files: ['.gitmodules'] });
    await call('git.diff', { staged: true });
    await call('git.commit', { message: 'x' });
    await call('git.log');
    expect(existsSync(join(host.workspace, 'pwned'))).toBe(false);
    await expect(call('git.status', { path: 'sub' })).rejects.toMatchObject(refused);
  });

  it('takes nothing for an option that is not one', async () => {
    await call('git.init');
    await call('files.write', { path: 'a', content: 'x' });
    await call('git.add', { files: ['a'] });
    await call('git.commit', { message: '--amend -c core.editor=touch' });
    for (const file of ['--output=pwned', '-Opwned', '--ext-diff', '--upload-pack=touch pwned'])
      await call('git.diff', { files: [file] });
    expect(existsSync(join(host.workspace, 'pwned'))).toBe(false);
    for (const author of [
      { name: 'A <b@c>', email: 'd@e' },
      { name: 'A', email: 'd@e>\nx' },
      { name: 'A\u0000B', email: 'd@e' },
    ])
      await expect(call('git.commit', { message: 'x', author })).rejects.toMatchObject({
        code: 'bad_author',
      });
    expect(await call('git.log')).toMatchObject({
      commits: [{ message: '--amend -c core.editor=touch' }],
    });
  });

  it('takes no templates over, and says no more than it may', async () => {
    await call('git.init');
    expect(await readdir(join(host.workspace, '.git'))).not.toContain('hooks');
    await call('files.write', { path: 'big', content: 'line\n'.repeat(300_000) });
    await call('git.add', { files: ['big'] });
    await expect(call('git.diff', { staged: true })).rejects.toMatchObject({ code: 'too_large' });
  });

  it('runs no hook', async () => {
    await call('git.init');
    await mkdir(join(host.workspace, '.git/hooks'), { recursive: true });
    const hook = join(host.workspace, '.git/hooks/post-commit');
    await writeFile(hook, '#!/bin/sh\ntouch pwned\n', { mode: 0o755 });
    await call('files.write', { path: 'a', content: 'x' });
    await call('git.add', { files: ['a'] });
    await call('git.commit', { message: 'With a hook' });
    expect(existsSync(join(host.workspace, 'pwned'))).toBe(false);
  });

  it.each(['commondir', 'gitdir', 'config.worktree', 'objects/info/alternates'])(
    'refuses a .git with the file %s',
    async (name) => {
      await call('git.init');
      await mkdir(join(host.workspace, '.git/objects/info'), { recursive: true });
      await writeFile(join(host.workspace, '.git', name), '');
      await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    },
  );

  it('refuses a pipe in .git, and a config without measure', async () => {
    await call('git.init');
    const pipe = join(host.workspace, '.git/index');
    execFileSync('mkfifo', [pipe]);
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    await rm(pipe);
    const config = join(host.workspace, '.git/config');
    await writeFile(config, `[user]\n${'name = x\n'.repeat(20_000)}`);
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
  });

  it('waits at no pipe that came for the config after .git was looked at, and reads no link', async () => {
    await call('git.init');
    const config = join(host.workspace, '.git/config');
    const { lstat } = fs;
    const swapped = (swap: () => unknown) =>
      jest.spyOn(fs, 'lstat').mockImplementation(async (path) => {
        if (path === config) {
          await rm(config);
          await swap();
        }
        return lstat(path);
      });
    for (const swap of [
      () => execFileSync('mkfifo', [config]),
      () => symlink('/dev/zero', config),
      () => mkdir(config),
    ]) {
      swapped(swap);
      await expect(call('git.status')).rejects.toMatchObject({
        said: { code: 'git-leads-out', params: { name: 'config' } },
      });
      jest.restoreAllMocks();
      await rm(config, { recursive: true });
      await writeFile(config, '');
    }
  });

  it('refuses a .git that goes deeper than a path leads', async () => {
    await call('git.init');
    const last = join(host.workspace, 'last');
    await mkdir(last);
    makeDeep(join(host.workspace, '.git/deep'), last);
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    execFileSync('rm', ['-rf', join(host.workspace, '.git')]); // Node's own does not come so deep
  });

  it('refuses a .git that leads elsewhere', async () => {
    const git = join(host.workspace, '.git');
    await writeFile(git, 'gitdir: /somewhere/.git\n');
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    await rm(git);
    await symlink('/tmp', git);
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    await rm(git);
    await call('git.init');
    await mkdir(join(git, 'objects/info'), { recursive: true });
    await writeFile(join(git, 'objects/info/alternates'), '/root/repo/.git/objects\n');
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    await rm(join(git, 'objects/info/alternates'));
    await symlink('/etc/passwd', join(git, 'COMMIT_EDITMSG'));
    await expect(call('git.status')).rejects.toMatchObject({ code: 'repository_refused' });
    expect(await readFile('/etc/passwd', 'utf8')).toContain('root');
  });
});
