import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import type { AgentConfig } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { CodeEditor, type CodeFault } from '../../shared/ui/code-editor';
import { readSop } from './sop';

interface Written {
  prompt: string;
  sop: string;
  model?: string | undefined;
  concurrency: number;
  budget: AgentConfig['budget'];
}
type Budget = NonNullable<AgentConfig['budget']>;

/** What an agent is told, its standard way of work, and how much it may take on. */
@Component({
  selector: 'aos-agent-prompt',
  imports: [CodeEditor, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="field">
        <span class="label">{{ t('agents.prompt') }}</span>
        <aos-code-editor
          language="markdown"
          [label]="t('agents.prompt')"
          [value]="draft().prompt"
          [readonly]="disabled()"
          [minLines]="5"
          [maxLines]="18"
          [placeholder]="t('agents.promptHint')"
          (valueChange)="promptChanged.emit($event)"
        />
        <p class="meta">{{ t('agents.promptHelp') }}</p>
      </div>
      <div class="field">
        <span class="label">{{ t('agents.sop') }}</span>
        <aos-code-editor
          language="json"
          [label]="t('agents.sop')"
          [value]="draft().sop"
          [readonly]="disabled()"
          [faults]="faults()"
          [minLines]="8"
          [maxLines]="28"
          [placeholder]="sample"
          (valueChange)="sopChanged.emit($event)"
        />
        @if (reason(); as reason) {
          <p class="fault" role="status">{{ t('agents.sopFault.' + reason) }}</p>
        }
        <p class="meta">{{ t('agents.sopHelp') }}</p>
      </div>
      <div class="row">
        <div class="field">
          <label for="agent-concurrency">{{ t('agents.concurrency') }}</label>
          <input
            id="agent-concurrency"
            class="input num"
            type="number"
            min="1"
            max="64"
            [disabled]="disabled()"
            [value]="draft().concurrency"
            (change)="concurrency($any($event.target))"
          />
          <p class="meta">{{ t('agents.concurrencyHelp') }}</p>
        </div>
        <div class="field">
          <label for="agent-model">{{ t('agents.model') }}</label>
          <input
            id="agent-model"
            class="input mono"
            maxlength="200"
            autocomplete="off"
            spellcheck="false"
            [disabled]="disabled()"
            [placeholder]="t('agents.modelHint')"
            [value]="draft().model ?? ''"
            (input)="modelChanged.emit($any($event.target).value)"
          />
        </div>
      </div>
      <fieldset [disabled]="disabled()">
        <legend>{{ t('agents.budget') }}</legend>
        <p class="meta">{{ t('agents.budgetHelp') }}</p>
        <div class="row">
          @for (limit of limits; track limit.key) {
            <div class="field">
              <label [for]="'agent-' + limit.key">{{ t('agents.limit.' + limit.key) }}</label>
              <input
                class="input num"
                inputmode="decimal"
                autocomplete="off"
                [id]="'agent-' + limit.key"
                [placeholder]="t('agents.noLimit')"
                [value]="shown(limit)"
                (change)="limitTo(limit, $any($event.target))"
              />
            </div>
          }
        </div>
      </fieldset>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 20px;
      max-width: 880px;
      padding-bottom: 8px;
    }
    .label,
    legend {
      padding: 0;
      font-weight: 550;
    }
    .row {
      display: flex;
      flex-wrap: wrap;
      gap: 16px 24px;
    }
    .row .field {
      flex: 0 1 220px;
    }
    .fault {
      color: var(--failed);
      font-size: 12px;
    }
    fieldset {
      display: flex;
      flex-direction: column;
      gap: 8px;
      margin: 0;
      padding: 0;
      border: 0;
    }
  `,
})
export class AgentPrompt {
  readonly draft = input.required<Written>();
  readonly disabled = input(false);
  readonly faults = input<readonly CodeFault[]>([]);
  readonly promptChanged = output<string>();
  readonly sopChanged = output<string>();
  readonly modelChanged = output<string>();
  readonly concurrencyChanged = output<number>();
  readonly budgetChanged = output<AgentConfig['budget']>();

  protected readonly sample =
    '[\n  { "id": "look", "tool": "skills.csv.profile", "args": { "file": "${inputs.data}" } }\n]';
  protected readonly reason = computed(() => readSop(this.draft().sop).reason);

  /** Times are typed in minutes, and kept in milliseconds. */
  protected readonly limits = [
    { key: 'maxSteps', factor: 1, most: 1000, isWhole: true },
    { key: 'maxCostCny', factor: 1, most: 1_000_000, isWhole: false },
    { key: 'timeoutMs', factor: 60_000, most: 7 * 24 * 60, isWhole: false },
  ] as const;
  protected shown({ key, factor }: { key: keyof Budget; factor: number }): string {
    const value = this.draft().budget?.[key];
    return value === undefined ? '' : String(value / factor);
  }
  protected limitTo(
    limit: { key: keyof Budget; factor: number; most: number; isWhole: boolean },
    field: HTMLInputElement,
  ): void {
    const { [limit.key]: _, ...rest } = this.draft().budget ?? {};
    const typed = Number(field.value);
    if (field.value.trim() === '' || !Number.isFinite(typed) || typed <= 0) {
      field.value = '';
      return this.budgetChanged.emit(rest);
    }
    const held = Math.min(limit.most, limit.isWhole ? Math.round(typed) : typed);
    const value = limit.factor === 1 ? held : Math.max(100, Math.round(held * limit.factor));
    field.value = String(value / limit.factor);
    this.budgetChanged.emit({ ...rest, [limit.key]: value });
  }

  protected concurrency(field: HTMLInputElement): void {
    const value = Math.min(64, Math.max(1, Math.round(Number(field.value)) || 1));
    field.value = String(value);
    this.concurrencyChanged.emit(value);
  }
}
