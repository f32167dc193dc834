import { ChangeDetectionStrategy, Component, computed, inject, input, output } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { AuditRow } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Difference } from '../../shared/ui/difference';
import { Preferences } from '../../shared/ui/preferences';
import { SidePanel } from '../../shared/ui/side-panel';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { exactTime } from '../../shared/ui/time';
import { Verbatim } from '../../shared/ui/verbatim';
import { isWords, withLeaves } from './config-changes';

interface Change {
  before: unknown;
  after: unknown;
}

/** `{before, after}` as most rows have it; settings keep their changes by path. Null where nothing was changed. */
export function changeOf(diff: unknown): Change | null {
  if (!isWords(diff)) return null;
  if ('before' in diff || 'after' in diff)
    return { before: diff['before'] ?? null, after: diff['after'] ?? null };
  const changes = diff['changes'];
  if (!Array.isArray(changes) || !changes.every(isWords)) return null;
  const side = (name: 'before' | 'after') =>
    withLeaves(
      {},
      changes.map((change) => ({
        path: String(change['path']).split('.'),
        value: change[name] ?? null,
      })),
    );
  return { before: side('before'), after: side('after') };
}

/** One row of the record, whole. Whatever it holds is text here. */
@Component({
  selector: 'aos-audit-detail',
  imports: [Difference, RouterLink, SidePanel, StateMark, TranslocoDirective, Verbatim],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-side-panel *transloco="let t" [heading]="row().action" (closed)="closed.emit()">
      <div class="detail">
        <dl>
          <dt>{{ t('settings.audit.result') }}</dt>
          <dd>
            <aos-state
              [tone]="tones[row().outcome]"
              [word]="'settings.audit.outcome.' + row().outcome"
            />
          </dd>
          <dt>{{ t('settings.audit.actor') }}</dt>
          <dd>
            {{ actor() }}
            @if (actor() !== row().actor) {
              <code class="meta">{{ row().actor }}</code>
            }
          </dd>
          <dt>{{ t('settings.audit.resource') }}</dt>
          <dd>
            {{ resource() }}
            @if (resource() !== row().resource) {
              <code class="meta">{{ row().resource }}</code>
            }
          </dd>
          <dt>{{ t('settings.audit.when') }}</dt>
          <dd class="num">{{ exact() }}</dd>
          @if (row().ip; as ip) {
            <dt>{{ t('settings.audit.ip') }}</dt>
            <dd class="num">{{ ip }}</dd>
          }
          <dt>{{ t('settings.audit.number') }}</dt>
          <dd class="num">{{ row().id }}</dd>
          <dt>{{ t('settings.audit.seal') }}</dt>
          <dd>
            @if (row().seq; as seq) {
              <span class="num">{{ seq }}</span> · <code class="meta">{{ row().hash }}</code>
            } @else {
              <span class="meta">{{ t('settings.audit.unsealed') }}</span>
            }
          </dd>
          @if (row().traceId; as trace) {
            <dt>{{ t('settings.audit.trace') }}</dt>
            <dd>
              <a [routerLink]="['/monitor/traces', trace]"
                ><code>{{ trace }}</code></a
              >
            </dd>
          }
        </dl>
        @if (change(); as change) {
          <h3>{{ t('settings.audit.change') }}</h3>
          <aos-difference [before]="change.before" [after]="change.after" />
        } @else if (row().diff !== null) {
          <h3>{{ t('settings.audit.facts') }}</h3>
          <aos-verbatim [value]="row().diff" [label]="t('settings.audit.facts')" />
        }
      </div>
    </aos-side-panel>
  `,
  styles: `
    :host {
      display: contents;
    }
    .detail {
      padding: 16px;
    }
    dl {
      display: grid;
      grid-template-columns: 92px 1fr;
      gap: 8px 12px;
      margin: 0 0 16px;
    }
    dt {
      color: var(--muted);
    }
    dd {
      min-width: 0;
      margin: 0;
      overflow-wrap: anywhere;
    }
    h3 {
      margin-bottom: 6px;
    }
  `,
})
export class AuditDetail {
  readonly row = input.required<AuditRow>();
  readonly actor = input.required<string>();
  readonly resource = input.required<string>();
  readonly closed = output();
  private readonly preferences = inject(Preferences);
  protected readonly tones: Record<AuditRow['outcome'], Tone> = {
    allowed: 'done',
    denied: 'failed',
    failed: 'waiting',
  };
  protected readonly change = computed(() => changeOf(this.row().diff));
  protected readonly exact = computed(() =>
    exactTime(Date.parse(this.row().createdAt), this.preferences.language()),
  );
}
