import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isNative } from './harness.js';
import { temporaryFolder } from './temporary-folder.js';
import { HttpFixture, type McpApp, SigningProxy, openMcpApp } from './mcp-app.js';
import { Ledger } from '../src/modules/integrations/chain/ledger.js';

/**
 * The official suite against `/mcp`, with permission, ledger and audit on and the project's own fixture behind
 * it: what each revision requires, scenario by scenario, without a list of expected failures. The suite knows
 * no sign-in, so its requests are signed in on their way.
 */
const suite = dirname(
  createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'),
);
const required = { '2025-11-25': 30, '2026-07-28': 37 } as const;
type Revision = keyof typeof required;

interface Verdict {
  passed: number;
  failed: number;
}

async function scenariosOf(revision: Revision): Promise<string[]> {
  const text = await readFile(join(suite, 'requirements', `${revision}.yaml`), 'utf8');
  const section = /^server:\n((?: {2}- .+\n)+)/m.exec(text)?.[1] ?? '';
  return [...section.matchAll(/^ {2}- (\S+)$/gm)].map(([, name]) => name!);
}

async function run(url: string, revision: Revision): Promise<Map<string, Verdict>> {
  const child = spawn(
    process.execPath,
    [
      join(suite, 'dist/index.js'),
      'server',
      '--url',
      url,
      '--requirements',
      revision,
      '--output-dir',
      await temporaryFolder(),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'] } },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  await new Promise((done) => child.once('close', done));
  const summary = said.slice(said.indexOf('=== SUMMARY ==='));
  if (process.env['CONFORMANCE_LOG']) console.log(said);
  return new Map(
    [...summary.matchAll(/^\S (\S+): (\d+) passed, (\d+) failed/gm)].map(
      ([, name, passed, failed]) => [name!, { passed: Number(passed), failed: Number(failed) }],
    ),
  );
}

const onLite = isNative ? describe.skip : describe; // which database is under it changes nothing here: npm test runs it on PGlite
onLite.each(['http', 'stdio'] as const)('the fixture behind the gateway over %s', (transport) => {
  let app: McpApp;
  let proxy: SigningProxy;
  let fixture: HttpFixture | undefined;
  let verdicts: Record<Revision, Map<string, Verdict>>;

  beforeAll(async () => {
    proxy = await SigningProxy.listen();
    app = await openMcpApp({ environment: { publicUrl: proxy.origin } });
    const { token } = await app.signIn('operator');
    proxy.target = { port: Number(new URL(app.baseUrl).port), token };
    if (transport === 'stdio') await app.registerOverStdio('fixture', { prefix: false });
    else {
      fixture = await new HttpFixture().start();
      await app.register({ name: 'fixture', url: fixture.url, transport: 'http', prefix: false });
    }
    // One after the other: what a server over a pipe says in the middle of a call has no owner while there are two.
    const older = await run(`${proxy.origin}/mcp`, '2025-11-25');
    const current = await run(`${proxy.origin}/mcp`, '2026-07-28');
    verdicts = { '2025-11-25': older, '2026-07-28': current };
  }, 120_000);

  afterAll(async () => {
    await app?.close();
    await fixture?.stop();
    await proxy?.close();
  });

  it.each(['2025-11-25', '2026-07-28'] as const)(
    'passes all that %s requires',
    async (revision) => {
      const scenarios = await scenariosOf(revision);
      expect(scenarios).toHaveLength(required[revision]);
      const failed = scenarios.filter((name) => {
        const verdict = verdicts[revision].get(name);
        return !verdict || verdict.failed > 0 || verdict.passed === 0;
      });
      expect(failed).toEqual([]);
    },
  );

  it('passes what is not scored of headers and schemas', () => {
    for (const name of [
      'http-header-validation',
      'http-custom-header-server-validation',
      'json-schema-2020-12',
    ])
      expect([name, verdicts['2026-07-28'].get(name)?.failed]).toEqual([name, 0]);
  });

  it('has a ledger row, ended, for every call it made', async () => {
    await app.app.get(Ledger, { strict: false }).settled();
    const rows = await app.database.query<{ status: string; count: number }>(
      'SELECT status, count(*)::int AS count FROM tool_calls GROUP BY status',
    );
    const counts = new Map(rows.map(({ status, count }) => [status, count]));
    expect(counts.get('succeeded')).toBeGreaterThan(40);
    expect(counts.has('started')).toBe(false);
  });
});
