import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';

/** The three lists of this room, and at the right what the page offers to do. */
@Component({
  selector: 'aos-room-tabs',
  imports: [RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <header *transloco="let t">
      <h1>
        <a
          routerLink="/projects"
          [queryParams]="{ project: project() }"
          [attr.aria-current]="here() === 'tasks' ? 'page' : null"
          >{{ t('projects.tasks') }}</a
        >
        <a routerLink="/projects/all" [attr.aria-current]="here() === 'projects' ? 'page' : null">{{
          t('rooms.projects')
        }}</a>
        <a
          routerLink="/projects/blueprints"
          [queryParams]="{ project: project() }"
          [attr.aria-current]="here() === 'blueprints' ? 'page' : null"
          >{{ t('projects.blueprint.all') }}</a
        >
      </h1>
      <span class="grow"></span>
      <ng-content />
    </header>
  `,
  styles: `
    header {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px;
      min-height: 32px;
    }
    h1 {
      display: flex;
      gap: 16px;
    }
    a {
      color: var(--muted);
      text-decoration: none;
    }
    a:hover {
      color: var(--ink);
    }
    a[aria-current] {
      color: var(--ink);
    }
  `,
})
export class RoomTabs {
  readonly here = input.required<'tasks' | 'projects' | 'blueprints'>();
  readonly project = input<string | null>(null);
}
