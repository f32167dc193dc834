import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { ToolCall } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Difference } from '../../shared/ui/difference';
import { Icon } from '../../shared/ui/icon';
import { StateMark, type Tone, toneOfStep } from '../../shared/ui/state-mark';
import { duration } from '../../shared/ui/time';
import type { StepPair, StepSide } from './comparison';

const toneOfCall: Record<ToolCall['status'], Tone> = {
  started: 'running',
  succeeded: 'done',
  failed: 'failed',
  unknown: 'waiting',
};

/** One step in both runs: how it stands, and opened, what went in, what came back and which tools were called. */
@Component({
  selector: 'aos-step-row',
  imports: [Difference, Icon, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { role: 'listitem' },
  template: `
    <ng-container *transloco="let t">
      <button
        type="button"
        class="row"
        [attr.data-step]="pair().id"
        [attr.aria-expanded]="isOpen()"
        (click)="toggled.emit()"
      >
        <aos-icon class="fold" [class.open]="isOpen()" name="right" [size]="12" />
        <span class="name cut" [title]="pair().id + ' · ' + tool()"
          >{{ pair().id }} <code class="muted">{{ tool() }}</code></span
        >
        @for (side of sides(); track side.word) {
          <span class="side">
            <span class="sr-only">{{ t(side.word) }}</span>
            @if (side.of; as of) {
              <aos-state [tone]="toneOfStep(of.step.state)" [word]="'state.' + of.step.state" />
              <span class="meta num">{{ of.tookMs === null ? '' : duration(of.tookMs) }}</span>
            } @else {
              <span class="muted" aria-hidden="true">–</span>
            }
          </span>
        }
        <span class="what cut" [class.muted]="isSame()" data-testid="step-differs">
          @if (!pair().left) {
            {{ t('compare.onlyOther') }}
          } @else if (!pair().right) {
            {{ t('compare.onlyThis') }}
          } @else if (isSame()) {
            {{ t('compare.same') }}
          } @else {
            @for (aspect of pair().differs; track aspect; let isFirst = $first) {
              {{ isFirst ? '' : ' · ' }}{{ t('compare.differs.' + aspect) }}
            }
          }
        </span>
      </button>
      @if (isOpen()) {
        <div class="inside">
          @for (part of parts(); track part.word) {
            <h3>{{ t(part.word) }}</h3>
            <aos-difference
              [before]="part.left"
              [after]="part.right"
              [beforeLabel]="t('compare.this')"
              [afterLabel]="t('compare.other')"
              [label]="t(part.word)"
            />
          }
          <h3>{{ t('compare.differs.calls') }}</h3>
          <div class="two">
            @for (side of sides(); track side.word) {
              <div>
                <p class="meta">{{ t(side.word) }}</p>
                @for (call of side.of?.calls ?? []; track call.id) {
                  <p class="call">
                    <aos-state
                      [tone]="toneOfCall[call.status]"
                      [word]="'run.call.' + call.status"
                    />
                    <span class="num">{{ t('compare.attempt', { n: call.attempt }) }}</span>
                    <code class="cut grow" [title]="call.server + '.' + call.tool"
                      >{{ call.server }}.{{ call.tool }}</code
                    >
                    <span class="meta num">{{
                      call.durationMs === null ? '' : duration(call.durationMs)
                    }}</span>
                  </p>
                  @if (call.error) {
                    <p class="fault">{{ sentences.of(call.said, call.error) }}</p>
                  }
                } @empty {
                  <p class="muted">{{ t('compare.noCalls') }}</p>
                }
                @if (faultOf(side.of); as fault) {
                  <p class="fault">{{ fault }}</p>
                }
              </div>
            }
          </div>
        </div>
      }
    </ng-container>
  `,
  styleUrl: './step-row.css',
})
export class StepRow {
  readonly pair = input.required<StepPair>();
  readonly isOpen = input(false);
  readonly toggled = output();

  protected readonly sentences = inject(Sentences);
  protected readonly toneOfStep = toneOfStep;
  protected readonly toneOfCall = toneOfCall;
  protected readonly duration = duration;
  /** Of a step that failed before it called anything; what a call says of itself stands there. */
  protected readonly faultOf = (side: StepSide | null) =>
    side?.step.error && side.calls.length === 0
      ? this.sentences.of(side.step.said, side.step.error)
      : '';
  protected readonly sides = computed((): { word: string; of: StepSide | null }[] => [
    { word: 'compare.this', of: this.pair().left },
    { word: 'compare.other', of: this.pair().right },
  ]);
  protected readonly isSame = computed(() => {
    const { left, right, differs } = this.pair();
    return left !== null && right !== null && differs.length === 0;
  });
  protected readonly tool = computed(() => {
    const [left, right] = [this.pair().left?.step.tool, this.pair().right?.step.tool];
    return left && right && left !== right ? `${left} → ${right}` : (left ?? right ?? '');
  });
  protected readonly parts = computed(() => {
    const { left, right } = this.pair();
    return [
      { word: 'run.args', left: left?.args ?? null, right: right?.args ?? null },
      { word: 'run.result', left: left?.result ?? null, right: right?.result ?? null },
    ];
  });
}
