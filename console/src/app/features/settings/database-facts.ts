import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import type { Installation } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Preferences } from '../../shared/ui/preferences';
import { fileSize } from '../../shared/ui/time';

/** What the database says of itself, beside the settings for it. */
@Component({
  selector: 'aos-database-facts',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <dl>
        <dt>{{ t('settings.installation.database') }}</dt>
        <dd>
          {{ t('settings.installation.kind.' + facts().kind) }} {{ facts().version }} ·
          {{ size(facts().bytes) }}
        </dd>
        <dt>{{ t('settings.database.connections') }}</dt>
        <dd>
          {{
            facts().connections
              ? t('settings.database.used', facts().connections!)
              : t('settings.database.one')
          }}
        </dd>
      </dl>
      <table>
        <caption class="sr-only">
          {{
            t('settings.database.history')
          }}
        </caption>
        <thead>
          <tr>
            <th scope="col">{{ t('settings.database.part') }}</th>
            <th scope="col">{{ t('settings.database.from') }}</th>
            <th scope="col" class="num">{{ t('settings.database.weeks') }}</th>
            <th scope="col" class="num">{{ t('settings.database.bytes') }}</th>
          </tr>
        </thead>
        <tbody>
          @for (row of facts().history; track row.part) {
            <tr>
              <th scope="row">
                {{ t('settings.field.database.keptDays.' + row.part + '.title') }}
              </th>
              <td [class.muted]="!row.from">
                {{ row.from ? day(row.from) : t('settings.database.none') }}
              </td>
              <td class="num">{{ row.weeks }}</td>
              <td class="num">{{ size(row.bytes) }}</td>
            </tr>
          }
        </tbody>
      </table>
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
      padding: 12px 16px;
      border-top: 1px solid var(--line);
    }
    dl {
      display: grid;
      grid-template-columns: minmax(160px, 260px) 1fr;
      gap: 8px 16px;
      margin: 0 0 12px;
    }
    dt,
    thead th {
      color: var(--muted);
    }
    dd {
      margin: 0;
      font-variant-numeric: tabular-nums;
    }
    table {
      width: 100%;
      border-collapse: collapse;
      font-size: 13px;
    }
    th,
    td {
      height: 30px;
      padding: 0 8px 0 0;
      text-align: left;
      font-weight: 400;
      font-variant-numeric: tabular-nums;
    }
    tbody tr {
      border-top: 1px solid var(--line);
    }
    .num {
      text-align: right;
    }
    .num:last-child {
      padding-right: 0;
    }
    @media (max-width: 719px) {
      dl {
        grid-template-columns: 1fr 1fr;
      }
    }
  `,
})
export class DatabaseFacts {
  readonly facts = input.required<Installation['database']>();
  protected readonly size = fileSize;
  private readonly preferences = inject(Preferences);

  /** Weeks begin at midnight UTC. */
  protected day(at: string): string {
    const language = this.preferences.language() === 'zh' ? 'zh-CN' : 'en-GB';
    return new Date(at).toLocaleDateString(language, { dateStyle: 'medium', timeZone: 'UTC' });
  }
}
