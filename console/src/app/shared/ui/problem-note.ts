import {
  ChangeDetectionStrategy,
  Component,
  type OnDestroy,
  type OnInit,
  computed,
  inject,
  input,
  output,
} from '@angular/core';
import type { Problem } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../i18n/sentences';
import { CopyButton } from './copy-button';
import { Icon } from './icon';
import { IN_DIALOG } from './in-dialog';
import { PageProblems, isSame } from './page-problems';

/** What happened, what it means, what to do, and the trace to quote when asking for help. */
@Component({
  selector: 'aos-problem',
  imports: [CopyButton, Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (isToldAbove()) {
        <p class="quiet muted">
          <aos-icon name="failed" [size]="14" />{{
            what() ? t('problem.notLoadedOf', { what: what() }) : t('problem.notLoaded')
          }}
        </p>
      } @else {
        <div class="note" role="alert">
          <aos-icon name="failed" [size]="18" />
          <div class="grow">
            <p class="title">{{ sentences.title(problem()) }}</p>
            @if (sentences.detail(problem()); as detail) {
              <p class="detail">{{ detail }}</p>
            }
            @for (fault of problem().errors ?? []; track $index) {
              <p class="detail">
                <code>{{ fault.path }}</code> {{ sentences.of(fault.said, fault.message) }}
              </p>
            }
            @if (canRetry() || problem().traceId) {
              <div class="actions">
                @if (canRetry()) {
                  <button class="btn small" type="button" (click)="retry.emit()">
                    <aos-icon name="retry" [size]="14" />{{ t('problem.retry') }}
                  </button>
                }
                @if (problem().traceId; as traceId) {
                  <aos-copy [text]="traceId" [label]="t('problem.copyTrace')" />
                }
              </div>
            }
          </div>
        </div>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
    }
    .note {
      display: flex;
      gap: 10px;
      padding: 10px 12px;
      border: 1px solid color-mix(in srgb, var(--failed) 30%, transparent);
      border-radius: var(--radius-card);
      background: var(--failed-tint);
    }
    aos-icon {
      color: var(--failed);
      margin-top: 1px;
    }
    button aos-icon {
      color: inherit;
      margin: 0;
    }
    /* Along the top of a page: in one line where there is room. */
    :host(.strip) .note {
      padding: 8px 16px;
      border-width: 0 0 1px;
      border-radius: 0;
    }
    :host(.strip) .grow {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 0 12px;
    }
    :host(.strip) .note > aos-icon {
      margin-top: 3px;
    }
    :host(.strip) .detail {
      flex: 1 1 320px;
    }
    :host(.strip) .actions {
      margin: 0 0 0 auto;
    }
    .quiet {
      display: flex;
      align-items: center;
      gap: 6px;
      padding: 4px 0;
    }
    .quiet aos-icon {
      margin: 0;
    }
    .title {
      font-weight: 550;
    }
    .detail {
      overflow-wrap: anywhere;
    }
    .actions {
      display: flex;
      flex-wrap: wrap;
      gap: 8px;
      margin-top: 8px;
    }
    /* Alone, its sign stands where the words above begin, and not its ground. */
    .actions aos-copy:first-child {
      margin-left: -8px;
    }
  `,
})
export class ProblemNote implements OnInit, OnDestroy {
  readonly problem = input.required<Problem>();
  readonly canRetry = input(false);
  /** Told where it stands in any case: somebody pressed for it, and it is no part of what the page shows. */
  readonly isOwn = input(false);
  /** What the part is, where nothing around it says so. */
  readonly what = input('');
  readonly retry = output();
  protected readonly sentences = inject(Sentences);
  private readonly page = inject(PageProblems);
  private readonly isInDialog = inject(IN_DIALOG, { optional: true }) ?? false;

  /** It befell a part of the page, and no more than that. */
  private readonly ofPart = computed(() =>
    this.canRetry() && !this.isOwn() && !this.isInDialog ? this.problem() : null,
  );
  protected readonly isToldAbove = computed(() => {
    const [told, own] = [this.page.shared(), this.ofPart()];
    return told !== null && own !== null && isSame(told, own);
  });
  private readonly part = { problem: this.ofPart, retry: () => this.retry.emit() };

  ngOnInit(): void {
    this.page.add(this.part);
  }
  ngOnDestroy(): void {
    this.page.remove(this.part);
  }
}
