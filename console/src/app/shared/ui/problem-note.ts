import { ChangeDetectionStrategy, Component, inject, input, output } from '@angular/core';
import type { Problem } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../i18n/sentences';
import { CopyButton } from './copy-button';
import { Icon } from './icon';

/** What happened, what it means, what to do, and the trace to quote when asking for help. */
@Component({
  selector: 'aos-problem',
  imports: [CopyButton, Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="note" role="alert" *transloco="let t">
      <aos-icon name="failed" [size]="18" />
      <div class="grow">
        <p class="title">{{ sentences.title(problem()) }}</p>
        @if (sentences.detail(problem()); as detail) {
          <p class="detail">{{ detail }}</p>
        }
        @for (fault of problem().errors ?? []; track $index) {
          <p class="detail">
            <code>{{ fault.path }}</code> {{ sentences.of(fault.said, fault.message) }}
          </p>
        }
        @if (canRetry() || problem().traceId) {
          <div class="actions">
            @if (canRetry()) {
              <button class="btn small" type="button" (click)="retry.emit()">
                <aos-icon name="retry" [size]="14" />{{ t('problem.retry') }}
              </button>
            }
            @if (problem().traceId; as traceId) {
              <aos-copy [text]="traceId" [label]="t('problem.copyTrace')" />
            }
          </div>
        }
      </div>
    </div>
  `,
  styles: `
    :host {
      display: block;
    }
    .note {
      display: flex;
      gap: 10px;
      padding: 10px 12px;
      border: 1px solid color-mix(in srgb, var(--failed) 30%, transparent);
      border-radius: var(--radius-card);
      background: var(--failed-tint);
    }
    aos-icon {
      color: var(--failed);
      margin-top: 1px;
    }
    button aos-icon {
      color: inherit;
      margin: 0;
    }
    .title {
      font-weight: 550;
    }
    .detail {
      overflow-wrap: anywhere;
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
      margin-top: 8px;
    }
    /* Alone, its sign stands where the words above begin, and not its ground. */
    .actions aos-copy:first-child {
      margin-left: -8px;
    }
  `,
})
export class ProblemNote {
  readonly problem = input.required<Problem>();
  readonly canRetry = input(false);
  readonly retry = output();
  protected readonly sentences = inject(Sentences);
}
