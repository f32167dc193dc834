import {
  ChangeDetectionStrategy,
  Component,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { Icon } from '../../shared/ui/icon';
import { StateMark } from '../../shared/ui/state-mark';
import { Age } from '../../shared/ui/time';
import { ProjectForm } from './project-form';
import { ProjectsApi } from './projects-api';
import { RoomTabs } from './room-tabs';

/** Projects in use, or those in the archive. A project leads to its tasks. */
@Component({
  selector: 'aos-projects-page',
  imports: [
    Age,
    Cell,
    DataTable,
    Icon,
    ProjectForm,
    RoomTabs,
    RouterLink,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="room" *transloco="let t">
      <aos-room-tabs here="projects">
        @if (mayWrite()) {
          <button class="btn filled" type="button" (click)="isMaking.set(true)">
            <aos-icon name="plus" [size]="14" />{{ t('projects.form.new') }}
          </button>
        }
      </aos-room-tabs>
      <div class="groups" role="group" [attr.aria-label]="t('projects.which')">
        @for (choice of choices; track choice) {
          <a
            class="chip"
            [routerLink]="[]"
            [queryParams]="{ archived: choice === '1' ? '1' : null }"
            [attr.aria-current]="shown() === choice || null"
            >{{ t(choice === '1' ? 'projects.inArchive' : 'projects.inUse') }}</a
          >
        }
      </div>
      <aos-data-table
        tableId="projects"
        [label]="t('rooms.projects')"
        [columns]="columns"
        [rows]="projects()"
        [rowId]="idOf"
        [call]="call()"
        [hasMore]="cursor() !== null"
        [link]="linkOf"
        (more)="load()"
        (retry)="load()"
        (opened)="open($event)"
      >
        <span *aosCell="let project of projects(); column: 'open'" class="open num">
          @if (project.open.waiting; as n) {
            <aos-state tone="waiting" word="state.waiting" [hasWord]="false" />{{ atMost(n) }}
          }
          @if (project.open.running; as n) {
            <aos-state tone="running" word="state.running" [hasWord]="false" />{{ atMost(n) }}
          }
          @if (project.open.queued; as n) {
            <aos-state tone="idle" word="state.queued" [hasWord]="false" />{{ atMost(n) }}
          }
        </span>
        <ng-container *aosCell="let project of projects(); column: 'last'">
          @if (project.lastTaskAt; as at) {
            <aos-age [at]="at" />
          }
        </ng-container>
        <aos-age
          *aosCell="let project of projects(); column: 'age'"
          class="muted"
          [at]="project.createdAt"
        />
        <div aosEmpty class="empty">
          <p>{{ t(shown() === '1' ? 'projects.noArchive' : 'projects.noProjects') }}</p>
          @if (shown() === '0' && mayWrite()) {
            <button class="btn" type="button" (click)="isMaking.set(true)">
              {{ t('projects.form.new') }}
            </button>
          }
        </div>
      </aos-data-table>
    </div>
    @if (isMaking()) {
      @defer (on immediate) {
        <aos-project-form (saved)="open($event)" (closed)="isMaking.set(false)" />
      }
    }
  `,
  styles: `
    .room {
      display: flex;
      flex-direction: column;
      gap: 12px;
      height: 100%;
      padding: 16px 24px;
    }
    .groups {
      display: flex;
      gap: 4px;
    }
    .groups a {
      text-decoration: none;
    }
    .groups a[aria-current] {
      border-color: transparent;
      background: var(--chosen);
      color: var(--ink);
      font-weight: 550;
    }
    aos-data-table {
      flex: 1;
    }
    .open {
      display: inline-flex;
      align-items: center;
      gap: 6px;
    }
    .open aos-state:not(:first-child) {
      margin-left: 8px;
    }
    .empty {
      display: flex;
      flex-direction: column;
      align-items: center;
      gap: 12px;
    }
    @media (max-width: 719px) {
      .room {
        padding: 12px 16px;
      }
    }
  `,
})
export class ProjectsPage {
  readonly archived = input<string>();

  private readonly api = inject(ProjectsApi);
  private readonly router = inject(Router);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('project.write'));
  protected readonly choices = ['0', '1'] as const;
  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly cursor = signal<string | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly isMaking = signal(false);
  protected readonly shown = () => (this.archived() === '1' ? '1' : '0');

  protected readonly columns: Column<Project>[] = [
    {
      id: 'name',
      header: 'projects.form.name',
      width: '1fr',
      text: ({ name }) => name,
      isFixed: true,
    },
    {
      id: 'id',
      header: 'projects.form.id',
      width: '160px',
      text: ({ id }) => id,
      hideNarrow: true,
    },
    {
      id: 'description',
      header: 'projects.form.description',
      width: '2fr',
      text: ({ description }) => description,
      hideNarrow: true,
    },
    { id: 'open', header: 'projects.col.open', width: '150px', narrowWidth: '96px' },
    {
      id: 'last',
      header: 'projects.col.last',
      width: '96px',
      align: 'end',
      hideNarrow: true,
    },
    { id: 'age', header: 'projects.col.created', width: '96px', align: 'end', hideNarrow: true },
  ];
  protected readonly idOf = ({ id }: Project) => id;
  protected readonly linkOf = ({ id }: Project) =>
    this.router.createUrlTree(['/projects'], { queryParams: { project: id } });
  protected readonly atMost = (n: number) => (n >= 1000 ? '999+' : String(n));

  constructor() {
    effect(() => {
      this.shown();
      untracked(() => {
        this.projects.set([]);
        this.cursor.set(null);
        void this.load();
      });
    });
  }

  protected async load(): Promise<void> {
    const shown = this.shown();
    this.call.set(loading);
    try {
      const page = await firstValueFrom(this.api.projects(shown, this.cursor() ?? undefined));
      if (shown !== this.shown()) return;
      this.projects.update((all) => [...all, ...page.items]);
      this.cursor.set(page.nextCursor);
      this.call.set(done);
    } catch (error) {
      if (shown === this.shown()) this.call.set(failed(error));
    }
  }

  protected open(project: Project): void {
    void this.router.navigateByUrl(this.linkOf(project));
  }
}
