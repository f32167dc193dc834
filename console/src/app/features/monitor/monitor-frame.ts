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
  styleUrl: '../../shared/ui/parts.css',
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
