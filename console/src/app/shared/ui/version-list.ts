import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
} from '@angular/core';
import type { Said } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../i18n/sentences';
import { Icon } from './icon';
import { Age } from './time';

export interface ListedVersion {
  readonly version: string | number;
  readonly comment: string;
  readonly said?: Said;
  readonly createdBy: string;
  readonly createdAt: string;
}

/**
 * Every version that something has had, the newest first, with the one in use marked. Two can be picked to be compared,
 * the last two at first: what the last change was is what one mostly asks. The word of the button beside a version is
 * for whoever uses this to say, since a way back is a release here and a new version there.
 */
@Component({
  selector: 'aos-version-list',
  imports: [Age, Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <ol [attr.aria-label]="label()">
        @for (each of versions(); track each.version) {
          <li>
            <label class="pick" [title]="t('versions.compareWith')">
              <input
                type="checkbox"
                [checked]="picked().includes(each.version)"
                (change)="pick(each.version, $any($event.target).checked)"
              />
              <strong class="num">{{ t('versions.n', { n: each.version }) }}</strong>
            </label>
            @if (each.version === present()) {
              <span class="tag">{{ t('versions.inUse') }}</span>
            }
            <span class="cut grow" [title]="sentences.of(each.said, each.comment)">{{
              sentences.of(each.said, each.comment)
            }}</span>
            <span class="meta who">{{ each.createdBy }}</span>
            <aos-age class="meta" [at]="each.createdAt" />
            @if (each.version !== present() && canAsk()) {
              <button class="btn small" type="button" (click)="asked.emit(each.version)">
                <aos-icon name="recovering" [size]="13" />{{ actionOf()(each.version) }}
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
      @if (!pair() && versions().length > 1) {
        <p class="meta">{{ t('versions.pickTwo') }}</p>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 14px;
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
    @media (max-width: 719px) {
      .who {
        display: none;
      }
    }
  `,
})
export class VersionList<V extends ListedVersion> {
  readonly label = input.required<string>();
  readonly versions = input.required<readonly V[]>();
  readonly present = input.required<V['version']>();
  readonly canAsk = input(false);
  readonly actionOf = input.required<(version: V['version']) => string>();
  readonly hasMore = input(false);
  readonly more = output();
  readonly asked = output<V['version']>();

  protected readonly sentences = inject(Sentences);
  private readonly lastTwo = computed(
    () =>
      this.versions()
        .slice(0, 2)
        .map(({ version }) => version),
    { equal: (a, b) => a.join() === b.join() },
  );
  protected readonly picked = linkedSignal<readonly V['version'][], readonly V['version'][]>({
    source: this.lastTwo,
    computation: (two) => (two.length === 2 ? two : []),
  });
  /** The two that are picked, the older one first. */
  readonly pair = computed(() => {
    const [after, before] = this.versions().filter(({ version }) =>
      this.picked().includes(version),
    );
    return after && before ? { before, after } : null;
  });

  /** Two at a time: a third one takes the place of the one that was picked first. */
  protected pick(version: V['version'], isOn: boolean): void {
    const rest = this.picked().filter((each) => each !== version);
    this.picked.set(isOn ? [...rest.slice(-1), version] : rest);
  }
}
