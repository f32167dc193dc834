import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { McpTool } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { SchemaForm } from '../../../shared/forms/schema-form';
import type { FormFault } from '../../../shared/forms/schema-faults';
import { Sentences } from '../../../shared/i18n/sentences';
import { Icon } from '../../../shared/ui/icon';
import type { DraftStep } from './draft';

/** A fault at a place within the step, in words. */
export interface StepFault {
  path: string;
  message: string;
}

/** Where a tool is not known: whatever arguments it takes, as JSON. */
const anything = { type: 'object', additionalProperties: true };

/** One step that is being written: folded to a line, or open with its fields and what is wrong with them. */
@Component({
  selector: 'aos-step-card',
  imports: [Icon, SchemaForm, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="head">
        <button
          class="fold"
          type="button"
          [id]="'fold-' + step().key"
          [attr.aria-expanded]="isOpen()"
          [attr.aria-describedby]="isOpen() ? null : 'move-help'"
          (click)="toggled.emit()"
          (keydown)="onKey($event)"
        >
          <aos-icon [name]="isOpen() ? 'down' : 'right'" [size]="14" />
          <span class="meta num">{{ index() + 1 }}</span>
          <strong class="cut">{{ step().id || t('projects.blueprint.step.unnamed') }}</strong>
          <code class="cut muted">{{ step().tool }}</code>
          @if (faults().length; as n) {
            <span class="wrong"
              ><aos-icon name="failed" [size]="14" />{{
                t('projects.blueprint.faults', { n })
              }}</span
            >
          }
        </button>
        <button
          class="btn quiet icon"
          type="button"
          [id]="'up-' + step().key"
          [disabled]="index() === 0"
          [attr.aria-label]="t('projects.blueprint.step.up', { step: step().id })"
          [title]="t('projects.blueprint.step.up', { step: step().id })"
          (click)="moved.emit(-1)"
        >
          <aos-icon name="up" [size]="14" />
        </button>
        <button
          class="btn quiet icon"
          type="button"
          [id]="'down-' + step().key"
          [disabled]="isLast()"
          [attr.aria-label]="t('projects.blueprint.step.down', { step: step().id })"
          [title]="t('projects.blueprint.step.down', { step: step().id })"
          (click)="moved.emit(1)"
        >
          <aos-icon class="turned" name="up" [size]="14" />
        </button>
        <button
          class="btn quiet icon"
          type="button"
          [attr.aria-label]="t('projects.blueprint.step.remove', { step: step().id })"
          [title]="t('projects.blueprint.step.remove', { step: step().id })"
          (click)="removed.emit()"
        >
          <aos-icon name="close" [size]="14" />
        </button>
      </div>
      @if (isOpen()) {
        <div class="fields">
          <div class="two">
            <div class="field">
              <label [for]="key('id')">{{ t('projects.blueprint.step.id') }}</label>
              <input
                class="input mono"
                maxlength="64"
                autocomplete="off"
                spellcheck="false"
                [id]="key('id')"
                [attr.aria-invalid]="at('id').length ? true : null"
                [attr.aria-describedby]="key('id-faults')"
                [value]="step().id"
                (input)="set('id', $any($event.target).value)"
              />
              <span [id]="key('id-faults')">
                @for (fault of at('id'); track $index) {
                  <span class="fault">{{ fault.message }}</span>
                }
              </span>
            </div>
            <div class="field wide">
              <label [for]="key('tool')">{{ t('projects.blueprint.step.tool') }}</label>
              <input
                class="input mono"
                list="blueprint-tools"
                maxlength="200"
                autocomplete="off"
                spellcheck="false"
                placeholder="skills.csv.profile"
                [id]="key('tool')"
                [attr.aria-invalid]="at('tool').length ? true : null"
                [attr.aria-describedby]="key('tool-says')"
                [value]="step().tool"
                (input)="set('tool', $any($event.target).value)"
              />
              <span class="meta" [id]="key('tool-says')">
                @for (fault of at('tool'); track $index) {
                  <span class="fault">{{ fault.message }}</span>
                } @empty {
                  {{ sentences.ofTool(tool()?.title ?? tool()?.description ?? '') }}
                }
              </span>
            </div>
          </div>
          <fieldset>
            <legend>{{ t('projects.blueprint.step.args') }}</legend>
            @for (of of [tool()]; track of?.tool) {
              <aos-schema-form
                [schema]="of?.inputSchema ?? anything"
                [value]="step().args"
                [label]="t('projects.blueprint.step.args')"
                [faults]="argFaults()"
                (changed)="set('args', $event ?? {})"
              />
            }
            <span class="meta">{{ t('projects.blueprint.step.argsHelp', examples) }}</span>
          </fieldset>
          <div class="two">
            <div class="field wide">
              <label [for]="key('needs')">{{ t('projects.blueprint.step.needs') }}</label>
              <input
                class="input mono"
                autocomplete="off"
                spellcheck="false"
                list="blueprint-steps"
                [id]="key('needs')"
                [attr.aria-invalid]="at('needs').length ? true : null"
                [attr.aria-describedby]="key('needs-help')"
                [value]="step().needs"
                (input)="set('needs', $any($event.target).value)"
              />
              <span class="meta" [id]="key('needs-help')">
                @for (fault of at('needs'); track $index) {
                  <span class="fault">{{ fault.message }}</span>
                } @empty {
                  {{ t('projects.blueprint.step.needsHelp') }}
                }
              </span>
            </div>
            <div class="field">
              <label [for]="key('error')">{{ t('projects.blueprint.step.onError') }}</label>
              <select
                class="input"
                [id]="key('error')"
                [value]="step().onError"
                (change)="set('onError', $any($event.target).value)"
              >
                @for (each of onErrors; track each) {
                  <option [value]="each" [selected]="each === step().onError">
                    {{ t('projects.blueprint.onError.' + (each || 'usual')) }}
                  </option>
                }
              </select>
            </div>
            <div class="field short">
              <label [for]="key('retries')">{{ t('projects.blueprint.step.retries') }}</label>
              <input
                class="input num"
                type="number"
                min="0"
                max="10"
                [id]="key('retries')"
                [attr.aria-invalid]="at('retries').length ? true : null"
                [value]="step().retries"
                (input)="set('retries', $any($event.target).value)"
              />
            </div>
          </div>
          <label class="check">
            <input
              type="checkbox"
              [checked]="step().asksFirst"
              (change)="set('asksFirst', $any($event.target).checked)"
            />{{ t('projects.blueprint.step.asksFirst') }}
          </label>
          @for (fault of others(); track $index) {
            <p class="fault">
              <code>{{ fault.path }}</code> {{ fault.message }}
            </p>
          }
        </div>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      container-type: inline-size;
    }
    .head {
      display: flex;
      align-items: center;
      gap: 2px;
      padding-right: 6px;
    }
    .fold {
      display: flex;
      flex: 1;
      align-items: center;
      gap: 8px;
      min-width: 0;
      min-height: 40px;
      padding: 0 8px 0 12px;
      border: 0;
      border-radius: var(--radius-card);
      background: none;
      text-align: left;
      cursor: pointer;
    }
    .fold:hover {
      background: var(--hover);
    }
    .fold:focus-visible {
      outline-offset: -2px;
    }
    .fold > aos-icon {
      color: var(--muted);
    }
    strong {
      flex: none;
      max-width: 50%;
      font-weight: 550;
    }
    .turned {
      rotate: 180deg;
    }
    .wrong {
      display: inline-flex;
      flex: none;
      align-items: center;
      gap: 4px;
      margin-left: auto;
      color: var(--failed);
      font-size: 12px;
    }
    .fields {
      display: flex;
      flex-direction: column;
      gap: 14px;
      padding: 6px 14px 14px;
    }
    .two {
      display: flex;
      flex-wrap: wrap;
      gap: 14px;
    }
    .two .field {
      flex: 1 1 160px;
      min-width: 0;
    }
    .two .wide {
      flex: 2 1 260px;
    }
    .two .short {
      flex: 0 1 96px;
    }
    fieldset {
      display: flex;
      flex-direction: column;
      gap: 8px;
      min-width: 0;
      margin: 0;
      padding: 0;
      border: 0;
    }
    legend {
      margin-bottom: 4px;
      padding: 0;
      font-weight: 550;
    }
    .check {
      display: flex;
      align-items: center;
      gap: 8px;
      cursor: pointer;
    }
    [aria-invalid='true'] {
      border-color: var(--failed);
    }
    .fault {
      display: block;
      color: var(--failed);
      font-size: 12px;
      overflow-wrap: anywhere;
    }
    @container (max-width: 480px) {
      .fold code {
        display: none;
      }
      strong {
        flex: 0 1 auto;
        max-width: none;
      }
    }
  `,
})
export class StepCard {
  protected readonly sentences = inject(Sentences);
  readonly step = input.required<DraftStep>();
  readonly index = input.required<number>();
  readonly isLast = input(false);
  readonly isOpen = input(false);
  readonly tool = input<McpTool | null>(null);
  readonly faults = input<readonly StepFault[]>([]);
  readonly changed = output<DraftStep>();
  readonly toggled = output();
  readonly moved = output<-1 | 1>();
  readonly removed = output();

  protected readonly anything = anything;
  protected readonly onErrors = ['', 'revise', 'skip', 'abort'] as const;
  protected readonly examples = {
    input: '${inputs.name}',
    step: '${steps.id.field}',
    variable: '${vars.name}',
    secret: '${secret.NAME}',
  };
  protected readonly argFaults = computed((): FormFault[] =>
    this.faults()
      .filter(({ path }) => path === 'args' || path.startsWith('args.'))
      .map(({ path, message }) => ({ path: path.slice('args.'.length), message })),
  );
  private readonly known = ['id', 'tool', 'needs', 'args'];
  protected readonly others = computed(() =>
    this.faults().filter(({ path }) => !this.known.includes(path.split('.', 1)[0]!)),
  );

  protected key(part: string): string {
    return `${part}-${this.step().key}`;
  }
  protected at(field: string): StepFault[] {
    return this.faults().filter(({ path }) => path.split('.', 1)[0] === field);
  }
  protected set<K extends keyof DraftStep>(field: K, value: DraftStep[K]): void {
    this.changed.emit({ ...this.step(), [field]: value });
  }
  protected onKey(event: KeyboardEvent): void {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    this.moved.emit(event.key === 'ArrowUp' ? -1 : 1);
  }
}
