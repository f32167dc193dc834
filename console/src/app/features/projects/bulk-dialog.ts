import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
} from '@angular/core';
import type { Job } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Dialog } from '../../shared/ui/dialog';
import type { Bulk } from './bulk';

/** Asks first, then shows how far it is, then says which tasks it could not be done to, and why. */
@Component({
  selector: 'aos-bulk-dialog',
  imports: [Dialog, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="t('projects.bulk.' + deed() + '.title', { n: bulk().rows.length })"
      [isBusy]="bulk().state() === 'running'"
      (closed)="closed.emit()"
    >
      @switch (bulk().state()) {
        @case ('waiting') {
          <p>{{ t('projects.bulk.' + deed() + '.what', { n: bulk().rows.length }) }}</p>
        }
        @default {
          <div
            class="bar"
            role="progressbar"
            [attr.aria-label]="t('task.progress')"
            [attr.aria-valuenow]="bulk().done()"
            aria-valuemin="0"
            [attr.aria-valuemax]="bulk().rows.length"
          >
            <span [style.width.%]="percent()"></span>
          </div>
          <p class="num" role="status">
            {{
              t('projects.bulk.progress', {
                done: bulk().done() - bulk().failures().length,
                total: bulk().rows.length,
                failed: bulk().failures().length,
              })
            }}
          </p>
          @if (bulk().failures().length) {
            <ul [attr.aria-label]="t('projects.bulk.failures')">
              @for (failure of bulk().failures(); track failure.row.id) {
                <li>
                  <span class="cut" [title]="failure.row.goal">{{
                    failure.row.goal || failure.row.id
                  }}</span>
                  <span class="why">{{
                    sentences.detail(failure.problem) || sentences.title(failure.problem)
                  }}</span>
                </li>
              }
            </ul>
          }
        }
      }
      <ng-container actions>
        @switch (bulk().state()) {
          @case ('waiting') {
            <button class="btn" type="button" (click)="closed.emit()">
              {{ t('dialog.cancel') }}
            </button>
            <button
              class="btn"
              [class.danger]="deed() === 'cancel'"
              [class.filled]="deed() === 'rerun'"
              type="button"
              (click)="run()"
            >
              {{ t('projects.bulk.' + deed() + '.go', { n: bulk().rows.length }) }}
            </button>
          }
          @case ('running') {
            <button class="btn" type="button" (click)="bulk().stop()">
              {{ t('projects.bulk.stop') }}
            </button>
          }
          @default {
            @if (bulk().failures().length) {
              <button class="btn" type="button" (click)="retry()">
                {{ t('projects.bulk.retry', { n: bulk().failures().length }) }}
              </button>
            }
            <button class="btn filled" type="button" (click)="closed.emit()">
              {{ t('ui.close') }}
            </button>
          }
        }
      </ng-container>
    </aos-dialog>
  `,
  styles: `
    .bar {
      height: 6px;
      margin-bottom: 10px;
      border-radius: 999px;
      background: var(--sunken);
      overflow: hidden;
    }
    .bar span {
      display: block;
      height: 100%;
      background: var(--accent);
      transition: width var(--quick);
    }
    ul {
      display: flex;
      flex-direction: column;
      gap: 8px;
      max-height: 280px;
      margin: 12px 0 0;
      padding: 10px 12px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      overflow: auto;
      list-style: none;
    }
    li {
      display: flex;
      flex-direction: column;
    }
    .why {
      color: var(--failed);
      font-size: 12px;
      overflow-wrap: anywhere;
    }
  `,
})
export class BulkDialog {
  protected readonly sentences = inject(Sentences);
  readonly deed = input.required<'cancel' | 'rerun'>();
  readonly start = input.required<Bulk<Job>>();
  /** Some were done: the choice of rows has had its use. */
  readonly ran = output();
  readonly closed = output();

  protected readonly bulk = linkedSignal(() => this.start());
  protected readonly percent = computed(
    () => (100 * this.bulk().done()) / Math.max(1, this.bulk().rows.length),
  );

  protected run(): void {
    this.ran.emit();
    void this.bulk().run();
  }
  protected retry(): void {
    this.bulk.update((bulk) => bulk.again());
    this.run();
  }
}
