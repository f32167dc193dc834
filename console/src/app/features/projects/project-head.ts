import { ChangeDetectionStrategy, Component, inject, input, output, signal } from '@angular/core';
import type { Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { ProjectForm } from './project-form';
import { ProjectsApi } from './projects-api';

/** Which project the list is of, and what may be done with it. */
@Component({
  selector: 'aos-project-head',
  imports: [ConfirmDialog, ProblemNote, ProjectForm, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <section *transloco="let t" [attr.aria-label]="project().name">
      <div class="text">
        <h2 class="cut">{{ project().name }}</h2>
        <code class="meta">{{ project().id }}</code>
        @if (project().archivedAt) {
          <span class="meta pill">{{ t('projects.archived') }}</span>
        }
        @if (project().description) {
          <p class="muted cut" [title]="project().description">{{ project().description }}</p>
        }
      </div>
      @if (mayWrite()) {
        <button class="btn small quiet" type="button" (click)="open.set('form')">
          {{ t('projects.edit') }}
        </button>
        @if (project().archivedAt) {
          <button class="btn small quiet" type="button" (click)="archive(false)">
            {{ t('projects.restore') }}
          </button>
        } @else {
          <button class="btn small quiet" type="button" (click)="open.set('archive')">
            {{ t('projects.archive') }}
          </button>
        }
      }
    </section>
    @if (call(); as call) {
      @if (call.state === 'failed' && open() === null) {
        <aos-problem [problem]="call.problem" />
      }
    }
    @if (open() === 'form') {
      @defer (on immediate) {
        <aos-project-form
          [project]="project()"
          (saved)="open.set(null); changed.emit($event)"
          (closed)="open.set(null)"
        />
      }
    } @else if (open() === 'archive') {
      <ng-container *transloco="let t">
        <aos-confirm-dialog
          [title]="t('projects.archiveTitle', { name: project().name })"
          [action]="t('projects.archive')"
          [call]="call()"
          (confirmed)="archive(true)"
          (closed)="open.set(null)"
          >{{ t('projects.archiveWhat') }}</aos-confirm-dialog
        >
      </ng-container>
    }
  `,
  styles: `
    section {
      display: flex;
      align-items: center;
      gap: 4px;
      min-height: 28px;
    }
    .text {
      display: flex;
      flex: 1;
      align-items: baseline;
      gap: 10px;
      min-width: 0;
    }
    h2 {
      flex: none;
      max-width: 50%;
    }
    .pill {
      padding: 1px 8px;
      border: 1px solid var(--line);
      border-radius: 999px;
    }
    @media (max-width: 719px) {
      p {
        display: none;
      }
    }
  `,
})
export class ProjectHead {
  readonly project = input.required<Project>();
  readonly changed = output<Project>();

  private readonly api = inject(ProjectsApi);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('project.write'));
  protected readonly open = signal<'form' | 'archive' | null>(null);
  protected readonly call = signal<Call>(idle);

  protected async archive(archived: boolean): Promise<void> {
    this.call.set(loading);
    try {
      const changed = await firstValueFrom(this.api.changeProject(this.project(), { archived }));
      this.call.set(done);
      this.open.set(null);
      this.changed.emit(changed);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
