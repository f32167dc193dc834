import { ChangeDetectionStrategy, Component, computed, input, inject } from '@angular/core';
import type { CallFinding } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Revealed } from '../../../shared/ui/revealed';
import { StateMark, type Tone } from '../../../shared/ui/state-mark';
import { Sentences } from '../../../shared/i18n/sentences';

const tones: Record<CallFinding['verdict'], Tone> = {
  pass: 'done',
  ask: 'waiting',
  stop: 'failed',
  unknown: 'idle',
};
export const outcomeTones = { stop: 'failed', ask: 'waiting', call: 'done' } as const;

/** What each link on the way of a call would do with it, in the order of the way. */
@Component({
  selector: 'aos-findings',
  imports: [Revealed, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <aos-state
        class="outcome"
        [tone]="outcomeTone()"
        [word]="'integrations.dry.outcome.' + outcome()"
      />
      <ol>
        @for (finding of links(); track finding.link) {
          <li [class]="finding.verdict" [attr.data-link]="finding.link">
            <aos-state
              [tone]="tones[finding.verdict]"
              [word]="'integrations.dry.verdict.' + finding.verdict"
              [hasWord]="false"
            />
            <div class="grow">
              <p class="name">{{ t('integrations.dry.link.' + finding.link) }}</p>
              <p class="says">
                <aos-revealed [text]="sentences.of(finding.said, finding.says)" />
                @if (finding.code) {
                  <code class="muted">{{ finding.code }}</code>
                }
              </p>
              @for (error of finding.errors ?? []; track $index) {
                <p class="says">
                  <code>{{ error.path || '/' }}</code>
                  {{ sentences.of(error.said, error.message) }}
                </p>
              }
              @if (finding.retryAfterSeconds; as seconds) {
                <p class="meta">{{ t('integrations.dry.retryAfter', { n: seconds }) }}</p>
              }
            </div>
          </li>
        }
      </ol>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
      min-width: 0;
    }
    .outcome {
      align-self: flex-start;
      font-size: 13px;
    }
    ol {
      margin: 0;
      padding: 0;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
      list-style: none;
    }
    li {
      display: flex;
      gap: 10px;
      padding: 7px 12px;
    }
    li + li {
      border-top: 1px solid var(--line);
    }
    li.stop {
      background: var(--failed-tint);
    }
    li.ask {
      background: var(--waiting-tint);
    }
    aos-state {
      align-self: flex-start;
      margin-top: 2px;
    }
    .name {
      font-weight: 550;
    }
    .says {
      overflow-wrap: anywhere;
    }
    .says code {
      margin-left: 4px;
    }
    li.pass .says {
      color: var(--muted);
    }
  `,
})
export class Findings {
  protected readonly sentences = inject(Sentences);
  readonly links = input.required<readonly CallFinding[]>();
  readonly outcome = input.required<'stop' | 'ask' | 'call'>();
  protected readonly tones = tones;
  protected readonly outcomeTone = computed((): Tone => outcomeTones[this.outcome()]);
}
