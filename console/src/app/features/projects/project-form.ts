import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Dialog } from '../../shared/ui/dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { ProjectsApi } from './projects-api';

/** As the server wants an id: from the name, as far as it has letters for it. */
export const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);

/** Makes a project, or changes the name and the description of one. */
@Component({
  selector: 'aos-project-form',
  imports: [Dialog, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="t(project() ? 'projects.form.change' : 'projects.form.new')"
      [isBusy]="call().state === 'loading'"
      (closed)="closed.emit()"
    >
      <form id="project" (submit)="submit($event)">
        <div class="field">
          <label for="project-name">{{ t('projects.form.name') }}</label>
          <input
            id="project-name"
            class="input"
            maxlength="200"
            autocomplete="off"
            [value]="name()"
            (input)="name.set($any($event.target).value)"
          />
        </div>
        @if (!project()) {
          <div class="field">
            <label for="project-id">{{ t('projects.form.id') }}</label>
            <input
              id="project-id"
              class="input mono"
              maxlength="40"
              autocomplete="off"
              spellcheck="false"
              aria-describedby="project-id-help"
              [value]="id()"
              [attr.aria-invalid]="id() !== '' && !isIdRight()"
              (input)="id.set($any($event.target).value)"
            />
            <p class="meta" id="project-id-help" [class.fault]="id() !== '' && !isIdRight()">
              {{ t('projects.form.idHelp') }}
            </p>
          </div>
        }
        <div class="field">
          <label for="project-description">{{ t('projects.form.description') }}</label>
          <textarea
            id="project-description"
            class="input"
            rows="3"
            maxlength="4000"
            [value]="description()"
            (input)="description.set($any($event.target).value)"
          ></textarea>
        </div>
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" />
          }
        }
      </form>
      <button actions class="btn" type="button" (click)="closed.emit()">
        {{ t('dialog.cancel') }}
      </button>
      <button
        actions
        class="btn filled"
        type="submit"
        form="project"
        [disabled]="!isReady() || call().state === 'loading'"
      >
        {{ t(project() ? 'projects.save' : 'projects.form.create') }}
      </button>
    </aos-dialog>
  `,
  styles: `
    form {
      display: flex;
      flex-direction: column;
      gap: 14px;
    }
    .fault {
      color: var(--failed);
    }
  `,
})
export class ProjectForm {
  readonly project = input<Project | null>(null);
  readonly saved = output<Project>();
  readonly closed = output();

  private readonly api = inject(ProjectsApi);
  protected readonly name = linkedSignal(() => this.project()?.name ?? '');
  protected readonly description = linkedSignal(() => this.project()?.description ?? '');
  protected readonly id = linkedSignal(() => slugOf(this.name()));
  protected readonly call = signal<Call>(idle);
  protected readonly isIdRight = computed(() => /^[a-z][a-z0-9-]{0,39}$/.test(this.id()));
  protected readonly isReady = computed(
    () => this.name().trim() !== '' && (this.project() !== null || this.isIdRight()),
  );

  protected async submit(event: Event): Promise<void> {
    event.preventDefault();
    if (!this.isReady()) return;
    this.call.set(loading);
    const project = this.project();
    const facts = { name: this.name().trim(), description: this.description().trim() };
    try {
      const saved = await firstValueFrom(
        project
          ? this.api.changeProject(project, facts)
          : this.api.createProject({ id: this.id(), ...facts }),
      );
      this.call.set(done);
      this.saved.emit(saved);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
