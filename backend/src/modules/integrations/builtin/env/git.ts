/**
 * Git on repositories of the workspace, with nothing of the machine's own git about it.
 *
 * A repository is data that git acts upon: its config can name programs to run (fsmonitor, filters,
 * external diffs, hooks), other folders to work in (core.worktree, .git files, alternates) and other
 * config to read (include). Since whoever writes in the workspace can write that config, it is not
 * trusted: only keys known to be harmless are accepted, .git must be a folder without links out of it,
 * and the command line turns off what it can. Where a sandbox works, git runs inside it as well, so
 * that what is overlooked here, or swapped after it was looked at, reaches nothing.
 *
 * There is no way to the network: no remote command is offered, and protocol.allow is never.
 */
import { lstat, mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type BuiltinTool, type ToolContext } from '../tool.js';
import { COPY, holdingIndex } from './git-index.js';
import { findSandbox, runBoxed, runProcess, SANDBOX_ROOT, type RunResult } from './sandbox.js';
import { codeOf, ignore, inWorkspace, segmentsOf } from './workspace-path.js';

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Of lists of files that are only looked through. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** Somewhat less than the gateway takes. */
const MAX_ANSWER_BYTES = 900_000;
const TIMEOUT_MS = 60_000;

const HARMLESS_KEYS =
  /^(core\.(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol|safecrlf|quotepath|abbrev)|user\.(name|email)|init\.defaultbranch|branch\..*\.(remote|merge|description)|remote\..*\.(url|fetch|pushurl)|pull\.rebase|merge\.conflictstyle|color\..*|i18n\..*|extensions\.objectformat)$/;

const OVERRIDES = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.untrackedCache=false'],
  ...['core.attributesFile=/dev/null', 'core.excludesFile=/dev/null'],
  ...['core.bare=false', 'core.quotePath=false', 'core.sshCommand=false', 'credential.helper='],
  ...['protocol.allow=never', 'commit.gpgSign=false', 'log.showSignature=false', 'diff.external='],
  ...['submodule.recurse=false', 'gc.auto=0', 'maintenance.auto=false', 'safe.directory=*'],
].flatMap((setting) => ['-c', setting]);

const repoInput = {
  path: z
    .string()
    .max(1_024)
    .optional()
    .describe('Folder of the repository; default: the workspace'),
};
const filesInput = z.array(z.string().min(1).max(1_024)).min(1).max(1_000);

interface Repository {
  /** Relative to the workspace, without links; empty for the workspace itself. */
  folder: string;
}

async function openRepository(
  ctx: ToolContext,
  path: string | undefined,
  { mustExist }: { mustExist: boolean },
): Promise<Repository> {
  // Of one within .git that folder would be the files, and a program that git runs could be put among them.
  refuseInside(path ?? '');
  const options = { intoFolder: true, createFolders: !mustExist };
  return inWorkspace(ctx.workspace, path ?? '', options, async (place) => {
    refuseInside(place.path); // a link may have led there
    const gitFolder = `${place.at}/.git`;
    const stats = await lstat(gitFolder).catch(ignore('ENOENT'));
    if (!stats && mustExist) {
      throw new ToolFault('not_a_repository', say('git-none', { path: place.path || '.' }));
    }
    if (stats && !stats.isDirectory()) {
      throw new ToolFault('repository_refused', say('git-no-folder'));
    }
    if (stats) await refuseWaysOut(ctx, gitFolder);
    return { folder: place.path };
  });
}

/** Links anywhere in .git, and the files by which git is told to look elsewhere. */
async function refuseWaysOut(ctx: ToolContext, gitFolder: string): Promise<void> {
  const refuse = (name: string) =>
    new ToolFault('repository_refused', say('git-leads-out', { name }));
  for (const name of ['commondir', 'gitdir', 'config.worktree', 'objects/info/alternates']) {
    if (await lstat(`${gitFolder}/${name}`).catch(ignore('ENOENT', 'ENOTDIR'))) throw refuse(name);
  }
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    ctx.signal.throwIfAborted();
    const entries = await readdir(`${gitFolder}/${folder}`, { withFileTypes: true }).catch(
      (error: unknown) => {
        // It was moved meanwhile, or lies deeper than a path leads.
        if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error) ?? ''))
          throw refuse(folder.slice(0, 200));
        throw error;
      },
    );
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) pending.push(name);
      else if (!entry.isFile()) throw refuse(name);
    }
  }
}

