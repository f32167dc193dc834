import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { Router } from '@angular/router';
import type { McpServerInfo, McpTool, ToolActivity } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { Age, duration } from '../../shared/ui/time';
import { errorShare } from './server-state';

interface ToolRow {
  tool: McpTool;
  activity: ToolActivity | undefined;
}

/** The tools of one server, with how each did of late. */
@Component({
  selector: 'aos-server-tools',
  imports: [Age, Cell, DataTable, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <aos-data-table
        tableId="server-tools"
        [label]="t('integrations.tools')"
        [columns]="columns"
        [rows]="rows()"
        [rowId]="idOf"
        [call]="call()"
        [link]="linkTo"
        (opened)="open($event)"
      >
        <code *aosCell="let row of rows(); column: 'tool'">{{ row.tool.name }}</code>
        <span
          *aosCell="let row of rows(); column: 'errors'"
          class="num"
          [class.bad]="row.activity?.failed"
          >{{ share(row) }}</span
        >
        <ng-container *aosCell="let row of rows(); column: 'age'">
          @if (row.activity?.lastCallAt; as at) {
            <aos-age class="meta" [at]="at" />
          }
        </ng-container>
        <p aosEmpty>
          {{ server().enabled ? t('integrations.noTools') : t('integrations.toolsOff') }}
        </p>
      </aos-data-table>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      min-height: 0;
    }
    aos-data-table {
      flex: 1 1 auto;
      min-height: 0;
    }
    .bad {
      color: var(--failed);
    }
  `,
})
export class ServerTools {
  readonly server = input.required<McpServerInfo>();
  readonly tools = input.required<readonly McpTool[]>();
  readonly activity = input.required<ReadonlyMap<string, ToolActivity>>();
  readonly call = input.required<Call>();

  private readonly router = inject(Router);
  private readonly sentences = inject(Sentences);
  protected readonly rows = computed((): ToolRow[] =>
    this.tools().map((tool) => ({ tool, activity: this.activity().get(tool.name) })),
  );
  protected readonly share = ({ activity }: ToolRow) => errorShare(activity);
  protected readonly idOf = ({ tool }: ToolRow) => tool.name;
  protected readonly linkTo = ({ tool }: ToolRow) =>
    this.router.createUrlTree(['/integrations', tool.server, tool.name]);
  protected readonly columns: readonly Column<ToolRow>[] = [
    {
      id: 'tool',
      header: 'integrations.col.tool',
      width: '1fr',
      isFixed: true,
      isLink: true,
      text: ({ tool }) => tool.name,
    },
    {
      id: 'description',
      header: 'integrations.col.description',
      width: '2.2fr',
      text: ({ tool }) => this.sentences.ofTool(tool.description || (tool.title ?? '')),
      hideNarrow: true,
    },
    {
      id: 'calls',
      header: 'integrations.col.calls',
      width: '84px',
      align: 'end',
      text: ({ activity }) => (activity ? String(activity.calls) : ''),
      hideNarrow: true,
    },
    {
      id: 'p95',
      header: 'integrations.col.p95',
      width: '76px',
      align: 'end',
      text: ({ activity }) => (activity?.p95Ms == null ? '' : duration(activity.p95Ms)),
      hideNarrow: true,
    },
    {
      id: 'errors',
      header: 'integrations.col.errors',
      width: '72px',
      align: 'end',
      text: (row) => this.share(row),
    },
    {
      id: 'age',
      header: 'integrations.col.lastCall',
      width: '76px',
      align: 'end',
      hideNarrow: true,
    },
  ];

  protected open(row: ToolRow): void {
    void this.router.navigateByUrl(this.linkTo(row));
  }
}
