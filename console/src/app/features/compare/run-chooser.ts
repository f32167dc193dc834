import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  untracked,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { Job } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark, toneOf, wordOf } from '../../shared/ui/state-mark';
import { Age, Elapsed } from '../../shared/ui/time';
import { type Candidate, CompareApi, kinships } from './compare-api';
import { namedRun } from './named-run';

/** Which run to put beside this one: those that are like it are offered, any other is found or named. */
@Component({
  selector: 'aos-run-chooser',
  imports: [Age, Elapsed, Icon, ProblemNote, RouterLink, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <h2>{{ t('compare.choose') }}</h2>
      <form (submit)="find($event)">
        <div class="field">
          <label for="compare-find">{{ t('compare.find') }}</label>
          <div class="line">
            <input
              id="compare-find"
              class="input"
              type="search"
              autocomplete="off"
              maxlength="500"
              aria-describedby="compare-find-help"
              [value]="text()"
              (input)="text.set($any($event.target).value)"
            />
            <button class="btn" type="submit" [disabled]="search().state === 'loading'">
              <aos-icon name="search" [size]="14" />{{ t('compare.go') }}
            </button>
          </div>
          <p id="compare-find-help" class="meta">{{ t('compare.findHelp') }}</p>
          @if (isItself()) {
            <p class="fault" role="alert">{{ t('compare.itself') }}</p>
          }
        </div>
      </form>
      @if (problem(); as problem) {
        <aos-problem [problem]="problem" [canRetry]="true" (retry)="retry()" />
      } @else if (isLoading()) {
        <div class="skeleton" aria-hidden="true"></div>
      } @else {
        @for (group of groups(); track group.word) {
          <section [attr.aria-label]="t(group.word)">
            <h3>{{ t(group.word) }}</h3>
            <ul>
              @for (job of group.jobs; track job.id) {
                <li>
                  <a
                    [routerLink]="[]"
                    [queryParams]="{ with: job.traceId, step: null }"
                    queryParamsHandling="merge"
                  >
                    <aos-state [tone]="toneOf(job)" [word]="wordOf(job)" />
                    <span class="goal cut grow" [title]="job.goal">{{
                      job.goal || t('stream.task')
                    }}</span>
                    <span class="meta num">#{{ job.id }}</span>
                    <span class="meta agent cut">{{ job.agentName }}</span>
                    <aos-elapsed class="meta took" [from]="job.startedAt" [to]="job.finishedAt" />
                    <aos-age class="meta age" [at]="job.createdAt" />
                  </a>
                </li>
              }
            </ul>
          </section>
        } @empty {
          <p class="none" role="status">
            {{ t(found() ? 'compare.noneFound' : 'compare.none') }}
          </p>
        }
      }
    </ng-container>
  `,
  styleUrl: './run-chooser.css',
})
export class RunChooser {
  readonly run = input.required<Job>();
  readonly named = output<string>();

  private readonly api = inject(CompareApi);
  protected readonly toneOf = toneOf;
  protected readonly wordOf = wordOf;
  protected readonly text = signal('');
  protected readonly isItself = signal(false);
  private readonly kin = signal<readonly Candidate[]>([]);
  /** What was searched for; without a search, the kin of the run is offered. */
  protected readonly found = signal<readonly Job[] | null>(null);
  private readonly offer = signal<Call>(idle);
  protected readonly search = signal<Call>(idle);
  private readonly id = computed(() => this.run().id);

  protected readonly isLoading = computed(() =>
    [this.offer(), this.search()].some(({ state }) => state === 'loading'),
  );
  protected readonly problem = computed(() => {
    const call = [this.search(), this.offer()].find(({ state }) => state === 'failed');
    return call?.state === 'failed' ? call.problem : null;
  });
  protected readonly groups = computed(() => {
    const found = this.found();
    const groups = found
      ? [{ word: 'compare.found', jobs: found }]
      : kinships.map((kinship) => ({
          word: `compare.kin.${kinship}`,
          jobs: this.kin()
            .filter((each) => each.kinship === kinship)
            .map(({ job }) => job),
        }));
    return groups.filter(({ jobs }) => jobs.length > 0);
  });

  constructor() {
    effect(() => {
      this.id();
      untracked(() => void this.offerKin());
    });
  }

  protected async find(event: Event): Promise<void> {
    event.preventDefault();
    this.isItself.set(false);
    const text = this.text().trim();
    if (!text) {
      this.search.set(idle);
      this.found.set(null);
      return;
    }
    const named = namedRun(text);
    if (named && 'traceId' in named) return this.name(named.traceId);
    await this.asking(this.search, async () => {
      if (named) return this.name((await firstValueFrom(this.api.job(named.jobId))).traceId);
      const jobs = await firstValueFrom(this.api.search(text));
      this.found.set(jobs.filter(({ id }) => id !== this.id()));
    });
  }

  protected retry(): void {
    if (this.search().state === 'failed') void this.find(new Event('submit'));
    else void this.offerKin();
  }

  private name(traceId: string): void {
    if (traceId === this.run().traceId) this.isItself.set(true);
    else this.named.emit(traceId);
  }

  private async offerKin(): Promise<void> {
    const id = this.id();
    await this.asking(this.offer, async () => {
      const kin = await firstValueFrom(this.api.kinOf(this.run()));
      if (id === this.id()) this.kin.set(kin);
    });
  }

  private async asking(call: typeof this.search, ask: () => Promise<void>): Promise<void> {
    call.set(loading);
    try {
      await ask();
      call.set(done);
    } catch (error) {
      call.set(failed(error));
    }
  }
}
