import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { ServerTrial } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';
import { Revealed } from '../../shared/ui/revealed';
import { duration } from '../../shared/ui/time';
import { LeftOutTools } from './left-out-tools';

/** What came of a trial: the tools that answered, or why there were none. */
@Component({
  selector: 'aos-trial-note',
  imports: [Icon, LeftOutTools, Revealed, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (trial().ok) {
        <p class="ok" role="status">
          <aos-icon name="done" />
          {{ t('integrations.answered', { n: found().length, time: took() }) }}
          @if (changes(); as changes) {
            <span class="changed">{{ changes }}</span>
          }
        </p>
        <ul>
          @for (tool of trial().tools; track tool.name) {
            <li [class.gone]="tool.state === 'gone'">
              <div class="line">
                <code>{{ tool.name }}</code>
                @if (tool.state !== 'same' && hasStates()) {
                  <span class="meta state">{{ t('integrations.toolState.' + tool.state) }}</span>
                }
                <span class="grow"></span>
                @if (canMark() && tool.state !== 'gone') {
                  <label class="meta">
                    <input
                      type="checkbox"
                      [checked]="marked().includes(tool.name)"
                      (change)="
                        toggled.emit({ name: tool.name, isOn: $any($event.target).checked })
                      "
                    />{{ t('integrations.repeatable') }}
                  </label>
                }
              </div>
              @if (tool.description) {
                <p class="meta about"><aos-revealed [text]="tool.description" /></p>
              }
            </li>
          }
        </ul>
        <aos-left-out-tools [tools]="trial().leftOut" />
      } @else {
        <div class="bad" role="alert">
          <aos-icon name="failed" />
          <div>
            <p>
              <strong>{{ t('integrations.noAnswer') }}</strong>
            </p>
            @if (trial().error; as error) {
              <p class="why"><aos-revealed [text]="sentences.of(trial().said, error)" /></p>
            }
            <p class="meta">{{ t('integrations.noAnswerHelp') }}</p>
          </div>
        </div>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .ok {
      display: flex;
      align-items: center;
      gap: 8px;
      color: var(--done);
      font-weight: 550;
    }
    .changed {
      color: var(--waiting);
    }
    ul {
      margin: 0;
      padding: 0;
      max-height: 320px;
      overflow: auto;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      list-style: none;
    }
    li {
      padding: 7px 12px;
      border-top: 1px solid var(--line);
    }
    li:first-child {
      border-top: 0;
    }
    li.gone code {
      text-decoration: line-through;
    }
    .line {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    label {
      display: flex;
      align-items: center;
      gap: 6px;
      white-space: nowrap;
    }
    code {
      overflow-wrap: anywhere;
      font-weight: 550;
    }
    .state {
      color: var(--waiting);
    }
    .about {
      display: -webkit-box;
      -webkit-line-clamp: 2;
      -webkit-box-orient: vertical;
      overflow: hidden;
    }
    .bad {
      display: flex;
      gap: 10px;
      padding: 10px 12px;
      border-radius: var(--radius-card);
      background: var(--failed-tint);
      overflow-wrap: anywhere;
    }
    .bad aos-icon {
      color: var(--failed);
    }
    .bad strong {
      font-weight: 550;
    }
    .why {
      font-family: var(--mono);
      font-size: 12px;
    }
  `,
})
export class TrialNote {
  protected readonly sentences = inject(Sentences);
  readonly trial = input.required<ServerTrial>();
  /** Beside a registered server the differences count; for a new one every tool is new. */
  readonly hasStates = input(false);
  readonly canMark = input(false);
  readonly marked = input<readonly string[]>([]);
  readonly changes = input('');
  readonly toggled = output<{ name: string; isOn: boolean }>();

  protected readonly found = computed(() =>
    this.trial().tools.filter(({ state }) => state !== 'gone'),
  );
  protected readonly took = computed(() => duration(this.trial().latencyMs));
}
