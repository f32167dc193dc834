import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { DecideRequest } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { type FormFault, same, schemaFaults } from '../forms/schema-faults';
import { SchemaForm } from '../forms/schema-form';
import { SchemaReader } from '../forms/schema-reader';
import type { LiveApproval } from '../state/approvals';
import { Sentences } from '../i18n/sentences';
import { Dialog } from '../ui/dialog';
import { Difference } from '../ui/difference';
import { ProblemNote } from '../ui/problem-note';

/** Other arguments for a call that waits: a form of the tool's schema, and what it changes, before it runs. */
@Component({
  selector: 'aos-edit-args',
  imports: [Dialog, Difference, ProblemNote, SchemaForm, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="large"
      [title]="t('approval.editTitle', { tool: approval().tool })"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <div class="parts">
        <aos-schema-form
          [schema]="approval().schema"
          [value]="args()"
          [label]="t('approval.args')"
          [disabled]="isBusy()"
          [faults]="faults()"
          (changed)="args.set($event)"
          (broken)="isBroken.set($event)"
        />
        <section>
          <h3>{{ t('approval.changes') }}</h3>
          <aos-difference [before]="approval().args" [after]="args()" />
        </section>
        <div class="field">
          <label [attr.for]="'edit-comment-' + approval().id">{{ t('approval.comment') }}</label>
          <textarea
            class="input"
            rows="2"
            maxlength="4000"
            [id]="'edit-comment-' + approval().id"
            [value]="comment()"
            (input)="comment.set($any($event.target).value)"
          ></textarea>
        </div>
        @if (approval().problem; as problem) {
          <aos-problem [problem]="problem" />
        }
      </div>
      <span actions class="meta grow">{{ t('approval.noUndo') }}</span>
      <button actions class="btn" type="button" [disabled]="isBusy()" (click)="closed.emit()">
        {{ t('dialog.cancel') }}
      </button>
      <button actions class="btn filled" type="button" [disabled]="!canSend()" (click)="send()">
        {{ isBusy() ? t('approval.sending') : t('approval.continueChanged') }}
      </button>
    </aos-dialog>
  `,
  styles: `
    .parts {
      display: flex;
      flex-direction: column;
      gap: 20px;
    }
    h3 {
      margin-bottom: 6px;
    }
    @media (max-width: 719px) {
      /* Else it takes so much of the line that one of the two buttons goes below the other. */
      .grow {
        flex-basis: 100%;
      }
    }
  `,
})
export class EditArgs {
  readonly approval = input.required<LiveApproval>();
  readonly startComment = input('');
  readonly decided = output<DecideRequest>();
  readonly closed = output();

  /** Begins with what the task asked for; an approval that is read anew must not undo what was typed. */
  protected readonly args = linkedSignal<string, unknown>({
    source: () => this.approval().id,
    // Asked anew also when only something else of the approval has changed.
    computation: (id, before) =>
      before?.source === id ? before.value : untracked(this.approval).args,
  });
  protected readonly comment = linkedSignal(() => this.startComment());
  protected readonly isBroken = signal(false);
  protected readonly isBusy = computed(() => this.approval().deciding !== null);
  private readonly sentences = inject(Sentences);
  private readonly own = computed(() =>
    schemaFaults(new SchemaReader(this.approval().schema), this.args()),
  );
  /** The server's are about what was sent; what is typed since may have mended them. */
  private readonly refused = linkedSignal<unknown, readonly FormFault[]>({
    source: () => this.approval().problem,
    computation: () =>
      (this.approval().problem?.errors ?? []).map(({ path, message, said }) => ({
        path: path.replace(/^args[./]?/, ''),
        message: this.sentences.of(said, message),
      })),
  });
  protected readonly faults = computed(() => [...this.own(), ...this.refused()]);
  protected readonly canSend = computed(
    () =>
      !this.isBusy() &&
      !this.isBroken() &&
      this.own().length === 0 &&
      !same(this.args(), this.approval().args),
  );

  protected send(): void {
    const comment = this.comment().trim();
    this.decided.emit({
      approvalId: this.approval().id,
      decision: 'continue',
      args: this.args() as Record<string, unknown>,
      ...(comment && { comment }),
    });
  }
}
