import { DestroyRef, Injectable, inject, signal } from '@angular/core';

/** Less than this is left alone: a clock that is right to that shows no age wrong. */
const MATTERS_MS = 20_000;
/** What a server says the time is has whole seconds. */
const GRAIN_MS = 1_000;
let aheadMs = 0;

/**
 * The time by the clock of the server, which is the one that all moments come from. A laptop's may be hours off: what
 * happened just now would be "in 4 hr", and an approval that waits would have no time left.
 */
export const serverNow = (): number => Date.now() + aheadMs;

/** A server that was asked and had answered at these moments of our clock said meanwhile that it was `date`. */
export function hearTime(date: string | null, asked: number, answered: number): void {
  const said = Date.parse(date ?? '');
  if (Number.isNaN(said)) return;
  const [least, most] = [said - answered, said + GRAIN_MS - asked];
  // With some room on either side: what was found once is not found anew with each answer.
  const fits = (ahead: number) => ahead >= least - GRAIN_MS && ahead <= most + GRAIN_MS;
  if (fits(aheadMs)) return;
  const ahead = (least + most) / 2;
  aheadMs = fits(0) || Math.abs(ahead) < MATTERS_MS ? 0 : ahead;
}

/** One ticking second for every age, countdown and elapsed time on the screen. It rests while nobody looks. */
@Injectable({ providedIn: 'root' })
export class Clock {
  private readonly time = signal(serverNow());
  readonly now = this.time.asReadonly();

  constructor() {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') this.time.set(serverNow());
    }, 1_000);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }
}
