import type { FramedEvent } from './framed-event.js';

/**
 * The newest value events, bounded in number and bytes: what a client that reconnects, or fell behind a
 * little, is served from without asking the database. Complete for every seq above `floor`.
 */
export class RecentEvents {
  private events: FramedEvent[] = [];
  /** Evicted ones are only cut off now and then. */
  private start = 0;
  private bytes = 0;

  constructor(
    private floorSeq: number,
    private readonly mostEvents = 8_192,
    private readonly mostBytes = 16 * 1024 * 1024,
  ) {}

  get floor(): number {
    return this.floorSeq;
  }

  covers(seq: number): boolean {
    return seq >= this.floorSeq;
  }

  push(event: FramedEvent): void {
    this.events.push(event);
    this.bytes += event.size;
    while (this.events.length - this.start > this.mostEvents || this.bytes > this.mostBytes) {
      const evicted = this.events[this.start++]!;
      this.bytes -= evicted.size;
      this.floorSeq = evicted.event.seq;
    }
    if (this.start > this.mostEvents / 4) {
      this.events = this.events.slice(this.start);
      this.start = 0;
    }
  }

  /** Those after `seq`, oldest first. */
  *after(seq: number): Generator<FramedEvent> {
    let low = this.start;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle]!.event.seq <= seq) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < this.events.length; at++) yield this.events[at]!;
  }
}
