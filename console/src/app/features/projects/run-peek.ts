import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  output,
  untracked,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { AosApi } from '../../shared/api/aos-api';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SidePanel } from '../../shared/ui/side-panel';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Age, Elapsed } from '../../shared/ui/time';
import { PlanList } from './run/plan-list';
import { RunStore } from './run/run-store';
import { Sentences } from '../../shared/i18n/sentences';

/** A run beside its list: enough to know whether to open it. */
@Component({
  selector: 'aos-run-peek',
  imports: [
    Age,
    Elapsed,
    Icon,
    PlanList,
    ProblemNote,
    RouterLink,
    SidePanel,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  providers: [RunStore],
  template: `
    <aos-side-panel
      *transloco="let t"
      [heading]="run.job()?.goal || t('stream.task')"
      [fullPage]="page()"
      (closed)="closed.emit()"
    >
      @if (run.call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="run.load()" />
        }
      }
      @if (run.job(); as job) {
        <div class="inside">
          <p class="line">
            <aos-state [tone]="toneOf(job)" [word]="wordOf(job)" />
            <aos-elapsed [from]="job.startedAt" [to]="job.finishedAt" />
            <span class="muted">{{ job.agentName }}</span>
            <span class="grow"></span>
            <aos-age class="muted" [at]="job.createdAt" />
          </p>
          <p class="goal">{{ job.goal }}</p>
          @if (job.error; as error) {
            <p class="fault">{{ sentences.of(error.said, error.message) }}</p>
          }
          @if (run.episode()?.receipt; as receipt) {
            <h3>{{ t('projects.peek.result') }}</h3>
            <p>{{ sentences.of(receipt.said, receipt.summary) }}</p>
          }
          @if (run.artifacts().length) {
            <h3>{{ t('projects.peek.files') }}</h3>
            <ul>
              @for (file of run.artifacts(); track file.artifactId) {
                <li>
                  <a
                    class="cut"
                    [routerLink]="page()"
                    [queryParams]="{ tab: 'artifacts', artifact: file.artifactId }"
                    >{{ file.name }}</a
                  >
                  <a
                    class="btn quiet icon small"
                    [href]="contentUrl(file.artifactId)"
                    [attr.download]="file.name"
                    [attr.aria-label]="t('artifact.download', { name: file.name })"
                    ><aos-icon name="download" [size]="14"
                  /></a>
                </li>
              }
            </ul>
          }
        </div>
        @if (run.steps().length) {
          <aos-plan-list [steps]="run.steps()" (picked)="picked.emit($event)" />
        }
        <p class="inside">
          <a class="btn" [routerLink]="page()">{{ t('projects.peek.openRun') }}</a>
        </p>
      }
    </aos-side-panel>
  `,
  styles: `
    :host {
      display: contents;
    }
    .inside {
      display: flex;
      flex-direction: column;
      align-items: flex-start;
      gap: 8px;
      padding: 14px 16px 4px;
    }
    .line {
      display: flex;
      align-items: center;
      gap: 12px;
      width: 100%;
    }
    .goal {
      overflow-wrap: anywhere;
    }
    .fault {
      color: var(--failed);
      overflow-wrap: anywhere;
    }
    ul {
      width: 100%;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      align-items: center;
      justify-content: space-between;
      gap: 8px;
    }
    aos-plan-list,
    aos-problem {
      display: block;
    }
    aos-problem {
      margin: 16px;
    }
  `,
})
export class RunPeek {
  protected readonly sentences = inject(Sentences);
  readonly traceId = input.required<string>();
  readonly closed = output();
  readonly picked = output<string>();

  private readonly api = inject(AosApi);
  protected readonly run = inject(RunStore);
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly page = computed(() => ['/projects', 'runs', this.traceId()]);
  protected readonly contentUrl = (id: string) => this.api.contentUrl(id);

  constructor() {
    effect(() => {
      const traceId = this.traceId();
      untracked(() => void this.run.open(traceId));
    });
  }
}
