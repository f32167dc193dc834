import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { RouterLink } from '@angular/router';
import type { SavedView } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Call, idle } from '../../shared/api/problem';
import { Dialog } from '../../shared/ui/dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';

const written = (query: Record<string, string>) =>
  JSON.stringify(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The filters that a person keeps by name; they follow the person to every browser. */
@Component({
  selector: 'aos-views-menu',
  imports: [
    Dialog,
    Icon,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    ProblemNote,
    RouterLink,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <button class="btn small" type="button" [matMenuTriggerFor]="menu">
        <aos-icon name="list" [size]="14" />
        <span class="cut">{{ shown()?.name ?? t('projects.views.title') }}</span>
        <aos-icon name="down" [size]="12" />
      </button>
      <mat-menu #menu="matMenu">
        @for (view of views(); track view.id) {
          <a
            mat-menu-item
            [routerLink]="[]"
            [queryParams]="view.query"
            [attr.aria-current]="shown()?.id === view.id || null"
          >
            <span class="tick">
              @if (shown()?.id === view.id) {
                <aos-icon name="check" [size]="14" />
              }</span
            >{{ view.name }}
          </a>
        } @empty {
          <p class="meta none">{{ t('projects.views.none') }}</p>
        }
        <hr />
        <button mat-menu-item type="button" [disabled]="!hasFilter()" (click)="begin()">
          <span class="tick"><aos-icon name="plus" [size]="14" /></span
          >{{ t('projects.views.save') }}
        </button>
        @if (shown(); as view) {
          <button mat-menu-item type="button" (click)="dropped.emit(view)">
            <span class="tick"><aos-icon name="close" [size]="14" /></span
            >{{ t('projects.views.drop', { name: view.name }) }}
          </button>
        }
      </mat-menu>
      @if (isNaming()) {
        <aos-dialog
          size="small"
          [title]="t('projects.views.save')"
          [isBusy]="call().state === 'loading'"
          (closed)="isNaming.set(false)"
        >
          <form class="field" id="save-view" (submit)="submit($event)">
            <label for="view-name">{{ t('projects.views.name') }}</label>
            <input
              id="view-name"
              class="input"
              maxlength="80"
              autocomplete="off"
              [value]="name()"
              (input)="name.set($any($event.target).value)"
            />
            <p class="meta">
              {{ t(isTaken() ? 'projects.views.replaces' : 'projects.views.whose') }}
            </p>
            @if (call(); as call) {
              @if (call.state === 'failed') {
                <aos-problem [problem]="call.problem" />
              }
            }
          </form>
          <button actions class="btn" type="button" (click)="isNaming.set(false)">
            {{ t('dialog.cancel') }}
          </button>
          <button
            actions
            class="btn filled"
            type="submit"
            form="save-view"
            [disabled]="!name().trim() || call().state === 'loading'"
          >
            {{ t('projects.save') }}
          </button>
        </aos-dialog>
      }
    </ng-container>
  `,
  styles: `
    .btn .cut {
      max-width: 180px;
    }
    .tick {
      display: inline-flex;
      width: 22px;
    }
    hr {
      margin: 4px 0;
      border: 0;
      border-top: 1px solid var(--line);
    }
    .none {
      max-width: 260px;
      padding: 8px 14px;
    }
  `,
})
export class ViewsMenu {
  readonly views = input.required<readonly SavedView[]>();
  /** The filters as they are now. */
  readonly query = input.required<Record<string, string>>();
  readonly call = input<Call>(idle);
  readonly saved = output<string>();
  readonly dropped = output<SavedView>();

  protected readonly isNaming = signal(false);
  protected readonly name = signal('');
  protected readonly hasFilter = computed(() => Object.keys(this.query()).length > 0);
  protected readonly shown = computed(() => {
    const now = written(this.query());
    return this.views().find(({ query }) => written(query) === now);
  });
  protected readonly isTaken = computed(() =>
    this.views().some(({ name }) => name === this.name().trim()),
  );

  protected begin(): void {
    this.name.set(this.shown()?.name ?? '');
    this.isNaming.set(true);
  }
  protected submit(event: Event): void {
    event.preventDefault();
    if (this.name().trim()) this.saved.emit(this.name().trim());
  }
  /** Called by the page when the server has it. */
  end(): void {
    this.isNaming.set(false);
  }
}
