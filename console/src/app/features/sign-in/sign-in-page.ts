import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterNextRender,
  computed,
  effect,
  inject,
  input,
  signal,
  viewChild,
} from '@angular/core';
import { Router } from '@angular/router';
import type { WaysIn } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, type Problem, failed, idle, loading } from '../../shared/api/problem';
import { forgetSignInProblem, signInProblem } from '../../shared/api/sign-in-problem';
import { SessionEvents, insideOnly, session } from '../../shared/state/session';
import { Preferences } from '../../shared/ui/preferences';
import { ProblemNote } from '../../shared/ui/problem-note';

const offline: Problem = {
  type: 'about:blank',
  title: '',
  status: 0,
  detail: '',
  code: 'offline',
  traceId: '',
};

@Component({
  selector: 'aos-sign-in-page',
  imports: [ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <main *transloco="let t">
      <form (submit)="$event.preventDefault(); submit(email.value, password.value)">
        <svg viewBox="0 0 32 32" width="36" height="36" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M9 22.5 16 8.500l7 14M12 18h8" />
        </svg>
        <div>
          <h1>{{ t(refusal() ? 'signIn.refused' : 'signIn.heading') }}</h1>
          <p class="muted">
            @if (isFromProvider()) {
              {{ t('signIn.codeLeadProvider') }}
            } @else {
              {{ asksCode() ? t('signIn.codeLead', { email: email.value }) : t('signIn.lead') }}
            }
          </p>
        </div>
        @if (refusal(); as refusal) {
          <aos-problem [problem]="refusal" [canRetry]="true" (retry)="askAgain()" />
        } @else if (problem(); as problem) {
          <aos-problem [problem]="problem" />
        } @else if (isUnreachable()) {
          <aos-problem [problem]="offline" [canRetry]="true" (retry)="askAgain()" />
        } @else if (hasExpired()) {
          <p class="ended" role="status">{{ t('signIn.expired') }}</p>
        } @else if (left(); as left) {
          <p class="ended" role="status">
            {{ t('signIn.left', { provider: left.title }) }}
            <a [href]="'/auth/providers/' + left.name + '/sign-out'">{{
              t('signIn.leaveThere', { provider: left.title })
            }}</a>
          </p>
        }
        @if (!refusal() && !asksCode() && providers().length) {
          <div class="providers">
            @for (provider of providers(); track provider.name) {
              <button
                class="btn"
                type="button"
                [class.filled]="!showsPassword()"
                [disabled]="isBusy()"
                (click)="goTo(provider.name)"
              >
                {{ t('signIn.with', { provider: provider.title }) }}
              </button>
            }
          </div>
          @if (showsPassword()) {
            <p class="or meta">{{ t(isForOwners() ? 'signIn.orOwner' : 'signIn.or') }}</p>
          }
        }
        <!-- Both fields stay, out of sight: the password is nowhere else, and goes along with the code. -->
        <div class="field" [hidden]="asksCode() || !showsPassword() || refusal()">
          <label for="email">{{ t('signIn.email') }}</label>
          <input
            #email
            id="email"
            class="input"
            type="email"
            name="email"
            autocomplete="username"
            [required]="!isFromProvider()"
            maxlength="254"
            [attr.aria-invalid]="wasTried() && !email.value"
          />
          @if (wasTried() && !email.value) {
            <span class="fault">{{ t('signIn.emailMissing') }}</span>
          }
        </div>
        <div class="field" [hidden]="asksCode() || !showsPassword() || refusal()">
          <label for="password">{{ t('signIn.password') }}</label>
          <input
            #password
            id="password"
            class="input"
            type="password"
            name="password"
            autocomplete="current-password"
            [required]="!isFromProvider()"
            maxlength="1024"
            [attr.aria-invalid]="wasTried() && !password.value"
          />
          @if (wasTried() && !password.value) {
            <span class="fault">{{ t('signIn.passwordMissing') }}</span>
          }
        </div>
        @if (asksCode() && !refusal()) {
          <div class="field">
            <label for="code">{{ t(isRecovery() ? 'signIn.recovery' : 'signIn.code') }}</label>
            <input
              #code
              id="code"
              class="input mono"
              type="text"
              name="code"
              required
              maxlength="64"
              spellcheck="false"
              [autocomplete]="isRecovery() ? 'off' : 'one-time-code'"
              [attr.inputmode]="isRecovery() ? 'text' : 'numeric'"
              [attr.aria-invalid]="isCodeMissing()"
              aria-describedby="code-help"
            />
            @if (isCodeMissing()) {
              <span class="fault">{{ t('signIn.codeMissing') }}</span>
            }
            <span class="meta" id="code-help">{{
              t(isRecovery() ? 'signIn.recoveryHelp' : 'signIn.codeHelp')
            }}</span>
          </div>
        }
        @if (refusal()) {
          <p class="meta">{{ t('signIn.refusedHint') }}</p>
        } @else if (asksCode() || showsPassword()) {
          <button class="btn filled" type="submit" [disabled]="isBusy()">
            {{ isBusy() ? t('signIn.busy') : t('signIn.submit') }}
          </button>
        } @else {
          <button class="btn quiet small" type="button" (click)="showPassword()">
            {{ t('signIn.asOwner') }}
          </button>
        }
        @if (refusal()) {
          <!-- Nothing else is to be chosen. -->
        } @else if (asksCode()) {
          <div class="ways">
            <button class="btn quiet small" type="button" (click)="isRecovery.set(!isRecovery())">
              {{ t(isRecovery() ? 'signIn.useApp' : 'signIn.useRecovery') }}
            </button>
            <button class="btn quiet small" type="button" (click)="startOver()">
              {{ t('signIn.back') }}
            </button>
          </div>
        } @else if (showsPassword() && !providers().length) {
          <p class="meta">{{ t('signIn.hint') }}</p>
        }
      </form>
      <button class="btn quiet small" type="button" (click)="switchLanguage()">
        {{ preferences.language() === 'zh' ? 'English' : '中文' }}
      </button>
    </main>
  `,
  styles: `
    main {
      display: flex;
      flex-direction: column;
      align-items: center;
      justify-content: center;
      gap: 16px;
      min-height: 100%;
      padding: 24px 16px;
    }
    form {
      display: flex;
      flex-direction: column;
      gap: 16px;
      width: min(360px, 100%);
      padding: 28px;
      border: 1px solid var(--line);
      border-radius: 12px;
      background: var(--surface);
    }
    .ended {
      padding: 8px 12px;
      border-radius: var(--radius);
      background: var(--waiting-tint);
    }
    rect {
      fill: var(--accent);
    }
    path {
      fill: none;
      stroke: var(--on-accent);
      stroke-width: 2.6;
      stroke-linecap: round;
      stroke-linejoin: round;
    }
    .btn.filled {
      height: 36px;
    }
    .providers {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .providers .btn {
      justify-content: center;
      height: auto;
      min-height: 36px;
      white-space: normal;
    }
    .or {
      display: flex;
      align-items: center;
      gap: 12px;
    }
    .or::before,
    .or::after {
      content: '';
      flex: 1;
      height: 1px;
      background: var(--line);
    }
    .field[hidden] {
      display: none;
    }
    .ways {
      display: flex;
      flex-wrap: wrap;
      justify-content: space-between;
      gap: 4px;
      margin: 0 -8px;
    }
    .ways .btn {
      color: var(--muted);
    }
    main > .btn {
      color: var(--muted);
    }
  `,
})
export class SignInPage {
  readonly next = input<string>();
  /** `1` where a provider has said who it is, and a code is still wanted. */
  readonly code = input<string>();
  /** Whence somebody has signed out. */
  readonly from = input<string>();
  private readonly api = inject(AosApi);
  private readonly store = inject(Store);
  private readonly router = inject(Router);
  protected readonly preferences = inject(Preferences);
  protected readonly offline = offline;

  private readonly email = viewChild<ElementRef<HTMLInputElement>>('email');
  private readonly password = viewChild<ElementRef<HTMLInputElement>>('password');
  private readonly codeField = viewChild<ElementRef<HTMLInputElement>>('code');
  private readonly ways = signal<WaysIn>({ password: 'everyone', providers: [] });
  protected readonly providers = computed(() => this.ways().providers);
  protected readonly isForOwners = computed(() => this.ways().password === 'owners');
  private readonly isPasswordShown = signal(false);
  protected readonly showsPassword = computed(() => !this.isForOwners() || this.isPasswordShown());
  protected readonly left = computed(
    () => this.providers().find(({ name }) => name === this.from()) ?? null,
  );
  private readonly own = signal<Call>(idle);
  private readonly cameBack = signal(signInProblem());
  private readonly hasStartedOver = signal(false);
  protected readonly isFromProvider = computed(
    () => this.code() === '1' && !this.hasStartedOver() && this.cameBack() === null,
  );
  protected readonly wasTried = signal(false);
  /** The password was right, and the person has a second factor: the same is sent once more, with a code. */
  private readonly passwordWasRight = signal(false);
  protected readonly asksCode = computed(() => this.isFromProvider() || this.passwordWasRight());
  protected readonly isRecovery = signal(false);
  protected readonly isCodeMissing = signal(false);
  private readonly call = this.store.selectSignal(session.selectSignIn);
  private readonly status = this.store.selectSignal(session.selectStatus);
  protected readonly isBusy = computed(
    () => this.call().state === 'loading' || this.own().state === 'loading',
  );
  protected readonly isUnreachable = computed(() => this.status() === 'unreachable');
  private readonly refused = this.store.selectSignal(session.selectRefusal);
  /** Nobody signs in from here: who they are does not matter. */
  protected readonly refusal = computed(() =>
    this.status() === 'refused' ? this.refused() : null,
  );
  private readonly canAsk = computed(
    () => this.status() !== 'refused' && this.status() !== 'unreachable',
  );
  protected readonly hasExpired = this.store.selectSignal(session.selectHasExpired);
  protected readonly problem = computed(() => {
    const own = this.own();
    if (own.state === 'failed') return own.problem;
    const cameBack = this.cameBack();
    if (cameBack) return cameBack;
    const call = this.call();
    // That a code is needed is no failure: the field for it says so.
    return call.state === 'failed' && call.problem.code !== 'second_factor_needed'
      ? call.problem
      : null;
  });

  constructor() {
    afterNextRender(() => this.email()?.nativeElement.focus());
    // Where nobody is let in, or nobody answers, the ways in are not told either: they are asked for once that is over.
    effect((onCleanup) => {
      if (!this.canAsk()) return;
      // Without an answer the password is what there is to try.
      const asked = this.api
        .waysIn()
        .subscribe({ next: (ways) => this.ways.set(ways), error: () => undefined });
      onCleanup(() => asked.unsubscribe());
    });
    effect(() => {
      const call = this.call();
      if (call.state !== 'failed') return;
      if (call.problem.code === 'second_factor_needed') this.passwordWasRight.set(true);
      if (call.problem.code === 'invalid_credentials') this.passwordWasRight.set(false);
    });
    effect(() => {
      // Whoever is signed in is led on, to where they wanted to connect an account: it is told there.
      if (this.status() === 'signed-out' && this.cameBack()) forgetSignInProblem();
    });
    effect(() => {
      this.isRecovery();
      this.codeField()?.nativeElement.focus();
    });
    if (this.status() === 'unknown') this.store.dispatch(SessionEvents.askedFor());
    // Signed in already, in this tab or another: no reason to ask again.
    effect(() => {
      if (this.status() === 'signed-in' && this.call().state === 'idle') {
        void this.router.navigateByUrl(insideOnly(this.next()));
      }
    });
  }

  protected submit(email: string, password: string): void {
    const code = this.codeField()?.nativeElement.value.trim();
    this.isCodeMissing.set(this.asksCode() && !code);
    if (this.isFromProvider()) {
      if (code && !this.isBusy()) void this.showCode(code);
      return;
    }
    this.wasTried.set(true);
    this.own.set(idle);
    this.cameBack.set(null);
    if (!email || !password || this.isCodeMissing() || this.isBusy()) return;
    this.store.dispatch(
      SessionEvents.signInPressed({
        email,
        password,
        ...(code && { code }),
        next: this.next() ?? '/chat',
      }),
    );
  }
  /** To the provider; what is on this page ends with it. */
  protected async goTo(provider: string): Promise<void> {
    this.own.set(loading);
    try {
      const next = insideOnly(this.next());
      const { url } = await firstValueFrom(this.api.beginSignIn(provider, next));
      location.assign(url);
    } catch (error) {
      this.own.set(failed(error));
    }
  }
  private async showCode(code: string): Promise<void> {
    this.own.set(loading);
    try {
      await firstValueFrom(this.api.showCode(code));
      const me = await firstValueFrom(this.api.me());
      this.store.dispatch(SessionEvents.signedIn({ me, next: this.next() ?? '/chat' }));
    } catch (error) {
      this.own.set(failed(error));
    }
  }
  protected showPassword(): void {
    this.isPasswordShown.set(true);
    setTimeout(() => this.email()?.nativeElement.focus());
  }
  protected startOver(): void {
    this.hasStartedOver.set(true);
    this.own.set(idle);
    this.passwordWasRight.set(false);
    this.isRecovery.set(false);
    this.wasTried.set(false);
    const [email, password] = [this.email(), this.password()];
    if (password) password.nativeElement.value = '';
    // Once it is in sight again.
    setTimeout(() => email?.nativeElement.select());
  }
  protected askAgain(): void {
    this.store.dispatch(SessionEvents.askedFor());
  }
  protected switchLanguage(): void {
    this.preferences.choose(this.preferences.language() === 'zh' ? 'en' : 'zh');
  }
}
