import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { Logger } from '@nestjs/common';

const SAY_AGAIN_MS = 60_000;
const MOST_TEXTS = 500;
const LONGEST = 500;

/**
 * Tells of statements that take longer than the settings allow, in the log and in the trace they belong to: their text, in
 * which values are $1, and never the values. The same text once a minute, with how often it was. What writes the log and
 * the spans itself is not told of: each line would make another.
 */
export class SlowStatements {
  private readonly logger = new Logger('Database');
  private readonly said = new Map<string, { at: number; since: number }>();
  limitMs: number | null = null;

  async watch<T>(text: string, work: () => Promise<T>): Promise<T> {
    const { limitMs } = this;
    if (limitMs === null || isTracingSuppressed(context.active())) return work();
    const began = performance.now();
    try {
      return await work();
    } finally {
      const ms = performance.now() - began;
      if (ms >= limitMs) this.tell(text, ms);
    }
  }

  private tell(text: string, ms: number): void {
    const now = performance.now();
    const known = this.said.get(text);
    if (known && now - known.at < SAY_AGAIN_MS) {
      known.since += 1;
      return;
    }
    if (!known && this.said.size >= MOST_TEXTS) this.said.clear();
    this.said.set(text, { at: now, since: 0 });
    const more = known && known.since > 0 ? `, and ${known.since} times more before` : '';
    this.logger.warn(
      `A statement took ${Math.round(ms)} ms${more}: ${text.replaceAll(/\s+/g, ' ').trim().slice(0, LONGEST)}`,
    );
  }
}

/** Of whoever has the connection of a transaction: see sql.ts. */
export const slowStatementsOf = new WeakMap<object, SlowStatements>();
