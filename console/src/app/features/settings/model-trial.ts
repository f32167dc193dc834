import { ChangeDetectionStrategy, Component, effect, inject, input, signal } from '@angular/core';
import type { ModelTrial as Trial } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { ProblemNote } from '../../shared/ui/problem-note';
import { duration } from '../../shared/ui/time';
import { SettingsApi } from './settings-api';

/** Asks a model of the saved settings something small, and tells what came of it. */
@Component({
  selector: 'aos-model-trial',
  imports: [ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="trial" *transloco="let t">
      <button
        class="btn small"
        type="button"
        [disabled]="call().state === 'loading'"
        [attr.aria-label]="t('settings.trial.tryOf', { section: label() })"
        (click)="ask()"
      >
        {{ t('settings.trial.try') }}
      </button>
      <div role="status">
        @if (call().state === 'loading') {
          <p class="meta">{{ t('settings.trial.asking') }}</p>
        } @else if (found(); as it) {
          @if (it.ok) {
            <p class="ok">
              {{
                t(it.inputTokens === null ? 'settings.trial.ok' : 'settings.trial.okTokens', {
                  model: it.model,
                  duration: lengthOf(it.durationMs),
                  input: it.inputTokens,
                  output: it.outputTokens,
                })
              }}
            </p>
          } @else {
            <p class="fault">{{ t('settings.trial.failed', { model: it.model }) }}</p>
            <p class="words" lang="en">{{ it.fault }}</p>
          }
        }
      </div>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" />
        }
      }
    </div>
  `,
  styles: `
    .trial {
      padding: 8px 16px 12px;
      border-top: 1px solid var(--line);
    }
    p {
      margin: 8px 0 0;
      overflow-wrap: anywhere;
    }
    .ok {
      color: var(--done);
    }
  `,
})
export class ModelTrial {
  readonly section = input.required<'llm' | 'embeddings'>();
  readonly label = input.required<string>();
  /** Of the settings: what came of an older one says nothing of them. */
  readonly version = input.required<number>();

  private readonly api = inject(SettingsApi);
  protected readonly call = signal<Call>(idle);
  protected readonly found = signal<Trial | null>(null);
  protected readonly lengthOf = duration;

  constructor() {
    effect(() => {
      this.version();
      this.call.set(idle);
      this.found.set(null);
    });
  }

  protected async ask(): Promise<void> {
    const version = this.version();
    this.call.set(loading);
    try {
      const found = await firstValueFrom(this.api.tryModel(this.section()));
      if (version !== this.version()) return;
      this.found.set(found);
      this.call.set(done);
    } catch (error) {
      if (version === this.version()) this.call.set(failed(error));
    }
  }
}
