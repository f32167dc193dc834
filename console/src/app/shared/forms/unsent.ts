import { DestroyRef, Injectable, inject } from '@angular/core';
import { Store } from '@ngrx/store';
import { session } from '../state/session';

/**
 * What was typed and not sent when the session ended. It waits in memory for the same person to sign in again, and is
 * given out once; whoever signs in instead does not get it, and signing out or loading the page anew ends it.
 */
@Injectable({ providedIn: 'root' })
export class Unsent {
  private readonly store = inject(Store);
  private readonly me = this.store.selectSignal(session.selectMe);
  private readonly hasExpired = this.store.selectSignal(session.selectHasExpired);
  private readonly kept = new Map<string, unknown>();

  has(place: string): boolean {
    return this.kept.has(this.keyOf(place));
  }

  /** What was typed at this place; undefined where nothing was. The one who keeps it there must give it back as it was. */
  take<T>(place: string): T | undefined {
    const key = this.keyOf(place);
    const value = this.kept.get(key) as T | undefined;
    this.kept.delete(key);
    return value;
  }

  /** From the constructor of a form: when the end of the session takes the form away, `typed` is kept for its place. */
  keep(typed: () => { place: string; value: unknown } | null): void {
    const mine = this.me()?.user.id;
    inject(DestroyRef).onDestroy(() => {
      if (!this.hasExpired()) return;
      const left = typed();
      if (left) this.kept.set(`${mine} ${left.place}`, left.value);
    });
  }

  private keyOf(place: string): string {
    return `${this.me()?.user.id} ${place}`;
  }
}
