import { ChangeDetectionStrategy, Component, inject, signal, viewChild } from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ApiToken, SecondFactor, Session } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading, problemOf } from '../../shared/api/problem';
import { CredentialField } from '../../shared/forms/credential-field';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { IdentitiesCard } from './identities-card';
import { SettingsApi } from './settings-api';
import { TokenDialog } from './token-dialog';

/** The ways in that are one's own: password, open sessions, tokens for programs. */
@Component({
  selector: 'aos-account-page',
  imports: [
    Age,
    ConfirmDialog,
    CredentialField,
    Icon,
    IdentitiesCard,
    ProblemNote,
    RouterLink,
    TokenDialog,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.account') }}</h1>
      </div>
      <p class="lead">
        {{ t('settings.account.lead', { email: me()?.user?.email ?? '' }) }}
      </p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        }
      }
      <div class="top">
        <h2>{{ t('settings.token.title') }}</h2>
        <span class="grow"></span>
        <button class="btn" type="button" (click)="isAdding.set(true)">
          <aos-icon name="plus" [size]="14" />{{ t('settings.token.add') }}
        </button>
      </div>
      <p class="lead">{{ t('settings.token.lead') }}</p>
      @if (tokens().length) {
        <div
          class="card scroll"
          tabindex="0"
          role="region"
          [attr.aria-label]="t('settings.token.title')"
        >
          <table class="stacks">
            <thead>
              <tr>
                <th>{{ t('settings.token.name') }}</th>
                <th>{{ t('settings.token.scopes') }}</th>
                <th>{{ t('settings.token.expires') }}</th>
                <th>{{ t('settings.token.used') }}</th>
                <th>
                  <span class="sr-only">{{ t('settings.acts') }}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              @for (token of tokens(); track token.id) {
                <tr>
                  <td>{{ token.name }}</td>
                  <td
                    class="scopes num"
                    [title]="token.scopes.join(', ')"
                    [attr.data-word]="t('settings.token.scopes')"
                  >
                    {{
                      token.scopes.length === 1
                        ? t('settings.token.scopeCountOne')
                        : t('settings.token.scopeCount', { n: token.scopes.length })
                    }}
                  </td>
                  <td class="nowrap" [attr.data-word]="t('settings.token.expires')">
                    @if (token.expiresAt; as at) {
                      <aos-age [at]="at" />
                    } @else {
                      {{ t('settings.never') }}
                    }
                  </td>
                  <td class="meta" [attr.data-word]="t('settings.token.used')">
                    @if (token.lastUsedAt; as at) {
                      <aos-age [at]="at" />
                    } @else {
                      {{ t('settings.never') }}
                    }
                  </td>
                  <td class="acts">
                    <button
                      class="btn small quiet danger"
                      type="button"
                      [attr.aria-label]="t('settings.token.revokeOf', { name: token.name })"
                      (click)="ask(token)"
                    >
                      {{ t('settings.token.revoke') }}
                    </button>
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      } @else if (call().state === 'done') {
        <p class="card empty">{{ t('settings.token.none') }}</p>
      } @else if (call().state === 'loading') {
        <div class="skeleton" aria-hidden="true"></div>
      }

      <h2>{{ t('settings.session.title') }}</h2>
      @if (sessions().length) {
        <div
          class="card scroll"
          tabindex="0"
          role="region"
          [attr.aria-label]="t('settings.session.title')"
        >
          <table class="stacks">
            <thead>
              <tr>
                <th>{{ t('settings.session.where') }}</th>
                <th>{{ t('settings.session.ip') }}</th>
                <th>{{ t('settings.session.since') }}</th>
                <th>{{ t('settings.session.until') }}</th>
                <th>
                  <span class="sr-only">{{ t('settings.acts') }}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              @for (each of sessions(); track each.id) {
                <tr>
                  <td [title]="each.userAgent ?? ''">
                    {{ browserOf(each) || t('settings.session.unknown') }}
                  </td>
                  <td class="num nowrap" [attr.data-word]="t('settings.session.ip')">
                    {{ each.ip ?? '–' }}
                  </td>
                  <td class="meta" [attr.data-word]="t('settings.session.since')">
                    <aos-age [at]="each.createdAt" />
                  </td>
                  <td class="meta" [attr.data-word]="t('settings.session.until')">
                    <aos-age [at]="each.expiresAt" />
                  </td>
                  <td class="acts">
                    @if (each.isThis) {
                      <span class="meta this">{{ t('settings.session.this') }}</span>
                    } @else {
                      <button class="btn small" type="button" (click)="end(each)">
                        {{ t('settings.session.end') }}
                      </button>
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }

      <h2>{{ t('settings.factor.title') }}</h2>
      <p class="lead">{{ t('settings.factor.lead') }}</p>
      @if (factor(); as factor) {
        <div class="card factor">
          <span class="grow">
            <strong>{{ t(factor.isOn ? 'settings.factor.on' : 'settings.factor.off') }}</strong>
            <span class="meta">
              @if (factor.since; as at) {
                {{ t('settings.factor.since') }} <aos-age [at]="at" /> ·
                {{ t('settings.factor.left', { n: factor.recoveryCodesLeft }) }}
              }
              @if (factor.isRequired) {
                {{ t('settings.factor.required') }}
              }
            </span>
          </span>
          <a class="btn" routerLink="/second-factor" [queryParams]="{ next: '/settings/account' }">
            {{ t(factor.isOn ? 'settings.factor.manage' : 'settings.factor.setUp') }}
          </a>
        </div>
      }

      @defer (on immediate) {
        <aos-identities-card (changed)="load()" />
      } @error {
        <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
      }

      @if (me()?.hasPassword) {
        <h2>{{ t('settings.password.title') }}</h2>
        <form class="card form password" (submit)="change($event)">
          <input
            class="sr-only"
            type="text"
            autocomplete="username"
            tabindex="-1"
            aria-hidden="true"
            [value]="me()?.user?.email ?? ''"
            readonly
          />
          <aos-credential
            #now
            fieldId="password-now"
            kind="password"
            [label]="t('settings.password.now')"
          />
          <aos-credential
            #next
            fieldId="password-next"
            kind="newPassword"
            [label]="t('settings.password.next')"
            [help]="t('settings.password.help')"
            [problem]="problemOf(changing())"
          />
          @if (changing().state === 'done') {
            <p class="ok" role="status">{{ t('settings.password.changed') }}</p>
          }
          <div>
            <button class="btn filled" type="submit" [disabled]="changing().state === 'loading'">
              {{ t('settings.password.change') }}
            </button>
          </div>
        </form>
      }

      @if (isAdding()) {
        @defer (on immediate) {
          <aos-token-dialog
            [mine]="me()?.permissions ?? []"
            (saved)="load()"
            (closed)="isAdding.set(false)"
          />
        } @error {
          <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      }
      @if (revoking(); as token) {
        <aos-confirm-dialog
          [title]="t('settings.token.revokeTitle')"
          [action]="t('settings.token.revoke')"
          [name]="token.name"
          [call]="deed()"
          (confirmed)="revoke(token)"
          (closed)="revoking.set(null)"
        >
          <p>{{ t('settings.token.revokeWhat') }}</p>
        </aos-confirm-dialog>
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .card.factor {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 16px;
      max-width: 460px;
      padding: 12px 16px;
    }
    .factor .meta {
      margin-left: 8px;
    }
    .card.password {
      max-width: 460px;
      padding: 16px;
    }
    .ok {
      padding: 8px 12px;
      border-radius: var(--radius);
      background: var(--done-tint);
      color: var(--done);
    }
    .this {
      padding-right: 8px;
    }
    .top:not(:first-child) {
      margin-top: 8px;
    }
  `,
})
export class AccountPage {
  private readonly api = inject(SettingsApi);
  private readonly now = viewChild.required<CredentialField>('now');
  private readonly next = viewChild.required<CredentialField>('next');
  protected readonly problemOf = problemOf;
  protected readonly me = inject(Store).selectSignal(session.selectMe);
  protected readonly call = signal<Call>(idle);
  protected readonly tokens = signal<readonly ApiToken[]>([]);
  protected readonly sessions = signal<readonly Session[]>([]);
  protected readonly factor = signal<SecondFactor | null>(null);
  protected readonly isAdding = signal(false);
  protected readonly revoking = signal<ApiToken | null>(null);
  protected readonly deed = signal<Call>(idle);
  protected readonly changing = signal<Call>(idle);

  constructor() {
    void this.load();
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const [tokens, sessions, factor] = await Promise.all([
        firstValueFrom(this.api.tokens()),
        firstValueFrom(this.api.sessions()),
        firstValueFrom(this.api.secondFactor()),
      ]);
      this.factor.set(factor);
      this.tokens.set(tokens.items);
      this.sessions.set(
        [...sessions.items].sort(
          (a, b) => Number(b.isThis) - Number(a.isThis) || (a.createdAt < b.createdAt ? 1 : -1),
        ),
      );
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected ask(token: ApiToken): void {
    this.deed.set(idle);
    this.revoking.set(token);
  }
  protected async revoke({ id }: ApiToken): Promise<void> {
    this.deed.set(loading);
    try {
      await firstValueFrom(this.api.revokeToken(id));
      this.revoking.set(null);
      await this.load();
    } catch (error) {
      this.deed.set(failed(error));
    }
  }
  protected async end({ id }: Session): Promise<void> {
    try {
      await firstValueFrom(this.api.endSession(id));
      await this.load();
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  /** The passwords stay in their fields and are read at the moment of sending. */
  protected async change(event: Event): Promise<void> {
    event.preventDefault();
    const [now, next] = [this.now(), this.next()];
    this.changing.set(loading);
    try {
      await firstValueFrom(
        this.api.changePassword({ currentPassword: now.read(), newPassword: next.read() }),
      );
      now.empty();
      next.empty();
      this.changing.set(done);
      await this.load();
    } catch (error) {
      this.changing.set(failed(error));
    }
  }

  /** The two words of a user agent that tell a person which of their browsers it was. */
  protected browserOf({ userAgent }: Session): string {
    const browser = /(Edg|OPR|Firefox|Chrome|Safari|curl|node)\/?([\d]+)?/.exec(userAgent ?? '');
    const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(userAgent ?? '');
    const name = browser?.[1] === 'Edg' ? 'Edge' : browser?.[1] === 'OPR' ? 'Opera' : browser?.[1];
    return [name && [name, browser?.[2]].filter(Boolean).join(' '), system?.[1]]
      .filter(Boolean)
      .join(' · ');
  }
}
