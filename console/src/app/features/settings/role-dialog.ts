import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { Permission, Proposal, Role } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { Dialog } from '../../shared/ui/dialog';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { PermissionMatrix } from './permission-matrix';
import { SettingsApi } from './settings-api';

@Component({
  selector: 'aos-role-dialog',
  imports: [
    Dialog,
    Difference,
    PermissionMatrix,
    ProblemNote,
    SecondPersonNote,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="large"
      [title]="role() ? t('settings.role.editOf', { name: role()!.name }) : t('settings.role.add')"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="role" class="form" (submit)="save($event)">
        @if (!role()) {
          <div class="field">
            <label for="role-name">{{ t('settings.role.name') }}</label>
            <input
              id="role-name"
              class="input mono"
              type="text"
              required
              maxlength="63"
              pattern="[a-z][a-z0-9\\-]+"
              spellcheck="false"
              autocomplete="off"
              placeholder="auditor"
              aria-describedby="role-name-help"
              [value]="name()"
              (input)="name.set($any($event.target).value)"
            />
            <span class="help" id="role-name-help">{{ t('settings.role.nameHelp') }}</span>
          </div>
        }
        <div class="field">
          <label for="role-description">{{ t('settings.role.description') }}</label>
          <input
            id="role-description"
            class="input"
            type="text"
            maxlength="500"
            [value]="description()"
            (input)="description.set($any($event.target).value)"
          />
        </div>
        <div class="card">
          <aos-permission-matrix
            [permissions]="permissions()"
            [chosen]="chosen()"
            [mine]="mine()"
            (changed)="chosen.set($event)"
          />
        </div>
        @if (role(); as role) {
          <div>
            <h3>{{ t('settings.role.changes') }}</h3>
            <aos-difference
              [before]="{ description: role.description, permissions: role.permissions }"
              [after]="{ description: description(), permissions: chosen() }"
            />
          </div>
        }
        @defer (on immediate) {
          <aos-second-person-note kind="roles" />
        }
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" />
          }
        }
      </form>
      <button actions class="btn" type="button" [disabled]="isBusy()" (click)="closed.emit()">
        {{ t('dialog.cancel') }}
      </button>
      <button actions class="btn filled" type="submit" form="role" [disabled]="isBusy()">
        {{ t('settings.save') }}
      </button>
    </aos-dialog>
  `,
  styleUrl: '../../shared/ui/section.css',
})
export class RoleDialog {
  readonly role = input.required<Role | null>();
  readonly permissions = input.required<readonly Permission[]>();
  readonly mine = input.required<ReadonlySet<Permission>>();
  readonly saved = output<Role | Proposal>();
  readonly closed = output();

  private readonly api = inject(SettingsApi);
  protected readonly name = signal('');
  protected readonly description = linkedSignal(() => this.role()?.description ?? '');
  protected readonly chosen = linkedSignal(
    (): readonly Permission[] => this.role()?.permissions ?? [],
  );
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const role = this.role();
    const body = { description: this.description().trim(), permissions: [...this.chosen()] };
    this.call.set(loading);
    try {
      this.saved.emit(
        await firstValueFrom(
          role
            ? this.api.putRole(role.name, role.version, body)
            : this.api.createRole({ name: this.name(), ...body }),
        ),
      );
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
