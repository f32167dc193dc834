import { realpathSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SystemConfig } from '@aos/contracts';
import { temporaryFolder } from '../../../../test/temporary-folder.js';
import { approveLaunch } from './launch-templates.js';

let dataDir: string;
beforeAll(async () => {
  dataDir = await temporaryFolder();
  await mkdir(join(dataDir, 'mcp-servers'));
  await mkdir(join(dataDir, 'mcp-servers-evil'));
  await writeFile(join(dataDir, 'mcp-servers', 'mine.mjs'), '');
  await writeFile(join(dataDir, 'mcp-servers', 'notes.txt'), '');
  await writeFile(join(dataDir, 'mcp-servers-evil', 'x.mjs'), '');
  await writeFile(join(dataDir, 'outside.mjs'), '');
  await symlink(join(dataDir, 'outside.mjs'), join(dataDir, 'mcp-servers', 'link.mjs'));
  await symlink('mine.mjs', join(dataDir, 'mcp-servers', 'alias.mjs'));
});

const approve = (command: string, ...args: string[]) =>
  approveLaunch(command, args, { dataDir, packages: 'any' });

it('approves a package of the registry, and a script of a server', () => {
  expect(approve('npx', '-y', '@modelcontextprotocol/server-everything@2026.1.1', 'stdio')).toEqual(
    {
      file: 'npx',
      args: ['-y', '--', '@modelcontextprotocol/server-everything@2026.1.1', 'stdio'],
    },
  );
  const script = 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js';
  const launch = approve('node', script, '/srv/data');
  expect(launch.file).toBe(process.execPath);
  expect(launch.args[0]).toMatch(/server-filesystem\/dist\/index\.js$/);
  expect(approve('node', join(dataDir, 'mcp-servers/mine.mjs')).args).toHaveLength(1);
  // What is started is what was looked at, and not a link that may lead elsewhere by then.
  const { args } = approve('node', join(dataDir, 'mcp-servers/alias.mjs'));
  expect(args).toEqual([join(realpathSync(dataDir), 'mcp-servers/mine.mjs')]);
});

it('starts a script with the flags that keep our own heap small, and with none of the others', () => {
  const before = process.execArgv;
  process.execArgv = ['--cpu-prof', '--heap-growing-percent=30', '--max-semi-space-size=16'];
  try {
    const { args } = approve('node', join(dataDir, 'mcp-servers/mine.mjs'), '--x');
    const script = join(realpathSync(dataDir), 'mcp-servers/mine.mjs');
    expect(args).toEqual(['--heap-growing-percent=30', '--max-semi-space-size=16', script, '--x']);
  } finally {
    process.execArgv = before;
  }
});

