import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { rooms } from './rooms';

/** An address that leads nowhere: which one, and the ways on from here. */
@Component({
  selector: 'aos-not-found-page',
  imports: [RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="page" *transloco="let t">
      <h1>{{ t('notFound.title') }}</h1>
      <p class="muted">{{ t('notFound.lead') }}</p>
      <p class="where">
        <code>{{ url }}</code>
      </p>
      <ul>
        @for (room of rooms; track room.path) {
          <li>
            <a [routerLink]="['/', room.path]">{{ t('rooms.' + room.path) }}</a>
          </li>
        }
      </ul>
    </div>
  `,
  styles: `
    .where {
      margin: 12px 0 16px;
      overflow-wrap: anywhere;
    }
    ul {
      display: flex;
      flex-wrap: wrap;
      gap: 8px 16px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
  `,
})
export class NotFoundPage {
  protected readonly url = inject(Router).url;
  protected readonly rooms = rooms;
}
