import { ChangeDetectionStrategy, Component, effect, inject, input, signal } from '@angular/core';
import { Router } from '@angular/router';
import type { AccessAnswer, Permission, Person, Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading, problemOf } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark } from '../../shared/ui/state-mark';
import { SettingsApi } from './settings-api';
import { Sentences } from '../../shared/i18n/sentences';

/** Why may they, or why not: the server's own answer, for anybody who asks about themselves. */
@Component({
  selector: 'aos-access-page',
  imports: [ProblemNote, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.access') }}</h1>
      </div>
      <p class="lead">{{ t('settings.access.lead') }}</p>
      @if (problemOf(lists()); as problem) {
        <aos-problem [problem]="problem" [canRetry]="true" (retry)="load()" />
      }
      <div class="ask">
        @if (people().length) {
          <div class="field">
            <label for="access-person">{{ t('settings.access.person') }}</label>
            <select id="access-person" class="input" (change)="go({ user: value($event) })">
              <option value="">{{ t('settings.access.me') }}</option>
              @for (person of people(); track person.id) {
                <option [value]="person.id" [selected]="person.id === user()">
                  {{ person.name }} ({{ person.email }})
                </option>
              }
            </select>
          </div>
        }
        <div class="field">
          <label for="access-permission">{{ t('settings.access.permission') }}</label>
          <select id="access-permission" class="input" (change)="go({ permission: value($event) })">
            <option value="">{{ t('settings.access.choose') }}</option>
            @for (each of permissions(); track each) {
              <option [value]="each" [selected]="each === permission()">
                {{ wordsOf(each, t) }}
              </option>
            }
          </select>
        </div>
        <div class="field">
          <label for="access-project">{{ t('settings.access.where') }}</label>
          <select id="access-project" class="input" (change)="go({ project: value($event) })">
            <option value="">{{ t('settings.everywhere') }}</option>
            @for (each of projects(); track each.id) {
              <option [value]="each.id" [selected]="each.id === project()">{{ each.name }}</option>
            }
          </select>
        </div>
      </div>
      <div class="said" aria-live="polite">
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem
              [problem]="call.problem"
              [isOwn]="true"
              [canRetry]="true"
              (retry)="check()"
            />
          }
        }
        @if (answer(); as answer) {
          <section class="card" data-testid="access-answer">
            <aos-state
              [tone]="answer.allowed ? 'done' : 'failed'"
              [word]="answer.allowed ? 'settings.access.yes' : 'settings.access.no'"
            />
            <p>{{ sentences.of(answer.said, answer.reason) }}</p>
          </section>
        } @else if (!permission()) {
          <p class="empty card">{{ t('settings.access.none') }}</p>
        }
      </div>
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .ask {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(220px, 1fr));
      gap: 12px;
      margin-bottom: 16px;
    }
    section {
      display: flex;
      flex-direction: column;
      align-items: flex-start;
      gap: 6px;
      padding: 14px 16px;
    }
  `,
})
export class AccessPage {
  protected readonly sentences = inject(Sentences);
  /** Of the address. */
  readonly user = input<string>();
  readonly permission = input<string>();
  readonly project = input<string>();

  private readonly api = inject(SettingsApi);
  private readonly router = inject(Router);
  private readonly me = inject(Store).selectSignal(session.selectMe);
  protected readonly people = signal<readonly Person[]>([]);
  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly permissions = signal<readonly Permission[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly lists = signal<Call>(idle);
  protected readonly problemOf = problemOf;
  protected readonly answer = signal<AccessAnswer | null>(null);
  private asked = 0;

  constructor() {
    void this.load();
    effect(() => {
      this.user();
      this.permission();
      this.project();
      void this.check();
    });
  }

  /** What there is to choose from. Some of it serves as well: what could not be had is said beside it. */
  protected async load(): Promise<void> {
    const held = new Set(this.me()?.permissions);
    const none = { items: [] };
    this.lists.set(loading);
    const [people, projects, roles] = await Promise.allSettled([
      held.has('user.read') ? firstValueFrom(this.api.people()) : none,
      firstValueFrom(this.api.projects()),
      held.has('role.read') ? firstValueFrom(this.api.roles()) : none,
    ]);
    if (people.status === 'fulfilled') this.people.set(people.value.items);
    if (projects.status === 'fulfilled') this.projects.set(projects.value.items);
    const named = roles.status === 'fulfilled' ? roles.value.items : [];
    const all = named.find(({ name }: { name: string }) => name === 'owner');
    this.permissions.set(all?.permissions ?? this.me()?.permissions ?? []);
    const missed = [people, projects, roles].find(({ status }) => status === 'rejected');
    this.lists.set(missed?.status === 'rejected' ? failed(missed.reason) : done);
  }

  protected async check(): Promise<void> {
    const permission = this.permission();
    const asked = (this.asked += 1);
    this.answer.set(null);
    if (!permission) return this.call.set(idle);
    this.call.set(loading);
    try {
      const answer = await firstValueFrom(
        this.api.check({
          permission: permission as Permission,
          ...(this.user() && { userId: this.user() }),
          ...(this.project() && { projectId: this.project() }),
        }),
      );
      if (asked !== this.asked) return;
      this.answer.set(answer);
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked) this.call.set(failed(error));
    }
  }

  protected value(event: Event): string {
    return (event.target as HTMLSelectElement).value;
  }
  protected wordsOf(permission: Permission, t: (key: string) => string): string {
    const [kind = '', deed = ''] = permission.split('.');
    return `${t(`settings.kind.${kind}`)}: ${t(`settings.deed.${deed}`)}`;
  }
  protected go(params: Record<string, string>): void {
    const queryParams = Object.fromEntries(
      Object.entries(params).map(([key, value]) => [key, value || null]),
    );
    void this.router.navigate([], { queryParams, queryParamsHandling: 'merge', replaceUrl: true });
  }
}
