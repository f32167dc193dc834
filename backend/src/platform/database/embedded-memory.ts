import type { PGlite } from '@electric-sql/pglite';

/** As far as it is used here: TypeScript knows the whole of it in browsers only. */
interface WasmMemory {
  grow(pages: number): number;
}

const PAGE_BYTES = 64 * 1024;

/**
 * A bound on what the embedded Postgres may take of this process's memory while it works for somebody who is not trusted
 * with all of it. `work_mem` is none: a text of a gigabyte is made by one function.
 *
 * Postgres runs in WebAssembly here, and gets memory by making the one that it was given grow, for good: what a query has
 * freed is used by others after it, and never given back. So the bound is on that growth, for all such work together. Where
 * it is refused, Postgres finds that there is no memory, says so (53200), and goes on, as it would on a full machine.
 */
export class EmbeddedMemory {
  private left: number;
  private isBounded = false;

  /** @param mostBytes by which all that runs in `bounded` may make it grow, as long as the process lives */
  constructor(lite: PGlite, mostBytes: number) {
    this.left = mostBytes;
    const { wasmMemory: memory } = lite.Module as unknown as { wasmMemory: WasmMemory };
    const grow = memory.grow.bind(memory);
    memory.grow = (pages) => {
      if (!this.isBounded) return grow(pages);
      if (pages * PAGE_BYTES > this.left) throw new RangeError('it may grow no further');
      const before = grow(pages);
      this.left -= pages * PAGE_BYTES;
      return before;
    };
  }

  /** The database has one session: whoever holds it is the one who works. */
  async bounded<T>(work: () => Promise<T>): Promise<T> {
    this.isBounded = true;
    try {
      return await work();
    } finally {
      this.isBounded = false;
    }
  }
}
