import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { Person, Project, Role } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { Dialog } from '../../shared/ui/dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { RoleName } from './role-name';
import { SettingsApi } from './settings-api';

@Component({
  selector: 'aos-grant-dialog',
  imports: [Dialog, ProblemNote, RoleName, SecondPersonNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="small"
      [title]="t('settings.person.grantTo', { name: person().name })"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="grant" class="form" (submit)="save($event)">
        <div class="field">
          <label for="grant-role">{{ t('settings.person.role') }}</label>
          <select id="grant-role" class="input" (change)="role.set($any($event.target).value)">
            @for (each of roles(); track each.name) {
              <option [value]="each.name" [selected]="each.name === role()">
                {{ each.name | roleName }}
              </option>
            }
          </select>
        </div>
        <div class="field">
          <label for="grant-where">{{ t('settings.person.where') }}</label>
          <select
            id="grant-where"
            class="input"
            (change)="projectId.set($any($event.target).value)"
          >
            <option value="">{{ t('settings.everywhere') }}</option>
            @for (project of projects(); track project.id) {
              <option [value]="project.id">{{ project.name }}</option>
            }
          </select>
        </div>
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
      <button actions class="btn filled" type="submit" form="grant" [disabled]="isBusy()">
        {{ t('settings.person.grantDo') }}
      </button>
    </aos-dialog>
  `,
  styleUrl: '../../shared/ui/section.css',
})
export class GrantDialog {
  readonly person = input.required<Person>();
  readonly roles = input.required<readonly Role[]>();
  readonly projects = input.required<readonly Project[]>();
  readonly saved = output();
  readonly closed = output();

  private readonly api = inject(SettingsApi);
  protected readonly role = signal('viewer');
  protected readonly projectId = signal('');
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    this.call.set(loading);
    try {
      await firstValueFrom(
        this.api.grant({
          userId: this.person().id,
          role: this.role(),
          projectId: this.projectId() || null,
        }),
      );
      this.saved.emit();
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
