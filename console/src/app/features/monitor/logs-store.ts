import { Injectable, computed, inject, signal } from '@angular/core';
import type { MonitorLogLine } from '@aos/contracts';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { type LogFilter, type LogPage, MonitorApi } from './monitor-api';

export interface LogsWish extends LogFilter {
  from?: string;
  to?: string;
  /** The cursor of a line: what came before it and after it. */
  around?: string;
}

/** Held lines are counted up to this; past it the list is asked for anew. */
const MOST_HELD = 2_000;
/** A tail that runs all night must not fill the tab; older lines are found by scrolling down again. */
const MOST_KEPT = 20_000;

/** The lines on the screen, the newest first: pages from the server below, new lines from the stream above. */
@Injectable()
export class LogsStore {
  private readonly api = inject(MonitorApi);
  private wish: LogsWish = {};
  private asked = 0;
  private readonly known = new Set<string>();

  readonly lines = signal<readonly MonitorLogLine[]>([]);
  readonly call = signal<Call>(idle);
  readonly cursor = signal<string | null>(null);
  /** Of the newest line when lines around one are shown; null otherwise and at the newest of all. */
  readonly newerCursor = signal<string | null>(null);
  /** The list ends where Postgres's retention does: what is older is in ClickHouse, which did not answer. */
  readonly isCut = signal(false);
  readonly isPaused = signal(false);
  private readonly held = signal<readonly MonitorLogLine[]>([]);
  readonly heldCount = computed(() => this.held().length);
  /** The server stopped a search that found nothing; it goes on when a person wants it to. */
  readonly isStuck = computed(
    () => this.call().state === 'done' && this.lines().length === 0 && this.cursor() !== null,
  );

  async begin(wish: LogsWish): Promise<void> {
    this.wish = wish;
    this.asked += 1;
    this.held.set([]);
    this.newerCursor.set(null);
    await this.ask(async () => {
      const newer = wish.around ? await this.page('oldest', wish.around) : null;
      const first = newer?.items[0]?.cursor;
      const older = await this.page('newest', wish.around ? first : undefined);
      const lines = [...(newer?.items ?? []).toReversed(), ...older.items];
      return () => {
        this.known.clear();
        this.lines.set(this.unknown(lines));
        this.endAt(older);
        this.newerCursor.set(newer?.nextCursor ?? null);
      };
    });
  }

  async older(): Promise<void> {
    const cursor = this.cursor();
    if (cursor === null || this.call().state === 'loading') return;
    await this.ask(async () => {
      const page = await this.page('newest', cursor);
      return () => {
        const fresh = this.unknown(page.items);
        this.lines.update((lines) => [...lines, ...fresh]);
        this.endAt(page);
      };
    });
  }

  async newer(): Promise<void> {
    const cursor = this.newerCursor();
    if (cursor === null || this.call().state === 'loading') return;
    await this.ask(async () => {
      const page = await this.page('oldest', cursor);
      return () => {
        const fresh = this.unknown(page.items.toReversed());
        this.lines.update((lines) => [...fresh, ...lines]);
        this.newerCursor.set(page.nextCursor);
      };
    });
  }

  /** From the stream, the oldest first. */
  take(lines: readonly MonitorLogLine[]): void {
    if (this.isPaused()) this.held.update((held) => [...held, ...lines].slice(-MOST_HELD));
    else this.prepend(lines);
  }

  pause(): void {
    this.isPaused.set(true);
  }
  resume(): void {
    this.isPaused.set(false);
    const held = this.held();
    this.held.set([]);
    if (held.length >= MOST_HELD) void this.begin(this.wish);
    else this.prepend(held);
  }

  private prepend(lines: readonly MonitorLogLine[]): void {
    const fresh = this.unknown(lines.toReversed());
    if (fresh.length === 0) return;
    this.lines.update((known) => {
      const all = [...fresh, ...known];
      if (all.length <= MOST_KEPT) return all;
      const kept = all.slice(0, MOST_KEPT);
      for (const { id } of all.slice(MOST_KEPT)) this.known.delete(id);
      this.cursor.set(kept.at(-1)!.cursor);
      return kept;
    });
  }

  /** A line may come by the stream and with a page. */
  private unknown(lines: readonly MonitorLogLine[]): MonitorLogLine[] {
    return lines.filter(({ id }) => !this.known.has(id) && this.known.add(id));
  }

  private endAt({ nextCursor, history }: LogPage): void {
    this.cursor.set(nextCursor);
    this.isCut.set(nextCursor === null && history === 'away');
  }

  private page(order: 'newest' | 'oldest', cursor?: string) {
    const { around: _, ...filter } = this.wish;
    return firstValueFrom(this.api.logs({ ...filter, order }, cursor));
  }

  /** An answer to a question that has changed meanwhile is dropped. */
  private async ask(load: () => Promise<() => void>): Promise<void> {
    const { asked } = this;
    this.call.set(loading);
    try {
      const take = await load();
      if (asked !== this.asked) return;
      take();
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked) this.call.set(failed(error));
    }
  }
}