it.each([
  ['bash', '-c', 'id'],
  ['sh'],
  ['/bin/sh'],
  ['/usr/bin/node', 'x.js'],
  ['npx', '-c', 'id'],
  ['npx', '--call=id'],
  ['npx', '-y', '-p', 'x', 'y'],
  ['npx', '-y', 'pkg', '-c', 'id'],
  ['npx', '-y', 'node', 'x.js'],
  ['npx', '-y', 'node@24', 'x.js'],
  ['npx', '-y', 'tsx', 'x.ts'],
  ['npx', '-y', 'git+https://evil.example/x.git'],
  ['npx', '-y', 'https://evil.example/x.tgz'],
  ['npx', '-y', 'github:evil/x'],
  ['npx', '-y', 'evil/x'],
  ['npx', '-y', './x'],
  ['npx', '-y', 'x@npm:evil'],
  ['npx', '-y', 'x@https://evil.example'],
  ['npx', '--yes'],
  ['node', '-e', 'process.exit()'],
  ['node', '-p', '1'],
  ['node', '-pe', '1'],
  ['node', '--eval=1'],
  ['node', '--import', 'x'],
  ['node', '-r', 'x', 'y.js'],
  ['node', '--inspect=0.0.0.0'],
  ['node'],
  ['node', '/etc/passwd'],
  ['node', 'node_modules/typescript/bin/tsc'],
  ['node', 'node_modules/@modelcontextprotocol/sdk/dist/esm/index.js'],
  ['node', 'node_modules/@modelcontextprotocol/conformance/dist/index.js'],
  ['node', 'node_modules/@modelcontextprotocol/server-filesystem/../../typescript/lib/tsc.js'],
  ['node\n;id'],
  ['node;id'],
  ['$(id)'],
  ['npx', '-y', 'pkg', '$(id)'],
  ['npx', '-y', 'pkg', '`id`'],
  ['npx', '-y', 'pkg', 'a;id'],
  ['npx', '-y', 'pkg', 'a\u0000b'],
  ['npx', '-y', 'pkg', 'a\nb'],
  ['npx', '-y', 'pkg', 'x'.repeat(5000)],
  ['npx', '-y', 'pkg@file:/tmp/x'],
  ['npx', '-y', 'pkg@git+ssh://evil.example/x'],
  ['npx', '-y', '@evil/../x'],
  ['npx', '-y', '..'],
  ['npx', '-y', '\uff0e/x'],
  ['npx', '-y', 'p\u043akg'],
  ['npx', '-y', '-y', 'pkg'],
  ['npx', '-y', '--package=evil', 'pkg'],
  ['npx', '--registry=http://evil.example', 'pkg'],
  ['npx', '-y', 'pkg', '--call=id'],
  ['npx', '-y', 'Node', 'x.js'],
  ['npx', '-y', 'constructor@x:y'],
  ['__proto__'],
  ['constructor', 'x'],
  ['NODE', 'x.js'],
  ['node ', 'x.js'],
  ['node\u00a0', 'x.js'],
  ['\uff4eode', 'x.js'],
  ['node', '--env-file=x', 'x.js'],
  ['node', '-', 'x.js'],
  ['node', ''],
  ['node', 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js', '-r', 'x'],
  ['node', 'node_modules/@modelcontextprotocol/server-filesystem/package.json'],
  ['node', 'data:text/javascript,1'],
  ['node', 'file:///etc/x.js'],
  ['python', '-c', '1'],
  ['uvx', '--from', 'git+https://evil.example/x', 'x'],
  ['docker', 'run', '-v', '/:/h', 'x'],
])('refuses %j %j %j', (command, ...args) => {
  expect(() => approve(command, ...args)).toThrow(
    expect.objectContaining({ code: 'launch_refused', status: 422 }),
  );
});

it.each(
  '-e -c -p -r -C -E -pe -ep --eval --print --call --require --import --loader --experimental-loader --shell'.split(
    ' ',
  ),
)('refuses %s wherever it stands, also with its argument', (option) => {
  for (const arg of [option, `${option}=x`])
    expect(() => approve('npx', '-y', 'pkg', '--', arg)).toThrow(/Argument 4/);
});

it.each([
  [['node;id'], /characters that no approved command has/],
  [['node\u0007'], /characters that no approved command has/],
  [['node', '-'], /and no option/],
  [['node', '--env-file=x'], /and no option/],
])('says what is wrong with %j', ([command, ...args], what) => {
  expect(() => approve(command!, ...args)).toThrow(what);
});

it.each([
  'mcp-servers/link.mjs',
  'mcp-servers-evil/x.mjs',
  'mcp-servers/notes.txt',
  'mcp-servers/../outside.mjs',
  'mcp-servers/none.mjs',
])('refuses the script %s', (script) => {
  expect(() => approve('node', join(dataDir, script))).toThrow(
    expect.objectContaining({ code: 'launch_refused' }),
  );
});

describe('a package', () => {
  const started = (name: string, ...packages: string[]) =>
    approveLaunch('npx', ['-y', name, '--x'], { dataDir, packages }).args[2];

  it.each([
    ['srv', 'srv', 'srv'],
    ['srv@1.2.3', 'srv', 'srv@1.2.3'],
    ['srv@1.2.3', 'srv@1.2.3', 'srv@1.2.3'],
    // What is listed in one version is started in it, and not in the newest of the day.
    ['srv', 'srv@1.2.3', 'srv@1.2.3'],
    ['@own/srv', '@own/srv@1.2.3', '@own/srv@1.2.3'],
    ['@own/srv', '@own/*', '@own/srv'],
    ['@own/server-x@latest', '@own/server-*', '@own/server-x@latest'],
  ])('%s is started where %s is listed: as %s', (name, entry, as) => {
    expect(started(name, 'other', entry)).toBe(as);
    expect(started(name, entry, '@own/s*')).toBe(as);
  });

  it.each([
    ['srv'],
    ['srv', 'srv-two', 'sr', '@own/srv', '@srv/*'],
    ['srv@1.2.4', 'srv@1.2.3'],
    ['srv@latest', 'srv@1.2.3'],
    ['srv@^1.2.3', 'srv@1.2.3'],
    ['@own/other', '@own/server-*'],
    ['@owner/srv', '@own/*'],
  ])('%s is refused where %s is listed, and the setting is named', (name, ...entries) => {
    expect(() => started(name, ...entries)).toThrow(
      expect.objectContaining({
        code: 'launch_refused',
        status: 422,
        message: expect.stringMatching(/gateway\.npmPackages/) as string,
      }),
    );
  });

  it('that is an interpreter is refused also where it is listed', () => {
    expect(() => started('tsx', 'tsx')).toThrow(/runs whatever it is given/);
  });

  it.each(['srv*', '*', '@*', '@own*', 'srv@^1', 'srv@latest', '@own/*@1.2.3', '../x', 'a b', ''])(
    'is not listed by %j',
    (entry) => {
      const config = { gateway: { npmPackages: [entry] } };
      expect(SystemConfig.safeParse(config).error?.issues[0]?.path[1]).toBe('npmPackages');
    },
  );

  it('of the public servers may be started from the first day on', () => {
    const { npmPackages } = SystemConfig.parse({}).gateway;
    expect(started('@modelcontextprotocol/server-memory', ...npmPackages)).toBe(
      '@modelcontextprotocol/server-memory',
    );
    expect(() => started('@modelcontextprotocol/inspector', ...npmPackages)).toThrow();
  });
});
