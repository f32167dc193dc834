import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { isIPv6 } from 'node:net';
import { AuditTrail } from '../audit/audit-trail.js';
import type { Ctx } from './context.js';

/** Written in full per minute and source, for those who cost nothing to send. */
const FULL_ROWS_PER_MINUTE = 60;
const MOST_SOURCES = 10_000;
/** Addresses that are refused, a minute, with rows of their own: the first one, and how many there were after it. */
const MOST_REFUSED_ADDRESSES = 60;

/**
 * Writes refusals to the audit trail, like deeds. What a signed-in person was refused is always written
 * whole. Refusals that anybody can cause without an account (and look-ups of things that are not there)
 * are written whole up to a bound per source and minute, then counted, and the count is written: a flood
 * must not be able to fill the record, and must not go unseen either.
 * Of an address that is not allowed there is one whole row a minute, and a count: it has nobody behind it to be told apart.
 * A refusal stays a refusal when its row cannot be written; the failure is logged.
 */
@Injectable()
export class Denials implements OnApplicationShutdown {
  private readonly logger = new Logger(Denials.name);
  private readonly counts = new Map<string, Count>();
  private readonly addresses = new Map<string, Count>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly audit: AuditTrail) {}

  async record(ctx: Ctx, resource: string, code: string, countable: boolean): Promise<void> {
    if (countable && this.isOverBound(ctx)) return;
    await this.write(ctx, resource, { code });
  }

  async recordAddress(ctx: Ctx, resource: string): Promise<void> {
    const source = networkOf(ctx.ip);
    const isOwn = this.addresses.has(source) || this.addresses.size < MOST_REFUSED_ADDRESSES;
    const key = isOwn ? source : 'others';
    if (this.isOver(this.addresses, key, ctx, 1)) return;
    await this.write(ctx, resource, { code: 'address_refused' });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
  }

  /** Writes what was only counted. Runs by itself once a minute while there is anything to write. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const counted = [...this.counts.values()].filter((each) => each.left > 0);
    const refused = [...this.addresses.values()].filter((each) => each.left > 0);
    this.counts.clear();
    this.addresses.clear();
    for (const { ctx, left } of counted)
      await this.write(ctx, 'http:*', { code: 'suppressed', count: left });
    for (const { ctx, left } of refused)
      await this.write(ctx, 'http:*', { code: 'address_refused', count: left });
  }

  private isOverBound(ctx: Ctx): boolean {
    const source = ctx.actor.userId ?? ctx.ip ?? 'unknown';
    const known = this.counts.get(source);
    // Beyond this many sources a minute, all that is new is counted together.
    const key = known || this.counts.size < MOST_SOURCES ? source : 'others';
    return this.isOver(this.counts, key, ctx, FULL_ROWS_PER_MINUTE);
  }

  private isOver(counts: Map<string, Count>, key: string, ctx: Ctx, most: number): boolean {
    const entry = counts.get(key) ?? { ctx, written: 0, left: 0 };
    counts.set(key, entry);
    this.timer ??= setTimeout(() => void this.flush(), 60_000).unref();
    if (entry.written < most) {
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

interface Count {
  ctx: Ctx;
  written: number;
  left: number;
}

/** Of IPv6 the first half: whoever has one address there has as many as they like. */
function networkOf(ip: string | null): string {
  if (ip === null) return 'unknown';
  return isIPv6(ip) ? ipaddr.IPv6.networkAddressFromCIDR(`${ip}/64`).toString() : ip;
}
