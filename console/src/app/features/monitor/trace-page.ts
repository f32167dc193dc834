import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { Waterfall } from '../../shared/trace/waterfall';
import { Beside } from '../../shared/ui/beside';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';

@Component({
  selector: 'aos-trace-page',
  imports: [CopyButton, Icon, RouterLink, TranslocoDirective, Waterfall],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <header>
        <a class="back" routerLink="/monitor/traces"
          ><aos-icon name="left" [size]="14" />{{ t('monitor.trace.back') }}</a
        >
        <h1>{{ t('monitor.trace.title') }}</h1>
        <aos-copy [text]="traceId()" [label]="traceId()" />
        <span class="grow"></span>
        <div class="orders">
          <a class="btn" routerLink="/monitor/logs" [queryParams]="{ traceId: traceId() }">{{
            t('monitor.trace.openLogs')
          }}</a>
          <a class="btn" [routerLink]="['/projects', 'runs', traceId()]">{{
            t('monitor.trace.openRun')
          }}</a>
        </div>
      </header>
      <aos-waterfall
        [traceId]="traceId()"
        [chosenId]="span() ?? null"
        (chosenIdChange)="choose($event)"
      />
      <p class="meta keys" aria-hidden="true">{{ t('monitor.trace.keys') }}</p>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      height: 100%;
    }
    header {
      display: flex;
      flex: none;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 12px;
      min-height: 48px;
      padding: 6px 16px;
      border-bottom: 1px solid var(--line);
    }
    h1 {
      font-size: 14px;
      line-height: 20px;
    }
    .back {
      display: inline-flex;
      align-items: center;
      gap: 4px;
    }
    aos-copy {
      min-width: 0;
      overflow: hidden;
    }
    .orders {
      display: flex;
      gap: 12px;
    }
    aos-waterfall {
      flex: 1;
      height: auto;
    }
    .keys {
      flex: none;
      padding: 4px 16px;
      border-top: 1px solid var(--line);
    }
    @media (max-width: 719px) {
      .keys {
        display: none;
      }
      .orders {
        width: 100%;
      }
      /* The sign stands where the words above it begin, not the ground of the button. */
      aos-copy {
        margin-left: -8px;
      }
    }
  `,
})
export class TracePage {
  readonly traceId = input.required<string>();
  /** From the address: the span whose details are open. */
  readonly span = input<string>();
  private readonly beside = inject(Beside);

  protected choose(span: string | null): void {
    this.beside.show('span', span);
  }
}
