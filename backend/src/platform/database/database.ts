import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { createPgConfig } from '@electric-sql/pglite/node-postgres';
import { vector } from '@electric-sql/pglite-pgvector';
import { trace } from '@opentelemetry/api';
import pg from 'pg';
import { DataSource, type EntityManager } from 'typeorm';
import { migrations } from '../../../migrations/index.js';
import { StartRefused } from '../config/environment.js';
import { inSpan } from '../telemetry/span.js';
import { CommitUndone } from './commit-undone.js';
import { outliveLoss } from './lost-connections.js';
import { migrate } from './migrate.js';
import { SlowStatements, slowStatementsOf } from './slow-statements.js';
import type { SqlResult, Tx } from './sql.js';
import { survivingOverflow } from './stack-overflow.js';

/**
 * The one database of the process: an embedded Postgres (PGlite) in the data folder, or a server named by
 * DATABASE_URL. Both are reached through one `pg.Pool`, which TypeORM, the checkpointer and everything
 * else share; there is no second code path.
 *
 *   embedded   one session. The pool has one connection, so transactions take turns, and a query made
 *              beside an open transaction (instead of inside it) waits for the transaction to end. If that
 *              transaction itself waits for the query, nothing moves: the pool then fails the query after
 *              `connectionTimeoutMillis` with an error that names the trap, rather than hanging for ever.
 *              PGlite does not fsync: a crash of the machine (not of the process) can lose the last moments.
 *   server     Postgres >= 15. Idle transactions and statements are bounded by session settings.
 *
 * No transaction is ever held across a model or tool call: the relay's order and everybody's progress on
 * the embedded database depend on short transactions.
 */
export interface DatabaseOptions {
  /** Unset: embedded in `dataDir`, or in memory when that is unset too (tests). */
  url?: string;
  dataDir?: string;
  /** A migrated snapshot to start from, for tests. */
  snapshot?: Blob;
  poolSize?: number;
}

/** Where single statements are asked: see Database.query. */
export interface Asks {
  query<T = Record<string, unknown>>(text: string, params?: unknown[], name?: string): Promise<T[]>;
  run<T = Record<string, unknown>>(
    text: string,
    params?: unknown[],
    name?: string,
  ): Promise<SqlResult<T>>;
}

export class Database implements Asks {
  private constructor(
    readonly kind: 'embedded' | 'server',
    readonly pool: pg.Pool,
    readonly dataSource: DataSource,
    /** Set on the embedded database only. */
    readonly lite: PGlite | undefined,
    readonly url: string | undefined,
  ) {
    slowStatementsOf.set(dataSource, this.slowStatements);
  }

  readonly slowStatements = new SlowStatements();
  private readonly lines: pg.Pool[] = [];

  /** False when pgvector is missing: the server runs without it. */
  hasVector = false;

  static async open(options: DatabaseOptions): Promise<Database> {
    const database = options.url
      ? await openServer(options.url, options.poolSize ?? 12)
      : await openEmbedded(options.dataDir, options.snapshot);
    try {
      await database.dataSource.initialize();
      database.hasVector = await migrate(database);
    } catch (error) {
      await database.close().catch(() => undefined); // the first error is the one to tell
      throw error;
    }
    return database;
  }

  /** Used by `open`; makes the TypeORM side over an existing pool. */
  static over(
    kind: 'embedded' | 'server',
    pool: pg.Pool,
    lite: PGlite | undefined,
    url: string | undefined,
  ): Database {
    const dataSource = new DataSource({
      type: 'postgres',
      // TypeORM makes its pool with `new Pool()`; this hands it the one that exists.
      driver: {
        ...pg,
        Pool: class {
          constructor() {
            return pool;
          }
        },
      },
      migrations,
      migrationsTableName: 'schema_migrations',
      migrationsTransactionMode: 'each',
      uuidExtension: 'pgcrypto',
      installExtensions: false,
      logging: false,
    });
    return new Database(kind, pool, dataSource, lite, url);
  }

  /**
   * Runs `work` in one transaction. Serialisation failures, deadlocks and a commit that was undone are retried (the
   * work must therefore have no effect outside the database); anything else rolls back and is thrown.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await traced('transaction', undefined, () =>
          this.dataSource.transaction((tx: EntityManager) => work(tx)),
        );
      } catch (error) {
        if (attempt >= 4 || !isRetryable(error)) throw error;
      }
    }
  }

  /**
   * One statement outside any transaction. Inside one, use `sql(tx, …)`: see the note on the embedded kind.
   * `name`: of a text that never changes and is asked all the time. A connection then has it parsed once and its plan
   * kept, as far as the planner thinks that good.
   */
  async query<T = Record<string, unknown>>(
    text: string,
    params: unknown[] = [],
    name?: string,
  ): Promise<T[]> {
    return (await this.run<T>(text, params, name)).rows;
  }

