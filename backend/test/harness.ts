import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import pg from 'pg';
import { Database } from '../src/platform/database/database.js';
import { migrations } from '../migrations/index.js';

/**
 * A migrated, empty database for one test file: on PGlite by default (a snapshot is migrated once per
 * machine and schema, then loaded in 0.3 s), or on a native Postgres when AOS_TEST_DB=native, in a
 * database of its own cloned from a migrated template. AOS_TEST_DATABASE_URL names that server; it is
 * set by the runner that started it.
 */
export const isNative = process.env['AOS_TEST_DB'] === 'native';

export interface TestDatabase {
  database: Database;
  /** Set on native only: other connections may be opened on it. */
  url: string | undefined;
  close(): Promise<void>;
}

export async function openTestDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  return isNative ? openNative(options.poolSize) : openLite();
}

async function openLite(): Promise<TestDatabase> {
  const database = await Database.open({ snapshot: await (kept ??= snapshot()) });
  return { database, url: undefined, close: () => database.close() };
}

/** For the other tests of the file. */
let kept: Promise<Blob> | undefined;

/** Of the schema and of what makes it here, so that either, changed, makes a new snapshot and a new template. */
async function schemaHash(): Promise<string> {
  const source = migrations.map((migration) => migration.name + String(migration)).join('');
  const folder = join(import.meta.dirname, '../migrations');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  const sources = [import.meta.filename, ...names.map((name) => join(folder, name))];
  const files = await Promise.all(sources.map((path) => readFile(path, 'utf8')));
  return createHash('sha256')
    .update(source + files.join(''))
    .digest('hex')
    .slice(0, 16);
}

async function snapshot(): Promise<Blob> {
  const path = join(tmpdir(), `aos-test-schema-${await schemaHash()}.tar`);
  if (!existsSync(path)) {
    const dump = await migrated(await smallest());
    const half = `${path}.${process.pid}`;
    await writeFile(half, Buffer.from(await dump.arrayBuffer()));
    await rename(half, path); // two workers may race: either file is whole
  }
  return new Blob([await readFile(path)]);
}

/**
 * An empty database that opens as fast as may be, for that is done hundreds of times: what lies in its folder is copied
 * into memory file by file, and its buffers (128 MB, where nobody says otherwise) are written over with zeros.
 */
async function smallest(): Promise<Blob> {
  const lite = await PGlite.create({
    extensions: { vector },
    initDbStartParams: [
      '--wal-segsize=1',
      ...['-c', 'shared_buffers=16MB'],
      ...['-c', 'min_wal_size=2MB'],
    ],
  });
  const dump = await lite.dumpDataDir('none');
  await lite.close();
  return dump;
}

async function migrated(empty: Blob): Promise<Blob> {
  const database = await Database.open({ snapshot: empty });
  const lite = database.lite!;
  // Two copies of every table of Postgres's own, and nobody makes another database here.
  await lite.exec(`UPDATE pg_database SET datistemplate = false WHERE datname LIKE 'template_'`);
  for (const name of ['template0', 'template1']) await lite.exec(`DROP DATABASE ${name}`);
  await lite.exec('CHECKPOINT');
  const dump = await lite.dumpDataDir('none');
  await database.close();
  return dump;
}

/** Migrated by whoever comes first; the others wait. It is a template only once it is whole. */
async function template(admin: pg.Client, urlOf: (name: string) => string): Promise<string> {
  const name = `aos_template_${await schemaHash()}`;
  await admin.query('SELECT pg_advisory_lock(726399)');
  try {
    const { rows } = await admin.query(
      'SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate',
      [name],
    );
    if (rows.length > 0) return name;
    await admin.query(`DROP DATABASE IF EXISTS ${name}`); // of one that was killed
    await admin.query(`CREATE DATABASE ${name}`);
    await (await Database.open({ url: urlOf(name) })).close();
    await admin.query(`ALTER DATABASE ${name} IS_TEMPLATE true`);
    return name;
  } finally {
    await admin.query('SELECT pg_advisory_unlock(726399)');
  }
}

async function openNative(poolSize = 12): Promise<TestDatabase> {
  const server = process.env['AOS_TEST_DATABASE_URL'];
  if (!server)
    throw new Error('AOS_TEST_DB=native needs AOS_TEST_DATABASE_URL; `npm test` sets both.');
  const name = `aos_test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const urlOf = (of: string) => Object.assign(new URL(server), { pathname: `/${of}` }).href;
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${await template(admin, urlOf)}`);
  const url = urlOf(name);
  const database = await Database.open({ url, poolSize });
  return {
    database,
    url,
    async close() {
      await database.close();
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
