import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import type { Project, RuntimeConfig, SecretInfo } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { asInOtherTabs } from '../../shared/api/other-tabs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Proposals } from '../../shared/proposals/proposals';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { SecretDialog } from './secret-dialog';
import { SettingsApi } from './settings-api';

/** What a run may need and nobody may see: names of secrets, and the variables of the process. */
@Component({
  selector: 'aos-runtime-page',
  imports: [
    Age,
    ConfirmDialog,
    CopyButton,
    Icon,
    ProblemNote,
    Proposals,
    SecondPersonNote,
    SecretDialog,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.runtime') }}</h1>
        <span class="grow"></span>
        @if (mayWrite()) {
          <button class="btn filled" type="button" (click)="editing.set('new')">
            <aos-icon name="plus" [size]="14" />{{ t('settings.secret.add') }}
          </button>
        }
      </div>
      <p class="lead">{{ t('settings.runtime.lead') }}</p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !runtime()) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @defer (on immediate) {
        <aos-proposals kind="secrets" (applied)="load()" />
      }
      @if (runtime(); as runtime) {
        <h2>{{ t('settings.secret.title') }}</h2>
        @if (runtime.secrets.length) {
          <div
            class="card scroll"
            tabindex="0"
            role="region"
            [attr.aria-label]="t('settings.secret.title')"
          >
            <table class="stacks">
              <thead>
                <tr>
                  <th>{{ t('settings.secret.name') }}</th>
                  <th>{{ t('settings.secret.purpose') }}</th>
                  <th>{{ t('settings.secret.scope') }}</th>
                  <th>{{ t('settings.secret.state') }}</th>
                  <th>{{ t('settings.secret.rotated') }}</th>
                  <th>{{ t('settings.secret.used') }}</th>
                  <th>
                    <span class="sr-only">{{ t('settings.acts') }}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                @for (secret of runtime.secrets; track secret.name + '/' + secret.projectId) {
                  <tr>
                    <td>
                      <code>{{ secret.name }}</code>
                    </td>
                    <td class="purpose" [attr.data-word]="t('settings.secret.purpose')">
                      {{ secret.purpose || '–' }}
                    </td>
                    <td class="nowrap" [attr.data-word]="t('settings.secret.scope')">
                      {{ secret.projectId ?? t('settings.everywhere') }}
                    </td>
                    <td
                      class="nowrap num"
                      [class.muted]="!secret.version"
                      [attr.data-word]="t('settings.secret.state')"
                    >
                      @if (secret.version) {
                        {{ t('settings.secret.set', { n: secret.version }) }}
                      } @else {
                        {{ t('settings.secret.waits') }}
                      }
                    </td>
                    <td class="meta" [attr.data-word]="t('settings.secret.rotated')">
                      @if (secret.lastRotatedAt; as at) {
                        <aos-age [at]="at" />
                      } @else {
                        –
                      }
                    </td>
                    <td class="meta" [attr.data-word]="t('settings.secret.used')">
                      @if (secret.lastUsedAt; as at) {
                        <aos-age [at]="at" />
                      } @else {
                        {{ t('settings.never') }}
                      }
                    </td>
                    <td class="acts">
                      @if (mayWrite()) {
                        <button
                          class="btn small"
                          type="button"
                          [attr.aria-label]="
                            t(
                              secret.version ? 'settings.secret.editOf' : 'settings.secret.giveOf',
                              {
                                name: secret.name,
                              }
                            )
                          "
                          (click)="editing.set(secret)"
                        >
                          {{ t(secret.version ? 'settings.edit' : 'settings.secret.give') }}
                        </button>
                        <button
                          class="btn small quiet danger"
                          type="button"
                          [attr.aria-label]="t('settings.secret.deleteOf', { name: secret.name })"
                          (click)="ask(secret)"
                        >
                          {{ t('settings.delete') }}
                        </button>
                      }
                    </td>
                  </tr>
                }
              </tbody>
            </table>
          </div>
        } @else {
          <div class="card empty">
            <p>{{ t('settings.secret.none') }}</p>
            @if (mayWrite()) {
              <button class="btn" type="button" (click)="editing.set('new')">
                {{ t('settings.secret.add') }}
              </button>
            }
          </div>
        }
        <div class="top env">
          <h2>{{ t('settings.env.title') }}</h2>
          <span class="grow"></span>
          <aos-copy [text]="template()" [label]="t('settings.env.copy')" />
        </div>
        <p class="lead">{{ t('settings.env.lead') }}</p>
        <div
          class="card scroll"
          tabindex="0"
          role="region"
          [attr.aria-label]="t('settings.env.title')"
        >
          <table class="stacks">
            <thead>
              <tr>
                <th>{{ t('settings.env.name') }}</th>
                <th>{{ t('settings.env.purpose') }}</th>
                <th>{{ t('settings.env.state') }}</th>
              </tr>
            </thead>
            <tbody>
              @for (variable of runtime.env; track variable.name) {
                <tr>
                  <td>
                    <code>{{ variable.name }}</code>
                  </td>
                  <td class="purpose" [attr.data-word]="t('settings.env.purpose')">
                    {{ t('settings.env.of.' + variable.name) }}
                  </td>
                  <td
                    class="nowrap"
                    [class.muted]="!variable.isSet"
                    [attr.data-word]="t('settings.env.state')"
                  >
                    @if (variable.isSet) {
                      {{ t('settings.env.set') }}
                    } @else if (variable.fallback) {
                      {{ t('settings.env.fallback', { value: variable.fallback }) }}
                    } @else {
                      {{ t('settings.env.unset') }}
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }
      @if (editing(); as secret) {
        @defer (on immediate) {
          <aos-secret-dialog
            [secret]="secret === 'new' ? null : secret"
            [projects]="projects()"
            (saved)="onSaved()"
            (closed)="editing.set(null)"
          />
        } @error {
          <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      }
      @if (deleting(); as secret) {
        <aos-confirm-dialog
          [title]="t('settings.secret.deleteTitle')"
          [action]="t('settings.delete')"
          [name]="secret.name"
          [call]="removal()"
          (confirmed)="remove(secret)"
          (closed)="deleting.set(null)"
        >
          <p>{{ t('settings.secret.deleteWhat') }}</p>
          @if (secret.version) {
            @defer (on immediate) {
              <aos-second-person-note kind="secrets" />
            }
          }
        </aos-confirm-dialog>
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .env {
      margin-top: 28px;
    }
    .purpose {
      min-width: 180px;
      overflow-wrap: anywhere;
    }
  `,
})
export class RuntimePage {
  private readonly api = inject(SettingsApi);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('secret.write'));

  protected readonly call = signal<Call>(idle);
  protected readonly runtime = signal<RuntimeConfig | null>(null);
  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly editing = signal<SecretInfo | 'new' | null>(null);
  protected readonly deleting = signal<SecretInfo | null>(null);
  protected readonly removal = signal<Call>(idle);
  /** The names alone, to be filled in where AOS is started. */
  protected readonly template = computed(() =>
    (this.runtime()?.env ?? [])
      .map(
        ({ name, purpose, fallback }) =>
          `# ${purpose}\n${fallback ? '# ' : ''}${name}=${fallback ?? ''}`,
      )
      .join('\n\n'),
  );

  constructor() {
    void this.load();
    asInOtherTabs(() => this.load());
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      this.runtime.set(await firstValueFrom(this.api.runtime()));
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
      return;
    }
    const { items } = await firstValueFrom(this.api.projects()).catch(() => ({ items: [] }));
    this.projects.set(items);
  }

  protected onSaved(): void {
    this.editing.set(null);
    void this.load();
  }
  protected ask(secret: SecretInfo): void {
    this.removal.set(idle);
    this.deleting.set(secret);
  }
  protected async remove({ name, projectId }: SecretInfo): Promise<void> {
    this.removal.set(loading);
    try {
      await firstValueFrom(this.api.deleteSecret(name, projectId));
      this.deleting.set(null);
      await this.load();
    } catch (error) {
      this.removal.set(failed(error));
    }
  }
}
