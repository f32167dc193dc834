import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { NavigationEnd, Router, RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import type { Permission } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { filter, map } from 'rxjs';
import { session } from '../../shared/state/session';

interface Part {
  path: string;
  /** Who lacks one of these does not see it. */
  needs: readonly Permission[];
}

const groups: readonly { name: string; parts: readonly Part[] }[] = [
  {
    name: 'installation',
    parts: [
      { path: 'system', needs: ['config.read'] },
      { path: 'history', needs: ['config.read'] },
      { path: 'proposals', needs: [] },
      { path: 'runtime', needs: ['secret.read'] },
    ],
  },
  {
    name: 'who',
    parts: [
      { path: 'people', needs: ['user.read', 'role.read'] },
      { path: 'roles', needs: ['role.read'] },
      { path: 'access', needs: [] },
    ],
  },
  { name: 'record', parts: [{ path: 'audit', needs: ['audit.read'] }] },
  {
    name: 'you',
    parts: [
      { path: 'account', needs: [] },
      { path: 'preferences', needs: [] },
    ],
  },
];

/** The list of what can be set, and beside it the part that was chosen. */
@Component({
  selector: 'aos-settings-page',
  imports: [RouterLink, RouterLinkActive, RouterOutlet, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="room" *transloco="let t">
      <nav [attr.aria-label]="t('rooms.settings')">
        @for (group of shown(); track group.name) {
          <h2 class="meta">{{ t('settings.group.' + group.name) }}</h2>
          @for (part of group.parts; track part.path) {
            <a [routerLink]="part.path" routerLinkActive="here" ariaCurrentWhenActive="page">{{
              t('settings.part.' + part.path)
            }}</a>
          }
        }
      </nav>
      <div class="narrow">
        <label class="sr-only" for="settings-part">{{ t('rooms.settings') }}</label>
        <select
          id="settings-part"
          class="input"
          [value]="here()"
          (change)="go($any($event.target).value)"
        >
          @for (group of shown(); track group.name) {
            <optgroup [label]="t('settings.group.' + group.name)">
              @for (part of group.parts; track part.path) {
                <option [value]="part.path" [selected]="part.path === here()">
                  {{ t('settings.part.' + part.path) }}
                </option>
              }
            </optgroup>
          }
        </select>
      </div>
      <div class="part">
        @if (isHeld()) {
          <router-outlet />
        } @else {
          <p class="none muted">{{ t('settings.mayNot') }}</p>
        }
      </div>
    </div>
  `,
  styles: `
    .room {
      display: flex;
      height: 100%;
    }
    nav {
      flex: none;
      width: 208px;
      padding: 16px 12px;
      border-right: 1px solid var(--line);
      overflow: auto;
    }
    nav h2 {
      margin: 16px 10px 4px;
      font-weight: 400;
    }
    nav h2:first-child {
      margin-top: 0;
    }
    nav a {
      display: block;
      padding: 5px 10px;
      border-radius: var(--radius);
      color: var(--ink);
    }
    nav a:hover {
      background: var(--hover);
      text-decoration: none;
    }
    nav a.here {
      background: var(--chosen);
      font-weight: 550;
    }
    .part {
      flex: 1 1 auto;
      min-width: 0;
    }
    .narrow {
      display: none;
      padding: 10px 16px;
      border-bottom: 1px solid var(--line);
    }
    .none {
      padding: 20px 24px;
    }
    @media (max-width: 899px) {
      .room {
        flex-direction: column;
      }
      nav {
        display: none;
      }
      .narrow {
        display: block;
      }
      .part {
        min-height: 0;
      }
    }
  `,
})
export class SettingsPage {
  private readonly router = inject(Router);
  private readonly me = inject(Store).selectSignal(session.selectMe);
  private readonly url = toSignal(
    this.router.events.pipe(
      filter((event) => event instanceof NavigationEnd),
      map((event) => event.urlAfterRedirects),
    ),
    { initialValue: this.router.url },
  );
  protected readonly here = computed(() => this.url().split(/[/?#]/)[2] ?? '');
  protected readonly shown = computed(() => {
    const held = new Set(this.me()?.permissions);
    return groups
      .map((group) => ({
        ...group,
        parts: group.parts.filter(({ needs }) => needs.every((need) => held.has(need))),
      }))
      .filter(({ parts }) => parts.length > 0);
  });

  /** Reached by a link all the same, a part says so in one sentence, without controls that could only be refused. */
  protected readonly isHeld = computed(() => {
    const isHere = ({ path }: Part) => path === this.here();
    return (
      !groups.some(({ parts }) => parts.some(isHere)) ||
      this.shown().some(({ parts }) => parts.some(isHere))
    );
  });

  protected go(part: string): void {
    void this.router.navigate(['/settings', part]);
  }
}