  /** As `query`, with the number of rows written. */
  async run<T = Record<string, unknown>>(
    text: string,
    params: unknown[] = [],
    name?: string,
  ): Promise<SqlResult<T>> {
    const statement = { text, values: params, ...named(name) };
    const result = await traced('query', text, () =>
      ask(this.pool, statement, this.slowStatements),
    );
    return { rows: result.rows as T[], count: result.rowCount ?? 0 };
  }

  /**
   * A connection of its own, for statements that are always the same and asked all the time: their plans are made
   * once, whatever the parameters, and they wait for nothing that the pool is busy with. The settings see to it that
   * what was planned on empty tables is good on full ones. The embedded database has one session for all.
   */
  ownLine(name: string): Asks {
    if (this.kind === 'embedded') return this;
    const pool = new pg.Pool({
      connectionString: this.url,
      max: 1,
      connectionTimeoutMillis: 10_000,
      idleTimeoutMillis: 0,
      application_name: `aos-${name}`,
      statement_timeout: 30_000,
      keepAlive: true,
      options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off',
    });
    outliveLoss(pool);
    this.lines.push(pool);
    const run: Asks['run'] = async (text, params = [], statement) => {
      const { rows, rowCount } = await ask(
        pool,
        { text, values: params, ...named(statement) },
        this.slowStatements,
      );
      return { rows: rows as never[], count: rowCount ?? 0 };
    };
    return { run, query: async (...asked) => (await run(...asked)).rows as never[] };
  }

  async close(): Promise<void> {
    await Promise.all(this.lines.map((pool) => pool.end()));
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
    else await this.pool.end();
    await this.lite?.close();
  }
}

const named = (name: string | undefined) => (name === undefined ? {} : { name });

/**
 * `pool.query` would end the connection when the statement fails, be it for a row that is there already. On a server
 * that costs a new one; the embedded database has one session, and whoever comes next would find it broken. One that
 * is broken is not taken back by the pool in any case.
 */
async function ask(
  pool: pg.Pool,
  statement: pg.QueryConfig,
  slow: SlowStatements,
): Promise<pg.QueryResult> {
  const client = await pool.connect();
  try {
    return await slow.watch(statement.text, () => client.query(statement));
  } finally {
    client.release();
  }
}

/** A span only inside a trace: the loops of relay and worker would otherwise write more spans than work. */
function traced<T>(
  name: string,
  statement: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (!trace.getActiveSpan()?.isRecording()) return work();
  const attributes = {
    'db.system.name': 'postgresql',
    ...(statement === undefined
      ? {}
      : { 'db.query.text': statement.replaceAll(/\s+/g, ' ').trim() }),
  };
  return inSpan('database', name, attributes, work);
}

async function openEmbedded(
  dataDir: string | undefined,
  snapshot: Blob | undefined,
): Promise<Database> {
  const folder = dataDir ? join(dataDir, 'pg') : undefined;
  if (folder) await mkdir(folder, { recursive: true, mode: 0o700 });
  const lite = survivingOverflow(
    await PGlite.create({
      ...(folder ? { dataDir: folder } : {}),
      ...(snapshot ? { loadDataDir: snapshot } : {}),
      extensions: { vector },
      relaxedDurability: false,
    }),
  );
  const pool = new pg.Pool({
    ...(createPgConfig(lite) as unknown as pg.PoolConfig),
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 60_000,
  });
  return Database.over('embedded', pool, lite, undefined);
}

async function openServer(url: string, poolSize: number): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: poolSize,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    application_name: 'aos',
    idle_in_transaction_session_timeout: 60_000,
    statement_timeout: 120_000,
    keepAlive: true,
    // What is asked on a connection is sent at once, whether or not the answer before it is there: see Relay.
    pipeline: true,
  });
  outliveLoss(pool);
  const where = safeUrl(url);
  try {
    const { rows } = await pool.query<{ v: string }>(
      `SELECT current_setting('server_version_num') AS v`,
    );
    const version = Number(rows[0]?.v ?? 0);
    if (version < 150_000)
      throw new StartRefused(
        `DATABASE_URL (${where}) is Postgres ${Math.floor(version / 10_000)}; AOS needs 15 or newer.`,
      );
  } catch (cause) {
    await pool.end();
    if (cause instanceof StartRefused) throw cause;
    throw new StartRefused(
      `DATABASE_URL (${where}) cannot be reached: ${reason(cause)}. Check host, port, database, user and password.`,
      { cause },
    );
  }
  return Database.over('server', pool, undefined, url);
}

/** Host, port and database: what helps to find the mistake, without the password. */
function safeUrl(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function reason(error: unknown): string {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: Error[] };
  return message || errors?.map((each) => each.message).join('; ') || code || String(error);
}

function isRetryable(error: unknown): boolean {
  if (error instanceof CommitUndone) return true;
  const code =
    (error as { code?: string; driverError?: { code?: string } }).driverError?.code ??
    (error as { code?: string }).code;
  return code === '40001' || code === '40P01';
}
