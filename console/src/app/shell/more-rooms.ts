import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../shared/ui/icon';
import type { Room } from './rooms';

/** The rooms that have no place on the bar of a narrow screen. */
@Component({
  selector: 'aos-more-rooms',
  imports: [Icon, MatMenu, MatMenuItem, MatMenuTrigger, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <button
        class="entry"
        type="button"
        [class.here]="isHere()"
        [matMenuTriggerFor]="menu"
        [attr.aria-current]="isHere() ? 'page' : null"
      >
        <aos-icon name="more" [size]="20" /><span class="cut">{{ t('shell.more') }}</span>
      </button>
      <mat-menu #menu="matMenu">
        @for (room of rooms(); track room.path) {
          <a
            mat-menu-item
            [routerLink]="['/', room.path]"
            [attr.aria-current]="room.path === current() ? 'page' : null"
          >
            <span class="line"><aos-icon [name]="room.icon" />{{ t('rooms.' + room.path) }}</span>
          </a>
        }
      </mat-menu>
    </ng-container>
  `,
  styles: `
    :host {
      display: grid;
      min-width: 0;
    }
    .line {
      display: flex;
      align-items: center;
      gap: 10px;
    }
    a[aria-current] {
      background: var(--chosen);
    }
  `,
  styleUrl: './entry.css',
})
export class MoreRooms {
  readonly rooms = input.required<readonly Room[]>();
  readonly current = input.required<string>();
  protected isHere(): boolean {
    return this.rooms().some(({ path }) => path === this.current());
  }
}
