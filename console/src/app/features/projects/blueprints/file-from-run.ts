import {
  ChangeDetectionStrategy,
  Component,
  effect,
  inject,
  input,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { Artifact, Job } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { BlueprintsApi } from './blueprints-api';

/** A file that a run of this project has made: the run first, then one of its files. */
@Component({
  selector: 'aos-file-from-run',
  imports: [ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="two">
        <select
          class="input"
          [attr.aria-label]="t('projects.blueprint.run.whichRun', { name: name() })"
          (change)="look($any($event.target).value)"
        >
          <option value="">{{ t('projects.blueprint.run.chooseRun') }}</option>
          @for (job of jobs(); track job.id) {
            <option [value]="job.traceId">{{ job.goal }} · #{{ job.id }}</option>
          }
        </select>
        @if (trace()) {
          <select
            class="input"
            [attr.aria-label]="t('projects.blueprint.run.fileFor', { name: name() })"
            [disabled]="call().state === 'loading'"
            (change)="choose($any($event.target).value)"
          >
            <option value="">
              {{
                t(
                  call().state === 'done' && artifacts().length === 0
                    ? 'projects.blueprint.run.noFiles'
                    : 'projects.blueprint.run.chooseFile'
                )
              }}
            </option>
            @for (file of artifacts(); track file.artifactId) {
              <option [value]="file.artifactId">{{ file.name }}</option>
            }
          </select>
        }
      </div>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" />
        }
      }
    </ng-container>
  `,
  styles: `
    .two {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
    }
    select {
      flex: 1 1 180px;
      min-width: 0;
    }
  `,
})
export class FileFromRun {
  readonly projectId = input.required<string>();
  /** Of the input, for who cannot see where this stands. */
  readonly name = input.required<string>();
  readonly chosen = output<Artifact | null>();

  private readonly api = inject(BlueprintsApi);
  private readonly shared = inject(AosApi);
  protected readonly jobs = signal<readonly Job[]>([]);
  protected readonly trace = signal('');
  protected readonly artifacts = signal<readonly Artifact[]>([]);
  protected readonly call = signal<Call>(idle);

  constructor() {
    effect(() => {
      const projectId = this.projectId();
      untracked(
        () =>
          void this.asking(async () => {
            this.jobs.set((await firstValueFrom(this.api.runs(projectId))).items);
          }),
      );
    });
  }

  protected async look(traceId: string): Promise<void> {
    this.trace.set(traceId);
    this.artifacts.set([]);
    this.chosen.emit(null);
    if (!traceId) return;
    await this.asking(async () => {
      const { artifacts } = await firstValueFrom(this.shared.episode(traceId));
      if (traceId === this.trace()) this.artifacts.set(artifacts);
    });
  }
  protected choose(id: string): void {
    this.chosen.emit(this.artifacts().find(({ artifactId }) => artifactId === id) ?? null);
  }

  private async asking(ask: () => Promise<void>): Promise<void> {
    this.call.set(loading);
    try {
      await ask();
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
