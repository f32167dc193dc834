import { execFile } from 'node:child_process';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AuditRow, AuditVerification } from '@aos/contracts';
import { isNative } from '../../../test/harness.js';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { sql } from '../../platform/database/sql.js';
import { BEFORE_THE_FIRST, chained } from './chain.js';
import { Checkpoints } from './checkpoints.js';
import { DailyCheck } from './daily-check.js';
import { AuditModule } from './index.js';
import { LOCK, Sealer } from './sealer.js';
import { AuditVerifier } from './verifier.js';

const script = fileURLToPath(new URL('../../../../ops/scripts/audit-verify.mjs', import.meta.url));
const run = promisify(execFile);

let http: HttpApp;
let owner: SignedIn;
async function open(): Promise<void> {
  http = await openHttpApp({ imports: [AuditModule] });
  owner = await http.signIn('owner');
}
const close = () => http.close();

const of = <T>(type: new (...args: never[]) => T): T => http.app.get(type, { strict: false });
const query = <T>(text: string, params: unknown[] = []) => http.database.query<T>(text, params);
const write = (count: number, action = 'bulk') =>
  query(
    `INSERT INTO audit_logs (actor, action, resource, diff)
     SELECT 'system', $2, 'row:' || n, jsonb_build_object('b', n, 'a', 'x') FROM generate_series(1, $1::int) n`,
    [count, action],
  );
const seals = () =>
  query<{ seq: number }>('SELECT seq::int AS seq FROM audit_seals ORDER BY seq').then((rows) =>
    rows.map(({ seq }) => seq),
  );
const verified = async (path = '') =>
  (await http.call<AuditVerification>(`/audit/verify${path}`, { as: owner })).body;
const file = () => join(http.environment.dataDir, 'audit/checkpoints.ndjson');
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);

/** As whoever owns the database would: the guards of the tables are for everybody else. */
async function tamper(...statements: string[]): Promise<void> {
  const guarded = ['audit_logs', 'audit_seals'];
  for (const table of guarded) await query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
  for (const statement of statements) await query(statement);
  for (const table of guarded) await query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
}

