import { Injectable, effect, inject, signal } from '@angular/core';
import { Title } from '@angular/platform-browser';
import { type RouterStateSnapshot, TitleStrategy } from '@angular/router';
import { TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { approvals } from '../shared/state/approvals';
import { Unread } from '../shared/state/unread';

/** The tab of the browser: which room, and how many wait for me or are news, so that a look at the tab is enough. */
@Injectable()
export class RoomTitles extends TitleStrategy {
  private readonly title = inject(Title);
  private readonly transloco = inject(TranslocoService);
  private readonly key = signal<string | undefined>(undefined);
  private readonly waiting = inject(Store).selectSignal(approvals.selectMine);
  private readonly unread = inject(Unread);

  constructor() {
    super();
    effect(() => {
      this.transloco.activeLang();
      const key = this.key();
      const waiting = this.waiting().length + this.unread.count();
      const room = key ? `${this.transloco.translate(key)} · AOS` : 'AOS';
      this.title.setTitle(waiting > 0 ? `(${waiting}) ${room}` : room);
    });
  }

  override updateTitle(state: RouterStateSnapshot): void {
    this.key.set(this.buildTitle(state));
  }
}
