import { ChangeDetectionStrategy, Component, inject, input, signal } from '@angular/core';
import type { ProviderCheck, SignInProvider } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { CopyButton } from '../../shared/ui/copy-button';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SettingsApi } from './settings-api';

/** Asks each sign-in provider of the settings whether it answers as one, and tells what it has to be told of AOS. */
@Component({
  selector: 'aos-provider-checks',
  imports: [CopyButton, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ul *transloco="let t">
      @for (provider of providers(); track provider.name) {
        <li>
          <div class="row">
            <strong class="grow">{{ provider.label }}</strong>
            <button
              class="btn small"
              type="button"
              [disabled]="callOf(provider).state === 'loading'"
              [attr.aria-label]="t('settings.provider.tryOf', { provider: provider.label })"
              (click)="check(provider)"
            >
              {{ t('settings.provider.try') }}
            </button>
          </div>
          @if (callOf(provider); as call) {
            @if (call.state === 'failed') {
              <aos-problem [problem]="call.problem" />
            }
          }
          @if (found()[provider.name]; as it) {
            <div role="status">
              @for (fault of it.faults; track $index) {
                <p class="fault">{{ sentences.of(fault.said, fault.says) }}</p>
              } @empty {
                <p class="ok">{{ t('settings.provider.ok') }}</p>
              }
              <p class="meta">
                {{ t('settings.provider.redirect') }} <code>{{ it.redirectUri }}</code>
                <aos-copy [text]="it.redirectUri" [label]="t('settings.copy')" />
              </p>
            </div>
          }
        </li>
      }
    </ul>
  `,
  styles: `
    ul {
      margin: 0;
      padding: 0 16px 8px;
      list-style: none;
    }
    li {
      padding: 8px 0;
      border-top: 1px solid var(--line);
    }
    .row {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    .ok {
      color: var(--done);
    }
    .meta,
    .fault {
      overflow-wrap: anywhere;
    }
  `,
})
export class ProviderChecks {
  readonly providers = input.required<readonly SignInProvider[]>();
  protected readonly sentences = inject(Sentences);
  private readonly api = inject(SettingsApi);
  private readonly calls = signal<Record<string, Call>>({});
  protected readonly found = signal<Record<string, ProviderCheck | undefined>>({});

  protected callOf({ name }: SignInProvider): Call {
    return this.calls()[name] ?? idle;
  }
  protected async check(provider: SignInProvider): Promise<void> {
    const set = (call: Call) => this.calls.update((all) => ({ ...all, [provider.name]: call }));
    set(loading);
    try {
      const found = await firstValueFrom(this.api.checkProvider(provider));
      this.found.update((all) => ({ ...all, [provider.name]: found }));
      set(done);
    } catch (error) {
      set(failed(error));
    }
  }
}
