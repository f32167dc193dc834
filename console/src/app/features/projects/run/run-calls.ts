import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import type { ToolCall } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../../shared/i18n/sentences';
import { Cell, type Column } from '../../../shared/table/column';
import { DataTable } from '../../../shared/table/data-table';
import { JsonTree } from '../../../shared/ui/json-tree';
import { SidePanel } from '../../../shared/ui/side-panel';
import { StateMark, type Tone } from '../../../shared/ui/state-mark';
import { duration } from '../../../shared/ui/time';

const tones: Record<ToolCall['status'], Tone> = {
  started: 'running',
  succeeded: 'done',
  failed: 'failed',
  unknown: 'waiting',
};

/** The ledger of the run: every call of a tool, with what went in and what came back. */
@Component({
  selector: 'aos-run-calls',
  imports: [Cell, DataTable, JsonTree, SidePanel, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="split" *transloco="let t">
      <div class="list">
        <aos-data-table
          tableId="run-calls"
          [label]="t('projects.run.tab.calls')"
          [columns]="columns"
          [rows]="calls()"
          [rowId]="idOf"
          [openId]="openId()"
          (opened)="picked.emit($event.id)"
        >
          <aos-state
            *aosCell="let call of calls(); column: 'state'"
            [tone]="tones[call.status]"
            [word]="'run.call.' + call.status"
          />
          <code *aosCell="let call of calls(); column: 'tool'">{{ toolOf(call) }}</code>
          <p aosEmpty>{{ t('run.noCalls') }}</p>
        </aos-data-table>
      </div>
      @if (open(); as call) {
        <aos-side-panel [heading]="toolOf(call)" (closed)="picked.emit(null)">
          <div class="inside">
            @if (call.error) {
              <p class="fault">{{ sentences.of(call.said, call.error) }}</p>
            }
            @if (call.errorFingerprint) {
              <p class="meta">
                {{ t('projects.run.fingerprint') }} <code>{{ call.errorFingerprint }}</code>
              </p>
            }
            <h3>{{ t('run.args') }}</h3>
            <aos-json-tree [value]="call.args" [label]="t('run.args')" />
            @if (call.result !== undefined && call.result !== null) {
              <h3>{{ t('run.result') }}</h3>
              <aos-json-tree [value]="call.result" [label]="t('run.result')" />
            }
          </div>
        </aos-side-panel>
      }
    </div>
  `,
  styleUrl: './run-table.css',
})
export class RunCalls {
  readonly calls = input.required<readonly ToolCall[]>();
  readonly from = input.required<number>();
  readonly openId = input<string | null>(null);
  readonly picked = output<string | null>();

  protected readonly sentences = inject(Sentences);
  protected readonly tones = tones;
  protected readonly idOf = ({ id }: ToolCall) => id;
  protected readonly toolOf = ({ server, tool }: ToolCall) => `${server}.${tool}`;
  protected readonly open = computed(() => this.calls().find(({ id }) => id === this.openId()));
  protected readonly columns: Column<ToolCall>[] = [
    {
      id: 'state',
      header: 'projects.col.state',
      width: '104px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'tool',
      header: 'projects.run.col.tool',
      width: '2fr',
      text: (call) => this.toolOf(call),
      isFixed: true,
    },
    {
      id: 'step',
      header: 'projects.run.col.step',
      width: '1fr',
      text: ({ stepId }) => stepId ?? '',
      hideNarrow: true,
    },
    {
      id: 'attempt',
      header: 'projects.col.attempts',
      width: '72px',
      align: 'end',
      text: ({ attempt }) => String(attempt),
      hideNarrow: true,
    },
    {
      id: 'took',
      header: 'projects.col.took',
      width: '80px',
      align: 'end',
      text: ({ durationMs }) => (durationMs === null ? '' : duration(durationMs)),
    },
    {
      id: 'at',
      header: 'projects.run.col.at',
      width: '88px',
      align: 'end',
      text: ({ startedAt }) => `+${((Date.parse(startedAt) - this.from()) / 1000).toFixed(3)}`,
      hideNarrow: true,
    },
  ];
}
