import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AuditTrail } from '../audit/audit-trail.js';
import type { Ctx } from './context.js';

/** Written in full per minute and source, for those who cost nothing to send. */
const FULL_ROWS_PER_MINUTE = 60;
const MOST_SOURCES = 10_000;

/**
 * Writes refusals to the audit trail, like deeds. What a signed-in person was refused is always written
 * whole. Refusals that anybody can cause without an account (and look-ups of things that are not there)
 * are written whole up to a bound per source and minute, then counted, and the count is written: a flood
 * must not be able to fill the record, and must not go unseen either.
 * A refusal stays a refusal when its row cannot be written; the failure is logged.
 */
@Injectable()
export class Denials implements OnApplicationShutdown {
  private readonly logger = new Logger(Denials.name);
  private readonly counts = new Map<string, { ctx: Ctx; written: number; left: number }>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly audit: AuditTrail) {}

  async record(ctx: Ctx, resource: string, code: string, countable: boolean): Promise<void> {
    if (countable && this.isOverBound(ctx)) return;
    await this.write(ctx, resource, { code });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
  }

  /** Writes what was only counted. Runs by itself once a minute while there is anything to write. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const counted = [...this.counts.values()].filter((each) => each.left > 0);
    this.counts.clear();
    for (const { ctx, left } of counted)
      await this.write(ctx, 'http:*', { code: 'suppressed', count: left });
  }

  private isOverBound(ctx: Ctx): boolean {
    const source = ctx.actor.userId ?? ctx.ip ?? 'unknown';
    const known = this.counts.get(source);
    // Beyond this many sources a minute, all that is new is counted together.
    const key = known || this.counts.size < MOST_SOURCES ? source : 'others';
    const entry = known ?? this.counts.get(key) ?? { ctx, written: 0, left: 0 };
    this.counts.set(key, entry);
    this.timer ??= setTimeout(() => void this.flush(), 60_000).unref();
    if (entry.written < FULL_ROWS_PER_MINUTE) {
      entry.written++;
      return false;
    }
    entry.left++;
    return true;
  }

  private async write(ctx: Ctx, resource: string, diff: Record<string, unknown>): Promise<void> {
    try {
      await this.audit.recordAlone(ctx, {
        action: 'access.denied',
        resource,
        diff,
        outcome: 'denied',
      });
    } catch (error) {
      this.logger.error({
        msg: 'a refusal could not be written to the audit trail',
        resource,
        err: error,
      });
    }
  }
}
