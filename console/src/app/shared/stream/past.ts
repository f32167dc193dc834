import { signal } from '@angular/core';
import type { AosEvent } from '@aos/contracts';
import { firstValueFrom } from 'rxjs';
import type { AosApi } from '../api/aos-api';
import { type Call, done, failed, idle, loading } from '../api/problem';
import { type StreamFilter, typesOf } from './stacks';

interface Past {
  events: readonly AosEvent[];
  /** Null at first, and once there is nothing older. */
  cursor: string | null;
  isWhole: boolean;
}
const nothing: Past = { events: [], cursor: null, isWhole: false };

/**
 * What the stream told before this page was opened, fetched from the server a page at a time. Each filter, and each
 * task that was opened, has a past of its own: what one of them left out another may want.
 */
export class PastPages {
  readonly call = signal<Call>(idle);
  private readonly asked = new Set<string>();
  private readonly pasts = signal<ReadonlyMap<string, Past>>(new Map());

  constructor(private readonly api: Pick<AosApi, 'pastEvents'>) {}

  of(filter: StreamFilter, traceId: string | null): readonly AosEvent[] {
    return this.past(filter, traceId).events;
  }
  /** Whether it was, also where that failed. */
  isAsked(filter: StreamFilter, traceId: string | null): boolean {
    return this.asked.has(key(filter, traceId));
  }
  isWhole(filter: StreamFilter, traceId: string | null): boolean {
    return this.past(filter, traceId).isWhole;
  }

  /** `before` is the oldest seq that is known already; it counts for the first page only. */
  async turn(
    filter: StreamFilter,
    traceId: string | null,
    before: number | null,
  ): Promise<readonly AosEvent[]> {
    const { events, cursor, isWhole } = this.past(filter, traceId);
    if (isWhole || this.call().state === 'loading') return [];
    this.asked.add(key(filter, traceId));
    this.call.set(loading);
    try {
      const page = await firstValueFrom(
        this.api.pastEvents({
          types: typesOf[filter],
          ...(traceId && { traceId }),
          ...(cursor ? { cursor } : before !== null && { before }),
        }),
      );
      const past: Past = {
        events: [...events, ...page.items],
        cursor: page.nextCursor,
        isWhole: page.nextCursor === null,
      };
      this.pasts.update((pasts) => new Map(pasts).set(key(filter, traceId), past));
      this.call.set(done);
      return page.items;
    } catch (error) {
      this.call.set(failed(error));
      return [];
    }
  }

  private past(filter: StreamFilter, traceId: string | null): Past {
    return this.pasts().get(key(filter, traceId)) ?? nothing;
  }
}

const key = (filter: StreamFilter, traceId: string | null) => `${filter} ${traceId ?? ''}`;
