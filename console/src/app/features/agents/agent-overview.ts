import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Agent, AgentStats, Job } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { Icon } from '../../shared/ui/icon';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';

/** As the contract says; imported from there, it would bring all its schemas along. */
const MOST_REPLICAS = 100;

/** How an agent does: its load, how its last runs ended, and what they were. */
@Component({
  selector: 'aos-agent-overview',
  imports: [Age, Cell, DataTable, Icon, RouterLink, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <dl>
        <div>
          <dt>{{ t('agents.load') }}</dt>
          <dd class="num big">
            {{ agent().load.running }}
            <span class="meta">{{ t('agents.queuedN', { n: agent().load.queued }) }}</span>
          </dd>
        </div>
        <div>
          <dt>{{ t('agents.replicas') }}</dt>
          <dd class="num big scale">
            @if (mayOperate()) {
              <button
                class="btn icon small"
                type="button"
                [disabled]="replicas() <= 1"
                [attr.aria-label]="t('agents.fewerReplicas')"
                (click)="scaledBy.emit(-1)"
              >
                −
              </button>
            }
            <span aria-live="polite">{{ replicas() }}</span>
            @if (mayOperate()) {
              <button
                class="btn icon small"
                type="button"
                [disabled]="replicas() >= mostReplicas"
                [attr.aria-label]="t('agents.moreReplicas')"
                (click)="scaledBy.emit(1)"
              >
                +
              </button>
            }
            <span class="meta">{{ t('agents.tasksAtOnce') }}</span>
          </dd>
        </div>
        @if (stats(); as stats) {
          <div>
            <dt>{{ t('agents.successRate') }}</dt>
            <dd class="num big">
              {{ rate() }}
              <span class="meta">{{ t('agents.ofLast', { n: stats.ended }) }}</span>
            </dd>
          </div>
          <div>
            <dt>{{ t('agents.took') }}</dt>
            <dd class="num big">
              {{ stats.p50Ms === null ? '–' : duration(stats.p50Ms) }}
              @if (stats.p95Ms !== null) {
                <span class="meta">p95 {{ duration(stats.p95Ms) }}</span>
              }
            </dd>
          </div>
          <div>
            <dt>{{ t('agents.endedBadly') }}</dt>
            <dd class="num big" [class.bad]="stats.failed > 0">
              {{ stats.failed }}
              <span class="meta">{{ t('agents.cancelledN', { n: stats.cancelled }) }}</span>
            </dd>
          </div>
        }
        <div>
          <dt>{{ t('agents.concurrency') }}</dt>
          <dd class="num big">
            {{ agent().config.concurrency }}
            <span class="meta">{{ t('agents.atOnce') }}</span>
          </dd>
        </div>
      </dl>
      @if (bars().length > 1) {
        <section>
          <h2>{{ t('agents.lastRuns') }}</h2>
          <div class="bars">
            @for (bar of bars(); track bar.job.id) {
              <a
                [class]="'bar ' + bar.tone"
                [style.height.px]="bar.height"
                [routerLink]="['/projects', 'runs', bar.job.traceId]"
                [title]="bar.job.goal"
                [attr.aria-label]="t(wordOf(bar.job)) + ', ' + bar.took + ': ' + bar.job.goal"
              ></a>
            }
          </div>
          <p class="meta">{{ t('agents.barsHelp', { longest: longest() }) }}</p>
        </section>
      }
      <section class="runs">
        <h2>{{ t('agents.recentRuns') }}</h2>
        <aos-data-table
          tableId="agent-runs"
          [label]="t('agents.recentRuns')"
          [columns]="columns"
          [rows]="runs()"
          [rowId]="idOf"
          [call]="call()"
          [link]="linkTo"
          (opened)="open($event)"
          (retry)="retry.emit()"
        >
          <aos-state
            *aosCell="let job of runs(); column: 'state'"
            [tone]="toneOf(job)"
            [word]="wordOf(job)"
          />
          <aos-age *aosCell="let job of runs(); column: 'age'" class="meta" [at]="job.createdAt" />
          <div aosEmpty class="empty">
            <p>{{ t('agents.noRuns') }}</p>
            <a class="btn" routerLink="/chat"
              ><aos-icon name="chat" [size]="14" />{{ t('agents.giveTask') }}</a
            >
          </div>
        </aos-data-table>
      </section>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 20px;
      min-height: 100%;
    }
    dl {
      display: flex;
      flex-wrap: wrap;
      gap: 12px 40px;
      margin: 4px 0 0;
    }
    dt {
      color: var(--muted);
      font-size: 12px;
    }
    dd {
      margin: 0;
    }
    .big {
      font-size: 20px;
      line-height: 28px;
      font-weight: 550;
    }
    .big .meta {
      font-weight: 400;
    }
    .scale {
      display: flex;
      align-items: center;
      gap: 6px;
    }
    .bad {
      color: var(--failed);
    }
    section {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .bars {
      display: flex;
      align-items: flex-end;
      gap: 3px;
      height: 56px;
    }
    .bar {
      flex: 0 1 14px;
      min-width: 3px;
      border-radius: 2px 2px 0 0;
      background: var(--idle);
    }
    .bar.done {
      background: var(--done);
    }
    .bar.failed {
      background: repeating-linear-gradient(
        45deg,
        var(--failed) 0 4px,
        color-mix(in srgb, var(--failed) 60%, transparent) 4px 6px
      );
    }
    .bar.running,
    .bar.recovering {
      background: var(--running);
    }
    .bar.waiting {
      background: var(--waiting-mark);
    }
    .runs {
      flex: 1 1 auto;
      min-height: 260px;
    }
    .runs aos-data-table {
      flex: 1 1 auto;
      min-height: 0;
    }
    .empty {
      display: flex;
      flex-direction: column;
      align-items: center;
      gap: 12px;
    }
    @media (max-width: 719px) {
      dl {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
      }
    }
  `,
})
export class AgentOverview {
  readonly agent = input.required<Agent>();
  readonly stats = input.required<AgentStats | null>();
  readonly runs = input.required<readonly Job[]>();
  readonly call = input.required<Call>();
  readonly mayOperate = input.required<boolean>();
  readonly retry = output();
  /** As pressed, which the server may not have told of yet. */
  readonly replicas = input.required<number>();
  readonly scaledBy = output<number>();
  protected readonly mostReplicas = MOST_REPLICAS;

  private readonly router = inject(Router);
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly duration = duration;
  protected readonly rate = computed(() => {
    const stats = this.stats();
    // What was cancelled says nothing about the agent.
    const judged = (stats?.succeeded ?? 0) + (stats?.failed ?? 0);
    return judged === 0 ? '–' : `${Math.round((100 * (stats?.succeeded ?? 0)) / judged)} %`;
  });

  private readonly times = computed(() =>
    this.runs()
      .filter(({ startedAt }) => startedAt !== null)
      .map((job) => ({
        job,
        ms: Date.parse(job.finishedAt ?? job.startedAt!) - Date.parse(job.startedAt!),
      }))
      .reverse(),
  );
  private readonly longestMs = computed(() => Math.max(1, ...this.times().map(({ ms }) => ms)));
  protected readonly longest = computed(() => duration(this.longestMs()));
  protected readonly bars = computed(() =>
    this.times().map(({ job, ms }) => ({
      job,
      tone: toneOf(job),
      took: duration(ms),
      height: Math.max(4, Math.round((52 * ms) / this.longestMs())),
    })),
  );

  protected readonly idOf = ({ id }: Job) => id;
  protected readonly linkTo = ({ traceId }: Job) =>
    this.router.createUrlTree(['/projects', 'runs', traceId]);
  protected readonly columns: readonly Column<Job>[] = [
    {
      id: 'state',
      header: 'agents.col.state',
      width: '130px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'goal',
      header: 'agents.col.goal',
      width: '2fr',
      isFixed: true,
      isLink: true,
      text: ({ goal }) => goal,
    },
    {
      id: 'steps',
      header: 'agents.col.steps',
      width: '64px',
      align: 'end',
      text: ({ progress }) => (progress.total ? `${progress.done}/${progress.total}` : ''),
      hideNarrow: true,
    },
    {
      id: 'took',
      header: 'agents.col.took',
      width: '80px',
      narrowWidth: '52px',
      align: 'end',
      text: ({ startedAt, finishedAt }) =>
        startedAt && finishedAt ? duration(Date.parse(finishedAt) - Date.parse(startedAt)) : '',
    },
    { id: 'age', header: 'agents.col.age', width: '72px', align: 'end' },
  ];
  protected open(job: Job): void {
    void this.router.navigateByUrl(this.linkTo(job));
  }
}
