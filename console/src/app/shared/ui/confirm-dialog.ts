import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Call, idle } from '../api/problem';
import { Dialog } from './dialog';
import { ProblemNote } from './problem-note';

/**
 * Asks before what cannot be taken back. With a `name`, the person types it: a habit of pressing Enter deletes
 * nothing. What it will do stands between the tags, in words.
 */
@Component({
  selector: 'aos-confirm-dialog',
  imports: [Dialog, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="small"
      [title]="title()"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="confirm" (submit)="submit($event)">
        <div class="what"><ng-content /></div>
        @if (name(); as name) {
          <div class="field">
            <label for="confirm-name"
              >{{ t('dialog.type') }} <code>{{ name }}</code></label
            >
            <input
              id="confirm-name"
              class="input mono"
              type="text"
              autocomplete="off"
              autocapitalize="off"
              spellcheck="false"
              [value]="typed()"
              (input)="typed.set($any($event.target).value)"
            />
          </div>
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
      <button
        actions
        class="btn destructive"
        type="submit"
        form="confirm"
        [disabled]="!isSure() || isBusy()"
      >
        {{ isBusy() ? t('dialog.busy') : action() }}
      </button>
    </aos-dialog>
  `,
  styles: `
    form {
      display: flex;
      flex-direction: column;
      gap: 16px;
    }
    .what {
      overflow-wrap: anywhere;
    }
    label {
      font-weight: 400;
      overflow-wrap: anywhere;
    }
    label code {
      padding: 1px 5px;
      border-radius: 4px;
      background: var(--sunken);
      font-weight: 550;
      user-select: all;
    }
    .destructive {
      border-color: transparent;
      background: var(--failed);
      color: var(--surface);
    }
    .destructive:hover:not(:disabled) {
      border-color: transparent;
      background: color-mix(in srgb, var(--failed) 88%, var(--ink));
    }
    .destructive:disabled {
      border-color: var(--line);
      background: var(--sunken);
      color: var(--muted);
    }
  `,
})
export class ConfirmDialog {
  readonly title = input.required<string>();
  /** What the button says: the deed, not "OK". */
  readonly action = input.required<string>();
  /** What has to be typed; null where a plain yes is enough. */
  readonly name = input<string | null>(null);
  readonly call = input<Call>(idle);
  readonly confirmed = output();
  readonly closed = output();

  protected readonly typed = signal('');
  protected readonly isBusy = computed(() => this.call().state === 'loading');
  protected readonly isSure = computed(
    () => this.name() === null || this.typed().trim() === this.name(),
  );

  protected submit(event: Event): void {
    event.preventDefault();
    if (this.isSure() && !this.isBusy()) this.confirmed.emit();
  }
}
