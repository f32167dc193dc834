import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { RecentCall } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';
import { JsonTree } from '../../shared/ui/json-tree';
import { Revealed } from '../../shared/ui/revealed';
import { StateMark } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';
import { CallResult, type ToolResult, toResult } from './call-result';
import { callTones } from './recent-calls';

/** One call of the ledger: what was asked, what came of it, and where to look further. */
@Component({
  selector: 'aos-call-detail',
  imports: [
    Age,
    CallResult,
    CopyButton,
    Icon,
    JsonTree,
    Revealed,
    RouterLink,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="facts">
        <aos-state [tone]="tones[row().status]" [word]="'integrations.ended.' + row().status" />
        @if (took(); as took) {
          <span class="num">{{ took }}</span>
        }
        <aos-age class="meta" [at]="row().startedAt" />
        <span class="meta">{{ row().actorName }}</span>
        @if (row().attempt > 1) {
          <span class="meta">{{ t('integrations.attempt', { n: row().attempt }) }}</span>
        }
      </div>
      <div class="facts">
        @if (row().jobId) {
          <a class="btn small" [routerLink]="['/projects', 'runs', row().traceId]">
            <aos-icon name="open" [size]="13" />{{ t('integrations.openRun') }}
          </a>
        }
        <a class="btn small" [routerLink]="['/monitor', 'traces', row().traceId]">
          <aos-icon name="monitor" [size]="13" />{{ t('integrations.openTrace') }}
        </a>
        <aos-copy [text]="row().id" [label]="t('integrations.copyCall')" />
      </div>
      @if (row().error; as error) {
        <section>
          <h3>{{ t('integrations.error') }}</h3>
          <p class="fault"><aos-revealed [text]="sentences.of(row().said, error)" /></p>
          @if (row().errorFingerprint; as fingerprint) {
            <p class="meta">
              {{ t('integrations.fingerprint') }} <code>{{ fingerprint }}</code>
            </p>
          }
        </section>
      }
      @if (row().status === 'unknown') {
        <p class="meta">{{ t('integrations.unknownHelp') }}</p>
      }
      <section>
        <h3>{{ t('integrations.args') }}</h3>
        <aos-json-tree [value]="row().args" [label]="t('integrations.args')" />
      </section>
      @if (row().isResultLeftOut) {
        <p class="meta">{{ t('integrations.leftOut') }}</p>
      } @else if (result(); as result) {
        <section>
          <h3>{{ t('integrations.result') }}</h3>
          <aos-call-result [result]="result" />
        </section>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 16px;
      padding: 14px 16px 24px;
    }
    .facts {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 6px 12px;
    }
    section {
      display: flex;
      flex-direction: column;
      gap: 6px;
      min-width: 0;
    }
    .fault {
      color: var(--failed);
      overflow-wrap: anywhere;
    }
  `,
})
export class CallDetail {
  readonly row = input.required<RecentCall>();
  protected readonly sentences = inject(Sentences);
  protected readonly tones = callTones;
  protected readonly took = computed(() => {
    const ms = this.row().durationMs;
    return ms === null ? '' : duration(ms);
  });
  /** Where the error is told by its code, the answer holds nothing but the same in English. */
  protected readonly result = computed((): ToolResult | null =>
    this.row().said ? null : toResult(this.row().result),
  );
}
