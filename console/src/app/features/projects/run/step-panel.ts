import { ChangeDetectionStrategy, Component, inject, input, output } from '@angular/core';
import type { StepState, ToolCall } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../../shared/i18n/sentences';
import { JsonTree } from '../../../shared/ui/json-tree';
import { SidePanel } from '../../../shared/ui/side-panel';
import { StateMark, toneOfStep } from '../../../shared/ui/state-mark';
import { duration } from '../../../shared/ui/time';

/** One step: what it needs, what it is called with as planned, each call that was made, what came of it. */
@Component({
  selector: 'aos-step-panel',
  imports: [JsonTree, SidePanel, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-side-panel *transloco="let t" [heading]="step().id" (closed)="closed.emit()">
      <div class="inside">
        <p class="line">
          <aos-state [tone]="toneOfStep(step().state)" [word]="'state.' + step().state" />
          <code>{{ step().tool }}</code>
        </p>
        @if (step().error; as error) {
          <p class="fault">{{ sentences.of(step().said, error) }}</p>
        }
        @if (step().needs.length) {
          <p class="meta">{{ t('run.needs', { steps: step().needs.join(', ') }) }}</p>
        }
        @if (step().approval === 'required') {
          <p class="meta">{{ t('run.asks') }}</p>
        }
        <h3>{{ t('run.args') }}</h3>
        <aos-json-tree [value]="step().args" [label]="t('run.args')" />
        @if (step().result !== undefined && step().result !== null) {
          <h3>{{ t('run.result') }}</h3>
          <aos-json-tree [value]="step().result" [label]="t('run.result')" />
        }
        @if (calls().length) {
          <h3>{{ t('projects.run.tab.calls') }}</h3>
          <ul>
            @for (call of calls(); track call.id) {
              <li>
                <aos-state
                  [tone]="
                    call.status === 'succeeded'
                      ? 'done'
                      : call.status === 'failed'
                        ? 'failed'
                        : 'running'
                  "
                  [word]="'run.call.' + call.status"
                />
                <span class="num grow">{{ t('projects.run.attempt', { n: call.attempt }) }}</span>
                <span class="meta num">{{
                  call.durationMs === null ? '' : duration(call.durationMs)
                }}</span>
                @if (call.error) {
                  <p class="fault">{{ sentences.of(call.said, call.error) }}</p>
                }
              </li>
            }
          </ul>
        }
      </div>
    </aos-side-panel>
  `,
  styles: `
    :host {
      display: contents;
    }
    .inside {
      display: flex;
      flex-direction: column;
      gap: 8px;
      padding: 14px 16px 24px;
    }
    .line {
      display: flex;
      align-items: center;
      gap: 12px;
      min-width: 0;
    }
    .line code {
      overflow-wrap: anywhere;
    }
    h3 {
      margin-top: 8px;
    }
    ul {
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0 12px;
      min-height: 32px;
      border-bottom: 1px solid var(--line);
    }
    .fault {
      width: 100%;
      color: var(--failed);
      overflow-wrap: anywhere;
    }
  `,
})
export class StepPanel {
  readonly step = input.required<StepState>();
  readonly calls = input<readonly ToolCall[]>([]);
  readonly closed = output();
  protected readonly sentences = inject(Sentences);
  protected readonly toneOfStep = toneOfStep;
  protected readonly duration = duration;
}
