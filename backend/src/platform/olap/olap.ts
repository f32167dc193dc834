import { Logger } from '@nestjs/common';
import type { ClickHouseClient } from '@clickhouse/client';

/** How long a statement may take before whoever asked gets on without it. */
const PATIENCE_MS = { look: 2_000, read: 10_000, write: 60_000 };
/** Probes come every few seconds, from several sides; what was found out is good for so long. */
const GOOD_FOR_MS = 5_000;

/** Injection token of the Olap that CLICKHOUSE_URL names; absent where it is unset. */
export const OLAP = Symbol('OLAP');

/** No answer that could be used. What it said is for the log; people are told that it is away. */
export class OlapAway extends Error {
  override name = 'OlapAway';

  constructor(
    message: string,
    /** It answered, but not what was asked: then it is there for other questions. */
    readonly isRefusal: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A ClickHouse beside the database (`CLICKHOUSE_URL`), for what is older than Postgres keeps or is much to read.
 *
 *     events, spans, logs, samples in Postgres ──Shipper──> ClickHouse ──> Monitor
 *
 * Nothing of AOS waits for it: who reads it has something to say without it, and the Shipper goes on where it was. So
 * it may be away at the start as well, and is named by health until it is back.
 *
 * One database of ClickHouse may serve several installations: each row says of which it is.
 */
export class Olap {
  private readonly logger = new Logger('Olap');
  private fault: string | undefined;
  private lookedAt = -Infinity;
  private looking: Promise<void> | undefined;
  private readonly closing = new AbortController();

  /** @param installation comes from the master key, so all processes of an installation say the same */
  constructor(
    private readonly client: ClickHouseClient,
    /** Without user and password. */
    readonly place: string,
    readonly installation: string,
  ) {}

  /** @throws OlapAway */
  async query<T>(query: string, params: Record<string, unknown> = {}): Promise<T[]> {
    return this.attempt('read', async (abort_signal) => {
      const query_params = { ...params, installation: this.installation };
      const asked = { query, query_params, format: 'JSONEachRow', abort_signal } as const;
      return (await this.client.query(asked)).json<T>();
    });
  }

  /** On its disk when this returns. @throws OlapAway */
  async insert(table: string, rows: readonly object[]): Promise<void> {
    const values = rows.map((row) => ({ installation: this.installation, ...row }));
    await this.attempt('write', (abort_signal) =>
      this.client.insert({ table, values, format: 'JSONEachRow', abort_signal }),
    );
  }

  /** @throws OlapAway */
  async command(query: string): Promise<void> {
    await this.attempt('write', (abort_signal) => this.client.command({ query, abort_signal }));
  }

  /** Whether it answers, with the name and the password that it was given. */
  async isUp(): Promise<boolean> {
    if (performance.now() - this.lookedAt >= GOOD_FOR_MS)
      await (this.looking ??= this.look().finally(() => (this.looking = undefined)));
    return this.fault === undefined;
  }

  /** As it was when it was asked last; nobody waits. */
  get wasUp(): boolean {
    return this.fault === undefined;
  }

  /** Whoever waits for it gets on without it, at once. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.client.close();
  }

  private async look(): Promise<void> {
    await this.attempt('look', (abort_signal) =>
      this.client.command({ query: 'SELECT 1', abort_signal }),
    ).catch(() => undefined); // it is noted
  }

  private async attempt<T>(
    what: keyof typeof PATIENCE_MS,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const tooLong = AbortSignal.timeout(PATIENCE_MS[what]);
    try {
      this.closing.signal.throwIfAborted(); // the client looks at what happens later alone
      const result = await work(AbortSignal.any([this.closing.signal, tooLong]));
      this.note(undefined);
      return result;
    } catch (error) {
      if (this.closing.signal.aborted) throw new OlapAway('it is closed', false, { cause: error });
      const said = tooLong.aborted
        ? `no answer in ${PATIENCE_MS[what] / 1000} s`
        : reasonOf(error as Error & { code?: string });
      // A question that is too much for it, or a row that is not to its liking, does not make it away for all others.
      const isRefusal = tooLong.aborted ? what === 'read' : hasAnswered(error as Error);
      if (what === 'look' || !isRefusal) this.note(said);
      else this.logger.warn(`ClickHouse refused a ${what}: ${said}`);
      throw new OlapAway(said, isRefusal, { cause: error });
    }
  }

  private note(fault: string | undefined): void {
    this.lookedAt = performance.now();
    if (fault !== undefined && this.fault === undefined)
      this.logger.warn(
        `CLICKHOUSE_URL names ${this.place}, which cannot be used: ${fault}. Monitor answers from Postgres until it can.`,
      );
    this.fault = fault;
  }
}

/** Its errors have its own number, those of the way to it a word of Node's. */
const hasAnswered = ({ code }: Error & { code?: unknown }) => /^\d+$/.test(String(code));

const reasonOf = ({ message, code }: Error & { code?: string }) =>
  message.split('\n')[0]!.slice(0, 300) || code || 'no reason was given';
