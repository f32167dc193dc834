import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import pg from 'pg';
import { isNative, openTestDatabase } from '../../../test/harness.js';
import { StartRefused } from '../config/environment.js';
import { Database } from './database.js';
import { ensurePartitions } from './partitions.js';

/** `describe` on native Postgres; PGlite has no second session and no address to be wrong. */
const onNative = isNative ? describe : describe.skip; // skipped on PGlite: `npm test` runs this file on native Postgres as well

describe('opening the database', () => {
  it('says which address cannot be reached, without the password', async () => {
    const port = await closedPort();
    const opening = Database.open({ url: `postgres://u:hunter2@127.0.0.1:${port}/d` });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(`127.0.0.1:${port}/d`);
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  it('makes partitions ahead and drops those past retention', async () => {
    const test = await openTestDatabase();
    const partitions = async () =>
      (
        await test.database.query<{ name: string }>(
          `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'logs'::regclass ORDER BY 1`,
        )
      ).map((row) => row.name);
    const before = await partitions();
    expect(before.filter((name) => name !== 'logs_default').length).toBeGreaterThanOrEqual(5);
    await ensurePartitions(test.database, Date.now() + 90 * 24 * 3600_000);
    const after = await partitions();
    expect(after).toContain('logs_default');
    expect(after.filter((name) => before.includes(name))).toEqual(['logs_default']);
    await test.close();
  });
});

onNative('opening a server', () => {
  const server = process.env['AOS_TEST_DATABASE_URL']!;

  it('refuses a wrong password in one line that names what to check', async () => {
    const url = new URL(server);
    url.password = 'hunter2';
    const opening = Database.open({ url: url.href });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(/password/);
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  it('lets two processes start at once: one migrates, both run', async () => {
    const name = `aos_two_${randomBytes(4).toString('hex')}`;
    const admin = new pg.Client({ connectionString: server });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    const opened = await Promise.all(
      [1, 2, 3].map(() => Database.open({ url: url.href, poolSize: 4 })),
    );
    for (const database of opened) {
      expect(await database.query('SELECT count(*)::int AS n FROM relay_state')).toEqual([
        { n: 1 },
      ]);
      await database.close();
    }
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  });

  it('runs without pgvector and knows it', async () => {
    const test = await openTestDatabase();
    const [row] = await test.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_available_extensions WHERE name = 'vector'`,
    );
    expect(test.database.hasVector).toBe(row!.n > 0);
    await test.close();
  });
});

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
