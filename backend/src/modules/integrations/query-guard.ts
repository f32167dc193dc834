import { Logger } from '@nestjs/common';
import { describeFailure } from '../../platform/database/away.js';
import type { Asks } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';

const LOOK_EVERY_MS = 500;

/**
 * Ends the query of a tool that nobody waits for any more, and one that holds an advisory lock while it runs. AOS's own
 * locks have numbers that anybody can read, and no right keeps a query from taking one: it could stand still whatever
 * waits for it as long as a query may take. One that is done within half a second gives its locks back by itself.
 *
 * The looks go over a connection of their own. None is under way any more when `end` has resolved, so that none ends what
 * is asked next on the connection that it looks at.
 */
export class QueryGuard {
  private readonly logger = new Logger(QueryGuard.name);
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> | undefined;
  private hasStruck = false;

  private constructor(
    private readonly asks: Asks,
    private readonly pid: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.timer = setInterval(() => this.lookNow(), LOOK_EVERY_MS).unref();
    signal?.addEventListener('abort', this.lookNow, { once: true });
  }

  /** Over what is asked in this transaction from now on. */
  static async over(tx: Tx, asks: Asks, signal: AbortSignal | undefined): Promise<QueryGuard> {
    const { rows } = await sql<{ pid: number }>(tx, 'SELECT pg_backend_pid() AS pid');
    return new QueryGuard(asks, rows[0]!.pid, signal);
  }

  /** Whether it has ended a query. */
  async end(): Promise<boolean> {
    clearInterval(this.timer);
    this.signal?.removeEventListener('abort', this.lookNow);
    await this.looking;
    return this.hasStruck;
  }

  private readonly lookNow = () => void (this.looking ??= this.look());

  private async look(): Promise<void> {
    try {
      if (this.signal?.aborted) {
        await this.asks.query('SELECT pg_cancel_backend($1)', [this.pid]);
        return;
      }
      const ended = await this.asks.query(
        `SELECT pg_cancel_backend(pid) FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND granted LIMIT 1`,
        [this.pid],
      );
      this.hasStruck ||= ended.length > 0;
    } catch (error) {
      this.logger.warn(`a query could not be looked after: ${describeFailure(error)}`);
    } finally {
      this.looking = undefined;
    }
  }
}
