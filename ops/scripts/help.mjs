#!/usr/bin/env node
/** `npm run help`: the commands of this repository, a line each. */
import { isMain } from './lib/workspace.mjs';

export const help = {
  start: 'install and build if needed, start the server, play the first task once',
  test: 'every test this machine can run; -- <suite> for one of them',
  demo: 'play the acceptance script against a running server; -- --help for its options',
  build: 'build what has changed; -- contracts|backend|console, --force',
  lint: 'mistakes, boundaries, layout, lockfile; -- --fix mends what is safe',
  typecheck: 'TypeScript over every project with its tests, templates included',
  format: 'Prettier over everything',
  'api-client': 'write openapi.json and generate libs/api-client from it',
  'check:api-client': 'fail when libs/api-client is stale',
  'check:console-size': 'gzip sizes of the console by room; fail when one is over its limit',
  'audit:verify': 'check an export of the audit record offline; -- <file> [checkpoints] [--key]',
  'db:schema': 'write backend/migrations/schema.sql, the tables that the migrations come to',
  'db:reset': 'remove the embedded database and the artifacts of this checkout (.aos)',
  'bench:jobs': 'jobs per second and start latency beside graphile-worker and pg-boss',
  'bench:events': 'commit-to-socket latency beside a bare LISTEN and ws loop',
  'bench:gateway': 'a tool call through AOS beside direct, nginx and other gateways; memory',
  'bench:console':
    'what an operator feels, in Chromium: first view, scrolling, live cards; -- --json',
  'add:clickhouse': "ClickHouse's engine for the tests that want one (some 550 MB)",
  screenshots: 'a picture of every room of the console; -- <folder>',
  help: 'this list',
};

if (isMain(import.meta.url)) {
  for (const [name, line] of Object.entries(help)) {
    const command = ['start', 'test'].includes(name) ? `npm ${name}` : `npm run ${name}`;
    console.log(`  ${command.padEnd(26)} ${line}`);
  }
}
