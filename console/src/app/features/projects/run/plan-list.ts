import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import type { StepState } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { StateMark, toneOfStep } from '../../../shared/ui/state-mark';
import { Elapsed } from '../../../shared/ui/time';

/** The plan in lines: the same as the graph, for where there is little room and for whoever reads rather than looks. */
@Component({
  selector: 'aos-plan-list',
  imports: [Elapsed, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ol
      *transloco="let t"
      [class.written]="!hasStates()"
      [attr.aria-label]="t('projects.run.tab.plan')"
    >
      @for (step of steps(); track step.id) {
        <li>
          <button
            type="button"
            [attr.data-step]="step.id"
            [attr.aria-pressed]="chosen() === step.id"
            (click)="picked.emit(step.id)"
          >
            @if (hasStates()) {
              <aos-state [tone]="toneOfStep(step.state)" [word]="'state.' + step.state" />
            }
            <span class="name cut">{{ step.id }}</span>
            <code class="cut muted grow">{{ step.tool }}</code>
            @if (step.approval === 'required') {
              <span class="meta wide">{{ t('run.asks') }}</span>
            }
            @if (step.needs.length) {
              <span class="meta cut needs" [class.wide]="hasStates()">{{
                t('run.needs', { steps: step.needs.join(', ') })
              }}</span>
            }
            @if (step.attempts > 1) {
              <span class="meta num">{{ t('run.tries', { n: step.attempts }) }}</span>
            }
            @if (hasStates()) {
              <span class="meta took"
                ><aos-elapsed [from]="step.startedAt" [to]="endOf(step)"
              /></span>
            }
          </button>
        </li>
      }
    </ol>
  `,
  styles: `
    :host {
      container-type: inline-size;
    }
    ol {
      display: flex;
      flex-direction: column;
      margin: 0;
      padding: 16px 24px;
      list-style: none;
    }
    button {
      display: flex;
      align-items: center;
      gap: 12px;
      width: 100%;
      min-height: 36px;
      padding: 0 12px;
      border: 1px solid var(--line);
      border-width: 0 0 1px;
      background: none;
      text-align: left;
      cursor: pointer;
    }
    button:hover {
      background: var(--hover);
    }
    button[aria-pressed='true'] {
      background: var(--chosen);
    }
    aos-state {
      width: 104px;
    }
    .name {
      flex: none;
      max-width: 40%;
      font-weight: 550;
    }
    .took {
      min-width: 52px;
      text-align: right;
    }
    .written button {
      flex-wrap: wrap;
      align-content: center;
      row-gap: 0;
      min-height: 44px;
    }
    .written .needs {
      flex: 1 0 100%;
    }
    @container (max-width: 640px) {
      ol {
        padding: 8px 0;
      }
      button {
        gap: 8px;
        padding: 0 16px;
      }
      aos-state {
        width: auto;
      }
      .wide {
        display: none;
      }
    }
  `,
})
export class PlanList {
  readonly steps = input.required<readonly StepState[]>();
  /** Not of steps that are only written down: they are in no state. */
  readonly hasStates = input(true);
  readonly chosen = input<string | null>(null);
  readonly now = input<number | null>(null);
  readonly picked = output<string>();
  protected readonly toneOfStep = toneOfStep;

  protected endOf(step: StepState): string | null {
    if (step.finishedAt !== null) return step.finishedAt;
    const now = this.now();
    return now === null ? null : new Date(now).toISOString();
  }
}
