import { DestroyRef, Injectable, inject } from '@angular/core';

const SOON_MS = 250;

/** The other tabs of this browser, which are told that something was changed here: what, they ask the server. */
@Injectable({ providedIn: 'root' })
export class OtherTabs {
  // One for both ways: a channel does not hear itself, and so no tab hears of its own changes.
  private readonly channel =
    typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('aos.changed');

  tell(): void {
    this.channel?.postMessage(null);
  }
  listen(heard: () => void): () => void {
    this.channel?.addEventListener('message', heard);
    return () => this.channel?.removeEventListener('message', heard);
  }
}

/** Loads what a page shows once more when something was changed in another tab; of many changes at once, once. */
export function asInOtherTabs(load: () => unknown): void {
  let later: ReturnType<typeof setTimeout> | undefined;
  const end = inject(OtherTabs).listen(() => {
    clearTimeout(later);
    later = setTimeout(load, SOON_MS);
  });
  inject(DestroyRef).onDestroy(() => {
    clearTimeout(later);
    end();
  });
}