/** Reads the keys as git itself does; of a file that is named it follows no includes. */
async function refuseConfig(ctx: ToolContext, repo: Repository): Promise<void> {
  const config = join(ctx.workspace, repo.folder, '.git', 'config');
  const stats = await lstat(config).catch(ignore('ENOENT'));
  if (!stats) return;
  // It is opened by git alone, in the box: it may have become a pipe since .git was looked at, upon which whoever opens it
  // waits for a writer, or a link to what has no end.
  if (!stats.isFile())
    throw new ToolFault('repository_refused', say('git-leads-out', { name: 'config' }));
  if (stats.size > 100_000) throw new ToolFault('repository_refused', say('git-config-large'));
  const listing = await runGit(ctx, { folder: repo.folder }, [
    ...['config', '--file', '.git/config', '--list', '--name-only', '-z'],
  ]);
  const refused = listing.split('\0').find((key) => key !== '' && !HARMLESS_KEYS.test(key));
  if (refused !== undefined) {
    throw new ToolFault(
      'repository_refused',
      say('git-config-key', { key: refused.slice(0, 100) }),
    );
  }
}

interface GitRun {
  input?: string | undefined;
  identity?: { name: string; email: string } | undefined;
  maxOutputBytes?: number;
  /** Works on a copy of the index: see git-index.ts. */
  writesCopy?: boolean;
}

async function git(
  ctx: ToolContext,
  repo: Repository,
  args: string[],
  how: GitRun = {},
): Promise<string> {
  await refuseConfig(ctx, repo);
  return runGit(ctx, repo, args, how);
}

/** One after the other: steps may run side by side, and git takes no turns. */
function gitThatWrites(
  ctx: ToolContext,
  repo: Repository,
  args: string[],
  how: GitRun = {},
): Promise<string> {
  return inItsTurn(ctx, repo, async () => {
    await refuseConfig(ctx, repo);
    return holdingIndex(ctx, repo.folder, () =>
      runGit(ctx, repo, args, { ...how, writesCopy: true }),
    );
  });
}

/** With its times, by which git knows which files it has to look at again. */
const onCopy =
  'if [ -e "$1" ]; then cp -p -- "$1" "$GIT_INDEX_FILE" || exit 1; fi; shift; exec git "$@"';

async function runGit(
  ctx: ToolContext,
  repo: Repository,
  args: string[],
  { input, identity, maxOutputBytes = MAX_OUTPUT_BYTES, writesCopy = false }: GitRun = {},
): Promise<string> {
  const { name, email } = identity ?? { name: 'AOS', email: 'aos@localhost' };
  const sandbox = await findSandbox();
  const root = sandbox.isReady ? SANDBOX_ROOT : await realpath(ctx.workspace);
  const home = '.aos/empty-home';
  await inWorkspace(ctx.workspace, home, { createFolders: true }, ({ at }) =>
    mkdir(at, 0o700).catch(ignore('EEXIST')),
  );
  const folder = join(root, repo.folder);
  const gitFolder = join(folder, '.git');
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C.UTF-8',
    HOME: join(root, home),
    XDG_CONFIG_HOME: join(root, home),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_DIR: gitFolder,
    GIT_WORK_TREE: folder,
    ...(writesCopy && { GIT_INDEX_FILE: join(gitFolder, COPY) }),
    GIT_LITERAL_PATHSPECS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
  const toGit = ['--no-pager', '-C', folder, ...OVERRIDES, ...args];
  const argv = writesCopy
    ? ['/bin/sh', '-c', onCopy, 'sh', join(gitFolder, 'index'), ...toGit]
    : ['git', ...toGit];
  const limits = { timeoutMs: TIMEOUT_MS, maxOutputBytes, signal: ctx.signal };
  const result = sandbox.isReady
    ? await runBoxed(sandbox.bwrap, ctx.workspace, { argv, env, input }, limits)
    : await runProcess(argv[0]!, argv.slice(1), env, input, limits).catch(explainMissing);
  if (result.timedOut) throw new ToolFault('timeout', say('git-slow'));
  if (result.truncated) throw new ToolFault('too_large', say('git-wordy'));
  if (result.exitCode !== 0)
    throw new ToolFault('git_failed', say('git-failed', { why: saidBy(result) }));
  return result.stdout.toString('utf8');
}

const turns = new Map<string, Promise<unknown>>();

async function inItsTurn<T>(
  ctx: ToolContext,
  { folder }: Repository,
  work: () => Promise<T>,
): Promise<T> {
  const key = join(ctx.workspace, folder);
  const mine = (turns.get(key) ?? Promise.resolve()).then(work, work);
  turns.set(key, mine);
  try {
    return await mine;
  } finally {
    if (turns.get(key) === mine) turns.delete(key);
  }
}

function explainMissing(error: unknown): never {
  if (codeOf(error) === 'ENOENT') {
    throw new ToolFault('git_unavailable', say('git-missing'), { cause: error });
  }
  throw error;
}

/** Ended by SIGXFSZ: see the limits of the sandbox. */
const TOO_LARGE = 128 + 25;

