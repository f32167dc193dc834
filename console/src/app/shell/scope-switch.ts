import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  signal,
  untracked,
} from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { ActivatedRoute, Router, RouterLink } from '@angular/router';
import type { Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../shared/api/aos-api';
import { Icon } from '../shared/ui/icon';

/** Which project the room is about: all of them, or one. The choice is in the address, so that a link keeps it. */
@Component({
  selector: 'aos-scope-switch',
  imports: [Icon, MatMenu, MatMenuItem, MatMenuTrigger, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <span class="muted" aria-hidden="true">·</span>
      <button
        class="btn quiet small"
        type="button"
        data-testid="scope"
        [matMenuTriggerFor]="menu"
        [attr.aria-label]="t('scope.label', { name: name() ?? t('scope.all') })"
        (menuOpened)="load()"
      >
        <span class="cut">{{ name() ?? t('scope.all') }}</span>
        <aos-icon name="down" [size]="12" />
      </button>
      <mat-menu #menu="matMenu">
        <a
          mat-menu-item
          routerLink="/projects"
          [queryParams]="{ project: null, run: null }"
          queryParamsHandling="merge"
        >
          <span class="tick">
            @if (!chosen()) {
              <aos-icon name="check" [size]="14" />
            }</span
          >{{ t('scope.all') }}
        </a>
        @for (project of projects(); track project.id) {
          <a
            mat-menu-item
            routerLink="/projects"
            [queryParams]="{ project: project.id, run: null }"
            queryParamsHandling="merge"
          >
            <span class="tick">
              @if (chosen() === project.id) {
                <aos-icon name="check" [size]="14" />
              }</span
            >{{ project.name }}
          </a>
        }
        <hr />
        <a mat-menu-item routerLink="/projects/all">
          <span class="tick"></span>{{ t('scope.manage') }}
        </a>
      </mat-menu>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      align-items: center;
      min-width: 0;
    }
    .btn {
      min-width: 0;
      max-width: 240px;
      padding: 0 6px;
      font-size: 13px;
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
    @media (max-width: 719px) {
      .btn {
        max-width: 128px;
      }
      .muted {
        margin-left: 4px;
      }
    }
  `,
})
export class ScopeSwitch {
  private readonly api = inject(AosApi);
  private readonly router = inject(Router);
  private readonly params = toSignal(inject(ActivatedRoute).queryParams, {
    initialValue: this.router.parseUrl(this.router.url).queryParams,
  });

  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly chosen = computed(() => {
    const id: unknown = this.params()['project'];
    return typeof id === 'string' && id !== '' ? id : null;
  });
  protected readonly name = computed(() => {
    const id = this.chosen();
    return this.projects().find((project) => project.id === id)?.name ?? id;
  });

  constructor() {
    effect(() => {
      const id = this.chosen();
      if (id && untracked(this.name) === id) untracked(() => void this.load());
    });
  }

  /** Without the list the switch still names the project that the address does. */
  protected async load(): Promise<void> {
    await firstValueFrom(this.api.projects()).then(
      ({ items }) => this.projects.set(items),
      () => undefined,
    );
  }
}
