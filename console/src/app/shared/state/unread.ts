import { Injectable, computed, effect, inject, signal } from '@angular/core';
import type { AosEvent } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { stored } from '../ui/preferences';
import { session } from './session';
import { valueEvents } from './value-events';

/** Results and problems. What waits for a decision is counted apart, and stays counted until it is decided. */
const isNews = ({ type }: AosEvent) => type === 'task.receipt' || type === 'anomaly.detected';

/** What came while nobody looked at the stream. How far somebody has looked is kept by person, in this browser. */
@Injectable({ providedIn: 'root' })
export class Unread {
  private readonly store = inject(Store);
  private readonly events = this.store.selectSignal(valueEvents.selectAll);
  private readonly me = this.store.selectSignal(session.selectMe);
  private readonly seen = signal<number | null>(null);
  private readonly key = computed(() => `seen.${this.me()?.user.id ?? ''}`);

  readonly count = computed(() => {
    const seen = this.seen();
    return seen === null ? 0 : this.events().filter((e) => e.seq > seen && isNews(e)).length;
  });

  constructor() {
    effect(() => {
      const kept = Number(stored.get(this.key()));
      this.seen.set(Number.isFinite(kept) && kept > 0 ? kept : null);
    });
  }

  /** Somebody looks at the stream now: all that it holds is read. */
  look(): void {
    const last = this.events().at(-1)?.seq;
    if (last === undefined || last === this.seen()) return;
    this.seen.set(last);
    stored.set(this.key(), String(last));
  }
}
