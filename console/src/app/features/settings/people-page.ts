import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import { MatMenu, MatMenuContent, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import type { Binding, Person, Project, Role } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { asInOtherTabs } from '../../shared/api/other-tabs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Proposals } from '../../shared/proposals/proposals';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { GrantDialog } from './grant-dialog';
import { PersonDialog } from './person-dialog';
import { RoleName } from './role-name';
import { SettingsApi } from './settings-api';

type Open =
  | { kind: 'add' }
  | { kind: 'password' | 'grant' | 'disable' | 'enable' | 'factor'; person: Person }
  | { kind: 'revoke'; person: Person; binding: Binding };

/** Who can sign in, and which role they have where. */
@Component({
  selector: 'aos-people-page',
  imports: [
    Age,
    ConfirmDialog,
    GrantDialog,
    Icon,
    MatMenu,
    MatMenuContent,
    MatMenuItem,
    MatMenuTrigger,
    PersonDialog,
    ProblemNote,
    Proposals,
    RoleName,
    SecondPersonNote,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.people') }}</h1>
        <span class="grow"></span>
        @if (mayWrite()) {
          <button class="btn filled" type="button" (click)="open.set({ kind: 'add' })">
            <aos-icon name="plus" [size]="14" />{{ t('settings.person.add') }}
          </button>
        }
      </div>
      <p class="lead">{{ t('settings.person.lead') }}</p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !people().length) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @defer (on immediate) {
        <aos-proposals kind="roles" (applied)="load()" />
      }
      @if (people().length) {
        <div
          class="card scroll"
          tabindex="0"
          role="region"
          [attr.aria-label]="t('settings.part.people')"
        >
          <table class="stacks">
            <thead>
              <tr>
                <th>{{ t('settings.person.name') }}</th>
                <th>{{ t('settings.person.roles') }}</th>
                <th>{{ t('settings.person.state') }}</th>
                <th>{{ t('settings.person.since') }}</th>
                <th>
                  <span class="sr-only">{{ t('settings.acts') }}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              @for (person of people(); track person.id) {
                <tr>
                  <td class="who">
                    <strong>{{ person.name }}</strong>
                    @if (person.id === me()?.user?.id) {
                      <span class="meta">{{ t('settings.person.you') }}</span>
                    }
                    <span class="meta mail">{{ person.email }}</span>
                  </td>
                  <td [attr.data-word]="t('settings.person.roles')">
                    <span class="pills">
                      @for (binding of bindingsOf(person); track binding.id) {
                        <span class="pill"
                          >{{ binding.role | roleName }}
                          <span class="muted">{{
                            binding.projectId
                              ? t('settings.person.in', { project: binding.projectId })
                              : t('settings.everywhere')
                          }}</span>
                          @if (binding.createdBy.startsWith('identity:')) {
                            <span class="muted">{{ t('settings.person.byProvider') }}</span>
                          }
                          @if (mayGrant()) {
                            <button
                              class="take"
                              type="button"
                              [attr.aria-label]="
                                t('settings.person.takeOf', {
                                  role: binding.role | roleName,
                                  name: person.name,
                                })
                              "
                              (click)="ask({ kind: 'revoke', person, binding })"
                            >
                              <aos-icon name="close" [size]="11" />
                            </button>
                          }
                        </span>
                      } @empty {
                        <span class="muted">{{ t('settings.person.noRole') }}</span>
                      }
                    </span>
                  </td>
                  <td
                    class="nowrap"
                    [class.muted]="person.disabled"
                    [attr.data-word]="t('settings.person.state')"
                  >
                    {{ t(person.disabled ? 'settings.person.disabled' : 'settings.person.active') }}
                    @if (person.hasSecondFactor) {
                      <span class="pill">{{ t('settings.person.factor') }}</span>
                    }
                    @for (provider of person.providers; track provider) {
                      <span class="pill">{{ t('settings.person.via', { provider }) }}</span>
                    }
                  </td>
                  <td class="meta" [attr.data-word]="t('settings.person.since')">
                    <aos-age [at]="person.createdAt" />
                  </td>
                  <td class="acts">
                    @if (mayWrite() || mayGrant()) {
                      <button
                        class="btn quiet icon"
                        type="button"
                        [matMenuTriggerFor]="menu"
                        [matMenuTriggerData]="{ person }"
                        [attr.aria-label]="t('settings.person.actsOf', { name: person.name })"
                      >
                        <aos-icon name="more" />
                      </button>
                    }
                  </td>
                </tr>
              }
            </tbody>
          </table>
        </div>
      }
      <mat-menu #menu="matMenu" xPosition="before">
        <ng-template matMenuContent let-person="person">
          @if (mayGrant()) {
            <button mat-menu-item type="button" (click)="ask({ kind: 'grant', person })">
              {{ t('settings.person.grant') }}
            </button>
          }
          @if (mayWrite()) {
            <button mat-menu-item type="button" (click)="ask({ kind: 'password', person })">
              {{ t('settings.person.password') }}
            </button>
            @if (person.hasSecondFactor && person.id !== me()?.user?.id) {
              <button mat-menu-item type="button" (click)="ask({ kind: 'factor', person })">
                {{ t('settings.person.factorReset') }}
              </button>
            }
            <button
              mat-menu-item
              type="button"
              (click)="ask({ kind: person.disabled ? 'enable' : 'disable', person })"
            >
              {{ t(person.disabled ? 'settings.person.enable' : 'settings.person.disable') }}
            </button>
          }
        </ng-template>
      </mat-menu>
      @if (open(); as it) {
        @switch (it.kind) {
          @case ('add') {
            @defer (on immediate) {
              <aos-person-dialog [roles]="roles()" (saved)="load()" (closed)="open.set(null)" />
            } @error {
              <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
            }
          }
          @case ('password') {
            @defer (on immediate) {
              <aos-person-dialog
                [roles]="roles()"
                [person]="it.person"
                (saved)="load()"
                (closed)="open.set(null)"
              />
            } @error {
              <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
            }
          }
          @case ('grant') {
            @defer (on immediate) {
              <aos-grant-dialog
                [person]="it.person"
                [roles]="roles()"
                [projects]="projects()"
                (saved)="onDone()"
                (closed)="open.set(null)"
              />
            } @error {
              <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
            }
          }
          @case ('revoke') {
            <aos-confirm-dialog
              [title]="t('settings.person.takeTitle')"
              [action]="t('settings.person.take')"
              [call]="deed()"
              (confirmed)="run(it)"
              (closed)="open.set(null)"
            >
              <p>
                {{
                  t('settings.person.takeWhat', {
                    role: it.binding.role | roleName,
                    name: it.person.name,
                  })
                }}
              </p>
              @defer (on immediate) {
                <aos-second-person-note kind="roles" />
              }
            </aos-confirm-dialog>
          }
          @case ('disable') {
            <aos-confirm-dialog
              [title]="t('settings.person.disableTitle')"
              [action]="t('settings.person.disable')"
              [name]="it.person.email"
              [call]="deed()"
              (confirmed)="run(it)"
              (closed)="open.set(null)"
            >
              <p>{{ t('settings.person.disableWhat', { name: it.person.name }) }}</p>
            </aos-confirm-dialog>
          }
          @case ('factor') {
            <aos-confirm-dialog
              [title]="t('settings.person.factorReset')"
              [action]="t('settings.person.factorResetDo')"
              [name]="it.person.email"
              [call]="deed()"
              (confirmed)="run(it)"
              (closed)="open.set(null)"
            >
              <p>{{ t('settings.person.factorResetWhat', { name: it.person.name }) }}</p>
            </aos-confirm-dialog>
          }
          @case ('enable') {
            <aos-confirm-dialog
              [title]="t('settings.person.enable')"
              [action]="t('settings.person.enable')"
              [call]="deed()"
              (confirmed)="run(it)"
              (closed)="open.set(null)"
            >
              <p>{{ t('settings.person.enableWhat', { name: it.person.name }) }}</p>
            </aos-confirm-dialog>
          }
        }
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .who {
      min-width: 180px;
    }
    .who strong {
      margin-right: 6px;
    }
    .mail {
      display: block;
    }
    td .pills {
      min-width: 160px;
    }
    .take {
      display: inline-grid;
      place-items: center;
      width: 18px;
      height: 18px;
      margin-right: -5px;
      padding: 0;
      border: 0;
      border-radius: 50%;
      background: none;
      color: var(--muted);
      cursor: pointer;
    }
    .take:hover {
      background: var(--hover);
      color: var(--failed);
    }
  `,
})
export class PeoplePage {
  private readonly api = inject(SettingsApi);
  private readonly store = inject(Store);
  protected readonly me = this.store.selectSignal(session.selectMe);
  protected readonly mayWrite = this.store.selectSignal(session.selectMay('user.write'));
  protected readonly mayGrant = this.store.selectSignal(session.selectMay('role.write'));

  protected readonly call = signal<Call>(idle);
  protected readonly people = signal<readonly Person[]>([]);
  private readonly bindings = signal<readonly Binding[]>([]);
  protected readonly roles = signal<readonly Role[]>([]);
  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly open = signal<Open | null>(null);
  protected readonly deed = signal<Call>(idle);
  private readonly byPerson = computed(() => {
    const all = new Map<string, Binding[]>();
    for (const binding of this.bindings())
      all.set(binding.userId, [...(all.get(binding.userId) ?? []), binding]);
    return all;
  });

  constructor() {
    void this.load();
    asInOtherTabs(() => this.load());
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const [people, bindings, roles, projects] = await Promise.all([
        this.everyPage((cursor) => firstValueFrom(this.api.people(cursor))),
        this.everyPage((cursor) => firstValueFrom(this.api.bindings(cursor))),
        firstValueFrom(this.api.roles()),
        firstValueFrom(this.api.projects()),
      ]);
      this.people.set(people);
      this.bindings.set(bindings);
      this.roles.set(roles.items);
      this.projects.set(projects.items);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  /** Roles stand beside their people, so both lists are needed whole; they are those of one company. */
  private async everyPage<T>(
    read: (cursor?: string) => Promise<{ items: T[]; nextCursor: string | null }>,
  ): Promise<T[]> {
    const all: T[] = [];
    let cursor: string | undefined;
    do {
      const page = await read(cursor);
      all.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return all;
  }

  protected bindingsOf({ id }: Person): readonly Binding[] {
    return this.byPerson().get(id) ?? [];
  }
  protected ask(open: Open): void {
    this.deed.set(idle);
    this.open.set(open);
  }
  protected onDone(): void {
    this.open.set(null);
    void this.load();
  }
  protected async run(open: Open): Promise<void> {
    this.deed.set(loading);
    try {
      if (open.kind === 'revoke') await firstValueFrom(this.api.revoke(open.binding.id));
      if (open.kind === 'factor') await firstValueFrom(this.api.resetSecondFactor(open.person.id));
      if (open.kind === 'disable') await firstValueFrom(this.api.disable(open.person.id));
      if (open.kind === 'enable') await firstValueFrom(this.api.enable(open.person.id));
      this.onDone();
    } catch (error) {
      this.deed.set(failed(error));
    }
  }
}
