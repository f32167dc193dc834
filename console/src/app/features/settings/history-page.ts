import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import { Router } from '@angular/router';
import type { ConfigVersion, SystemConfig, SystemConfigAnswer } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { RecordNames } from '../../shared/api/record-names';
import { Proposals } from '../../shared/proposals/proposals';
import { session } from '../../shared/state/session';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { EditConfig } from './edit-config';
import { SettingsApi } from './settings-api';

/** Every version of the settings: two of them side by side, and the way back to one. */
@Component({
  selector: 'aos-history-page',
  providers: [RecordNames],
  imports: [Age, Difference, EditConfig, ProblemNote, Proposals, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.history') }}</h1>
      </div>
      <p class="lead">{{ t('settings.history.lead') }}</p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !versions().length) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @defer (on immediate) {
        <aos-proposals kind="settings" (applied)="load()" />
      }
      @if (versions().length) {
        <div
          class="card scroll"
          tabindex="0"
          role="region"
          [attr.aria-label]="t('settings.part.history')"
        >
          <table class="stacks">
            <thead>
              <tr>
                <th>{{ t('settings.history.from') }}</th>
                <th>{{ t('settings.history.to') }}</th>
                <th>{{ t('settings.history.version') }}</th>
                <th>{{ t('settings.history.what') }}</th>
                <th>{{ t('settings.history.who') }}</th>
                <th>{{ t('settings.history.when') }}</th>
                <th>
                  <span class="sr-only">{{ t('settings.acts') }}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              @for (version of versions(); track version.version) {
                <tr>
                  <td class="side" [attr.data-word]="t('settings.history.from')">
                    <input
                      type="radio"
                      name="from"
                      [checked]="version.version === left()"
                      [attr.aria-label]="t('settings.history.fromN', { n: version.version })"
                      (change)="choose({ from: version.version })"
                    />
                  </td>
                  <td class="side" [attr.data-word]="t('settings.history.to')">
                    <input
                      type="radio"
                      name="to"
                      [checked]="version.version === right()"
                      [attr.aria-label]="t('settings.history.toN', { n: version.version })"
                      (change)="choose({ to: version.version })"
                    />
                  </td>
                  <td class="num side" [attr.data-word]="t('settings.history.version')">
                    {{ version.version }}
                  </td>
                  <td class="what">
                    @if (version.changes.length) {
                      <span class="paths">{{ pathsOf(version) }}</span>
                    } @else {
                      <span class="muted">{{ t('settings.history.first') }}</span>
                    }
                    @if (version.comment && version.changes.length) {
                      <span class="muted">{{ version.comment }}</span>
                    }
                  </td>
                  <td class="nowrap" [attr.data-word]="t('settings.history.who')">
                    {{ nameOf(version.updatedBy) }}
                  </td>
                  <td class="meta" [attr.data-word]="t('settings.history.when')">
                    <aos-age [at]="version.updatedAt" />
                  </td>
                  <td class="acts">
                    @if (version.version === newest()?.version) {
                      <span class="meta current">{{ t('settings.history.current') }}</span>
                    } @else if (mayWrite() && schema()) {
                      <button
                        class="btn small"
                        type="button"
                        [attr.aria-label]="t('settings.history.restoreN', { n: version.version })"
                        (click)="restoring.set(version.config)"
                      >
                        {{ t('settings.history.restore') }}
                      </button>
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
        @if (cursor()) {
          <button class="btn more" type="button" (click)="more()">{{ t('ui.more') }}</button>
        }
        @if (pair(); as pair) {
          <h2>
            {{ t('settings.history.compare', { from: pair[0].version, to: pair[1].version }) }}
          </h2>
          <aos-difference
            [before]="pair[0].config"
            [after]="pair[1].config"
            [beforeLabel]="t('settings.system.versionN', { n: pair[0].version })"
            [afterLabel]="t('settings.system.versionN', { n: pair[1].version })"
          />
        } @else if (versions().length === 1) {
          <p class="empty">{{ t('settings.history.one') }}</p>
        }
      }
      @if (restoring(); as config) {
        @defer (on immediate) {
          <aos-edit-config
            [base]="newest()!"
            [schema]="schema()!"
            [restore]="config"
            (saved)="onSaved()"
            (closed)="restoring.set(null)"
          />
        } @error {
          <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .what {
      min-width: 200px;
    }
    .what span {
      display: block;
      overflow-wrap: anywhere;
    }
    .paths {
      font-family: var(--mono);
      font-size: 12px;
    }
    .current {
      padding-right: 8px;
    }
    .more {
      margin-top: 8px;
    }
    @media (max-width: 719px) {
      .stacks tbody tr {
        grid-template-columns: auto auto minmax(0, 1fr) auto;
        column-gap: 14px;
      }
      .stacks td.side {
        grid-row: 1;
        grid-column: auto;
        align-items: center;
        min-height: 32px;
        color: var(--ink);
        font-size: 12px;
        font-weight: 400;
      }
      .stacks td.side::before {
        width: auto;
        color: var(--muted);
      }
      .stacks td.acts {
        grid-column: 4;
      }
      .stacks td.what {
        flex-direction: column;
        align-items: stretch;
        gap: 0;
        color: var(--ink);
      }
    }
  `,
})
export class HistoryPage {
  /** Of the address: which two are compared. */
  readonly from = input<string>();
  readonly to = input<string>();

  private readonly api = inject(SettingsApi);
  private readonly names = inject(RecordNames);
  private readonly router = inject(Router);
  private readonly store = inject(Store);
  protected readonly mayWrite = this.store.selectSignal(session.selectMay('config.write'));

  protected readonly call = signal<Call>(idle);
  protected readonly versions = signal<readonly ConfigVersion[]>([]);
  protected readonly cursor = signal<string | null>(null);
  protected readonly schema = signal<object | null>(null);
  protected readonly restoring = signal<SystemConfig | null>(null);

  protected readonly newest = computed((): SystemConfigAnswer | undefined => this.versions()[0]);
  protected readonly right = computed(() => Number(this.to() ?? this.newest()?.version ?? 0));
  protected readonly left = computed(() => Number(this.from() ?? this.right() - 1));
  protected readonly pair = computed((): [ConfigVersion, ConfigVersion] | null => {
    const find = (n: number) => this.versions().find(({ version }) => version === n);
    const [before, after] = [find(this.left()), find(this.right())];
    return before && after && before !== after ? [before, after] : null;
  });

  constructor() {
    void this.load();
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const [page, schema] = await Promise.all([
        firstValueFrom(this.api.history()),
        firstValueFrom(this.api.schema()),
      ]);
      this.versions.set(page.items);
      this.cursor.set(page.nextCursor);
      this.schema.set(schema);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
      return;
    }
  }

  protected async more(): Promise<void> {
    const cursor = this.cursor();
    if (cursor === null) return;
    try {
      const page = await firstValueFrom(this.api.history(cursor));
      this.versions.update((all) => [...all, ...page.items]);
      this.cursor.set(page.nextCursor);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected choose(which: { from: number } | { to: number }): void {
    const queryParams = { from: this.left(), to: this.right(), ...which };
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
  protected onSaved(): void {
    this.restoring.set(null);
    void this.router.navigate([], { queryParams: {} });
    void this.load();
  }
  protected pathsOf(version: ConfigVersion): string {
    return version.changes.map(({ path }) => path).join(', ');
  }
  protected nameOf(actor: string): string {
    return this.names.who(actor);
  }
}
