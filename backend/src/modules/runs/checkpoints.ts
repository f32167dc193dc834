import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import type pg from 'pg';
import type { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Lease, LeaseEnded } from '../jobs/index.js';

/**
 * Where a run stands in its graph, kept by LangGraph's own Postgres checkpointer over our one pool.
 *
 * The checkpointer knows no leases. A worker that was paused and has lost its job would, once awake, write
 * a checkpoint over those of the worker that took over. So every transaction that it opens is fenced: the
 * client it is lent adds, right after BEGIN, the question whether the lease still stands, in the same
 * transaction and with a share lock on the job's row, so that nobody can take the job over between the
 * question and the commit.
 *
 * It takes for the last checkpoint the one whose id is the greatest, and an id is the time of the process that wrote it: after
 * a clock was set back, or in a process whose clock is behind, a run would go on from where it was before. So the last one
 * is asked for by the number of its step, which the graph itself counts.
 *
 * It never deletes anything either: a thread's checkpoints go with the end of its job (`forgetCheckpoints`).
 */
export function checkpointsOf(database: Database, lease: Lease): PostgresSaver {
  return new Checkpoints(fenced(database.pool, lease), (threadId, namespace) =>
    database.query<{ id: string }>(LAST, [threadId, namespace]).then(([row]) => row?.id),
  );
}

const LAST = `
  SELECT checkpoint_id AS id FROM checkpoints WHERE thread_id = $1 AND checkpoint_ns = $2
   ORDER BY (metadata->>'step')::int DESC, checkpoint_id DESC LIMIT 1`;

type Place = Parameters<PostgresSaver['getTuple']>[0];

class Checkpoints extends PostgresSaver {
  constructor(
    pool: pg.Pool,
    private readonly lastOf: (threadId: string, namespace: string) => Promise<string | undefined>,
  ) {
    super(pool);
  }

  override async getTuple(config: Place): ReturnType<PostgresSaver['getTuple']> {
    const {
      thread_id,
      checkpoint_ns = '',
      checkpoint_id,
    } = config.configurable as {
      thread_id: string;
      checkpoint_ns?: string;
      checkpoint_id?: string;
    };
    const id = checkpoint_id ?? (await this.lastOf(thread_id, checkpoint_ns));
    if (id === undefined) return undefined;
    return super.getTuple({ configurable: { thread_id, checkpoint_ns, checkpoint_id: id } });
  }
}

/** The same lock as the migrations take: two processes may start at once. */
const MIGRATION_LOCK = 7_263_010_001n;

/** Makes or mends the checkpointer's tables. Safe to call at every start, from several processes. */
export async function prepareCheckpoints(database: Database): Promise<void> {
  const saver = new PostgresSaver(database.pool);
  if (database.kind === 'embedded') return saver.setup();
  const guard = await database.pool.connect();
  try {
    await guard.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK.toString()]);
    await saver.setup();
  } finally {
    guard.release(true); // ends the session, and with it the lock
  }
}

/** In the transaction that ends the job. */
export async function forgetCheckpoints(tx: Tx, jobId: string): Promise<void> {
  for (const table of ['checkpoint_writes', 'checkpoint_blobs', 'checkpoints'])
    await sql(tx, `DELETE FROM ${table} WHERE thread_id = $1`, [jobId]);
}

function fenced(pool: pg.Pool, lease: Lease): pg.Pool {
  return replacing(pool, 'connect', async () => {
    const client = await pool.connect();
    return replacing(client, 'query', async (text: string, params?: unknown[]) => {
      const result = await client.query(text, params);
      if (text === 'BEGIN') {
        const held = await client.query(
          `SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND status = 'running' FOR SHARE`,
          [lease.jobId, lease.fence],
        );
        if (held.rowCount === 0) throw new LeaseEnded('lost');
      }
      return result;
    });
  });
}

/** The object itself, but for one method; everything else reaches it with its own `this`. */
function replacing<T extends object>(target: T, method: keyof T, by: unknown): T {
  return new Proxy(target, {
    get(_, name) {
      if (name === method) return by;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
