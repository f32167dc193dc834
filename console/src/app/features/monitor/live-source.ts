import { DestroyRef, InjectionToken, type Signal, effect, inject, signal } from '@angular/core';

export type OpenSource = (url: string) => EventSource;
export const OPEN_SOURCE = new InjectionToken<OpenSource>('how server-sent events are opened', {
  providedIn: 'root',
  factory: () => (url) => new EventSource(url),
});

/**
 * Follows a stream of server-sent events for as long as the page is there and somebody looks at it; a null address
 * closes it. The browser reconnects by itself. `isLive` says whether the line stands.
 */
export function followSource<T>(
  address: () => string | null,
  event: string,
  take: (data: T) => void,
): Signal<boolean> {
  const open = inject(OPEN_SOURCE);
  const isLive = signal(false);
  const isSeen = signal(document.visibilityState === 'visible');
  const look = () => isSeen.set(document.visibilityState === 'visible');
  document.addEventListener('visibilitychange', look);
  inject(DestroyRef).onDestroy(() => document.removeEventListener('visibilitychange', look));
  effect((onCleanup) => {
    const url = address();
    if (url === null || !isSeen()) return;
    const source = open(url);
    source.onopen = () => isLive.set(true);
    source.onerror = () => isLive.set(false);
    source.addEventListener(event, ({ data }: MessageEvent<string>) => {
      isLive.set(true);
      take(JSON.parse(data) as T);
    });
    onCleanup(() => {
      source.close();
      isLive.set(false);
    });
  });
  return isLive.asReadonly();
}
