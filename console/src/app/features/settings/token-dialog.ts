import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { CreatedToken, Permission } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { serverNow } from '../../shared/ui/clock';
import { CopyButton } from '../../shared/ui/copy-button';
import { Dialog } from '../../shared/ui/dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { PermissionMatrix } from './permission-matrix';
import { SettingsApi } from './settings-api';

const DAY_MS = 86_400_000;

/** A token for a program: part of one's own rights, for a time. It is shown once, here. */
@Component({
  selector: 'aos-token-dialog',
  imports: [CopyButton, Dialog, PermissionMatrix, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [size]="isAll() || created() ? 'medium' : 'large'"
      [title]="t('settings.token.add')"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      @if (created(); as token) {
        <div class="form">
          <p>{{ t('settings.token.made', { name: token.name }) }}</p>
          <p class="once">
            <code data-testid="new-token">{{ token.token }}</code>
            <aos-copy [text]="token.token" [label]="t('settings.copy')" />
          </p>
          <p class="warn">{{ t('settings.token.once') }}</p>
        </div>
      } @else {
        <form id="token" class="form" (submit)="save($event)">
          <div class="field">
            <label for="token-name">{{ t('settings.token.name') }}</label>
            <input
              id="token-name"
              class="input"
              type="text"
              required
              maxlength="100"
              autocomplete="off"
              [placeholder]="t('settings.token.sample')"
              [value]="name()"
              (input)="name.set($any($event.target).value)"
            />
          </div>
          <div class="field">
            <label for="token-days">{{ t('settings.token.expires') }}</label>
            <select id="token-days" class="input" (change)="days.set(+$any($event.target).value)">
              @for (n of choices; track n) {
                <option [value]="n" [selected]="n === days()">
                  {{ n ? t('settings.token.days', { n }) : t('settings.never') }}
                </option>
              }
            </select>
          </div>
          <fieldset>
            <legend>{{ t('settings.token.scopes') }}</legend>
            <label>
              <input type="radio" name="scopes" [checked]="isAll()" (change)="isAll.set(true)" />
              {{ t('settings.token.all') }}
            </label>
            <label>
              <input type="radio" name="scopes" [checked]="!isAll()" (change)="isAll.set(false)" />
              {{ t('settings.token.some') }}
            </label>
          </fieldset>
          @if (!isAll()) {
            <div class="card">
              <aos-permission-matrix
                [permissions]="mine()"
                [chosen]="scopes()"
                [mine]="held()"
                (changed)="scopes.set($event)"
              />
            </div>
          }
          @if (call(); as call) {
            @if (call.state === 'failed') {
              <aos-problem [problem]="call.problem" />
            }
          }
        </form>
      }
      <ng-container ngProjectAs="[actions]">
        @if (created()) {
          <button class="btn filled" type="button" (click)="closed.emit()">
            {{ t('settings.doneWithIt') }}
          </button>
        } @else {
          <button class="btn" type="button" [disabled]="isBusy()" (click)="closed.emit()">
            {{ t('dialog.cancel') }}
          </button>
          <button
            class="btn filled"
            type="submit"
            form="token"
            [disabled]="isBusy() || (!isAll() && !scopes().length)"
          >
            {{ t('settings.token.make') }}
          </button>
        }
      </ng-container>
    </aos-dialog>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    fieldset {
      display: flex;
      flex-direction: column;
      gap: 4px;
      margin: 0;
      padding: 0;
      border: 0;
    }
    legend {
      margin-bottom: 4px;
      padding: 0;
      font-weight: 550;
    }
    fieldset input {
      margin-right: 6px;
    }
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
      overflow-wrap: anywhere;
      user-select: all;
    }
  `,
})
export class TokenDialog {
  readonly mine = input.required<readonly Permission[]>();
  readonly saved = output();
  readonly closed = output();

  private readonly api = inject(SettingsApi);
  protected readonly choices = [7, 30, 90, 365, 0];
  protected readonly name = signal('');
  protected readonly days = signal(90);
  protected readonly isAll = signal(true);
  protected readonly scopes = signal<readonly Permission[]>([]);
  protected readonly held = computed(() => new Set(this.mine()));
  protected readonly created = signal<CreatedToken | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    this.call.set(loading);
    const days = this.days();
    try {
      const token = await firstValueFrom(
        this.api.createToken({
          name: this.name().trim(),
          ...(!this.isAll() && { scopes: [...this.scopes()] }),
          ...(days > 0 && { expiresAt: new Date(serverNow() + days * DAY_MS).toISOString() }),
        }),
      );
      this.call.set(idle);
      this.created.set(token);
      this.saved.emit();
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
