import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Call } from '../api/problem';
import { Dialog } from './dialog';
import { Difference } from './difference';
import { ProblemNote } from './problem-note';

/**
 * Asks before a version of something becomes the one in use: what it changes, and why it is done. What it means besides
 * stands between the tags. It is gone once whoever opened it takes it away: a failure is read in it, beside the difference.
 */
@Component({
  selector: 'aos-version-dialog',
  imports: [Dialog, Difference, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="large"
      [title]="title()"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <div class="what">
        <ng-content />
        <aos-difference
          [before]="before()"
          [after]="after()"
          [beforeLabel]="beforeLabel()"
          [afterLabel]="afterLabel()"
        />
        <div class="field">
          <label for="version-comment">{{ t('versions.why') }}</label>
          <input
            id="version-comment"
            class="input"
            maxlength="1000"
            autocomplete="off"
            [value]="comment()"
            (input)="comment.set($any($event.target).value)"
            (keydown.enter)="confirm()"
          />
        </div>
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" />
          }
        }
      </div>
      <button actions class="btn" type="button" (click)="closed.emit()">
        {{ t('dialog.cancel') }}
      </button>
      <button actions class="btn filled" type="button" [disabled]="isBusy()" (click)="confirm()">
        {{ isBusy() ? t('dialog.busy') : action() }}
      </button>
    </aos-dialog>
  `,
  styles: `
    .what {
      display: flex;
      flex-direction: column;
      gap: 12px;
    }
  `,
})
export class VersionDialog {
  readonly title = input.required<string>();
  readonly action = input.required<string>();
  readonly before = input.required<unknown>();
  readonly after = input.required<unknown>();
  readonly beforeLabel = input.required<string>();
  readonly afterLabel = input.required<string>();
  readonly call = input.required<Call>();
  /** With what was written as its reason. */
  readonly confirmed = output<string>();
  readonly closed = output();

  protected readonly comment = signal('');
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  // A button is off only once it is drawn anew: Enter and a press may both come before that.
  protected confirm(): void {
    if (!this.isBusy()) this.confirmed.emit(this.comment());
  }
}
