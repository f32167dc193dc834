import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { Identity, WaysIn } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading, problemOf } from '../../shared/api/problem';
import { forgetSignInProblem, signInProblem } from '../../shared/api/sign-in-problem';
import { CredentialField } from '../../shared/forms/credential-field';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { SettingsApi } from './settings-api';

interface Row {
  name: string;
  title: string;
  identity: Identity | null;
}

/** One's own accounts at providers: those that are connected, and those that could be. */
@Component({
  selector: 'aos-identities-card',
  imports: [Age, ConfirmDialog, CredentialField, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (rows().length) {
        <h2>{{ t('settings.identity.title') }}</h2>
        <p class="lead">{{ t('settings.identity.lead') }}</p>
        @if (cameBack(); as problem) {
          <aos-problem [problem]="problem" />
        }
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
          }
        }
        <ul class="card list">
          @for (row of rows(); track row.name) {
            <li>
              <span class="grow">
                <strong>{{ row.title }}</strong>
                @if (row.identity; as it) {
                  <span class="meta">
                    {{ it.email ?? it.issuer }}
                    @if (it.lastUsedAt; as at) {
                      · {{ t('settings.identity.used') }} <aos-age [at]="at" />
                    }
                  </span>
                } @else {
                  <span class="meta">{{ t('settings.identity.not') }}</span>
                }
              </span>
              @if (row.identity; as it) {
                <button
                  class="btn small quiet danger"
                  type="button"
                  [attr.aria-label]="t('settings.identity.disconnectOf', { provider: row.title })"
                  (click)="ask(it)"
                >
                  {{ t('settings.identity.disconnect') }}
                </button>
              } @else if (connecting() !== row.name) {
                <button
                  class="btn small"
                  type="button"
                  [attr.aria-label]="t('settings.identity.connectOf', { provider: row.title })"
                  (click)="connect(row.name)"
                >
                  {{ t('settings.identity.connect') }}
                </button>
              }
            </li>
            @if (connecting() === row.name) {
              <li>
                <form (submit)="$event.preventDefault(); go(row.name)">
                  <aos-credential
                    #password
                    fieldId="identity-password"
                    kind="password"
                    [label]="t('settings.identity.password')"
                    [takesFocus]="true"
                    [problem]="problemOf(deed())"
                  />
                  <div class="acts">
                    <button
                      class="btn filled"
                      type="submit"
                      [disabled]="deed().state === 'loading'"
                    >
                      {{ t('settings.identity.connect') }}
                    </button>
                    <button class="btn quiet" type="button" (click)="connecting.set(null)">
                      {{ t('settings.identity.cancel') }}
                    </button>
                  </div>
                </form>
              </li>
            }
          }
        </ul>
        @if (going(); as identity) {
          <aos-confirm-dialog
            [title]="t('settings.identity.disconnectTitle')"
            [action]="t('settings.identity.disconnect')"
            [call]="deed()"
            (confirmed)="disconnect(identity)"
            (closed)="going.set(null)"
          >
            <p>{{ t('settings.identity.disconnectWhat') }}</p>
          </aos-confirm-dialog>
        }
      }
    </ng-container>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .list {
      max-width: 460px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 16px;
      padding: 10px 16px;
    }
    li + li {
      border-top: 1px solid var(--line);
    }
    .meta {
      display: block;
      overflow-wrap: anywhere;
    }
    form {
      display: flex;
      flex-direction: column;
      flex: 1;
      gap: 12px;
    }
    .acts {
      display: flex;
      gap: 8px;
    }
  `,
})
export class IdentitiesCard {
  /** Sessions may have ended with it. */
  readonly changed = output();
  private readonly api = inject(SettingsApi);
  private readonly door = inject(AosApi);
  private readonly me = inject(Store).selectSignal(session.selectMe);
  private readonly password = viewChild<CredentialField>('password');
  protected readonly problemOf = problemOf;
  private readonly ways = signal<WaysIn['providers']>([]);
  private readonly identities = signal<readonly Identity[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly deed = signal<Call>(idle);
  protected readonly connecting = signal<string | null>(null);
  protected readonly going = signal<Identity | null>(null);
  protected readonly cameBack = signal(signInProblem());
  /** What is connected stays in sight also when its provider is in the settings no longer. */
  protected readonly rows = computed<Row[]>(() => {
    const [ways, identities] = [this.ways(), this.identities()];
    const of = (name: string) => identities.find(({ provider }) => provider === name) ?? null;
    const gone = identities.filter(({ provider }) => ways.every(({ name }) => name !== provider));
    return [
      ...ways.map(({ name, title }) => ({ name, title, identity: of(name) })),
      ...gone.map((identity) => ({ name: identity.id, title: identity.provider, identity })),
    ];
  });

  constructor() {
    forgetSignInProblem();
    void this.load();
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const [ways, identities] = await Promise.all([
        firstValueFrom(this.door.waysIn()),
        firstValueFrom(this.api.identities()),
      ]);
      this.ways.set(ways.providers);
      this.identities.set(identities.items);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  /** Whoever has no password shows by a sign-in of a moment ago who they are: nothing is asked. */
  protected connect(provider: string): void {
    this.deed.set(idle);
    if (!this.me()?.hasPassword) return void this.go(provider);
    this.connecting.set(provider);
  }
  protected async go(provider: string): Promise<void> {
    this.deed.set(loading);
    try {
      const password = this.password()?.read();
      const { url } = await firstValueFrom(this.api.connectIdentity(provider, password));
      location.assign(url);
    } catch (error) {
      this.deed.set(failed(error));
      if (!this.connecting()) this.call.set(failed(error));
    }
  }
  protected ask(identity: Identity): void {
    this.deed.set(idle);
    this.going.set(identity);
  }
  protected async disconnect({ id }: Identity): Promise<void> {
    this.deed.set(loading);
    try {
      await firstValueFrom(this.api.disconnectIdentity(id));
      this.going.set(null);
      this.changed.emit();
      await this.load();
    } catch (error) {
      this.deed.set(failed(error));
    }
  }
}
