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
import type { BlueprintSummary, Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { session } from '../../../shared/state/session';
import { Cell, type Column } from '../../../shared/table/column';
import { DataTable } from '../../../shared/table/data-table';
import { Icon } from '../../../shared/ui/icon';
import { Age } from '../../../shared/ui/time';
import { RoomTabs } from '../room-tabs';
import { BlueprintsApi } from './blueprints-api';

/** The blueprints of the project that the address names, else of the first that one may see. */
@Component({
  selector: 'aos-blueprint-list',
  imports: [Age, Cell, DataTable, Icon, RoomTabs, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="room" *transloco="let t">
      <aos-room-tabs here="blueprints" [project]="project() ?? null">
        @if (mayWrite() && shown(); as project) {
          <a class="btn filled" [routerLink]="['/projects/blueprints', project.id, 'new']">
            <aos-icon name="plus" [size]="14" />{{ t('projects.blueprint.new') }}
          </a>
        }
      </aos-room-tabs>
      <div class="of">
        <label for="blueprints-project">{{ t('projects.col.project') }}</label>
        <select
          id="blueprints-project"
          class="input"
          [value]="shown()?.id ?? ''"
          (change)="go($any($event.target).value)"
        >
          @for (each of projects(); track each.id) {
            <option [value]="each.id" [selected]="each.id === shown()?.id">{{ each.name }}</option>
          }
        </select>
      </div>
      <aos-data-table
        tableId="blueprints"
        [label]="t('projects.blueprint.all')"
        [columns]="columns"
        [rows]="blueprints()"
        [rowId]="idOf"
        [call]="call()"
        [hasMore]="cursor() !== null"
        [link]="linkOf"
        (more)="load()"
        (retry)="retry()"
        (opened)="open($event)"
      >
        <aos-age
          *aosCell="let each of blueprints(); column: 'age'"
          class="muted"
          [at]="each.updatedAt"
        />
        <div aosEmpty class="empty">
          @if (shown(); as project) {
            <p>{{ t('projects.blueprint.none') }}</p>
            @if (mayWrite()) {
              <a class="btn" [routerLink]="['/projects/blueprints', project.id, 'new']">{{
                t('projects.blueprint.new')
              }}</a>
            }
          } @else {
            <p>{{ t('projects.blueprint.noProject') }}</p>
            <a class="btn" routerLink="/projects/all">{{ t('rooms.projects') }}</a>
          }
        </div>
      </aos-data-table>
    </div>
  `,
  styles: `
    :host {
      display: block;
      height: 100%;
    }
    .room {
      display: flex;
      flex-direction: column;
      gap: 12px;
      height: 100%;
      padding: 16px 24px;
    }
    .of {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    .of label {
      color: var(--muted);
    }
    .of select {
      width: auto;
      max-width: 320px;
    }
    aos-data-table {
      flex: 1;
    }
    .empty {
      display: flex;
      flex-direction: column;
      align-items: center;
      gap: 12px;
      max-width: 56ch;
      text-align: center;
    }
    @media (max-width: 719px) {
      .room {
        padding: 12px 16px;
      }
    }
  `,
})
export class BlueprintList {
  readonly project = input<string>();

  private readonly api = inject(BlueprintsApi);
  private readonly shared = inject(AosApi);
  private readonly router = inject(Router);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('project.write'));
  protected readonly projects = signal<readonly Pick<Project, 'id' | 'name'>[]>([]);
  protected readonly blueprints = signal<readonly BlueprintSummary[]>([]);
  protected readonly cursor = signal<string | null>(null);
  protected readonly call = signal<Call>(idle);
  /** One that the address names is looked for also where the list does not have it: it may be in the archive. */
  protected readonly shown = computed(
    () => {
      const id = this.project();
      const all = this.projects();
      return id ? (all.find((each) => each.id === id) ?? { id, name: id }) : (all[0] ?? null);
    },
    { equal: (a, b) => a?.id === b?.id && a?.name === b?.name },
  );

  protected readonly columns: Column<BlueprintSummary>[] = [
    {
      id: 'name',
      header: 'projects.blueprint.name',
      width: '2fr',
      text: ({ name }) => name,
      isFixed: true,
    },
    {
      id: 'description',
      header: 'projects.blueprint.description',
      width: '3fr',
      text: ({ description }) => description,
      hideNarrow: true,
    },
    {
      id: 'inputs',
      header: 'projects.blueprint.inputs',
      width: '2fr',
      text: ({ inputs }) => inputs.map(({ name }) => name).join(', '),
      hideNarrow: true,
    },
    {
      id: 'steps',
      header: 'projects.col.steps',
      width: '64px',
      align: 'end',
      text: ({ steps }) => String(steps),
    },
    {
      id: 'version',
      header: 'projects.blueprint.col.version',
      width: '72px',
      align: 'end',
      text: ({ version }) => String(version),
      hideNarrow: true,
    },
    {
      id: 'by',
      header: 'projects.blueprint.col.by',
      width: '1fr',
      text: ({ updatedBy }) => updatedBy,
      hideNarrow: true,
    },
    {
      id: 'age',
      header: 'projects.blueprint.col.changed',
      width: '96px',
      narrowWidth: '72px',
      align: 'end',
    },
  ];
  protected readonly idOf = ({ id }: BlueprintSummary) => id;
  protected readonly linkOf = ({ id, projectId }: BlueprintSummary) =>
    this.router.createUrlTree(['/projects', 'blueprints', projectId, id]);

  /** The name of the project comes later than its id, and changes nothing of what is listed. */
  private readonly shownId = computed(() => this.shown()?.id);

  constructor() {
    void this.loadProjects();
    effect(() => {
      const id = this.shownId();
      untracked(() => {
        this.blueprints.set([]);
        this.cursor.set(null);
        if (id) void this.load();
      });
    });
  }

  private async loadProjects(): Promise<void> {
    if (!this.shown()) this.call.set(loading);
    try {
      this.projects.set((await firstValueFrom(this.shared.projects())).items);
      if (!this.shown()) this.call.set(done);
    } catch (error) {
      if (!this.shown()) this.call.set(failed(error));
    }
  }
  protected retry(): void {
    void (this.shown() ? this.load() : this.loadProjects());
  }
  protected async load(): Promise<void> {
    const id = this.shownId();
    if (!id) return;
    this.call.set(loading);
    try {
      const page = await firstValueFrom(this.api.list(id, this.cursor() ?? undefined));
      if (id !== this.shownId()) return;
      this.blueprints.update((all) => [...all, ...page.items]);
      this.cursor.set(page.nextCursor);
      this.call.set(done);
    } catch (error) {
      if (id === this.shownId()) this.call.set(failed(error));
    }
  }

  protected go(project: string): void {
    void this.router.navigate([], { queryParams: { project }, queryParamsHandling: 'merge' });
  }
  protected open(blueprint: BlueprintSummary): void {
    void this.router.navigateByUrl(this.linkOf(blueprint));
  }
}
