import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { SecondFactor, SecondFactorSecret } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { type Call, done, failed, idle, loading, problemOf } from '../../shared/api/problem';
import { CredentialField } from '../../shared/forms/credential-field';
import { SessionEvents, insideOnly, session } from '../../shared/state/session';
import { CopyButton } from '../../shared/ui/copy-button';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { qrPath } from './qr-path';
import { SecondFactorApi } from './second-factor-api';

/**
 * One's own second factor: set up in three steps, or looked after. Outside of the frame, since whoever has to have one comes
 * here before anything else is open.
 */
@Component({
  selector: 'aos-second-factor-page',
  imports: [Age, CopyButton, CredentialField, ProblemNote, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <main *transloco="let t">
      <div class="card" [attr.aria-busy]="isBusy() || null">
        <div>
          <h1>{{ t('factor.title') }}</h1>
          <p class="muted">{{ t('factor.lead') }}</p>
        </div>
        @if (loadCall(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
          } @else if (call.state === 'loading' && !present()) {
            <div class="skeleton" aria-hidden="true"></div>
          }
        }
        @if (codes().length) {
          <p class="ok" role="status">{{ t(wasOn() ? 'factor.renewed' : 'factor.isOn') }}</p>
          <p>{{ t('factor.keep') }}</p>
          <ul class="codes" data-testid="recovery-codes">
            @for (code of codes(); track code) {
              <li>
                <code>{{ code }}</code>
              </li>
            }
          </ul>
          <div class="row">
            <aos-copy
              [text]="
                codes().join(
                  '
'
                )
              "
              [label]="t('factor.copyAll')"
            />
            <a class="btn small quiet" download="aos-recovery-codes.txt" [href]="file()">
              {{ t('factor.save') }}
            </a>
          </div>
          <p class="warn">{{ t('factor.keepOnce') }}</p>
          <button class="btn filled" type="button" (click)="finish()">
            {{ t('factor.kept') }}
          </button>
        } @else if (begun(); as it) {
          <p>{{ t('factor.scan') }}</p>
          <svg
            class="qr"
            role="img"
            shape-rendering="crispEdges"
            [attr.aria-label]="t('factor.picture')"
            [attr.viewBox]="'0 0 ' + qr()!.size + ' ' + qr()!.size"
          >
            <path [attr.d]="qr()!.path" />
          </svg>
          <div>
            <p class="muted">{{ t('factor.byHand') }}</p>
            <p class="secret">
              <code data-testid="secret">{{ inFours(it.secret) }}</code>
              <aos-copy [text]="it.secret" [label]="t('factor.copy')" />
            </p>
          </div>
          <p class="warn">{{ t('factor.once') }}</p>
          <form (submit)="$event.preventDefault(); confirm(first.read())">
            <aos-credential
              #first
              fieldId="first-code"
              kind="appCode"
              [label]="t('factor.code')"
              [takesFocus]="true"
              [problem]="problem()"
            />
            <button class="btn filled" type="submit" [disabled]="isBusy()">
              {{ t(isBusy() ? 'factor.busy' : 'factor.turnOn') }}
            </button>
          </form>
        } @else if (present(); as it) {
          @if (!it.isOn) {
            @if (it.isRequired) {
              <p class="note" role="status">{{ t('factor.required') }}</p>
            }
            <form (submit)="$event.preventDefault(); begin()">
              @if (me()?.hasPassword) {
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
                  #password
                  fieldId="own-password"
                  kind="password"
                  [label]="t('factor.password')"
                  [help]="t('factor.passwordHelp')"
                  [takesFocus]="true"
                  [problem]="problem()"
                />
              } @else {
                <p class="meta">{{ t('factor.noPassword') }}</p>
                @if (problem(); as problem) {
                  <aos-problem [problem]="problem" />
                }
              }
              <button class="btn filled" type="submit" [disabled]="isBusy()">
                {{ t(isBusy() ? 'factor.busy' : 'factor.begin') }}
              </button>
            </form>
          } @else {
            <p>
              {{ t('factor.since') }} <aos-age [at]="it.since!" />.
              {{ t('factor.left', { n: it.recoveryCodesLeft }) }}
              @if (it.recoveryCodesLeft < 4) {
                {{ t('factor.few') }}
              }
            </p>
            @if (asking(); as deed) {
              <form (submit)="$event.preventDefault(); act(deed, shown.read())">
                <p>
                  {{ t(deed === 'renew' ? 'factor.renewLead' : 'factor.offLead') }}
                  @if (deed === 'off' && it.isRequired) {
                    {{ t('factor.offRequired') }}
                  }
                </p>
                <aos-credential
                  #shown
                  fieldId="present-code"
                  kind="anyCode"
                  [label]="t('factor.present')"
                  [takesFocus]="true"
                  [problem]="problem()"
                />
                <div class="row end">
                  <button class="btn" type="button" [disabled]="isBusy()" (click)="ask(null)">
                    {{ t('factor.cancel') }}
                  </button>
                  <button
                    class="btn filled"
                    type="submit"
                    [class.destructive]="deed === 'off'"
                    [disabled]="isBusy()"
                  >
                    {{ t(deed === 'renew' ? 'factor.renew' : 'factor.off') }}
                  </button>
                </div>
              </form>
            } @else {
              <div class="row">
                <button class="btn" type="button" (click)="ask('renew')">
                  {{ t('factor.renew') }}
                </button>
                <button class="btn quiet danger" type="button" (click)="ask('off')">
                  {{ t('factor.off') }}
                </button>
              </div>
            }
          }
        }
      </div>
      @if (!codes().length) {
        @if (me()?.mustSetUpSecondFactor) {
          <button class="btn quiet small" type="button" (click)="signOut()">
            {{ t('factor.signOut') }}
          </button>
        } @else {
          <a class="btn quiet small" [routerLink]="back()">{{ t('factor.back') }}</a>
        }
      }
    </main>
  `,
  styles: `
    :host {
      display: block;
      height: 100%;
      overflow: auto;
    }
    main {
      display: flex;
      flex-direction: column;
      align-items: center;
      justify-content: center;
      gap: 16px;
      min-height: 100%;
      padding: 24px 16px;
    }
    .card {
      width: min(440px, 100%);
      padding: 28px;
      border: 1px solid var(--line);
      border-radius: 12px;
      background: var(--surface);
    }
    .card,
    form {
      display: flex;
      flex-direction: column;
      gap: 16px;
    }
    .skeleton {
      height: 120px;
      border-radius: var(--radius-card);
      background: var(--skeleton);
    }
    /* White in the dark too, with its quiet zone: not every camera reads it the other way round. */
    .qr {
      align-self: center;
      width: 216px;
      height: 216px;
      border-radius: var(--radius-card);
      background: #fff;
      fill: #000;
    }
    .secret {
      display: flex;
      align-items: center;
      gap: 8px;
      margin-top: 4px;
      padding: 8px 8px 8px 12px;
      border-radius: var(--radius);
      background: var(--sunken);
    }
    .secret code {
      flex: 1;
      overflow-wrap: anywhere;
      user-select: all;
    }
    .codes {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(168px, 1fr));
      gap: 8px 16px;
      margin: 0;
      padding: 12px 16px;
      border-radius: var(--radius);
      background: var(--sunken);
      list-style: none;
    }
    .codes code {
      white-space: nowrap;
    }
    .row {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
    }
    .row.end {
      justify-content: flex-end;
    }
    .note {
      padding: 8px 12px;
      border-radius: var(--radius);
      background: var(--waiting-tint);
    }
    .ok {
      padding: 8px 12px;
      border-radius: var(--radius);
      background: var(--done-tint);
      color: var(--done);
    }
    .warn {
      color: var(--waiting);
    }
    .destructive {
      border-color: transparent;
      background: var(--failed);
      color: var(--surface);
    }
    main > .btn {
      color: var(--muted);
    }
  `,
})
export class SecondFactorPage {
  readonly next = input<string>();
  private readonly api = inject(SecondFactorApi);
  private readonly store = inject(Store);
  private readonly password = viewChild<CredentialField>('password');
  protected readonly me = this.store.selectSignal(session.selectMe);

  protected readonly loadCall = signal<Call>(idle);
  protected readonly present = signal<SecondFactor | null>(null);
  protected readonly begun = signal<SecondFactorSecret | null>(null);
  protected readonly codes = signal<readonly string[]>([]);
  protected readonly wasOn = signal(false);
  protected readonly asking = signal<'renew' | 'off' | null>(null);
  private readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');
  protected readonly problem = computed(() => problemOf(this.call()));
  protected readonly qr = computed(() => {
    const begun = this.begun();
    return begun && qrPath(begun.uri);
  });
  protected readonly back = computed(() => insideOnly(this.next() ?? '/settings/account'));
  protected readonly file = computed(
    () => `data:text/plain;charset=utf-8,${encodeURIComponent(`${this.codes().join('\n')}\n`)}`,
  );

  constructor() {
    void this.load();
  }

  protected async load(): Promise<void> {
    this.loadCall.set(loading);
    try {
      this.present.set(await this.api.present());
      this.loadCall.set(done);
    } catch (error) {
      this.loadCall.set(failed(error));
    }
  }

  protected ask(deed: 'renew' | 'off' | null): void {
    this.call.set(idle);
    this.asking.set(deed);
  }
  /** Whoever signs in with a provider has none: the server looks at when they came in. */
  protected begin(): Promise<void> {
    const password = this.password()?.read();
    return this.send(async () => this.begun.set(await this.api.begin(password)));
  }
  protected confirm(code: string): Promise<void> {
    return this.send(async () => this.codes.set((await this.api.confirm(code)).recoveryCodes));
  }
  protected act(deed: 'renew' | 'off', code: string): Promise<void> {
    return this.send(async () => {
      if (deed === 'renew') {
        const { recoveryCodes } = await this.api.renew(code);
        this.wasOn.set(true);
        this.codes.set(recoveryCodes);
        return;
      }
      await this.api.turnOff(code);
      this.asking.set(null);
      // Where it is required, all else is closed from this moment on.
      this.store.dispatch(SessionEvents.found({ me: await this.api.me() }));
      await this.load();
    });
  }
  /** The rights are as they should be by now; the frame is loaded with them. */
  protected finish(): Promise<void> {
    return this.send(async () => {
      const me = await this.api.me();
      this.store.dispatch(SessionEvents.signedIn({ me, next: this.back() }));
    });
  }
  protected signOut(): void {
    this.store.dispatch(SessionEvents.signOutPressed());
  }

  /** As authenticator apps show it, and people read it out. */
  protected inFours = (secret: string) => secret.replace(/.{4}(?=.)/g, '$& ');

  private async send(work: () => Promise<void>): Promise<void> {
    if (this.isBusy()) return;
    this.call.set(loading);
    try {
      await work();
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