function saidBy(result: RunResult): string {
  const said = (result.stderr.length > 0 ? result.stderr : result.stdout).toString('utf8').trim();
  if (result.exitCode === TOO_LARGE) return 'a file would become larger than 256 MB';
  return said.slice(0, 500) || `exit ${result.exitCode}`;
}

/** @returns the names in the path */
function refuseInside(path: string): string[] {
  const names = segmentsOf(path);
  if (names.some((name) => name.toLowerCase() === '.git'))
    throw new ToolFault('path_refused', say('git-inside', { path }));
  return names;
}

/** Paths relative to the repository; each must be reachable without leaving the workspace. */
async function checkedFiles(
  ctx: ToolContext,
  repo: Repository,
  files: string[],
): Promise<string[]> {
  const checked: string[] = [];
  for (const file of files) {
    const inside = refuseInside(file);
    const full = [repo.folder, ...inside].filter((name) => name !== '').join('/');
    await inWorkspace(ctx.workspace, full || '.', {}, async () => undefined);
    checked.push(inside.join('/') || '.');
  }
  return checked;
}

/**
 * To stage a repository within the repository, git asks that one what has changed in it, by the inner one's config,
 * which may name programs to run; none of the settings on the command line keeps it from that.
 */
async function refuseInner(ctx: ToolContext, repo: Repository, files: string[]): Promise<void> {
  await refuseConfig(ctx, repo);
  const list = async (how: string) =>
    (
      await runGit(ctx, repo, ['ls-files', how, '-z', '--', ...files], {
        maxOutputBytes: MAX_LIST_BYTES,
      })
    ).split('\0');
  const inner =
    (await list('--stage')).find((line) => line.startsWith('160000 '))?.split('\t')[1] ??
    (await list('--others')).find((path) => path.endsWith('/'));
  if (inner !== undefined) {
    throw new ToolFault('repository_refused', say('git-inner', { path: inner.slice(0, 200) }));
  }
}

const gitInit = tool({
  name: 'git.init',
  title: 'Make a repository',
  description: 'Makes a git repository in a folder of the workspace.',
  input: z.strictObject({ ...repoInput }),
  output: z.object({ path: z.string(), branch: z.string() }),
  idempotent: true,
  readOnly: false,
  async run({ path }, ctx) {
    const repo = await openRepository(ctx, path, { mustExist: false });
    await git(ctx, repo, ['init', '--quiet', '--template=', '--initial-branch=main']);
    const branch = await git(ctx, repo, ['symbolic-ref', '--short', 'HEAD']);
    return { path: repo.folder || '.', branch: branch.trim() };
  },
});

/** Empty where a commit was checked out and no branch. */
async function branchOf(ctx: ToolContext, repo: Repository): Promise<string> {
  return (await git(ctx, repo, ['branch', '--show-current'])).trim();
}

const gitStatus = tool({
  name: 'git.status',
  title: 'Show what changed',
  description: 'Lists changed, staged and untracked files of a repository.',
  input: z.strictObject({ ...repoInput }),
  output: z.object({
    branch: z.string().describe('Empty where a commit was checked out and no branch'),
    files: z.array(z.object({ path: z.string(), staged: z.string(), unstaged: z.string() })),
    clean: z.boolean(),
    truncated: z.boolean().describe('More has changed than an answer holds'),
  }),
  idempotent: true,
  readOnly: true,
  async run({ path }, ctx) {
    const repo = await openRepository(ctx, path, { mustExist: true });
    const args = ['--porcelain=v1', '-z', '--no-renames', '--untracked-files=all'];
    const listing = await git(ctx, repo, ['status', ...args, '--ignore-submodules=all'], {
      maxOutputBytes: MAX_LIST_BYTES,
    });
    const branch = await branchOf(ctx, repo);
    const files = listing
      .split('\0')
      .filter((line) => line !== '' && !line.slice(3).startsWith('.aos/'))
      .map((line) => ({ path: line.slice(3), staged: line[0]!, unstaged: line[1]! }));
    const shown = fitting(files);
    return {
      ...{ branch, files: shown, clean: files.length === 0 },
      truncated: shown.length < files.length,
    };
  },
});

