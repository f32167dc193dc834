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
import type { AuditQuery, AuditRow } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { RecordNames } from '../../shared/api/record-names';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Cell, type Column } from '../../shared/table/column';
import { DataTable } from '../../shared/table/data-table';
import { serverNow } from '../../shared/ui/clock';
import { Beside } from '../../shared/ui/beside';
import { FilterBar } from '../../shared/ui/filter-bar';
import { type Filter, momentIn } from '../../shared/ui/filters';
import { Icon } from '../../shared/ui/icon';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { Age } from '../../shared/ui/time';
import { AuditCheck } from './audit-check';
import { AuditDetail } from './audit-detail';
import { SettingsApi } from './settings-api';

const HOUR_MS = 3_600_000;
const ranges: Record<string, number> = {
  '1h': HOUR_MS,
  '24h': 24 * HOUR_MS,
  '7d': 168 * HOUR_MS,
  '30d': 720 * HOUR_MS,
};
const outcomes = ['allowed', 'denied', 'failed'] as const;

/** Who did what. The record itself cannot be changed, not even by AOS. */
@Component({
  selector: 'aos-audit-page',
  providers: [RecordNames],
  imports: [
    Age,
    AuditCheck,
    AuditDetail,
    Cell,
    DataTable,
    FilterBar,
    Icon,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="room" *transloco="let t">
      <div class="list">
        <header>
          <h1>{{ t('settings.part.audit') }}</h1>
          <span class="grow"></span>
          <button
            class="btn reload"
            type="button"
            [disabled]="call().state === 'loading'"
            (click)="load()"
          >
            <aos-icon name="retry" [size]="14" /><span>{{ t('ui.reload') }}</span>
          </button>
          <button
            class="btn"
            type="button"
            [disabled]="verdict.call().state === 'loading'"
            (click)="verdict.check()"
          >
            <aos-icon name="check" [size]="14" />{{ t('settings.audit.check') }}
          </button>
          <a class="btn" [href]="exportUrl()" download="aos-audit.ndjson">
            <aos-icon name="download" [size]="14" />{{ t('settings.audit.export') }}
          </a>
        </header>
        <aos-audit-check #verdict />
        <aos-filter-bar
          [filters]="filters()"
          [resets]="['row']"
          [label]="t('settings.audit.filters')"
        />
        <aos-data-table
          tableId="audit"
          [label]="t('settings.part.audit')"
          [columns]="columns"
          [rows]="rows()"
          [rowId]="idOf"
          [call]="call()"
          [hasMore]="cursor() !== null"
          [openId]="row() ?? null"
          (more)="more()"
          (opened)="open($event.id)"
          (retry)="load()"
        >
          <aos-state
            *aosCell="let each of rows(); column: 'outcome'"
            [tone]="tones[each.outcome]"
            [word]="'settings.audit.outcome.' + each.outcome"
          />
          <ng-container *aosCell="let each of rows(); column: 'action'">
            <code>{{ each.action }}</code>
            <span class="by meta cut">{{ actorOf(each) }} · {{ resourceOf(each) }}</span>
          </ng-container>
          <aos-age
            *aosCell="let each of rows(); column: 'age'"
            class="meta"
            [at]="each.createdAt"
          />
          <p aosEmpty>
            {{ t(isFiltered() ? 'settings.audit.noneOfThese' : 'settings.audit.none') }}
          </p>
        </aos-data-table>
      </div>
      @if (opened(); as it) {
        @defer (on immediate) {
          <aos-audit-detail
            [row]="it"
            [actor]="actorOf(it)"
            [resource]="resourceOf(it)"
            (closed)="open(null)"
          />
        } @error {
          <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      }
    </div>
  `,
  styles: `
    .room {
      display: flex;
      height: 100%;
    }
    .list {
      display: flex;
      flex: 1 1 auto;
      flex-direction: column;
      gap: 12px;
      min-width: 0;
      padding: 16px 24px;
    }
    header {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px;
    }
    aos-data-table {
      flex: 1;
      min-height: 0;
    }
    /* On a phone there is no column for it, and who it was is what the record is for. */
    .by {
      display: none;
    }
    @media (max-width: 719px) {
      .by {
        display: block;
      }
      .list {
        padding: 16px 16px 12px;
      }
      .reload {
        position: relative;
        width: 30px;
        padding: 0;
      }
      /* Out of sight, and still the name of the button. */
      .reload span {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
    }
  `,
})
export class AuditPage {
  /** Of the address. */
  readonly actor = input<string>();
  readonly action = input<string>();
  readonly resource = input<string>();
  readonly outcome = input<string>();
  readonly range = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  readonly traceId = input<string>();
  readonly row = input<string>();

  private readonly api = inject(SettingsApi);
  private readonly beside = inject(Beside);
  private readonly transloco = inject(TranslocoService);
  private readonly names = inject(RecordNames);
  private readonly people = this.names.people;

  protected readonly call = signal<Call>(idle);
  protected readonly rows = signal<readonly AuditRow[]>([]);
  protected readonly cursor = signal<string | null>(null);
  protected readonly tones: Record<AuditRow['outcome'], Tone> = {
    allowed: 'done',
    denied: 'failed',
    failed: 'waiting',
  };
  protected readonly idOf = ({ id }: AuditRow) => id;
  protected readonly columns: readonly Column<AuditRow>[] = [
    {
      id: 'outcome',
      header: 'settings.audit.result',
      width: '100px',
      narrowWidth: '16px',
      isFixed: true,
    },
    {
      id: 'action',
      header: 'settings.audit.action',
      width: 'minmax(140px, 1fr)',
      isFixed: true,
      text: ({ action }) => action,
    },
    {
      id: 'resource',
      header: 'settings.audit.resource',
      width: '1.6fr',
      text: (each) => this.resourceOf(each),
      hideNarrow: true,
    },
    {
      id: 'actor',
      header: 'settings.audit.actor',
      width: '1fr',
      text: (each) => this.actorOf(each),
      hideNarrow: true,
    },
    {
      id: 'ip',
      header: 'settings.audit.ip',
      width: '120px',
      text: ({ ip }) => ip ?? '',
      isHidden: true,
    },
    { id: 'age', header: 'settings.audit.when', width: '104px', align: 'end' },
  ];
  protected readonly opened = computed(() => this.rows().find(({ id }) => id === this.row()));

  protected readonly filters = computed((): Filter[] => {
    this.transloco.activeLang();
    const t = (key: string) => this.transloco.translate<string>(`settings.audit.${key}`);
    return [
      {
        kind: 'choice',
        key: 'outcome',
        label: t('result'),
        options: outcomes.map((value) => ({ value, label: t(`outcome.${value}`) })),
      },
      this.people().length
        ? {
            kind: 'choice',
            key: 'actor',
            label: t('actor'),
            options: [
              { value: 'system', label: 'AOS' },
              ...this.people().map(({ id }) => ({
                value: `user:${id}`,
                label: this.names.who(`user:${id}`),
              })),
            ],
          }
        : { kind: 'text', key: 'actor', label: t('actor') },
      { kind: 'text', key: 'action', label: t('action'), placeholder: 'config.save' },
      { kind: 'text', key: 'resource', label: t('resource'), placeholder: 'config:system' },
      { kind: 'text', key: 'traceId', label: t('trace') },
      {
        kind: 'choice',
        key: 'range',
        label: t('when'),
        unsets: ['from', 'to'],
        options: Object.keys(ranges).map((value) => ({ value, label: t(`range.${value}`) })),
      },
      {
        kind: 'span',
        key: 'from',
        toKey: 'to',
        label: this.transloco.translate<string>('filters.dates'),
        unsets: ['range'],
      },
    ];
  });
  private readonly query = computed((): Partial<AuditQuery> => {
    const outcome = outcomes.find((each) => each === this.outcome());
    return {
      ...(this.actor() && { actor: this.actor() }),
      ...(this.action() && { action: this.action() }),
      ...(this.resource() && { resource: this.resource() }),
      ...(this.traceId() && { traceId: this.traceId() }),
      ...(outcome && { outcome }),
    };
  });
  protected readonly isFiltered = computed(() => Object.keys(this.wanted()).length > 0);
  protected readonly exportUrl = computed(() => {
    const query = new URLSearchParams(
      Object.entries(this.wanted()).map(([key, value]) => [key, String(value)]),
    );
    return `/audit/export${query.size ? `?${query.toString()}` : ''}`;
  });
  /** The range is fixed when the list is loaded: pages of one list end at one moment. */
  private readonly wanted = computed((): Partial<AuditQuery> => {
    const length = ranges[this.range() ?? ''];
    if (length) return { ...this.query(), since: new Date(serverNow() - length).toISOString() };
    const [since, until] = [momentIn(this.from()), momentIn(this.to())];
    return { ...this.query(), ...(since && { since }), ...(until && { until }) };
  });
  private asked = 0;

  constructor() {
    effect(() => {
      this.wanted();
      untracked(() => void this.load());
    });
  }

  protected load(): Promise<void> {
    this.rows.set([]);
    return this.read();
  }
  protected more(): Promise<void> {
    return this.read(this.cursor() ?? undefined);
  }
  private async read(cursor?: string): Promise<void> {
    const asked = (this.asked += 1);
    this.call.set(loading);
    try {
      const page = await firstValueFrom(
        this.api.audit({ ...this.wanted(), ...(cursor && { cursor }) }),
      );
      if (asked !== this.asked) return;
      this.rows.update((rows) => [...rows, ...page.items]);
      this.cursor.set(page.nextCursor);
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked) this.call.set(failed(error));
    }
  }

  protected actorOf({ actor }: AuditRow): string {
    return this.names.who(actor);
  }
  protected resourceOf(row: AuditRow): string {
    return this.names.what(row);
  }
  protected open(row: string | null): void {
    this.beside.show('row', row);
  }
}
