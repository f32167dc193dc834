import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a loop may hold the event loop before it lets sockets, leases and heartbeats have a turn. */
const SLICE_MS = 15;

/**
 * Keeps a long loop polite. Call `breathe()` often: it costs a clock reading, and gives way to the
 * event loop only when a slice is used up. Cancellation is noticed at the same place.
 */
export class Pace {
  private sliceStart = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  /** True when it is time to `await rest()`; split in two so that hot loops stay synchronous. */
  get isDue(): boolean {
    return performance.now() - this.sliceStart > SLICE_MS;
  }

  async rest(): Promise<void> {
    await nextTurn();
    this.signal?.throwIfAborted();
    this.sliceStart = performance.now();
  }

  async breathe(): Promise<void> {
    if (this.isDue) await this.rest();
  }
}
