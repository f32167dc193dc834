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
import type { AuditRow } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { RecordNames } from '../../../shared/api/record-names';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { session } from '../../../shared/state/session';
import { Cell, type Column } from '../../../shared/table/column';
import { DataTable } from '../../../shared/table/data-table';
import { JsonTree } from '../../../shared/ui/json-tree';
import { SidePanel } from '../../../shared/ui/side-panel';
import { StateMark, type Tone } from '../../../shared/ui/state-mark';
import { Age } from '../../../shared/ui/time';
import { ProjectsApi } from '../projects-api';

const MOST_APPROVALS = 20;

const tones: Record<AuditRow['outcome'], Tone> = {
  allowed: 'done',
  denied: 'failed',
  failed: 'failed',
};

/** Who did what in this run: what happened under its trace, and what others did to the job later. */
@Component({
  selector: 'aos-run-audit',
  providers: [RecordNames],
  imports: [Age, Cell, DataTable, JsonTree, SidePanel, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (mayRead()) {
        <div class="split">
          <div class="list">
            <aos-data-table
              tableId="run-audit"
              [label]="t('projects.run.tab.audit')"
              [columns]="columns"
              [rows]="rows()"
              [rowId]="idOf"
              [call]="call()"
              [openId]="openId()"
              (retry)="load()"
              (opened)="picked.emit($event.id)"
            >
              <aos-state
                *aosCell="let row of rows(); column: 'outcome'"
                [tone]="tones[row.outcome]"
                [word]="'projects.run.outcome.' + row.outcome"
              />
              <ng-container *aosCell="let row of rows(); column: 'action'">
                <code>{{ row.action }}</code>
                <span class="by meta cut">{{ names.who(row.actor) }} · {{ names.what(row) }}</span>
              </ng-container>
              <aos-age
                *aosCell="let row of rows(); column: 'age'"
                class="meta"
                [at]="row.createdAt"
              />
              <p aosEmpty>{{ t('projects.run.noAudit') }}</p>
            </aos-data-table>
          </div>
          @if (open(); as row) {
            <aos-side-panel [heading]="row.action" (closed)="picked.emit(null)">
              <div class="inside">
                <aos-json-tree [value]="row" [label]="row.action" />
              </div>
            </aos-side-panel>
          }
        </div>
      } @else {
        <p class="none muted">{{ t('projects.run.mayNotAudit') }}</p>
      }
    </ng-container>
  `,
  styleUrl: './run-table.css',
  styles: `
    /* On a phone there is no column for it, and who it was is what the record is for. */
    .by {
      display: none;
    }
    @media (max-width: 719px) {
      .by {
        display: block;
      }
    }
  `,
})
export class RunAudit {
  readonly traceId = input.required<string>();
  readonly jobId = input.required<string>();
  /** Who decides does so under a trace of their own: what they did is found by what it was done to. */
  readonly approvalIds = input<readonly string[]>([]);
  readonly openId = input<string | null>(null);
  readonly picked = output<string | null>();

  private readonly api = inject(ProjectsApi);
  protected readonly names = inject(RecordNames);
  protected readonly mayRead = inject(Store).selectSignal(session.selectMay('audit.read'));
  protected readonly tones = tones;
  protected readonly rows = signal<readonly AuditRow[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly idOf = ({ id }: AuditRow) => id;
  protected readonly open = computed(() => this.rows().find(({ id }) => id === this.openId()));
  protected readonly columns: Column<AuditRow>[] = [
    {
      id: 'outcome',
      header: 'projects.run.col.outcome',
      width: '96px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'action',
      header: 'projects.run.col.action',
      width: 'minmax(140px, 1fr)',
      isFixed: true,
      text: (row) => row.action,
    },
    {
      id: 'actor',
      header: 'projects.run.col.actor',
      width: '1fr',
      text: (row) => this.names.who(row.actor),
      hideNarrow: true,
    },
    {
      id: 'resource',
      header: 'projects.run.col.resource',
      width: '1fr',
      text: (row) => this.names.what(row),
      hideNarrow: true,
    },
    { id: 'age', header: 'projects.col.age', width: '84px', align: 'end' },
  ];

  constructor() {
    effect(() => {
      if (this.jobId() && this.mayRead()) untracked(() => void this.load());
    });
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const approvals = this.approvalIds().slice(0, MOST_APPROVALS);
      const pages = await Promise.all(
        [
          { traceId: this.traceId() },
          { resource: `job:${this.jobId()}` },
          ...approvals.map((id) => ({ resource: `approval:${id}` })),
        ].map((about) => firstValueFrom(this.api.audit(about))),
      );
      const all = new Map(pages.flatMap(({ items }) => items).map((row) => [row.id, row]));
      this.rows.set([...all.values()].sort((a, b) => Number(b.id) - Number(a.id)));
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
