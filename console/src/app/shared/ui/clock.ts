import { DestroyRef, Injectable, inject, signal } from '@angular/core';

/** One ticking second for every age, countdown and elapsed time on the screen. It rests while nobody looks. */
@Injectable({ providedIn: 'root' })
export class Clock {
  private readonly time = signal(Date.now());
  readonly now = this.time.asReadonly();

  constructor() {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') this.time.set(Date.now());
    }, 1_000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }
}
