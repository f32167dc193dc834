import { Injectable, inject, signal } from '@angular/core';
import { Router } from '@angular/router';
import type { AosEvent } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';
import { Actions, createEffect, ofType } from '@ngrx/effects';
import { Store } from '@ngrx/store';
import { tap } from 'rxjs';
import { stored } from '../ui/preferences';
import { StreamEvents, connection } from './connection';
import { Sentences } from '../i18n/sentences';

const isWorthIt = ({ type, severity }: AosEvent) =>
  type === 'approval.request' ||
  type === 'task.receipt' ||
  (type === 'anomaly.detected' && severity === 'error');

/**
 * Notices of the desktop, for who wants them. The browser is asked for leave only when a person presses the button
 * for it; a page that asks by itself is refused for good.
 */
@Injectable({ providedIn: 'root' })
export class Notices {
  private readonly sentences = inject(Sentences);
  private readonly router = inject(Router);
  private readonly transloco = inject(TranslocoService);
  readonly isAvailable = typeof Notification !== 'undefined';
  readonly leave = signal<NotificationPermission>(
    this.isAvailable ? Notification.permission : 'denied',
  );
  private readonly isWanted = signal(stored.get('notices') === 'on');
  readonly areOn = () => this.isWanted() && this.leave() === 'granted';

  async turn(): Promise<void> {
    if (!this.isAvailable) return;
    const isOn = !this.areOn();
    if (isOn && this.leave() !== 'granted') this.leave.set(await Notification.requestPermission());
    this.isWanted.set(isOn);
    stored.set('notices', isOn ? 'on' : 'off');
  }

  tell(events: readonly AosEvent[]): void {
    if (!this.areOn() || document.visibilityState === 'visible') return;
    for (const event of events.filter(isWorthIt)) {
      const title = this.transloco.translate<string>(`notices.${event.type}`);
      // One of a task takes the place of the one before it.
      const notice = new Notification(title, {
        body: this.sentences.ofEvent(event),
        tag: event.traceId,
      });
      notice.onclick = () => {
        window.focus();
        notice.close();
        void this.router.navigateByUrl(
          event.type === 'approval.request'
            ? '/chat?stream=needs-me&pane=stream'
            : `/projects/runs/${encodeURIComponent(event.traceId)}`,
        );
      };
    }
  }
}

/** Only of what happens now: what is caught up on was told while nobody could be. */
export const tellTheDesktop = createEffect(
  (actions = inject(Actions), store = inject(Store), notices = inject(Notices)) => {
    const status = store.selectSignal(connection.selectStatus);
    return actions.pipe(
      ofType(StreamEvents.received),
      tap(({ events }) => status() === 'live' && notices.tell(events)),
    );
  },
  { functional: true, dispatch: false },
);
