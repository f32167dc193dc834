import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  untracked,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { CallAnswer, McpTool } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Problem } from '../../shared/api/problem';
import { type FormFault, schemaFaults } from '../../shared/forms/schema-faults';
import { SchemaForm } from '../../shared/forms/schema-form';
import { SchemaReader, isWords } from '../../shared/forms/schema-reader';
import { Unsent } from '../../shared/forms/unsent';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark } from '../../shared/ui/state-mark';
import { duration } from '../../shared/ui/time';
import { CallResult } from './call-result';
import { foreseenIn } from './foreseen';
import { Findings } from './policies/findings';

/** A form for the arguments of a tool, and what came of the call. */
@Component({
  selector: 'aos-tool-try',
  imports: [
    CallResult,
    Findings,
    Icon,
    ProblemNote,
    RouterLink,
    SchemaForm,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <form (submit)="submit($event)" novalidate>
        <aos-schema-form
          [schema]="tool().inputSchema"
          [value]="args()"
          [label]="t('integrations.args')"
          [faults]="faults()"
          [disabled]="isBusy()"
          (changed)="change($event)"
          (broken)="isBroken.set($event)"
        />
        <div class="actions">
          <button class="btn filled" type="submit" [disabled]="isBusy() || isBroken()">
            <aos-icon name="play" [size]="13" />{{
              isBusy() ? t('integrations.calling') : t('integrations.call')
            }}
          </button>
          <button
            class="btn"
            type="button"
            [disabled]="isBusy() || isBroken()"
            [title]="t('integrations.dryRunHelp')"
            (click)="send(true)"
          >
            {{ t('integrations.dryRun') }}
          </button>
          @if (own().length > 0) {
            <span class="meta bad" role="status">{{
              t('integrations.faults', { n: own().length })
            }}</span>
          } @else if (!tool().readOnly) {
            <span class="meta">{{ t('integrations.mayChange') }}</span>
          }
        </div>
      </form>
      @if (problem(); as problem) {
        <aos-problem [problem]="problem" />
        @if (problem.code === 'tool_quarantined') {
          <a
            class="btn small trace"
            routerLink="/integrations"
            [queryParams]="{ view: 'pins', server: tool().server, at: tool().tool }"
            >{{ t('integrations.held.see') }}</a
          >
        }
        @if (problem.traceId) {
          <a class="btn small trace" [routerLink]="['/monitor', 'traces', problem.traceId]">
            <aos-icon name="monitor" [size]="13" />{{ t('integrations.openTrace') }}
          </a>
        }
      }
      @if (answer(); as answer) {
        <div class="outcome" data-testid="outcome">
          <div class="facts">
            @if (answer.callId) {
              <aos-state
                [tone]="answer.isError ? 'failed' : 'done'"
                [word]="
                  answer.isError ? 'integrations.ended.failed' : 'integrations.ended.succeeded'
                "
              />
              <span class="num">{{ took() }}</span>
              <a class="btn small" [routerLink]="['/monitor', 'traces', answer.traceId]">
                <aos-icon name="monitor" [size]="13" />{{ t('integrations.openTrace') }}
              </a>
            } @else {
              <aos-state tone="idle" word="integrations.notCalled" />
            }
          </div>
          @if (foreseen(); as foreseen) {
            @defer (on immediate) {
              <aos-findings [links]="foreseen.links" [outcome]="foreseen.outcome" />
            } @error {
              <aos-call-result [result]="answer" />
            }
          } @else if (answer.said) {
            <p class="bad">{{ sentences.of(answer.said, textOf(answer)) }}</p>
          } @else {
            <aos-call-result [result]="answer" />
          }
        </div>
      }
    </ng-container>
  `,
  styles: `
    :host,
    form,
    .outcome {
      display: flex;
      flex-direction: column;
      gap: 14px;
      min-width: 0;
    }
    .outcome {
      padding-top: 12px;
      border-top: 1px solid var(--line);
      gap: 8px;
    }
    .actions,
    .facts {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 12px;
    }
    .trace {
      align-self: flex-start;
    }
    .bad {
      color: var(--failed);
      overflow-wrap: anywhere;
    }
  `,
})
export class ToolTry {
  protected readonly sentences = inject(Sentences);
  protected readonly textOf = ({ content: [first] }: CallAnswer) => {
    const text = first?.['text'];
    return typeof text === 'string' ? text : '';
  };
  readonly tool = input.required<McpTool>();
  readonly isBusy = input(false);
  readonly answer = input<CallAnswer | null>(null);
  readonly problem = input<Problem | null>(null);
  readonly wanted = output<{ args: Record<string, unknown>; isDry: boolean }>();

  /** Whether it is another tool; the same one read anew keeps what was typed. */
  private readonly which = computed(() => this.tool().tool);
  private readonly reader = computed(() => new SchemaReader(this.tool().inputSchema));
  private readonly unsent = inject(Unsent);
  protected readonly args = linkedSignal<string, unknown>({
    source: this.which,
    computation: (which) => {
      const reader = untracked(this.reader);
      const typed = untracked(() => this.unsent.take<unknown>(`try ${which}`));
      return typed ?? reader.start(reader.root) ?? {};
    },
  });
  protected readonly isBroken = signal(false);
  /** Faults show once a person has pressed the button; from then on they go as they are mended. */
  private readonly hasTried = linkedSignal<string, boolean>({
    source: this.which,
    computation: () => false,
  });
  private readonly isTouched = linkedSignal<Problem | null, boolean>({
    source: this.problem,
    computation: () => false,
  });
  protected readonly own = computed((): FormFault[] =>
    this.hasTried() ? schemaFaults(this.reader(), this.args()) : [],
  );
  /** The server's stand until the arguments change: then nobody knows. */
  protected readonly faults = computed((): FormFault[] => {
    const said = this.isTouched() ? [] : (this.problem()?.errors ?? []);
    return [...this.own(), ...said];
  });
  protected readonly foreseen = computed(() => {
    const answer = this.answer();
    return answer && foreseenIn(answer);
  });
  protected readonly took = computed(() => duration(this.answer()?.durationMs ?? 0));

  constructor() {
    this.unsent.keep(() => ({ place: `try ${this.which()}`, value: this.args() }));
  }

  protected change(value: unknown): void {
    this.args.set(value);
    this.isTouched.set(true);
  }
  protected submit(event: Event): void {
    event.preventDefault();
    if (!this.isBusy() && !this.isBroken()) this.send(false);
  }
  protected send(isDry: boolean): void {
    this.hasTried.set(true);
    const args = this.args();
    if (this.own().length > 0 || !isWords(args)) return;
    this.wanted.emit({ args, isDry });
  }
}
