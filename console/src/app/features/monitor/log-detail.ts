import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { MonitorLogLine } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { CopyButton } from '../../shared/ui/copy-button';
import { JsonTree } from '../../shared/ui/json-tree';
import { Preferences } from '../../shared/ui/preferences';
import { SidePanel } from '../../shared/ui/side-panel';
import { exactTime } from '../../shared/ui/time';
import { Verbatim } from '../../shared/ui/verbatim';

/** One line of the log, whole, and where it leads. */
@Component({
  selector: 'aos-log-detail',
  imports: [CopyButton, JsonTree, RouterLink, SidePanel, TranslocoDirective, Verbatim],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-side-panel [heading]="line().logger" (closed)="closed.emit()" *transloco="let t">
      <div class="body">
        <aos-verbatim [value]="sentences.ofLine(line())" [label]="t('monitor.logs.message')" />
        <div class="actions">
          @if (line().traceId; as traceId) {
            <a class="btn small" [routerLink]="['/monitor/traces', traceId]">{{
              t('monitor.trace.title')
            }}</a>
            @if (line().jobId) {
              <a class="btn small" [routerLink]="['/projects', 'runs', traceId]">{{
                t('monitor.trace.openRun')
              }}</a>
            }
          }
          <button class="btn small" type="button" (click)="around.emit()">
            {{ t('monitor.logs.around') }}
          </button>
          <button class="btn small" type="button" (click)="onlyLogger.emit()">
            {{ t('monitor.logs.onlyThese') }}
          </button>
          <aos-copy [text]="whole()" [label]="t('monitor.logs.copy')" />
        </div>
        <dl>
          <dt>{{ t('monitor.logs.exact') }}</dt>
          <dd class="num" [title]="line().at">{{ exact() }}</dd>
          <dt>{{ t('monitor.logs.level') }}</dt>
          <dd>{{ t('monitor.level.' + line().level) }}</dd>
          @if (line().traceId; as traceId) {
            <dt>{{ t('monitor.logs.trace') }}</dt>
            <dd class="copy"><aos-copy [text]="traceId" [label]="traceId" /></dd>
          }
          @if (line().jobId; as jobId) {
            <dt>{{ t('monitor.logs.job') }}</dt>
            <dd class="num">{{ jobId }}</dd>
          }
          @if (line().agentId; as agentId) {
            <dt>{{ t('monitor.logs.agent') }}</dt>
            <dd>
              <a [routerLink]="['/agents', agentId]">{{ agentName() ?? agentId }}</a>
            </dd>
          }
        </dl>
        @if (hasAttributes()) {
          <h3>{{ t('monitor.logs.attributes') }}</h3>
          <aos-json-tree [value]="line().attributes" [label]="t('monitor.logs.attributes')" />
        }
      </div>
    </aos-side-panel>
  `,
  styles: `
    :host {
      display: contents;
    }
    .body {
      display: flex;
      flex-direction: column;
      gap: 12px;
      padding: 14px 16px 24px;
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 6px;
    }
    dl {
      display: grid;
      grid-template-columns: max-content minmax(0, 1fr);
      gap: 4px 16px;
      align-items: center;
      margin: 0;
    }
    dt {
      color: var(--muted);
    }
    dd {
      min-width: 0;
      margin: 0;
      overflow: hidden;
    }
    .copy aos-copy {
      margin-left: -8px;
    }
  `,
})
export class LogDetail {
  readonly line = input.required<MonitorLogLine>();
  readonly agentName = input<string | null>(null);
  readonly closed = output();
  readonly around = output();
  readonly onlyLogger = output();
  protected readonly sentences = inject(Sentences);
  private readonly language = inject(Preferences).language;
  protected readonly exact = computed(() => exactTime(Date.parse(this.line().at), this.language()));
  protected readonly hasAttributes = computed(() => Object.keys(this.line().attributes).length > 0);
  protected readonly whole = computed(() => {
    const { cursor: _, ...line } = this.line();
    return JSON.stringify(line);
  });
}
