import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { Person, Role } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { CopyButton } from '../../shared/ui/copy-button';
import { Dialog } from '../../shared/ui/dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { RoleName } from './role-name';
import { SettingsApi } from './settings-api';

const BYTES = 18;

/** 144 bits in letters that survive being read out and copied. */
function newPassword(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/**
 * Adds a person, or gives one a new password. The password is made here, shown once for the one who hands it on, and
 * gone when the dialog closes.
 */
@Component({
  selector: 'aos-person-dialog',
  imports: [CopyButton, Dialog, ProblemNote, RoleName, SecondPersonNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="
        person()
          ? t('settings.person.passwordOf', { name: person()!.name })
          : t('settings.person.add')
      "
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      @if (handedOut(); as password) {
        <div class="form">
          <p>{{ t('settings.person.handOn', { email: person()?.email ?? email() }) }}</p>
          <p class="once">
            <code data-testid="one-time-password">{{ password }}</code>
            <aos-copy [text]="password" [label]="t('settings.copy')" />
          </p>
          <p class="warn">{{ t('settings.person.once') }}</p>
        </div>
      } @else {
        <form id="person" class="form" autocomplete="off" (submit)="save($event)">
          @if (!person()) {
            <div class="field">
              <label for="person-email">{{ t('settings.person.email') }}</label>
              <input
                id="person-email"
                class="input"
                type="email"
                required
                maxlength="254"
                [value]="email()"
                (input)="email.set($any($event.target).value)"
              />
            </div>
            <div class="field">
              <label for="person-name">{{ t('settings.person.name') }}</label>
              <input
                id="person-name"
                class="input"
                type="text"
                required
                maxlength="100"
                [value]="name()"
                (input)="name.set($any($event.target).value)"
              />
            </div>
            <div class="field">
              <label for="person-role">{{ t('settings.person.role') }}</label>
              <select
                id="person-role"
                class="input"
                aria-describedby="person-role-help"
                (change)="role.set($any($event.target).value)"
              >
                @for (each of roles(); track each.name) {
                  <option [value]="each.name" [selected]="each.name === role()">
                    {{ each.name | roleName }}
                  </option>
                }
              </select>
              <span class="help" id="person-role-help">{{ t('settings.person.roleHelp') }}</span>
            </div>
            @defer (on immediate) {
              <aos-second-person-note kind="roles" />
            }
          } @else {
            <p>{{ t('settings.person.passwordWhat') }}</p>
          }
          @if (call(); as call) {
            @if (call.state === 'failed') {
              <aos-problem [problem]="call.problem" />
            }
          }
        </form>
      }
      <ng-container ngProjectAs="[actions]">
        @if (handedOut()) {
          <button class="btn filled" type="button" (click)="closed.emit()">
            {{ t('settings.doneWithIt') }}
          </button>
        } @else {
          <button class="btn" type="button" [disabled]="isBusy()" (click)="closed.emit()">
            {{ t('dialog.cancel') }}
          </button>
          <button class="btn filled" type="submit" form="person" [disabled]="isBusy()">
            {{ t(person() ? 'settings.person.passwordDo' : 'settings.person.addDo') }}
          </button>
        }
      </ng-container>
    </aos-dialog>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .once {
      display: flex;
      align-items: center;
      gap: 8px;
      padding: 8px 8px 8px 12px;
      border-radius: var(--radius);
      background: var(--sunken);
    }
    .once code {
      flex: 1;
      font-size: 14px;
      overflow-wrap: anywhere;
      user-select: all;
    }
  `,
})
export class PersonDialog {
  readonly roles = input.required<readonly Role[]>();
  /** Whose password is set; null adds somebody. */
  readonly person = input<Person | null>(null);
  readonly saved = output();
  readonly closed = output();

  private readonly api = inject(SettingsApi);
  protected readonly email = signal('');
  protected readonly name = signal('');
  protected readonly role = signal('operator');
  protected readonly handedOut = signal<string | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const password = newPassword();
    const person = this.person();
    this.call.set(loading);
    try {
      if (person) await firstValueFrom(this.api.setPassword(person.id, password));
      else
        await firstValueFrom(
          this.api.createPerson({
            email: this.email().trim(),
            name: this.name().trim(),
            role: this.role(),
            password,
          }),
        );
      this.call.set(idle);
      this.handedOut.set(password);
      this.saved.emit();
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