describe('the chain', () => {
  beforeAll(open);
  afterAll(close);

  it('seals what is on record, in order, whoever wrote it, and finds it whole', async () => {
    await write(3);
    const found = await verified();
    expect(found).toMatchObject({ ok: true, faults: [], faultCount: 0, next: null });
    expect(found.entries).toBeGreaterThanOrEqual(3);
    expect(await seals()).toEqual(upTo(found.entries));
    expect(found.last).toMatchObject({ seq: found.entries });
    expect(found.checkpoints).toMatchObject({ latest: found.last });
    expect(await query('SELECT 1 FROM audit_unsealed')).toHaveLength(1); // the check is on record, too
  });

  it('leaves no gap and no row when several number at once, batch after batch', async () => {
    await write(2300); // more than one batch of each
    const others = upTo(3).map(() => new Sealer(http.database, of(Checkpoints), http.environment));
    await Promise.all([of(Sealer), ...others].map((sealer) => sealer.seal()));
    expect(await query('SELECT 1 FROM audit_unsealed')).toEqual([]);
    const found = await verified();
    expect(found).toMatchObject({ ok: true });
    expect(await seals()).toEqual(upTo(found.entries));
  });

  const onServer = isNative ? it : it.skip; // PGlite has one connection: npm test runs this file on native Postgres too
  onServer('waits for whoever numbers', async () => {
    await write(1);
    const before = await seals();
    let sealing: Promise<void> | undefined;
    await http.database.transaction(async (tx) => {
      await sql(tx, LOCK);
      sealing = of(Sealer).seal();
      while (
        (await query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`))
          .length === 0
      )
        await new Promise((turn) => setImmediate(turn));
      expect(await seals()).toEqual(before);
    });
    await sealing;
    expect((await seals()).length).toBeGreaterThan(before.length);
  });

  it('leaves what it cannot seal in the queue', async () => {
    await of(Sealer).seal();
    const done = (await seals()).length;
    await write(2);
    await query('ALTER TABLE audit_seals ADD CONSTRAINT full_disk CHECK (seq < 0) NOT VALID');
    await expect(of(Sealer).seal()).rejects.toThrow('full_disk');
    expect(await seals()).toHaveLength(done);
    await query('ALTER TABLE audit_seals DROP CONSTRAINT full_disk');
    await of(Sealer).seal();
    expect(await seals()).toEqual(upTo(done + 2));
  });

  it('is read from where one request left off', async () => {
    await write(2100);
    const first = await of(AuditVerifier).verify(1, 0);
    expect(first).toMatchObject({ ok: true, entries: 1000, next: 1001 });
    const rest = await verified(`?from=${first.next}`);
    expect(rest).toMatchObject({ ok: true, next: null });
    expect(rest.entries + 1000).toBe(rest.last!.seq);
    expect((await http.refused('/audit/verify?from=0', { as: owner })).status).toBe(400);
  });

  it('is read by one at a time: who asks meanwhile shares one that begins later, and too many come back', async () => {
    const verifier = of(AuditVerifier);
    const read = jest.spyOn(of(Checkpoints), 'read'); // once a walk
    const first = verifier.verify();
    await Promise.resolve();
    const under = [verifier.verify(), verifier.verify(), verifier.verify(2)];
    const ends = await Promise.allSettled([...under, verifier.verify(3), first]);
    expect(ends.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    ]);
    expect(ends[3]).toMatchObject({
      reason: { code: 'too_many_requests', retryAfterSeconds: 40 },
    });
    expect(await under[0]).toBe(await under[1]);
    expect(await under[0]).not.toBe(await first);
    expect(read).toHaveBeenCalledTimes(3);
    read.mockRestore();
    await verifier.verify(3);
  });

  it('is for those who may read the record', async () => {
    const viewer = await http.signIn('viewer');
    expect((await http.refused('/audit/verify', { as: viewer })).status).toBe(403);
  });

  it.each([
    'UPDATE audit_seals SET seq = seq + 1',
    'DELETE FROM audit_seals',
    'TRUNCATE audit_seals',
  ])('cannot be changed by the application itself: %s', async (statement) => {
    await write(1);
    await of(Sealer).seal();
    await expect(query(statement)).rejects.toThrow(/append-only/);
  });
});

describe('what was done to the record', () => {
  beforeEach(async () => {
    await open();
    await write(10);
    await of(Sealer).seal();
  });
  afterEach(close);
  const seqOf = async (resource: string) =>
    (
      await query<{ seq: number }>(
        `SELECT s.seq::int AS seq FROM audit_seals s JOIN audit_logs l ON l.id = s.audit_id WHERE l.resource = $1`,
        [resource],
      )
    )[0]!.seq;
  const idOf = (resource: string) => `(SELECT id FROM audit_logs WHERE resource = '${resource}')`;

  it('shows in each thing that it says otherwise', async () => {
    const changes = [
      `actor = 'user:other'`,
      `action = 'nothing'`,
      `resource = 'row:x'`,
      `outcome = 'denied'`,
      `diff = '{"a": "x", "b": 50}'`,
      `created_at = created_at + interval '1 microsecond'`,
      `ip = '127.0.0.1'`,
      `trace_id = 't'`,
      `project_id = 'p'`,
      `actor_user = gen_random_uuid()`,
    ];
    const first = await seqOf('row:1');
    await tamper(
      ...changes.map(
        (change, n) => `UPDATE audit_logs SET ${change} WHERE id = ${idOf(`row:${n + 1}`)}`,
      ),
    );
    const { ok, faultCount, faults } = await verified();
    expect([ok, faultCount]).toEqual([false, changes.length]);
    expect(faults.map(({ kind, seq }) => [kind, seq])).toEqual(
      changes.map((_, n) => ['changed', first + n]),
    );
    expect(faults[0]).toMatchObject({ says: expect.stringContaining(`Entry ${first} `) });
  });

  it('shows when a row is taken out', async () => {
    const seq = await seqOf('row:4');
    await tamper(`DELETE FROM audit_logs WHERE id = ${idOf('row:4')}`);
    expect(await verified()).toMatchObject({ faultCount: 1, faults: [{ kind: 'missing', seq }] });
  });

  it('shows when a row is taken out before it is sealed, and waits', async () => {
    await write(1, 'late');
    await tamper(`DELETE FROM audit_logs WHERE action = 'late'`);
    expect(await verified()).toMatchObject({ faultCount: 1, faults: [{ kind: 'missing' }] });
  });

  it('shows when rows are taken out with their seals', async () => {
    const seq = await seqOf('row:4');
    await tamper(
      `DELETE FROM audit_seals WHERE audit_id = ${idOf('row:4')}`,
      `DELETE FROM audit_logs WHERE resource = 'row:4'`,
    );
    expect(await verified()).toMatchObject({ faultCount: 1, faults: [{ kind: 'gap', seq }] });
  });

  it('shows when a row is put in past the chain', async () => {
    await tamper(`INSERT INTO audit_logs (actor, action, resource) VALUES ('a', 'forged', 'x')`);
    expect(await verified()).toMatchObject({ faultCount: 1, faults: [{ kind: 'unchained' }] });
  });

  it('shows when two rows have changed places', async () => {
    const [four, five] = [await seqOf('row:4'), await seqOf('row:5')];
    await tamper(
      `CREATE TEMP TABLE both_ids AS SELECT ${idOf('row:4')} AS four, ${idOf('row:5')} AS five`,
      `UPDATE audit_seals SET audit_id = -1 WHERE seq = ${four}`,
      `UPDATE audit_seals SET audit_id = (SELECT four FROM both_ids) WHERE seq = ${five}`,
      `UPDATE audit_seals SET audit_id = (SELECT five FROM both_ids) WHERE seq = ${four}`,
    );
    const { faults } = await verified();
    expect(faults).toMatchObject([
      { kind: 'changed', seq: four },
      { kind: 'changed', seq: five },
    ]);
  });

  /** Every hash anew, as whoever knows how they are made can. */
  async function makeTheChainAnew(): Promise<void> {
    const rows = await exported();
    let before = BEFORE_THE_FIRST;
    const anew = rows.map(({ hash: _, seq, ...entry }) => {
      before = chained(before, seq!, entry);
      return `UPDATE audit_seals SET hash = decode('${before}', 'hex') WHERE seq = ${seq}`;
    });
    await tamper(...anew);
  }
  const exported = async () =>
    (await http.call('/audit/export', { as: owner })).text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRow);

  it('shows when the whole chain is made anew, by what was signed outside the database', async () => {
    await tamper(`UPDATE audit_logs SET actor = 'user:other' WHERE id = ${idOf('row:4')}`);
    await makeTheChainAnew();
    const { ok, faults } = await verified();
    expect(ok).toBe(false);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['checkpoint']));
  });

  it('shows when the end of it is taken away', async () => {
    await tamper(
      `DELETE FROM audit_seals WHERE seq > (SELECT max(seq) - 3 FROM audit_seals)`,
      `DELETE FROM audit_logs WHERE resource IN ('row:8', 'row:9', 'row:10')`,
    );
    expect(await verified()).toMatchObject({ faultCount: 1, faults: [{ kind: 'checkpoint' }] });
  });

  it('shows when a checkpoint is somebody else’s, and keeps it', async () => {
    const forged = JSON.stringify({ seq: 1, hash: 'a'.repeat(64), at: '', jws: 'e30.e30.AAAA' });
    await appendFile(file(), `${forged}\n`);
    expect(await verified()).toMatchObject({ faultCount: 1, faults: [{ kind: 'checkpoint' }] });
    expect(await readFile(file(), 'utf8')).toContain(forged);
  });

  it('is an anomaly, and on record', async () => {
    await tamper(`DELETE FROM audit_logs WHERE id = ${idOf('row:4')}`);
    await verified();
    expect(
      await query(
        `SELECT severity, payload->>'code' AS code, summary FROM events WHERE type = 'anomaly.detected'`,
      ),
    ).toMatchObject([
      { severity: 'error', code: 'audit_broken', summary: expect.stringContaining('is gone') },
    ]);
    expect(
      await query(`SELECT outcome, diff FROM audit_logs WHERE action = 'audit.verify'`),
    ).toMatchObject([{ outcome: 'failed', diff: { faults: 1 } }]);
  });
});

describe('the check of each day', () => {
  beforeEach(open);
  afterEach(close);
  const checks = () =>
    query(
      `SELECT outcome FROM audit_logs WHERE actor = 'system' AND action = 'audit.verify' ORDER BY id`,
    );

  it('finds by itself what was done to the record, once a day', async () => {
    await write(3);
    await of(Sealer).seal();
    await of(DailyCheck).look();
    await of(DailyCheck).look();
    expect(await checks()).toEqual([{ outcome: 'allowed' }]);
    await of(Sealer).seal();
    await tamper(
      `UPDATE audit_logs SET created_at = created_at - interval '1 day' WHERE action = 'audit.verify'`,
    );
    await of(DailyCheck).look();
    expect(await checks()).toEqual([{ outcome: 'allowed' }, { outcome: 'failed' }]);
    expect(
      await query(`SELECT payload->>'code' AS code FROM events WHERE type = 'anomaly.detected'`),
    ).toEqual([{ code: 'audit_broken' }]);
  });
});

describe('the checkpoints', () => {
  beforeEach(open);
  afterEach(close);

  it('are written by the next start where a process was killed before it could', async () => {
    await write(1);
    await of(Sealer).seal();
    await rm(file());
    const sealer = new Sealer(http.database, of(Checkpoints), http.environment);
    sealer.onApplicationBootstrap();
    await sealer.seal();
    await sealer.onApplicationShutdown();
    expect((await of(Checkpoints).read()).own.at(-1)).toMatchObject({
      seq: (await seals()).length,
    });
  });

  it('keep nobody from the record where they cannot be written, and are written later', async () => {
    await write(1);
    await of(Sealer).seal();
    await rm(join(http.environment.dataDir, 'audit'), { recursive: true });
    await writeFile(join(http.environment.dataDir, 'audit'), 'in the way');
    await write(1);
    await of(Sealer).seal();
    const sealed = (await seals()).length;
    await rm(join(http.environment.dataDir, 'audit'));
    await of(Sealer).seal();
    expect((await of(Checkpoints).read()).own.at(-1)).toMatchObject({ seq: sealed });
  });

  it('are kept for the last thousand batches at least, and not for ever', async () => {
    const checkpoints = of(Checkpoints);
    for (const seq of upTo(2001)) await checkpoints.write(checkpoints.of(seq, 'f'.repeat(64)));
    const lines = (await readFile(file(), 'utf8')).trim().split('\n').length;
    expect(lines).toBeLessThan(1100);
    expect((await checkpoints.read()).own.at(-1)).toMatchObject({ seq: 2001 });
  });
});

describe('an export', () => {
  const path = () => join(http.environment.dataDir, 'export.ndjson');
  async function check(...args: string[]) {
    try {
      return { code: 0, ...(await run(process.execPath, [script, path(), ...args])) };
    } catch (error) {
      return error as { code: number; stdout: string; stderr: string };
    }
  }
  let text: string;
  beforeAll(async () => {
    await open();
    await write(5, 'name\n\u202e{"forged": 1}');
    ({ text } = await http.call('/audit/export', { as: owner }));
  });
  beforeEach(() => writeFile(path(), text));
  afterAll(close);

  it('is checked away from the database, with what was signed', async () => {
    await write(1, 'later'); // a checkpoint of what came after the export is no fault of it
    await of(Sealer).seal();
    const { checkpoints } = await verified();
    const { code, stdout } = await check(file(), '--key', JSON.stringify(checkpoints.key));
    expect(stdout).toMatch(new RegExp(`^The export was made by user:${owner.userId} at 20`));
    expect(stdout).toMatch(/^\d+ entries hold, to number \d+ .* agree with \d+ checkpoints\.$/m);
    expect(code).toBe(0);
  });

  it.each([
    [
      'a changed line',
      (whole: string) => whole.replace('"b":3', '"b":4'),
      'is not what was sealed',
    ],
    [
      'a line that is left out',
      (whole: string) => whole.replace(/.*row:3.*\n/, ''),
      'are not in the export',
    ],
    ['a line of which a part was saved', (whole: string) => whole.slice(0, -40), 'is no entry'],
    [
      'its end cut off',
      (whole: string) => whole.replace(/.*row:5(.|\n)*/, ''),
      'its end is missing',
    ],
  ])('shows %s', async (_what, change, says) => {
    await writeFile(path(), change(text));
    const { code, stdout } = await check(file());
    expect(stdout).toContain(says);
    expect(code).toBe(1);
  });

  it('is not said to be signed by another key', async () => {
    const { publicKey } = of(Checkpoints);
    const other = JSON.stringify({ ...publicKey, x: Buffer.alloc(32, 9).toString('base64url') });
    expect(await check(file(), '--key', other)).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('not signed with that key'),
    });
  });

  it.each(['nonsense', '{}', '{"kty":"EC"}'])(
    'says in one line that %s is no key to check with',
    async (text) => {
      const { code, stdout, stderr } = await check(file(), '--key', text);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^What stands behind --key is not the public key .*\n$/);
    },
  );

  it('has to be named', async () => {
    await rm(path());
    expect(await check()).toMatchObject({ code: 2 });
  });
});
