import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import type { MetricRange, TopologyRange } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { zoneName } from '../../shared/charts/units';
import { Preferences } from '../../shared/ui/preferences';
import { metricRanges, topologyRanges } from './choices';

export const toRange = (word: string | undefined): MetricRange =>
  metricRanges.find((range) => range === word) ?? '1h';
export const toTopologyRange = (word: string | undefined): TopologyRange =>
  topologyRanges.find((range) => range === word) ?? '1h';

/** How far back; it stands in the address. Beside it, whose times the page shows. */
@Component({
  selector: 'aos-range-picker',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="ranges" role="group" [attr.aria-label]="t('monitor.range.label')">
        @for (name of ranges(); track name) {
          <button
            class="chip"
            type="button"
            [attr.aria-pressed]="name === range()"
            (click)="choose(name)"
          >
            {{ t('monitor.range.' + name) }}
          </button>
        }
      </div>
      @if (hasZone()) {
        <span class="meta zone">{{ t('monitor.zone', { zone: zone() }) }}</span>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 12px;
    }
    .ranges {
      display: flex;
      flex-wrap: wrap;
      gap: 4px;
    }
    @media (max-width: 719px) {
      /* The ranges have a line of their own; the zone shares the next one with what stands beside the picker. */
      :host {
        display: contents;
      }
      .ranges {
        flex: 1 0 100%;
      }
    }
  `,
})
export class RangePicker {
  readonly range = input.required<MetricRange>();
  readonly ranges = input<readonly MetricRange[]>(topologyRanges);
  /** Said where times are. */
  readonly hasZone = input(true);
  private readonly router = inject(Router);
  private readonly language = inject(Preferences).language;
  protected readonly zone = computed(() => zoneName(this.language()));

  protected choose(range: MetricRange): void {
    void this.router.navigate([], {
      queryParams: { range },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
}
