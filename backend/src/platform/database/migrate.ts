import type pg from 'pg';
import type { Database } from './database.js';
import { makePartitions } from './partitions.js';

/** Any number will do, as long as nothing else in the database uses it. */
const MIGRATION_LOCK = 7_263_010_001n;

/**
 * Brings the schema up to date. Two processes may start at once: an advisory lock lets one migrate while
 * the other waits and then finds nothing to do. The lock belongs to a session of its own and dies with it,
 * so a process killed in the middle blocks nobody; each migration is one transaction, so a killed one left
 * nothing behind. The embedded database has one session and one process: the folder lock serves there.
 *
 * @returns whether vector columns are available.
 */
export async function migrate(database: Database): Promise<boolean> {
  if (database.kind === 'embedded') return bringUpToDate(database);
  const guard: pg.PoolClient = await database.pool.connect();
  try {
    await guard.query('SET statement_timeout = 0');
    await guard.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK.toString()]);
    return await bringUpToDate(database);
  } finally {
    // Ends the session, and with it the lock and the changed timeout.
    guard.release(true);
  }
}

async function bringUpToDate(database: Database): Promise<boolean> {
  await runMigrations(database);
  await makePartitions(database);
  return ensureVector(database);
}

const MOST_ATTEMPTS = 5;

/**
 * A process that serves meanwhile locks the same tables in an order of its own. Where that comes to a deadlock, Postgres
 * ends one of the two, and it may be the migration: it left nothing behind, and is made again.
 */
async function runMigrations({ dataSource }: Database): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await dataSource.runMigrations({ transaction: 'each' });
      return;
    } catch (error) {
      const { code } = (error as { driverError?: { code?: string } }).driverError ?? {};
      if (code !== DEADLOCK || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

const DEADLOCK = '40P01';

/** pgvector may be missing, or may be added by the administrator later: looked for at every start. */
async function ensureVector(database: Database): Promise<boolean> {
  const available = await database.query(
    `SELECT 1 FROM pg_available_extensions WHERE name = 'vector'`,
  );
  if (available.length === 0) return false;
  const installed = await database.query(`SELECT 1 FROM pg_extension WHERE extname = 'vector'`);
  if (installed.length === 0) {
    try {
      await database.query('CREATE EXTENSION IF NOT EXISTS vector');
    } catch (error) {
      // Present but not ours to install: the same as missing, and health says so.
      if ((error as { code?: string }).code === '42501') return false;
      throw error;
    }
  }
  await database.query(
    'ALTER TABLE mem_embeddings ADD COLUMN IF NOT EXISTS embedding VECTOR(1536)',
  );
  return true;
}
