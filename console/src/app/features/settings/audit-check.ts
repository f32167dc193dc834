import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import type { AuditFault, AuditVerification } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark } from '../../shared/ui/state-mark';
import { Age } from '../../shared/ui/time';
import { SettingsApi } from './settings-api';

const MOST_SHOWN = 20;

/** Whether the record is as it was written: asked of the server, request by request where it is long. */
@Component({
  selector: 'aos-audit-check',
  imports: [Age, Icon, ProblemNote, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem
            [problem]="call.problem"
            [isOwn]="true"
            [canRetry]="true"
            (retry)="check()"
          />
        }
      }
      @if (call().state !== 'idle' && call().state !== 'failed') {
        <section role="status" data-testid="audit-check">
          @if (call().state === 'loading') {
            <p class="muted wait">
              <aos-icon name="running" />{{ t('settings.audit.checking', { n: entries() }) }}
            </p>
          } @else {
            <aos-state
              [tone]="count() === 0 ? 'done' : 'failed'"
              [word]="count() === 0 ? 'settings.audit.whole' : 'settings.audit.broken'"
            />
            <p>
              {{ t('settings.audit.checked', { n: entries() }) }}
              @if (latest(); as latest) {
                {{ t('settings.audit.signed', { n: latest.seq }) }}
                <aos-age class="meta" [at]="latest.at" />
              }
            </p>
            @if (faults().length) {
              <ul>
                @for (fault of faults(); track $index) {
                  <li>{{ sentences.of(fault.said, fault.says) }}</li>
                }
              </ul>
              @if (count() > faults().length) {
                <p class="meta">
                  {{ t('settings.audit.moreFaults', { n: count() - faults().length }) }}
                </p>
              }
            }
          }
        </section>
      }
    </ng-container>
  `,
  styles: `
    section {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 12px;
      padding: 10px 14px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
    }
    p {
      margin: 0;
    }
    .wait {
      display: inline-flex;
      align-items: center;
      gap: 6px;
    }
    ul {
      flex-basis: 100%;
      max-height: 30vh;
      margin: 4px 0 0;
      padding-left: 18px;
      overflow: auto;
    }
  `,
})
export class AuditCheck {
  protected readonly sentences = inject(Sentences);
  private readonly api = inject(SettingsApi);
  readonly call = signal<Call>(idle);
  protected readonly entries = signal(0);
  protected readonly faults = signal<readonly AuditFault[]>([]);
  protected readonly count = signal(0);
  protected readonly latest = signal<AuditVerification['checkpoints']['latest']>(null);

  async check(): Promise<void> {
    if (this.call().state === 'loading') return;
    this.call.set(loading);
    this.entries.set(0);
    this.faults.set([]);
    this.count.set(0);
    try {
      for (let from: number | null = 1; from !== null;) {
        const found: AuditVerification = await firstValueFrom(this.api.verifyAudit(from));
        this.entries.update((before) => before + found.entries);
        this.faults.update((before) => [...before, ...found.faults].slice(0, MOST_SHOWN));
        this.count.update((before) => before + found.faultCount);
        this.latest.set(found.checkpoints.latest);
        from = found.next;
      }
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