const gitAdd = tool({
  name: 'git.add',
  title: 'Stage files',
  description: 'Stages files and folders of a repository, deletions too.',
  input: z.strictObject({ ...repoInput, files: filesInput }),
  output: z.object({
    staged: z.array(z.string()),
    truncated: z.boolean().describe('More is staged than an answer holds'),
  }),
  idempotent: true,
  readOnly: false,
  async run({ path, files }, ctx) {
    const repo = await openRepository(ctx, path, { mustExist: true });
    const checked = await checkedFiles(ctx, repo, files);
    await refuseInner(ctx, repo, checked);
    await gitThatWrites(ctx, repo, ['add', '--all', '--no-warn-embedded-repo', '--', ...checked]);
    const listing = await git(ctx, repo, ['diff', '--cached', '--name-only', '-z', ...PLAIN_DIFF], {
      maxOutputBytes: MAX_LIST_BYTES,
    });
    const staged = listing.split('\0').filter((name) => name !== '');
    const shown = fitting(staged);
    return { staged: shown, truncated: shown.length < staged.length };
  },
});

/** As much of the beginning of a list as an answer may hold, in which it stands as data and as text. */
function fitting<T>(items: readonly T[]): T[] {
  let bytes = 0;
  const past = items.findIndex((item) => {
    const data = JSON.stringify(item);
    bytes += Buffer.byteLength(data) + Buffer.byteLength(JSON.stringify(data));
    return bytes > MAX_ANSWER_BYTES;
  });
  return past < 0 ? [...items] : items.slice(0, past);
}

const PLAIN_DIFF = ['--no-ext-diff', '--no-textconv', '--ignore-submodules=all'];

const gitCommit = tool({
  name: 'git.commit',
  title: 'Commit',
  description: 'Commits what is staged.',
  input: z.strictObject({
    ...repoInput,
    message: z.string().min(1).max(50_000),
    author: z
      .strictObject({ name: z.string().min(1).max(200), email: z.string().min(3).max(200) })
      .optional(),
  }),
  output: z.object({ commit: z.string(), message: z.string() }),
  idempotent: false,
  readOnly: false,
  async run({ path, message, author }, ctx) {
    const repo = await openRepository(ctx, path, { mustExist: true });
    if (author && /[<>\u0000-\u001f]/.test(author.name + author.email)) {
      throw new ToolFault('bad_author', say('git-author'));
    }
    const args = ['commit', '--quiet', '--no-gpg-sign', '--cleanup=whitespace'];
    await gitThatWrites(ctx, repo, [...args, '--file=-'], { input: message, identity: author });
    const commit = await git(ctx, repo, ['rev-parse', 'HEAD']);
    return { commit: commit.trim(), message };
  },
});

/** Of a commit in a history. */
const FIELDS = 5;

const gitLog = tool({
  name: 'git.log',
  title: 'Show the history',
  description: 'Lists the latest commits of a repository.',
  input: z.strictObject({ ...repoInput, limit: z.int().min(1).max(500).optional() }),
  output: z.object({
    commits: z.array(
      z.object({
        commit: z.string(),
        author: z.string(),
        email: z.string(),
        date: z.string(),
        message: z.string(),
      }),
    ),
  }),
  idempotent: true,
  readOnly: true,
  async run({ path, limit = 20 }, ctx) {
    const repo = await openRepository(ctx, path, { mustExist: true });
    // Nothing of a commit can hold a NUL; a message with any other sign would look like several commits.
    const format = '--format=%H%x00%an%x00%ae%x00%aI%x00%B';
    const branch = await branchOf(ctx, repo);
    const isBegun = await git(ctx, repo, ['for-each-ref', '--count=1', `refs/heads/${branch}`]);
    if (branch !== '' && isBegun === '') return { commits: [] };
    const listing = await git(ctx, repo, [
      'log',
      `--max-count=${limit}`,
      format,
      '-z',
      '--no-show-signature',
    ]);
    const parts = listing.split('\0');
    const commits = Array.from({ length: Math.floor(parts.length / FIELDS) }, (_, i) => {
      const [commit, author, email, date, message] = parts.slice(i * FIELDS);
      return {
        ...{ commit: commit!, author: author!, email: email!, date: date! },
        message: message!.trim(),
      };
    });
    return { commits };
  },
});

const gitDiff = tool({
  name: 'git.diff',
  title: 'Show differences',
  description: 'Shows what is not yet staged, or with staged, what the next commit would hold.',
  input: z.strictObject({
    ...repoInput,
    staged: z.boolean().optional(),
    files: filesInput.optional(),
  }),
  output: z.object({ diff: z.string() }),
  idempotent: true,
  readOnly: true,
  async run({ path, staged = false, files = [] }, ctx) {
    const repo = await openRepository(ctx, path, { mustExist: true });
    const checked = await checkedFiles(ctx, repo, files);
    const what = staged ? ['--cached'] : [];
    const diff = await git(ctx, repo, [
      'diff',
      ...what,
      '--no-color',
      ...PLAIN_DIFF,
      '--',
      ...checked,
    ]);
    return { diff };
  },
});

export const gitTools: BuiltinTool[] = [gitInit, gitStatus, gitAdd, gitCommit, gitLog, gitDiff];
