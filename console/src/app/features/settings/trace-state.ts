import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  computed,
  inject,
  input,
  linkedSignal,
} from '@angular/core';
import type { TraceExportState } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { Sentences } from '../../shared/i18n/sentences';
import { Preferences } from '../../shared/ui/preferences';
import { StateMark } from '../../shared/ui/state-mark';
import { Age } from '../../shared/ui/time';
import { SettingsApi } from './settings-api';

const LOOK_MS = 5_000;
const tones = {
  off: 'idle',
  waiting: 'idle',
  ok: 'done',
  failing: 'failed',
  unusable: 'failed',
} as const;

/** Whether traces reach the collector, as the process that answers sees it, for as long as somebody looks. */
@Component({
  selector: 'aos-trace-state',
  imports: [Age, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="state" role="status" *transloco="let t">
      <aos-state [tone]="tone()" [word]="'settings.traces.mark.' + state().state" />
      <div>
        <p>
          {{ t('settings.traces.' + state().state, { host: state().host }) }}
          @if (state().reason; as reason) {
            {{ sentences.of(reason, '') }}
          }
        </p>
        @if (state().host) {
          <p class="meta">
            {{ t('settings.traces.by.' + state().setBy) }} · {{ t('settings.traces.since') }}
            <aos-age [at]="state().since" />
            · {{ t('settings.traces.sent', { n: number(state().sent) }) }}
            @if (state().lost) {
              · {{ t('settings.traces.lost', { n: number(state().lost) }) }}
            }
            <br />{{ t('settings.traces.here') }}
            @if (state().lost) {
              {{ t('settings.traces.kept') }}
            }
          </p>
        }
      </div>
    </div>
  `,
  styles: `
    .state {
      display: flex;
      align-items: flex-start;
      gap: 12px;
      padding: 10px 16px 12px;
      border-top: 1px solid var(--line);
    }
    p {
      margin: 0;
      overflow-wrap: anywhere;
    }
  `,
})
export class TraceState {
  readonly initial = input.required<TraceExportState>();
  protected readonly state = linkedSignal(() => this.initial());
  protected readonly tone = computed(() => tones[this.state().state]);
  protected readonly sentences = inject(Sentences);
  private readonly api = inject(SettingsApi);
  private readonly preferences = inject(Preferences);

  constructor() {
    const timer = setInterval(() => void this.look(), LOOK_MS);
    inject(DestroyRef).onDestroy(() => clearInterval(timer));
  }

  protected number(value: number): string {
    return value.toLocaleString(this.preferences.language() === 'zh' ? 'zh-CN' : 'en-GB');
  }

  private async look(): Promise<void> {
    const answer = await firstValueFrom(this.api.installation()).catch(() => null);
    if (answer) this.state.set(answer.traces); // else what was known last stands, with its age
  }
}
