import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { pointTime } from '../../shared/charts/units';
import { Icon } from '../../shared/ui/icon';
import { Preferences } from '../../shared/ui/preferences';

/** The exact stretch that somebody dragged on a chart, and the way out of it. */
@Component({
  selector: 'aos-time-chip',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (words(); as words) {
      <button class="chip" type="button" aria-pressed="true" (click)="clear()" *transloco="let t">
        {{ t('monitor.filter.between', words) }}<aos-icon name="close" [size]="12" />
      </button>
    }
  `,
})
export class TimeChip {
  readonly from = input<string>();
  readonly to = input<string>();
  private readonly router = inject(Router);
  private readonly language = inject(Preferences).language;
  protected readonly words = computed(() => {
    const [from, to] = [Date.parse(this.from() ?? ''), Date.parse(this.to() ?? '')];
    if (Number.isNaN(from) || Number.isNaN(to)) return null;
    const spanMs = Math.max(to - from, Date.now() - from);
    const write = (at: number) => pointTime(at, spanMs, this.language());
    return { from: write(from), to: write(to) };
  });

  protected clear(): void {
    void this.router.navigate([], {
      queryParams: { from: null, to: null },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
}
