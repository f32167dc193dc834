import {
  ChangeDetectionStrategy,
  Component,
  Injector,
  afterNextRender,
  computed,
  inject,
  input,
  model,
  output,
  signal,
} from '@angular/core';
import type { McpTool } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Sentences } from '../../../shared/i18n/sentences';
import { Icon } from '../../../shared/ui/icon';
import {
  type Draft,
  type DraftInput,
  type DraftStep,
  type PlacedFault,
  freeId,
  inputDraft,
  moved,
  stepDraft,
} from './draft';
import { StepCard, type StepFault } from './step-card';

/** A blueprint that is being written: what it is called and takes, and its steps one under the other. */
@Component({
  selector: 'aos-blueprint-editor',
  imports: [Icon, StepCard, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <section class="about" [attr.aria-label]="t('projects.blueprint.about')">
        <div class="field">
          <label for="blueprint-name">{{ t('projects.blueprint.name') }}</label>
          <input
            id="blueprint-name"
            class="input"
            maxlength="100"
            autocomplete="off"
            required
            [value]="draft().name"
            (input)="set({ name: $any($event.target).value })"
          />
          @for (fault of general('name'); track $index) {
            <span class="fault">{{ sentences.of(fault.said, fault.message) }}</span>
          }
        </div>
        <div class="field">
          <label for="blueprint-description">{{ t('projects.blueprint.description') }}</label>
          <textarea
            id="blueprint-description"
            class="input"
            rows="2"
            maxlength="4000"
            [value]="draft().description"
            (input)="set({ description: $any($event.target).value })"
          ></textarea>
        </div>
      </section>
      <section [attr.aria-label]="t('projects.blueprint.inputs')">
        <h2>{{ t('projects.blueprint.inputs') }}</h2>
        <p class="meta">{{ t('projects.blueprint.inputsHelp', { example: '\${inputs.name}' }) }}</p>
        @for (each of draft().inputs; track each.key; let index = $index) {
          <div class="input-row">
            <div class="field">
              <label [for]="'name-' + each.key">{{ t('projects.blueprint.input.name') }}</label>
              <input
                class="input mono"
                maxlength="64"
                autocomplete="off"
                spellcheck="false"
                [id]="'name-' + each.key"
                [attr.aria-invalid]="of(each.key).length ? true : null"
                [value]="each.name"
                (input)="setInput(each, { name: $any($event.target).value })"
              />
            </div>
            <div class="field">
              <label [for]="'type-' + each.key">{{ t('projects.blueprint.input.type') }}</label>
              <input
                class="input mono"
                maxlength="100"
                autocomplete="off"
                spellcheck="false"
                list="blueprint-types"
                [placeholder]="t('projects.blueprint.input.any')"
                [id]="'type-' + each.key"
                [value]="each.mediaType"
                (input)="setInput(each, { mediaType: $any($event.target).value })"
              />
            </div>
            <div class="field wide">
              <label [for]="'what-' + each.key">{{ t('projects.blueprint.input.what') }}</label>
              <input
                class="input"
                maxlength="500"
                autocomplete="off"
                [id]="'what-' + each.key"
                [value]="each.description"
                (input)="setInput(each, { description: $any($event.target).value })"
              />
            </div>
            <label class="check" [title]="t('projects.blueprint.input.optionalHelp')">
              <input
                type="checkbox"
                [checked]="each.required"
                (change)="setInput(each, { required: $any($event.target).checked })"
              />{{ t('projects.blueprint.input.required') }}
            </label>
            <button
              class="btn quiet icon"
              type="button"
              [attr.aria-label]="t('projects.blueprint.input.remove', { name: each.name })"
              [title]="t('projects.blueprint.input.remove', { name: each.name })"
              (click)="removeInput(index)"
            >
              <aos-icon name="close" [size]="14" />
            </button>
            @for (fault of of(each.key); track $index) {
              <span class="fault">{{ fault.message }}</span>
            }
          </div>
        }
        <button class="btn small" type="button" id="add-input" (click)="addInput()">
          <aos-icon name="plus" [size]="13" />{{ t('projects.blueprint.input.add') }}
        </button>
      </section>
      <section [attr.aria-label]="t('projects.blueprint.steps')">
        <h2>{{ t('projects.blueprint.steps') }}</h2>
        <p class="meta" id="move-help">{{ t('projects.blueprint.moveHelp') }}</p>
        @for (fault of general('steps'); track $index) {
          <p class="fault">{{ sentences.of(fault.said, fault.message) }}</p>
        }
        <ol>
          @for (step of draft().steps; track step.key; let index = $index, last = $last) {
            <li>
              <aos-step-card
                [step]="step"
                [index]="index"
                [isLast]="last"
                [isOpen]="open() === step.key"
                [tool]="byName().get(step.tool.trim()) ?? null"
                [faults]="of(step.key)"
                (changed)="setStep($event)"
                (toggled)="open.set(open() === step.key ? null : step.key)"
                (moved)="move(index, $event)"
                (removed)="removeStep(index)"
              />
            </li>
          }
        </ol>
        <button class="btn small" type="button" id="add-step" (click)="addStep()">
          <aos-icon name="plus" [size]="13" />{{ t('projects.blueprint.step.add') }}
        </button>
        <p class="sr-only" role="status">{{ said() }}</p>
      </section>
      <section [attr.aria-label]="t('projects.blueprint.env')">
        <div class="field">
          <label for="blueprint-env">{{ t('projects.blueprint.env') }}</label>
          <input
            id="blueprint-env"
            class="input mono"
            autocomplete="off"
            spellcheck="false"
            placeholder="API_KEY"
            aria-describedby="blueprint-env-help"
            [value]="draft().env"
            (input)="set({ env: $any($event.target).value })"
          />
          <span class="meta" id="blueprint-env-help">
            {{ t('projects.blueprint.envHelp', { example: '\${secret.NAME}' }) }}
          </span>
          @for (fault of general('env'); track $index) {
            <span class="fault">{{ sentences.of(fault.said, fault.message) }}</span>
          }
        </div>
      </section>
      <datalist id="blueprint-tools">
        @for (tool of tools(); track tool.tool) {
          <option [value]="tool.tool">{{ sentences.ofTool(tool.title ?? '') }}</option>
        }
      </datalist>
      <datalist id="blueprint-steps">
        @for (step of draft().steps; track step.key) {
          <option [value]="step.id"></option>
        }
      </datalist>
      <datalist id="blueprint-types">
        @for (type of types; track type) {
          <option [value]="type"></option>
        }
      </datalist>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 24px;
      max-width: 880px;
    }
    section {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .about {
      gap: 14px;
    }
    ol {
      display: flex;
      flex-direction: column;
      gap: 8px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    section > .btn {
      align-self: flex-start;
    }
    .input-row {
      display: flex;
      flex-wrap: wrap;
      align-items: flex-end;
      gap: 8px 12px;
      padding-bottom: 8px;
      border-bottom: 1px solid var(--line);
    }
    .input-row .field {
      flex: 1 1 130px;
      min-width: 0;
    }
    .input-row .wide {
      flex: 2 1 200px;
    }
    .check {
      display: flex;
      align-items: center;
      gap: 8px;
      min-height: 30px;
      cursor: pointer;
    }
    .input-row .fault {
      flex-basis: 100%;
    }
    .fault {
      color: var(--failed);
      font-size: 12px;
      overflow-wrap: anywhere;
    }
    [aria-invalid='true'] {
      border-color: var(--failed);
    }
  `,
})
export class BlueprintEditor {
  readonly draft = input.required<Draft>();
  readonly tools = input.required<readonly McpTool[]>();
  readonly faults = input<readonly PlacedFault[]>([]);
  /** The key of the step whose fields are shown. */
  readonly open = model<string | null>(null);
  readonly changed = output<Partial<Draft>>();

  protected readonly sentences = inject(Sentences);
  private readonly transloco = inject(TranslocoService);
  private readonly injector = inject(Injector);
  protected readonly types = [
    'text/csv',
    'application/json',
    'text/plain',
    'application/pdf',
    'image/*',
  ];
  /** Where a step has gone, for who does not see it go. */
  protected readonly said = signal('');
  protected readonly byName = computed(
    () => new Map(this.tools().map((tool) => [tool.tool, tool])),
  );
  private readonly byKey = computed(() => {
    const found = new Map<string, StepFault[]>();
    for (const { key, path, said, message } of this.faults())
      if (key !== null)
        found.set(key, [
          ...(found.get(key) ?? []),
          { path, message: this.sentences.of(said, message) },
        ]);
    return found;
  });
  private readonly none: StepFault[] = [];

  protected of(key: string): StepFault[] {
    return this.byKey().get(key) ?? this.none;
  }
  /** Of no step or input: what the whole of a field is wrong with. */
  protected general(field: string): PlacedFault[] {
    return this.faults().filter(
      ({ key, path }) => key === null && path.split(/[.[]/, 1)[0] === field,
    );
  }

  protected set(change: Partial<Draft>): void {
    this.changed.emit(change);
  }
  protected setInput(input: DraftInput, change: Partial<DraftInput>): void {
    const inputs = this.draft().inputs;
    this.set({ inputs: inputs.map((each) => (each === input ? { ...each, ...change } : each)) });
  }
  protected addInput(): void {
    const { inputs } = this.draft();
    const input = inputDraft({
      name: freeId(
        'file',
        inputs.map(({ name }) => name),
      ),
    });
    this.set({ inputs: [...inputs, input] });
    this.focus(`name-${input.key}`);
  }
  protected removeInput(index: number): void {
    this.set({ inputs: this.draft().inputs.filter((_, at) => at !== index) });
    this.focus('add-input');
  }

  protected setStep(step: DraftStep): void {
    const { steps } = this.draft();
    this.set({ steps: steps.map((each) => (each.key === step.key ? step : each)) });
  }
  protected addStep(): void {
    const { steps } = this.draft();
    const ids = steps.map(({ id }) => id);
    const step = stepDraft({ id: freeId('step', ids) });
    this.set({ steps: [...steps, step] });
    this.open.set(step.key);
    this.focus(`id-${step.key}`);
  }
  protected removeStep(index: number): void {
    const { steps } = this.draft();
    const next = steps[index + 1] ?? steps[index - 1];
    this.set({ steps: steps.filter((_, at) => at !== index) });
    this.focus(next ? `fold-${next.key}` : 'add-step');
  }
  protected move(index: number, by: -1 | 1): void {
    const { steps } = this.draft();
    const step = steps[index];
    const to = index + by;
    if (!step || to < 0 || to >= steps.length) return;
    const focused = document.activeElement?.id;
    this.set({ steps: moved(steps, index, by) });
    this.said.set(
      this.transloco.translate('projects.blueprint.step.movedTo', {
        step: step.id,
        n: to + 1,
        of: steps.length,
      }),
    );
    // The element went along, and lost the focus on its way; the button is off once it is at the end.
    const isAtEnd = to === 0 || to === steps.length - 1;
    this.focus(focused?.startsWith('fold-') || isAtEnd ? `fold-${step.key}` : (focused ?? ''));
  }

  private focus(id: string): void {
    afterNextRender(
      { write: () => document.getElementById(id)?.focus() },
      { injector: this.injector },
    );
  }
}
