import { Injectable, inject, signal } from '@angular/core';
import type { RecentCall } from '@aos/contracts';
import { type Call, done, failed, loading } from '../../shared/api/problem';
import { IntegrationsApi } from './integrations-api';

/** The recent calls of a server or of one of its tools, for as long as their page is open. */
@Injectable()
export class CallsStore {
  private readonly api = inject(IntegrationsApi);
  private of: { server: string; tool?: string } | null = null;
  private readonly cursor = signal<string | null>(null);
  private isAsking = false;

  readonly rows = signal<readonly RecentCall[]>([]);
  readonly call = signal<Call>(loading);
  readonly hasMore = () => this.cursor() !== null;

  show(server: string, tool?: string): void {
    if (this.of?.server !== server || this.of.tool !== tool) {
      this.rows.set([]);
      this.cursor.set(null);
      this.call.set(loading);
    }
    this.of = { server, ...(tool !== undefined && { tool }) };
    this.refresh();
  }

  /** The newest ones; what was paged in below them stays, with what has ended meanwhile. */
  refresh(): void {
    const of = this.of;
    if (!of || this.isAsking) return;
    this.isAsking = true;
    this.api.calls(of.server, of.tool).subscribe({
      next: ({ items, nextCursor }) => {
        this.isAsking = false;
        if (this.of !== of) return this.refresh();
        const fresh = new Set(items.map(({ id }) => id));
        const older = this.rows().filter(({ id }) => !fresh.has(id));
        const isFirst = this.rows().length === 0;
        this.rows.set([...items, ...older].sort(newestFirst));
        if (isFirst) this.cursor.set(nextCursor);
        this.call.set(done);
      },
      error: (error: unknown) => {
        this.isAsking = false;
        this.call.set(failed(error));
      },
    });
  }

  more(): void {
    const [of, cursor] = [this.of, this.cursor()];
    if (!of || !cursor || this.isAsking) return;
    this.isAsking = true;
    this.api.calls(of.server, of.tool, cursor).subscribe({
      next: ({ items, nextCursor }) => {
        this.isAsking = false;
        if (this.of !== of) return;
        const known = new Set(this.rows().map(({ id }) => id));
        this.rows.update((rows) => [...rows, ...items.filter(({ id }) => !known.has(id))]);
        this.cursor.set(nextCursor);
      },
      error: (error: unknown) => {
        this.isAsking = false;
        this.call.set(failed(error));
      },
    });
  }
}

const newestFirst = (a: RecentCall, b: RecentCall) => b.startedAt.localeCompare(a.startedAt);
