import { Injectable, InjectionToken, inject } from '@angular/core';
import { Store } from '@ngrx/store';
import { StreamEvents } from '../state/connection';

export type OpenSource = (url: string) => EventSource;
export const OPEN_SOURCE = new InjectionToken<OpenSource>('how server-sent events are opened', {
  providedIn: 'root',
  factory: () => (url) => new EventSource(url),
});

const CLOSED = 2;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;

export interface Line {
  /** Asked each time that it is opened: where to go on may have moved. */
  address: () => string;
  event: string;
  take: (data: string) => void;
  /** Whether the line stands, each time that this changes. */
  tell?: (isLive: boolean) => void;
}

/**
 * Streams of server-sent events. A browser comes back by itself when a line goes, and for good it stays away when the
 * server refuses it, without a word why: then the session may have ended, which is asked here, and after a while it
 * is tried again.
 */
@Injectable({ providedIn: 'root' })
export class ServerEvents {
  private readonly store = inject(Store);
  private readonly openSource = inject(OPEN_SOURCE);

  /** @returns what closes it. */
  follow({ address, event, take, tell }: Line): () => void {
    let later: ReturnType<typeof setTimeout> | undefined;
    let waitMs = FIRST_WAIT_MS;
    const open = () => {
      const source = this.openSource(address());
      source.onopen = () => {
        waitMs = FIRST_WAIT_MS;
        tell?.(true);
      };
      source.onerror = () => {
        tell?.(false);
        if (source.readyState !== CLOSED) return;
        this.store.dispatch(StreamEvents.refused());
        later = setTimeout(() => (current = open()), waitMs);
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      };
      source.addEventListener(event, ({ data }: MessageEvent<string>) => take(data));
      return source;
    };
    let current = open();
    return () => {
      clearTimeout(later);
      current.close();
    };
  }
}
