import { ChangeDetectionStrategy, Component } from '@angular/core';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';

const parts = [
  { path: '/monitor', key: 'overview' },
  { path: '/monitor/traces', key: 'traces' },
  { path: '/monitor/logs', key: 'logs' },
  { path: '/monitor/map', key: 'map' },
] as const;

/** The four parts of the room; each is a page with an address of its own. */
@Component({
  selector: 'aos-monitor-frame',
  imports: [RouterLink, RouterLinkActive, RouterOutlet, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <nav [attr.aria-label]="t('monitor.parts')" *transloco="let t">
      @for (part of parts; track part.key) {
        <a
          [routerLink]="part.path"
          routerLinkActive="here"
          [routerLinkActiveOptions]="exact"
          ariaCurrentWhenActive="page"
          >{{ t('monitor.tab.' + part.key) }}</a
        >
      }
    </nav>
    <div class="part"><router-outlet /></div>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      height: 100%;
    }
    nav {
      display: flex;
      flex: none;
      gap: 4px;
      height: 44px;
      padding: 0 16px;
      border-bottom: 1px solid var(--line);
      overflow-x: auto;
      scrollbar-width: none;
    }
    a {
      display: flex;
      align-items: center;
      padding: 0 8px;
      border-bottom: 2px solid transparent;
      color: var(--muted);
      white-space: nowrap;
    }
    a:hover {
      color: var(--ink);
      text-decoration: none;
    }
    a.here {
      border-color: var(--accent);
      color: var(--ink);
      font-weight: 550;
    }
    a:focus-visible {
      outline-offset: -3px;
    }
    .part {
      flex: 1;
      min-height: 0;
    }
    @media (max-width: 719px) {
      nav {
        padding: 0 8px;
      }
    }
  `,
})
export class MonitorFrame {
  protected readonly parts = parts;
  /** A filter in the address does not make it another page. */
  protected readonly exact = {
    paths: 'exact',
    queryParams: 'ignored',
    fragment: 'ignored',
    matrixParams: 'ignored',
  } as const;
}
