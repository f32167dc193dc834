import type { PGlite } from '@electric-sql/pglite';

/** As far as it is used here: TypeScript does not know what PGlite has within. */
interface Postgres {
  wasmMemory: { buffer: ArrayBuffer };
  /** Where two of its variables are: what an error jumps back to, and who adds to its words. */
  _PG_exception_stack: number;
  _error_context_stack: number;
  _PostgresMainLoopOnce(): void;
  _PostgresMainLongJmp(): void;
}

/** What Postgres says of an overflow that it was told of in this way. */
export const OVERFLOW_WORDS = 'errstart was not called';

/**
 * Lets the embedded Postgres go on after a statement whose nesting was more than the stack holds.
 *
 * Postgres measures its stack in the memory of WebAssembly, where most of it is not: a text of a hundred thousand
 * brackets read as JSON, or forty thousand `+1`, is first noticed by V8, which throws a RangeError through all of Postgres.
 * PGlite drops it. Then the transaction is neither at its end nor given up, the place that errors jump back to is one in a
 * function that is gone, and after the next error nothing is answered any more, to anybody, until the process ends.
 *
 * So that place is again the one before the message, and Postgres is told as it tells itself of an error: by the jump to
 * where its loop gives up a transaction. There it misses an error to report, raises one for that (XX000), and jumps once
 * more, with which that one is reported and all is as after any other.
 */
export function survivingOverflow(lite: PGlite): PGlite {
  const postgres = lite.Module as unknown as Postgres;
  const variables = [postgres._PG_exception_stack, postgres._error_context_stack];
  const once = postgres._PostgresMainLoopOnce.bind(postgres);
  // The memory may have grown meanwhile: its buffer is another one then.
  const memory = () => new DataView(postgres.wasmMemory.buffer);
  postgres._PostgresMainLoopOnce = () => {
    const before = variables.map((at) => memory().getUint32(at, true));
    try {
      once();
    } catch (error) {
      if (!isOverflow(error)) throw error; // a jump of its own, which PGlite takes
      variables.forEach((at, i) => memory().setUint32(at, before[i]!, true));
      try {
        postgres._PostgresMainLongJmp();
      } catch {
        postgres._PostgresMainLongJmp();
      }
    }
  };
  return lite;
}

/** Not `instanceof`: V8 takes the RangeError of the realm that it happens to be in. */
const isOverflow = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as Error).name === 'RangeError';
