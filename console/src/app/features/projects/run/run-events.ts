import { ChangeDetectionStrategy, Component, computed, input, output, inject } from '@angular/core';
import type { AosEvent } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Cell, type Column } from '../../../shared/table/column';
import { DataTable } from '../../../shared/table/data-table';
import { JsonTree } from '../../../shared/ui/json-tree';
import { SidePanel } from '../../../shared/ui/side-panel';
import { StateMark, type Tone } from '../../../shared/ui/state-mark';
import { Sentences } from '../../../shared/i18n/sentences';

const tones: Record<AosEvent['severity'], Tone> = {
  info: 'idle',
  success: 'done',
  warning: 'waiting',
  error: 'failed',
};

/** Every event of the run as it was written, raw ones too, with the whole of its payload beside it. */
@Component({
  selector: 'aos-run-events',
  imports: [Cell, DataTable, JsonTree, SidePanel, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="split" *transloco="let t">
      <div class="list">
        <aos-data-table
          tableId="run-events"
          [label]="t('run.tab.events')"
          [columns]="columns"
          [rows]="events()"
          [rowId]="idOf"
          [openId]="openId()"
          (opened)="picked.emit($event.id)"
        >
          <aos-state
            *aosCell="let event of events(); column: 'severity'"
            [tone]="tones[event.severity]"
            [word]="'projects.run.severity.' + event.severity"
          />
          <code *aosCell="let event of events(); column: 'type'">{{ event.type }}</code>
          <p aosEmpty>{{ t('run.noEvents') }}</p>
        </aos-data-table>
      </div>
      @if (open(); as event) {
        <aos-side-panel [heading]="event.type" (closed)="picked.emit(null)">
          <div class="inside">
            <p>{{ sentences.ofEvent(event) }}</p>
            <aos-json-tree [value]="event" [label]="t('run.tab.events')" />
          </div>
        </aos-side-panel>
      }
    </div>
  `,
  styleUrl: './run-table.css',
})
export class RunEvents {
  protected readonly sentences = inject(Sentences);
  readonly events = input.required<readonly AosEvent[]>();
  readonly from = input.required<number>();
  readonly openId = input<string | null>(null);
  readonly picked = output<string | null>();

  protected readonly tones = tones;
  protected readonly idOf = ({ id }: AosEvent) => id;
  protected readonly open = computed(() => this.events().find(({ id }) => id === this.openId()));
  protected readonly columns: Column<AosEvent>[] = [
    {
      id: 'at',
      header: 'projects.run.col.at',
      width: '88px',
      narrowWidth: '64px',
      align: 'end',
      text: ({ createdAt }) => `+${((Date.parse(createdAt) - this.from()) / 1000).toFixed(3)}`,
      isFixed: true,
    },
    { id: 'severity', header: 'projects.run.col.severity', width: '104px', hideNarrow: true },
    {
      id: 'type',
      header: 'projects.run.col.type',
      width: '184px',
      text: ({ type }) => type,
      hideNarrow: true,
    },
    {
      id: 'summary',
      header: 'projects.run.col.summary',
      width: '1fr',
      text: (event) => this.sentences.ofEvent(event),
      isFixed: true,
    },
    {
      id: 'seq',
      header: 'projects.run.col.seq',
      width: '72px',
      align: 'end',
      text: ({ seq }) => String(seq),
      hideNarrow: true,
      isHidden: true,
    },
  ];
}
