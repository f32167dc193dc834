import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import type { McpServerInfo } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';

/** Recent calls, from whichever of two places tells of them. */
export interface Pace {
  calls: number;
  failed: number;
  p50Ms: number | null;
  p95Ms: number | null;
  /** The key of the word for how far back it looks. */
  window: 'quarter' | 'day';
}

interface Gauge {
  key: string;
  used: number;
  limit: number;
  share: number;
}

const tones: Record<McpServerInfo['circuit']['state'], Tone> = {
  closed: 'done',
  open: 'failed',
  'half-open': 'recovering',
};

/** What a server, or one of its tools, does now: whether calls go through, how fast, and how much of its limits is used. */
@Component({
  selector: 'aos-live-gauges',
  imports: [Age, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <dl *transloco="let t" [attr.aria-label]="t('integrations.live.title')">
      <div>
        <dt>{{ t('integrations.live.circuit') }}</dt>
        <dd>
          <aos-state
            [tone]="tones[circuit().state]"
            [word]="'integrations.live.circuitOf.' + circuit().state"
          />
          @if (circuit().retryAt; as at) {
            <span class="meta">{{ t('integrations.live.triedAgain') }} <aos-age [at]="at" /></span>
          }
        </dd>
      </div>
      @if (latencyMs() !== null) {
        <div>
          <dt>{{ t('integrations.live.answersIn') }}</dt>
          <dd class="num">{{ duration(latencyMs()!) }}</dd>
        </div>
      }
      <div>
        <dt>{{ t('integrations.live.speed.' + pace().window) }}</dt>
        <dd class="num">
          {{ pace().p50Ms === null ? '–' : duration(pace().p50Ms!) }}
          <span class="muted">/</span>
          {{ pace().p95Ms === null ? '–' : duration(pace().p95Ms!) }}
        </dd>
      </div>
      <div>
        <dt>{{ t('integrations.live.errors.' + pace().window) }}</dt>
        <dd class="num" [class.bad]="pace().failed > 0">
          {{ t('integrations.live.failedOf', { n: pace().failed, all: pace().calls }) }}
        </dd>
      </div>
      @for (gauge of gauges(); track gauge.key) {
        <div>
          <dt [id]="'gauge-' + gauge.key">{{ t('integrations.live.' + gauge.key) }}</dt>
          <dd class="num" [class.bad]="gauge.share >= 1">
            <span>{{ gauge.used }} / {{ gauge.limit }}</span>
            <span
              class="meter"
              role="meter"
              aria-valuemin="0"
              [attr.aria-labelledby]="'gauge-' + gauge.key"
              [attr.aria-valuemax]="gauge.limit"
              [attr.aria-valuenow]="gauge.used"
              ><span
                [style.width.%]="100 * gauge.share"
                [class.much]="gauge.share >= 0.8"
                [class.full]="gauge.share >= 1"
              ></span
            ></span>
          </dd>
        </div>
      }
      @for (key of unlimited(); track key) {
        <div>
          <dt>{{ t('integrations.live.' + key) }}</dt>
          <dd class="muted">{{ t('integrations.live.noLimit') }}</dd>
        </div>
      }
    </dl>
  `,
  styles: `
    dl {
      display: flex;
      flex-wrap: wrap;
      gap: 8px 28px;
      margin: 0;
      padding: 10px 14px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
    }
    dt {
      color: var(--muted);
      font-size: 12px;
      line-height: 16px;
    }
    dd {
      display: flex;
      align-items: center;
      gap: 6px;
      min-height: 20px;
      margin: 0;
      white-space: nowrap;
    }
    .bad {
      color: var(--failed);
    }
    .meter {
      display: block;
      width: 56px;
      height: 4px;
      border-radius: 2px;
      background: var(--line);
      overflow: hidden;
    }
    .meter span {
      display: block;
      height: 100%;
      background: var(--accent);
    }
    .meter .much {
      background: var(--waiting-mark);
    }
    .meter .full {
      background: var(--failed);
    }
    @media (max-width: 719px) {
      dl {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
      }
    }
  `,
})
export class LiveGauges {
  readonly circuit = input.required<McpServerInfo['circuit']>();
  readonly quota = input.required<McpServerInfo['quota']>();
  readonly pace = input.required<Pace>();
  /** Of the last time it was asked for its health. */
  readonly latencyMs = input<number | null>(null);
  /** A tool's own limit; undefined on the page of a server. */
  readonly perTool = input<{ used: number; limit: number } | null>();

  protected readonly tones = tones;
  protected readonly duration = duration;
  private readonly all = computed(() => {
    const { perMinute, perDay, concurrent } = this.quota();
    const perTool = this.perTool();
    return [
      ...(perTool === undefined ? [] : [{ key: 'perTool', count: perTool }]),
      { key: 'perMinute', count: perMinute },
      { key: 'perDay', count: perDay },
      { key: 'concurrent', count: concurrent },
    ];
  });
  protected readonly gauges = computed((): Gauge[] =>
    this.all().flatMap(({ key, count }) =>
      count ? [{ key, ...count, share: Math.min(1, count.used / count.limit) }] : [],
    ),
  );
  protected readonly unlimited = computed(() =>
    this.all().flatMap(({ key, count }) => (count ? [] : [key])),
  );
}
