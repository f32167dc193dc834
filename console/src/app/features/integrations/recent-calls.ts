import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { RecentCall } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';

export const callTones: Record<RecentCall['status'], Tone> = {
  started: 'running',
  succeeded: 'done',
  failed: 'failed',
  unknown: 'waiting',
};

/** Rows of the ledger: who called what, when, how long it took and how it ended. */
@Component({
  selector: 'aos-recent-calls',
  imports: [Age, Cell, DataTable, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <aos-data-table
        tableId="calls"
        [label]="t('integrations.calls')"
        [columns]="shown()"
        [rows]="rows()"
        [rowId]="idOf"
        [call]="call()"
        [hasMore]="hasMore()"
        [openId]="openId()"
        [isMain]="isMain()"
        (more)="more.emit()"
        (opened)="opened.emit($event)"
        (retry)="retry.emit()"
      >
        <aos-state
          *aosCell="let row of rows(); column: 'state'"
          [tone]="tones[row.status]"
          [word]="'integrations.ended.' + row.status"
        />
        <code *aosCell="let row of rows(); column: 'tool'">{{ row.tool }}</code>
        <span *aosCell="let row of rows(); column: 'outcome'" [class.fault]="row.error">{{
          outcomeOf(row)
        }}</span>
        <aos-age *aosCell="let row of rows(); column: 'age'" class="meta" [at]="row.startedAt" />
        <p aosEmpty>{{ t('integrations.noCalls') }}</p>
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
    .fault {
      color: var(--failed);
    }
  `,
})
export class RecentCalls {
  readonly rows = input.required<readonly RecentCall[]>();
  readonly call = input.required<Call>();
  readonly hasMore = input(false);
  readonly openId = input<string | null>(null);
  /** On the page of a tool its name need not be said in every row. */
  readonly hasTool = input(true);
  readonly isMain = input(true);
  readonly more = output();
  readonly opened = output<RecentCall>();
  readonly retry = output();

  protected readonly tones = callTones;
  protected readonly idOf = ({ id }: RecentCall) => id;
  private readonly sentences = inject(Sentences);
  protected readonly outcomeOf = ({ error, said, args }: RecentCall) =>
    error === null ? JSON.stringify(args) : this.sentences.of(said, error);
  private readonly columns: readonly Column<RecentCall>[] = [
    {
      id: 'state',
      header: 'integrations.col.state',
      width: '110px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'tool',
      header: 'integrations.col.tool',
      width: '1fr',
      text: ({ tool }) => tool,
    },
    {
      id: 'outcome',
      header: 'integrations.col.outcome',
      width: '2fr',
      text: (row) => this.outcomeOf(row),
      hideNarrow: true,
    },
    {
      id: 'who',
      header: 'integrations.col.who',
      width: '120px',
      text: ({ actorName }) => actorName,
      hideNarrow: true,
    },
    {
      id: 'took',
      header: 'integrations.col.took',
      width: '72px',
      align: 'end',
      text: ({ durationMs }) => (durationMs === null ? '' : duration(durationMs)),
    },
    { id: 'age', header: 'integrations.col.age', width: '72px', align: 'end', hideNarrow: true },
  ];
  protected readonly shown = computed(() =>
    this.columns.filter(({ id }) => this.hasTool() || id !== 'tool'),
  );
}
