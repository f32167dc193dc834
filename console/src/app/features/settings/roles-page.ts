import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Permission, Proposal, Role } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { asInOtherTabs } from '../../shared/api/other-tabs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Proposals } from '../../shared/proposals/proposals';
import { isProposal } from '../../shared/proposals/is-proposal';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { session } from '../../shared/state/session';
import { Beside } from '../../shared/ui/beside';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { PermissionMatrix } from './permission-matrix';
import { RoleDialog } from './role-dialog';
import { RoleName } from './role-name';
import { SettingsApi } from './settings-api';

/** Roles, and what each may do. The built-in ones are the same everywhere; others are made here. */
@Component({
  selector: 'aos-roles-page',
  imports: [
    ConfirmDialog,
    Icon,
    PermissionMatrix,
    ProblemNote,
    Proposals,
    RoleDialog,
    RoleName,
    RouterLink,
    SecondPersonNote,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.roles') }}</h1>
        <span class="grow"></span>
        @if (mayWrite()) {
          <button class="btn filled" type="button" (click)="openEditor('')">
            <aos-icon name="plus" [size]="14" />{{ t('settings.role.add') }}
          </button>
        }
      </div>
      <p class="lead">{{ t('settings.role.lead') }}</p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !roles().length) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @defer (on immediate) {
        <aos-proposals kind="roles" (applied)="load()" />
      }
      @if (shown(); as role) {
        <div class="pills" role="group" [attr.aria-label]="t('settings.part.roles')">
          @for (each of roles(); track each.name) {
            <a
              class="chip"
              routerLink="."
              [queryParams]="{ role: each.name }"
              [attr.aria-current]="each.name === role.name || null"
              [class.here]="each.name === role.name"
              >{{ each.name | roleName }}</a
            >
          }
        </div>
        <section class="card">
          <header>
            <div class="grow">
              <h2>
                {{ role.name | roleName }}
                @if ((role.name | roleName) !== role.name) {
                  <code class="meta">{{ role.name }}</code>
                }
              </h2>
              <p class="meta">
                {{ role.builtin ? t('settings.role.of.' + role.name) : role.description }}
              </p>
            </div>
            @if (role.builtin) {
              <span class="pill">{{ t('settings.role.builtin') }}</span>
            } @else if (mayWrite()) {
              <button class="btn small" type="button" (click)="openEditor(role.name)">
                {{ t('settings.edit') }}
              </button>
              <button class="btn small quiet danger" type="button" (click)="ask(role)">
                {{ t('settings.delete') }}
              </button>
            }
          </header>
          <aos-permission-matrix [permissions]="permissions()" [chosen]="role.permissions" />
        </section>
      }
      @if (editing(); as role) {
        @defer (on immediate) {
          <aos-role-dialog
            [role]="role === 'new' ? null : role"
            [permissions]="permissions()"
            [mine]="mine()"
            (saved)="onSaved($event)"
            (closed)="openEditor(null)"
          />
        } @error {
          <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      }
      @if (deleting(); as role) {
        <aos-confirm-dialog
          [title]="t('settings.role.deleteTitle')"
          [action]="t('settings.delete')"
          [name]="role.name"
          [call]="removal()"
          (confirmed)="remove(role)"
          (closed)="deleting.set(null)"
        >
          <p>{{ t('settings.role.deleteWhat') }}</p>
          @defer (on immediate) {
            <aos-second-person-note kind="roles" />
          }
        </aos-confirm-dialog>
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .pills {
      margin-bottom: 12px;
    }
    .chip.here {
      border-color: transparent;
      background: var(--chosen);
      color: var(--ink);
      font-weight: 550;
    }
    .chip:hover {
      text-decoration: none;
    }
    header {
      display: flex;
      align-items: center;
      gap: 8px;
      padding: 12px;
      border-bottom: 1px solid var(--line);
    }
    header h2 {
      margin: 0;
    }
  `,
})
export class RolesPage {
  /** Of the address: the role that is looked at. */
  readonly role = input<string>();
  /** Of the address, too: the role that is edited; a new one where it names none. */
  readonly edit = input<string>();
  private readonly api = inject(SettingsApi);
  private readonly router = inject(Router);
  private readonly beside = inject(Beside);
  private readonly store = inject(Store);
  private readonly me = this.store.selectSignal(session.selectMe);
  protected readonly mayWrite = this.store.selectSignal(session.selectMay('role.write'));

  protected readonly call = signal<Call>(idle);
  protected readonly roles = signal<readonly Role[]>([]);
  protected readonly editing = computed((): Role | 'new' | null => {
    const name = this.edit();
    if (name === undefined || !this.mayWrite() || this.roles().length === 0) return null;
    if (name === '') return 'new';
    return this.roles().find((role) => role.name === name && !role.builtin) ?? null;
  });
  protected readonly deleting = signal<Role | null>(null);
  protected readonly removal = signal<Call>(idle);
  protected readonly shown = computed(
    () => this.roles().find(({ name }) => name === this.role()) ?? this.roles()[0],
  );
  protected readonly mine = computed(() => new Set(this.me()?.permissions));
  /** The owner holds every permission that there is: no list of our own that could fall behind. */
  protected readonly permissions = computed(
    (): readonly Permission[] =>
      this.roles().find(({ name }) => name === 'owner')?.permissions ?? [],
  );

  constructor() {
    void this.load();
    asInOtherTabs(() => this.load());
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      this.roles.set((await firstValueFrom(this.api.roles())).items);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
  protected async onSaved(saved: Role | Proposal): Promise<void> {
    const role = isProposal(saved) ? this.role() : saved.name;
    // In place of the editor: nobody means to go back to it.
    await this.router.navigate([], { queryParams: { role }, replaceUrl: true });
    await this.load();
  }
  protected openEditor(name: string | null): void {
    this.beside.show('edit', name);
  }
  protected ask(role: Role): void {
    this.removal.set(idle);
    this.deleting.set(role);
  }
  protected async remove({ name }: Role): Promise<void> {
    this.removal.set(loading);
    try {
      await firstValueFrom(this.api.deleteRole(name));
      this.deleting.set(null);
      await this.load();
    } catch (error) {
      this.removal.set(failed(error));
    }
  }
}
