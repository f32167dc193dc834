import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { TraceSummary } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark, type Tone } from '../../shared/ui/state-mark';
import { Age, duration } from '../../shared/ui/time';

const tones: Record<string, Tone> = {
  ok: 'done',
  succeeded: 'done',
  error: 'failed',
  failed: 'failed',
  running: 'running',
  waiting: 'waiting',
};

/** The traces, the newest first. Numbers and logs come to this room with a later version. */
@Component({
  selector: 'aos-traces-page',
  imports: [Age, Icon, ProblemNote, RouterLink, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="page" *transloco="let t">
      <header>
        <h1>{{ t('monitor.traces') }}</h1>
        <span class="grow"></span>
        <button class="btn" type="button" [disabled]="call().state === 'loading'" (click)="load()">
          <aos-icon name="retry" [size]="14" />{{ t('ui.reload') }}
        </button>
      </header>
      <p class="muted lead">{{ t('monitor.lead') }}</p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'done' && traces().length === 0) {
          <p class="empty muted">{{ t('monitor.none') }}</p>
        }
      }
      @if (traces().length) {
        <table>
          <thead>
            <tr>
              <th>{{ t('runs.state') }}</th>
              <th>{{ t('monitor.name') }}</th>
              <th class="number wide">{{ t('run.cost') }}</th>
              <th class="number">{{ t('runs.took') }}</th>
              <th class="number">{{ t('runs.age') }}</th>
            </tr>
          </thead>
          <tbody>
            @for (trace of traces(); track trace.traceId) {
              <tr>
                <td><aos-state [tone]="tone(trace)" [word]="'state.' + trace.status" /></td>
                <td class="cut">
                  <a [routerLink]="['/monitor', 'traces', trace.traceId]" [title]="trace.name">{{
                    trace.name
                  }}</a>
                </td>
                <td class="number num wide">
                  {{ trace.costCny === null ? '' : '¥' + trace.costCny.toFixed(2) }}
                </td>
                <td class="number num">
                  {{ trace.latencyMs === null ? '' : length(trace.latencyMs) }}
                </td>
                <td class="number muted"><aos-age [at]="trace.startedAt" /></td>
              </tr>
            }
          </tbody>
        </table>
        @if (next()) {
          <button class="btn small more" type="button" (click)="load(true)">
            {{ t('ui.more') }}
          </button>
        }
      }
    </div>
  `,
  styles: `
    header {
      display: flex;
      align-items: center;
    }
    .lead {
      margin: 2px 0 16px;
    }
    table {
      width: 100%;
      table-layout: fixed;
      border-collapse: collapse;
      border: 1px solid var(--line);
      background: var(--surface);
    }
    th {
      height: 32px;
      background: var(--sunken);
      color: var(--muted);
      font-size: 12px;
      font-weight: 550;
      text-align: left;
    }
    th,
    td {
      padding: 0 12px;
      border-bottom: 1px solid var(--line);
    }
    td {
      height: 36px;
    }
    tr:hover td {
      background: var(--hover);
    }
    th:first-child {
      width: 136px;
    }
    .number {
      width: 96px;
      text-align: right;
    }
    td a {
      color: var(--ink);
    }
    .more {
      margin-top: 12px;
    }
    .empty {
      padding: 48px 0;
      text-align: center;
    }
    @media (max-width: 719px) {
      .wide {
        display: none;
      }
      .number {
        width: 72px;
      }
      th:first-child {
        width: 100px;
      }
      th,
      td {
        padding: 0 8px;
      }
    }
  `,
})
export class TracesPage {
  private readonly api = inject(AosApi);
  protected readonly traces = signal<TraceSummary[]>([]);
  protected readonly next = signal<string | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly length = duration;

  constructor() {
    void this.load();
  }

  protected tone(trace: TraceSummary): Tone {
    return tones[trace.status] ?? 'idle';
  }

  protected async load(more = false): Promise<void> {
    this.call.set(loading);
    try {
      const page = await firstValueFrom(
        this.api.traces(more ? (this.next() ?? undefined) : undefined),
      );
      this.traces.update((known) => (more ? [...known, ...page.items] : page.items));
      this.next.set(page.nextCursor);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
