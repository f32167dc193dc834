import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Project, ProjectVar } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { MemoryApi } from './memory-api';
import { VarDialog } from './var-dialog';

/** What the steps of a project's tasks may refer to. */
@Component({
  selector: 'aos-vars-page',
  imports: [
    Age,
    ConfirmDialog,
    CopyButton,
    Icon,
    ProblemNote,
    RouterLink,
    TranslocoDirective,
    VarDialog,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <h1 class="sr-only">{{ t('memory.part.vars') }}</h1>
      <div class="top">
        <p class="lead">{{ t('memory.var.lead') }}</p>
        @if (mayWrite() && project()) {
          <button class="btn filled" type="button" (click)="editing.set('new')">
            <aos-icon name="plus" [size]="14" />{{ t('memory.var.add') }}
          </button>
        }
      </div>
      @if (projects().length) {
        <div class="tools">
          <label for="var-project">{{ t('memory.project') }}</label>
          <select id="var-project" class="input" (change)="go($any($event.target).value)">
            @for (each of projects(); track each.id) {
              <option [value]="each.id" [selected]="each.id === project()?.id">
                {{ each.name }}
              </option>
            }
          </select>
        </div>
      } @else if (hasLooked()) {
        <div class="card empty">
          <p>{{ t('memory.var.noProject') }}</p>
          <a class="btn" routerLink="/projects">{{ t('rooms.projects') }}</a>
        </div>
      }
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !vars().length) {
          <div class="skeleton" aria-hidden="true"></div>
        } @else if (call.state === 'done' && !vars().length && project()) {
          <div class="card empty">
            <p>{{ t('memory.var.none') }}</p>
            @if (mayWrite()) {
              <button class="btn" type="button" (click)="editing.set('new')">
                {{ t('memory.var.add') }}
              </button>
            }
          </div>
        }
      }
      @if (vars().length) {
        <div
          class="card scroll"
          tabindex="0"
          role="region"
          [attr.aria-label]="t('memory.part.vars')"
        >
          <table class="stacks">
            <thead>
              <tr>
                <th>{{ t('memory.var.name') }}</th>
                <th>{{ t('memory.var.value') }}</th>
                <th>{{ t('memory.var.usage') }}</th>
                <th>{{ t('memory.var.changed') }}</th>
                <th>
                  <span class="sr-only">{{ t('memory.acts') }}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              @for (each of vars(); track each.name) {
                <tr>
                  <td class="name">
                    <code>{{ each.name }}</code>
                    <aos-copy [text]="referenceOf(each)" [label]="t('memory.var.copy')" />
                  </td>
                  <td class="value" [attr.data-word]="t('memory.var.value')">
                    @if (each.secretRef; as secret) {
                      <span class="pill">{{ t('memory.var.secret') }}</span>
                      <code>{{ secret }}</code>
                      @if (each.lastRotatedAt; as at) {
                        <span class="meta"
                          >{{ t('memory.var.rotated') }} <aos-age [at]="at"
                        /></span>
                      } @else {
                        <span class="gone">{{ t('memory.var.secretGone') }}</span>
                      }
                    } @else {
                      <code [title]="shown(each)">{{ shown(each) }}</code>
                    }
                  </td>
                  <td [attr.data-word]="t('memory.var.usage')">{{ each.usage || '–' }}</td>
                  <td class="meta" [attr.data-word]="t('memory.var.changed')">
                    <aos-age [at]="each.updatedAt" />
                  </td>
                  <td class="acts">
                    @if (mayWrite()) {
                      <button
                        class="btn small"
                        type="button"
                        [attr.aria-label]="t('memory.var.editOf', { name: each.name })"
                        (click)="editing.set(each)"
                      >
                        {{ t('memory.edit') }}
                      </button>
                      <button
                        class="btn small quiet danger"
                        type="button"
                        [attr.aria-label]="t('memory.var.deleteOf', { name: each.name })"
                        (click)="ask(each)"
                      >
                        {{ t('memory.delete') }}
                      </button>
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }
      @if (editing(); as it) {
        <aos-var-dialog
          [variable]="it === 'new' ? null : it"
          [projectId]="project()!.id"
          (saved)="onSaved()"
          (closed)="editing.set(null)"
        />
      }
      @if (deleting(); as it) {
        <aos-confirm-dialog
          [title]="t('memory.var.deleteTitle')"
          [action]="t('memory.delete')"
          [name]="it.name"
          [call]="deed()"
          (confirmed)="remove(it)"
          (closed)="deleting.set(null)"
        >
          <p>{{ t('memory.var.deleteWhat') }}</p>
        </aos-confirm-dialog>
      }
    </div>
  `,
  styleUrls: ['../../shared/ui/section.css', './memory.css'],
  styles: `
    .name {
      white-space: nowrap;
    }
    .name code {
      font-weight: 550;
      vertical-align: middle;
    }
    .name aos-copy {
      vertical-align: middle;
    }
    .value {
      min-width: 180px;
      overflow-wrap: anywhere;
    }
    .value > code {
      display: -webkit-box;
      -webkit-line-clamp: 3;
      -webkit-box-orient: vertical;
      overflow: hidden;
    }
    .value .pill + code {
      display: inline;
    }
    .value .meta {
      display: block;
    }
    .gone {
      display: block;
      color: var(--failed);
    }
  `,
})
export class VarsPage {
  /** Of the address; the same as that of the facts, so that both follow one choice. */
  readonly projectId = input<string>();

  private readonly api = inject(MemoryApi);
  private readonly router = inject(Router);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('memory.write'));
  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly hasLooked = signal(false);
  protected readonly project = computed(
    () => this.projects().find(({ id }) => id === this.projectId()) ?? this.projects()[0],
  );
  protected readonly call = signal<Call>(idle);
  protected readonly vars = signal<readonly ProjectVar[]>([]);
  protected readonly editing = signal<ProjectVar | 'new' | null>(null);
  protected readonly deleting = signal<ProjectVar | null>(null);
  protected readonly deed = signal<Call>(idle);
  private asked = 0;

  constructor() {
    void this.loadProjects();
    effect(() => {
      if (this.project()) untracked(() => void this.load());
    });
  }

  private async loadProjects(): Promise<void> {
    this.call.set(loading);
    try {
      this.projects.set((await firstValueFrom(this.api.projects())).items);
      this.hasLooked.set(true);
      if (!this.project()) this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected async load(): Promise<void> {
    const project = this.project();
    if (!project) return this.loadProjects();
    const asked = (this.asked += 1);
    this.call.set(loading);
    try {
      const vars: ProjectVar[] = [];
      let cursor: string | undefined;
      do {
        const page = await firstValueFrom(this.api.vars(project.id, cursor));
        vars.push(...page.items);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
      if (asked !== this.asked) return;
      this.vars.set(vars);
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked) this.call.set(failed(error));
    }
  }

  protected go(projectId: string): void {
    this.vars.set([]);
    void this.router.navigate([], {
      queryParams: { projectId },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  protected referenceOf({ name }: ProjectVar): string {
    return '${vars.' + name + '}';
  }
  protected shown({ value }: ProjectVar): string {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  }
  protected onSaved(): void {
    this.editing.set(null);
    void this.load();
  }
  protected ask(variable: ProjectVar): void {
    this.deed.set(idle);
    this.deleting.set(variable);
  }
  protected async remove({ name }: ProjectVar): Promise<void> {
    const project = this.project();
    if (!project) return;
    this.deed.set(loading);
    try {
      await firstValueFrom(this.api.deleteVar(project.id, name));
      this.deleting.set(null);
      await this.load();
    } catch (error) {
      this.deed.set(failed(error));
    }
  }
}
