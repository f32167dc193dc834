import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';

/** A room whose work is done elsewhere for now: what it will hold, and where to do it meanwhile. */
@Component({
  selector: 'aos-later-page',
  imports: [RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="page" *transloco="let t">
      <h1>{{ t('rooms.' + room()) }}</h1>
      <section>
        <h2>{{ t('later.title') }}</h2>
        <p>{{ t('later.' + room() + '.holds') }}</p>
        <p class="muted">{{ t('later.' + room() + '.meanwhile') }}</p>
        <p class="links">
          <a class="btn" href="/api/docs" target="_blank" rel="noopener">{{ t('later.docs') }}</a>
          <a class="btn quiet" routerLink="/chat">{{ t('rooms.chat') }}</a>
        </p>
      </section>
    </div>
  `,
  styles: `
    section {
      display: flex;
      flex-direction: column;
      gap: 8px;
      max-width: 60ch;
      margin-top: 20px;
      padding: 20px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
    }
    .links {
      display: flex;
      gap: 8px;
      margin-top: 8px;
    }
  `,
})
export class LaterPage {
  readonly room = input.required<string>();
}
