import { ChangeDetectionStrategy, Component, computed, inject, signal } from '@angular/core';
import type { Profile, ProfileAnswer } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading, toProblem } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { MemoryApi } from './memory-api';

const empty: Profile = {
  about: '',
  instructions: '',
  language: null,
  timeZone: null,
  detail: 'balanced',
};

/** Who one is and how one wants to be worked for. One's own alone. */
@Component({
  selector: 'aos-profile-page',
  imports: [Age, Difference, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <h1 class="sr-only">{{ t('memory.part.profile') }}</h1>
      <div class="top">
        <p class="lead">{{ t('memory.profile.lead') }}</p>
        @if (stored()?.updatedAt; as at) {
          <span class="meta">{{ t('memory.profile.saved') }} <aos-age [at]="at" /></span>
        }
      </div>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !stored()) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @if (stored(); as stored) {
        <form class="card form" (submit)="save($event)">
          <div class="field">
            <label for="profile-about">{{ t('memory.profile.about') }}</label>
            <textarea
              id="profile-about"
              class="input"
              rows="3"
              maxlength="2000"
              [disabled]="!mayWrite()"
              [placeholder]="t('memory.profile.aboutSample')"
              [value]="draft().about"
              (input)="set({ about: $any($event.target).value })"
            ></textarea>
          </div>
          <div class="field">
            <label for="profile-instructions">{{ t('memory.profile.instructions') }}</label>
            <textarea
              id="profile-instructions"
              class="input"
              rows="4"
              maxlength="4000"
              [disabled]="!mayWrite()"
              [placeholder]="t('memory.profile.instructionsSample')"
              [value]="draft().instructions"
              (input)="set({ instructions: $any($event.target).value })"
            ></textarea>
          </div>
          <div class="side">
            <div class="field">
              <label for="profile-language">{{ t('memory.profile.language') }}</label>
              <select
                id="profile-language"
                class="input"
                [disabled]="!mayWrite()"
                (change)="set({ language: $any($event.target).value || null })"
              >
                <option value="" [selected]="!draft().language">
                  {{ t('memory.profile.any') }}
                </option>
                <option value="en" lang="en" [selected]="draft().language === 'en'">English</option>
                <option value="zh" lang="zh-CN" [selected]="draft().language === 'zh'">中文</option>
              </select>
            </div>
            <div class="field">
              <label for="profile-zone">{{ t('memory.profile.zone') }}</label>
              <select
                id="profile-zone"
                class="input"
                [disabled]="!mayWrite()"
                (change)="set({ timeZone: $any($event.target).value || null })"
              >
                <option value="" [selected]="!draft().timeZone">
                  {{ t('memory.profile.any') }}
                </option>
                @for (zone of zones(); track zone) {
                  <option [value]="zone" [selected]="zone === draft().timeZone">{{ zone }}</option>
                }
              </select>
            </div>
            <div class="field">
              <label for="profile-detail">{{ t('memory.profile.detail') }}</label>
              <select
                id="profile-detail"
                class="input"
                [disabled]="!mayWrite()"
                (change)="set({ detail: $any($event.target).value })"
              >
                @for (each of details; track each) {
                  <option [value]="each" [selected]="each === draft().detail">
                    {{ t('memory.profile.details.' + each) }}
                  </option>
                }
              </select>
            </div>
          </div>
          @if (isChanged()) {
            <div>
              <h3>{{ t('memory.changes') }}</h3>
              @if (isNewer()) {
                <p class="warn">{{ t('memory.newer', { n: stored.version }) }}</p>
              }
              <aos-difference [before]="stored.profile" [after]="draft()" />
            </div>
          }
          @if (saving(); as call) {
            @if (call.state === 'failed') {
              <aos-problem [problem]="call.problem" />
            } @else if (call.state === 'done' && !isChanged()) {
              <p class="ok" role="status">{{ t('memory.profile.done') }}</p>
            }
          }
          @if (mayWrite()) {
            <div class="acts">
              <button
                class="btn filled"
                type="submit"
                [disabled]="!isChanged() || saving().state === 'loading'"
              >
                {{ t('memory.save') }}
              </button>
              @if (isChanged()) {
                <button class="btn quiet" type="button" (click)="draft.set(stored.profile)">
                  {{ t('memory.profile.discard') }}
                </button>
              }
            </div>
          } @else {
            <p class="meta">{{ t('memory.profile.mayNot') }}</p>
          }
        </form>
      }
    </div>
  `,
  styleUrls: ['../../shared/ui/section.css', './memory.css'],
  styles: `
    form {
      max-width: 720px;
      padding: 16px;
    }
    .side {
      display: grid;
      grid-template-columns: repeat(auto-fit, minmax(180px, 1fr));
      gap: 12px;
    }
    .acts {
      display: flex;
      gap: 8px;
    }
    .ok {
      color: var(--done);
    }
  `,
})
export class ProfilePage {
  private readonly api = inject(MemoryApi);
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('memory.write'));
  protected readonly details: readonly Profile['detail'][] = ['short', 'balanced', 'detailed'];
  protected readonly call = signal<Call>(idle);
  protected readonly saving = signal<Call>(idle);
  protected readonly stored = signal<ProfileAnswer | null>(null);
  protected readonly draft = signal<Profile>(empty);
  /** Somebody (oneself, in another tab) has saved since: the draft stands against that version now. */
  protected readonly isNewer = signal(false);
  protected readonly isChanged = computed(
    () => JSON.stringify(this.draft()) !== JSON.stringify({ ...empty, ...this.stored()?.profile }),
  );
  protected readonly zones = computed(() => {
    const chosen = this.draft().timeZone;
    const all = Intl.supportedValuesOf('timeZone');
    return chosen && !all.includes(chosen) ? [chosen, ...all] : all;
  });

  constructor() {
    void this.load();
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const stored = await firstValueFrom(this.api.profile());
      this.stored.set(stored);
      this.draft.set({ ...empty, ...stored.profile });
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected set(part: Partial<Profile>): void {
    this.draft.update((draft) => ({ ...draft, ...part }));
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const stored = this.stored();
    if (!stored) return;
    this.saving.set(loading);
    try {
      const answer = await firstValueFrom(this.api.saveProfile(this.draft(), stored.version));
      this.stored.set(answer);
      this.draft.set({ ...empty, ...answer.profile });
      this.isNewer.set(false);
      this.saving.set(done);
    } catch (error) {
      this.saving.set(failed(error));
      if (toProblem(error).status !== 412) return;
      this.stored.set(await firstValueFrom(this.api.profile()).catch(() => stored));
      this.isNewer.set(true);
    }
  }
}
