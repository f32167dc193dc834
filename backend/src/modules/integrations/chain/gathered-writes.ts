import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

interface Waiting<Row, Answer> {
  row: Row;
  isBehind: boolean;
  done: (answer: Answer) => void;
  fail: (error: unknown) => void;
}

/** What one transaction may carry: it is held in memory, and its locks until it ends. One row may always go. */
const MOST_ROWS = 200;
const MOST_SIZE = 2 * 1024 * 1024;
/** How long a row that nobody waits for may wait for company. */
const BEHIND_MS = 10;

/**
 * Rows of many callers, written in one transaction.
 *
 *     idle ──row──> under way ──committed──> idle
 *                       ^   rows gather  |
 *                       └────────────────┘   all that came meanwhile go together, in the order in which they came
 *
 * A commit costs a trip to the disk, whatever it holds. One caller alone waits for one trip, as ever: nothing is
 * held back to see whether more comes. While a trip is under way, others have to wait for the next one, and then share
 * it. So the more there is to write, the less each row costs.
 *
 * A row that is written behind (`behind`: its caller goes on without it) begins no trip of its own: it goes along with
 * the next row that somebody waits for, or by itself after 10 ms. `flush` sends it at once.
 *
 * Each caller waits until its own row is committed, and hears of its own failure. A row that cannot be stored (the
 * database refuses its values) takes none of the others with it: they are then written one at a time. Whatever else
 * goes wrong (no connection, no disk) fails all that were in the transaction; those that came later try their luck.
 */
export class GatheredWrites<Row, Answer = void> {
  private waiting: Waiting<Row, Answer>[] = [];
  private isUnderWay = false;
  private isHurried = false;
  private later: NodeJS.Timeout | undefined;

  /** `write` stores all rows in one transaction, or none, and answers in their order. `sizeOf`: in characters. */
  constructor(
    private readonly write: (rows: readonly Row[]) => Promise<readonly Answer[]>,
    private readonly options: {
      sizeOf: (row: Row) => number;
      behindMs?: number;
    },
  ) {}

  /** Resolves once the row is committed. */
  add(row: Row, { behind: isBehind = false } = {}): Promise<Answer> {
    return new Promise((done, fail) => {
      this.waiting.push({ row, isBehind, done, fail });
      if (!this.isUnderWay) this.beginOrLater();
    });
  }

  /** What waits is sent without waiting for company. */
  flush(): void {
    if (this.waiting.length === 0) return;
    this.isHurried = true;
    if (!this.isUnderWay) this.begin();
  }

  private beginOrLater(): void {
    if (this.isWanted()) this.begin();
    else if (this.waiting.length > 0)
      this.later ??= setTimeout(() => this.begin(), this.options.behindMs ?? BEHIND_MS).unref();
  }

  private isWanted(): boolean {
    return (
      this.isHurried ||
      this.waiting.length >= MOST_ROWS ||
      this.waiting.some(({ isBehind }) => !isBehind)
    );
  }

  /** In the next turn of the loop: what came in the same turn goes along. It belongs to no caller's trace. */
  private begin(): void {
    clearTimeout(this.later);
    this.later = undefined;
    this.isUnderWay = true;
    setImmediate(() => void context.with(suppressTracing(context.active()), () => this.drain()));
  }

  private async drain(): Promise<void> {
    do {
      await this.settle(this.waiting.splice(0, this.countThatFits()));
      if (this.waiting.length === 0) this.isHurried = false;
    } while (this.isWanted());
    this.isUnderWay = false;
    this.beginOrLater();
  }

  private countThatFits(): number {
    let size = 0;
    const past = this.waiting.findIndex(
      ({ row }, index) => (size += this.options.sizeOf(row)) > MOST_SIZE && index > 0,
    );
    return Math.min(past < 0 ? Infinity : past, this.waiting.length, MOST_ROWS);
  }

  private async settle(batch: readonly Waiting<Row, Answer>[]): Promise<void> {
    try {
      const answers = await this.write(batch.map(({ row }) => row));
      batch.forEach(({ done }, index) => done(answers[index]!));
    } catch (error) {
      if (batch.length === 1 || !isOfARow(error)) for (const { fail } of batch) fail(error);
      else for (const each of batch) await this.settle([each]);
    }
  }
}

/** Data that the database does not take (22), that breaks a rule of the table (23) or a limit (54): not of all rows. */
export function isOfARow(error: unknown): boolean {
  const { code, driverError } = error as { code?: unknown; driverError?: { code?: unknown } };
  const state = driverError?.code ?? code;
  return typeof state === 'string' && /^(22|23|54)\w{3}$/.test(state);
}
