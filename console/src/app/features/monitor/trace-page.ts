import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { Waterfall } from '../../shared/trace/waterfall';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';

@Component({
  selector: 'aos-trace-page',
  imports: [CopyButton, Icon, RouterLink, TranslocoDirective, Waterfall],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <header>
        <a class="meta back" routerLink="/monitor"
          ><aos-icon name="left" [size]="14" />{{ t('monitor.traces') }}</a
        >
        <div class="title">
          <h1>{{ t('run.trace') }}</h1>
          <aos-copy [text]="traceId()" [label]="traceId()" />
          <span class="grow"></span>
          <a class="btn" [routerLink]="['/projects', 'runs', traceId()]">{{
            t('stream.openRun')
          }}</a>
        </div>
      </header>
      <aos-waterfall [traceId]="traceId()" />
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      height: 100%;
    }
    header {
      padding: 14px 24px 12px;
      border-bottom: 1px solid var(--line);
    }
    .back {
      display: inline-flex;
      align-items: center;
      gap: 4px;
    }
    .title {
      display: flex;
      align-items: center;
      flex-wrap: wrap;
      gap: 12px;
    }
    aos-waterfall {
      flex: 1;
      height: auto;
    }
  `,
})
export class TracePage {
  readonly traceId = input.required<string>();
}
