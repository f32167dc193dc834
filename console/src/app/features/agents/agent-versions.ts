import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { Agent, AgentVersion } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { Dialog } from '../../shared/ui/dialog';
import { Difference } from '../../shared/ui/difference';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { tidy } from './sop';

const told = (each: AgentVersion): AgentVersion => ({ ...each, config: tidy(each.config) });

export interface Release {
  version: string;
  comment: string;
  then: () => void;
}

/** Every version that an agent has had; what two of them do not share; and the way back to one of them. */
@Component({
  selector: 'aos-agent-versions',
  imports: [Age, Dialog, Difference, Icon, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="retry.emit()" />
        }
      }
      <ol [attr.aria-label]="t('agents.tab.versions')">
        @for (each of versions(); track each.version) {
          <li [class.now]="each.version === agent().version">
            <label class="pick" [title]="t('agents.compareWith')">
              <input
                type="checkbox"
                [checked]="picked().includes(each.version)"
                (change)="pick(each.version, $any($event.target).checked)"
              />
              <strong class="num">{{ t('agents.versionN', { n: each.version }) }}</strong>
            </label>
            @if (each.version === agent().version) {
              <span class="tag">{{ t('agents.inUse') }}</span>
            }
            <span class="cut grow" [title]="sentences.of(each.said, each.comment)">{{
              sentences.of(each.said, each.comment)
            }}</span>
            <span class="meta who">{{ each.createdBy }}</span>
            <aos-age class="meta" [at]="each.createdAt" />
            @if (each.version !== agent().version && mayRelease()) {
              <button class="btn small" type="button" (click)="ask(each)">
                <aos-icon name="recovering" [size]="13" />{{
                  t(isOlder(each) ? 'agents.rollBack' : 'agents.release')
                }}
              </button>
            }
          </li>
        }
      </ol>
      @if (hasMore()) {
        <button class="btn small more" type="button" (click)="more.emit()">
          {{ t('ui.more') }}
        </button>
      }
      @if (pair(); as pair) {
        <section>
          <h2>
            {{ t('agents.between', { a: pair.before.version, b: pair.after.version }) }}
          </h2>
          <aos-difference
            [before]="pair.before.config"
            [after]="pair.after.config"
            [beforeLabel]="t('agents.versionN', { n: pair.before.version })"
            [afterLabel]="t('agents.versionN', { n: pair.after.version })"
          />
        </section>
      } @else if (versions().length > 1) {
        <p class="meta">{{ t('agents.pickTwo') }}</p>
      }
      @if (wanted(); as wanted) {
        <aos-dialog
          size="large"
          [title]="t('agents.releaseTitle', { name: agent().name, n: wanted.version })"
          [isBusy]="releasing().state === 'loading'"
          (closed)="wantedVersion.set(null)"
        >
          <div class="ask">
            <p>{{ t('agents.releaseHelp') }}</p>
            <aos-difference
              [before]="present()"
              [after]="wanted.config"
              [beforeLabel]="t('agents.versionN', { n: agent().version })"
              [afterLabel]="t('agents.versionN', { n: wanted.version })"
            />
            <div class="field">
              <label for="release-comment">{{ t('agents.comment') }}</label>
              <input
                id="release-comment"
                class="input"
                maxlength="1000"
                autocomplete="off"
                [value]="comment()"
                (input)="comment.set($any($event.target).value)"
              />
            </div>
            @if (releasing(); as call) {
              @if (call.state === 'failed') {
                <aos-problem [problem]="call.problem" />
              }
            }
          </div>
          <button actions class="btn" type="button" (click)="wantedVersion.set(null)">
            {{ t('dialog.cancel') }}
          </button>
          <button
            actions
            class="btn filled"
            type="button"
            [disabled]="releasing().state === 'loading'"
            (click)="release(wanted.version)"
          >
            {{
              releasing().state === 'loading'
                ? t('dialog.busy')
                : t(isOlder(wanted) ? 'agents.rollBack' : 'agents.release')
            }}
          </button>
        </aos-dialog>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 14px;
      max-width: 960px;
    }
    ol {
      margin: 0;
      padding: 0;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      list-style: none;
    }
    li {
      display: flex;
      align-items: center;
      gap: 12px;
      min-height: 38px;
      padding: 4px 12px;
    }
    li + li {
      border-top: 1px solid var(--line);
    }
    .pick {
      display: flex;
      align-items: center;
      gap: 8px;
      white-space: nowrap;
    }
    .pick strong {
      font-weight: 550;
    }
    .tag {
      padding: 1px 8px;
      border-radius: 999px;
      background: var(--done-tint);
      color: var(--done);
      font-size: 11px;
      white-space: nowrap;
    }
    .more {
      align-self: flex-start;
    }
    section,
    .ask {
      display: flex;
      flex-direction: column;
      gap: 10px;
    }
    @media (max-width: 719px) {
      .who {
        display: none;
      }
    }
  `,
})
export class AgentVersions {
  protected readonly sentences = inject(Sentences);
  readonly agent = input.required<Agent>();
  readonly versions = input.required<readonly AgentVersion[]>();
  readonly call = input.required<Call>();
  readonly hasMore = input(false);
  readonly mayRelease = input(false);
  readonly releasing = input.required<Call>();
  readonly more = output();
  readonly retry = output();
  readonly released = output<Release>();

  protected readonly comment = signal('');
  protected readonly wantedVersion = signal<string | null>(null);
  protected readonly wanted = computed(() => {
    const wanted = this.versions().find(({ version }) => version === this.wantedVersion());
    return wanted ? told(wanted) : null;
  });
  protected readonly present = computed(() => tidy(this.agent().config));
  /** The last two at first: what the last change was is what one mostly asks. */
  private readonly lastTwo = computed(() =>
    this.versions()
      .slice(0, 2)
      .map(({ version }) => version)
      .join(),
  );
  protected readonly picked = linkedSignal<string, readonly string[]>({
    source: this.lastTwo,
    computation: (two) => (two.includes(',') ? two.split(',') : []),
  });
  protected readonly pair = computed(() => {
    const [a, b] = this.versions().filter(({ version }) => this.picked().includes(version));
    return a && b ? { before: told(b), after: told(a) } : null;
  });

  constructor() {
    effect(() => {
      if (this.wantedVersion() === this.agent().version) this.wantedVersion.set(null);
    });
  }

  protected isOlder({ version }: AgentVersion): boolean {
    return Number(version) < Number(this.agent().version);
  }
  /** Two at a time: a third one takes the place of the one that was picked first. */
  protected pick(version: string, isOn: boolean): void {
    const rest = this.picked().filter((each) => each !== version);
    this.picked.set(isOn ? [...rest.slice(-1), version] : rest);
  }
  protected ask({ version }: AgentVersion): void {
    this.comment.set('');
    this.wantedVersion.set(version);
  }
  protected release(version: string): void {
    this.released.emit({
      version,
      comment: this.comment(),
      then: () => this.wantedVersion.set(null),
    });
  }
}
