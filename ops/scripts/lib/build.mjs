import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compressBelow } from './compress.mjs';
import { fingerprint, listFiles } from './inputs.mjs';
import { lockfileHash } from './install.mjs';
import { Stop, step } from './progress.mjs';
import { run, tailOf } from './run.mjs';
import { withSetupLock } from './setup-lock.mjs';
import { inRoot, pinnedNode, root } from './workspace.mjs';

const tsc = (project) => [inRoot('node_modules/typescript/bin/tsc'), '-p', project];

/** What is built, from which files, into what. Later ones may lean on those named in `after`. */
export const projects = [
  {
    name: 'contracts',
    folder: 'libs/contracts',
    inputs: ['tsconfig.base.json', 'libs/contracts'],
    output: 'libs/contracts/dist/index.js',
    after: [],
    command: () => tsc('libs/contracts/tsconfig.json'),
  },
  {
    name: 'backend',
    folder: 'backend',
    inputs: [
      'tsconfig.base.json',
      'libs/contracts',
      'backend/src',
      'backend/migrations',
      'backend/package.json',
      'backend/tsconfig.json',
    ],
    output: 'backend/dist/src/main.js',
    after: ['contracts'],
    command: () => tsc('backend/tsconfig.json'),
  },
  {
    name: 'console',
    folder: 'console',
    inputs: ['tsconfig.base.json', 'libs', 'console'],
    output: 'console/dist',
    after: ['contracts'],
    command: () => [inRoot('node_modules/@angular/cli/bin/ng.js'), 'build'],
    cwd: 'console',
    afterwards: () => compressBelow(inRoot('console/dist/browser')),
  },
];

/** Lies among the sources, but nothing is built from it. */
const isNoInput = (name) =>
  /\.(spec\.ts|sql|md)$|\/testing\.ts$|\/openapi\.json$|\/(e2e|test|bench)\//.test(name);
const stampOf = ({ folder }) => inRoot(folder, 'dist/.aos-build');

/** Builds what has changed since it was last built. `force` builds everything. */
export async function ensureBuilt({ force = false, only = projects.map(({ name }) => name) } = {}) {
  const wanted = projects.filter(
    ({ name, folder }) => only.includes(name) && existsSync(inRoot(folder, 'src')),
  );
  if (!force && wanted.every((project) => isBuilt(project))) return;
  await withSetupLock(async () => {
    const started = new Map();
    for (const project of wanted) {
      const before = project.after.map((name) => started.get(name));
      started.set(
        project.name,
        Promise.all(before).then(() => buildOne(project, force)),
      );
    }
    // Let every build end before the first failure stops the process: half-written output helps nobody.
    const results = await Promise.allSettled(started.values());
    const failed = results.find(({ status }) => status === 'rejected');
    if (failed) throw failed.reason;
  });
}

function isBuilt(project) {
  return check(project).upToDate;
}

/** Whether what lies in dist was built from the sources as they are. */
export const isBuiltNow = (name) => isBuilt(projects.find((project) => project.name === name));

/** Compares the inputs with the stamp in dist; a stamp from other sources or another lockfile is stale. */
function check(project) {
  const stamp = readStamp(project);
  const files = listFiles(root, project.inputs, isNoInput);
  const print = fingerprint(files, stamp?.files);
  const hash = `${print.hash} ${lockfileHash()}`;
  return {
    upToDate: stamp?.hash === hash && existsSync(inRoot(project.output)),
    stamp: { hash, files: print.files },
  };
}

async function buildOne(project, force) {
  const { upToDate, stamp } = check(project);
  if (upToDate && !force) return;
  await step(`build ${project.name}`, project.command().map(shorten).join(' '), async () => {
    // Sources that were renamed would otherwise live on in dist, and migrations are found by folder.
    rmSync(inRoot(project.folder, 'dist'), { recursive: true, force: true });
    const { code, output } = await run(pinnedNode, project.command(), {
      cwd: join(root, project.cwd ?? ''),
      env: { ...process.env, NG_CLI_ANALYTICS: 'false', NODE_ENV: 'production' },
    });
    if (code !== 0 || !existsSync(inRoot(project.output))) {
      throw new Stop(`${project.name} does not build.`, {
        tail: tailOf(output, 40),
        hint: `The same alone: npm run build -- ${project.name}`,
      });
    }
    await project.afterwards?.();
    mkdirSync(inRoot(project.folder, 'dist'), { recursive: true });
    writeFileSync(stampOf(project), JSON.stringify(stamp));
  });
}

const shorten = (arg) => (arg.startsWith(root) ? arg.split(/[\\/]/).pop() : arg);

function readStamp(project) {
  try {
    return JSON.parse(readFileSync(stampOf(project), 'utf8'));
  } catch {
    return undefined;
  }
}
