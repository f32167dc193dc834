import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { MemoryItem, MemoryKind, Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading, toProblem } from '../../shared/api/problem';
import { Dialog } from '../../shared/ui/dialog';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { MemoryApi } from './memory-api';

/** Adds an item, or changes one with the difference in sight. A newer version is shown, and compared with. */
@Component({
  selector: 'aos-item-dialog',
  imports: [Dialog, Difference, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="t(item() ? 'memory.item.edit' : 'memory.item.add')"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="item" class="form" (submit)="save($event)">
        <div class="field">
          <label for="item-subject">{{ t('memory.item.subject') }}</label>
          <input
            id="item-subject"
            class="input"
            type="text"
            required
            maxlength="200"
            autocomplete="off"
            [placeholder]="t('memory.item.subjectSample')"
            [value]="subject()"
            (input)="subject.set($any($event.target).value)"
          />
        </div>
        <div class="field">
          <label for="item-text">{{ t('memory.item.text') }}</label>
          <textarea
            id="item-text"
            class="input"
            rows="5"
            required
            maxlength="4000"
            [placeholder]="t('memory.item.textSample')"
            [value]="text()"
            (input)="text.set($any($event.target).value)"
          ></textarea>
        </div>
        <div class="field">
          <label for="item-kind">{{ t('memory.item.kind') }}</label>
          <select
            id="item-kind"
            class="input"
            aria-describedby="item-kind-help"
            (change)="kind.set($any($event.target).value)"
          >
            @for (each of kinds; track each) {
              <option [value]="each" [selected]="each === kind()">
                {{ t('memory.kind.' + each) }}
              </option>
            }
          </select>
          <span class="help" id="item-kind-help">{{ t('memory.kindHelp.' + kind()) }}</span>
        </div>
        @if (!item()) {
          <div class="field">
            <label for="item-project">{{ t('memory.item.where') }}</label>
            <select
              id="item-project"
              class="input"
              (change)="chosenProject.set($any($event.target).value)"
            >
              <option value="">{{ t('memory.everywhere') }}</option>
              @for (project of projects(); track project.id) {
                <option [value]="project.id" [selected]="project.id === chosenProject()">
                  {{ project.name }}
                </option>
              }
            </select>
          </div>
        }
        @if (base(); as base) {
          <div>
            <h3>{{ t('memory.changes') }}</h3>
            @if (isNewer()) {
              <p class="warn">{{ t('memory.newer', { n: base.version }) }}</p>
            }
            <aos-difference [before]="saidBy(base)" [after]="saidNow()" />
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
      <button actions class="btn filled" type="submit" form="item" [disabled]="isBusy()">
        {{ t(item() ? 'memory.save' : 'memory.item.keep') }}
      </button>
    </aos-dialog>
  `,
  styleUrls: ['../../shared/ui/section.css', './memory.css'],
})
export class ItemDialog {
  readonly item = input.required<MemoryItem | null>();
  readonly projects = input.required<readonly Project[]>();
  /** Where a new one goes unless the person says otherwise. */
  readonly projectId = input('');
  readonly saved = output<MemoryItem>();
  readonly closed = output();

  private readonly api = inject(MemoryApi);
  protected readonly kinds: readonly MemoryKind[] = ['fact', 'preference', 'lesson'];
  protected readonly base = linkedSignal(() => this.item());
  protected readonly subject = linkedSignal(() => this.item()?.subject ?? '');
  protected readonly text = linkedSignal(() => this.item()?.text ?? '');
  protected readonly kind = linkedSignal((): MemoryKind => this.item()?.kind ?? 'fact');
  protected readonly chosenProject = linkedSignal(() => this.projectId());
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');
  protected readonly isNewer = computed(() => this.base()?.version !== this.item()?.version);
  protected readonly saidNow = computed(() => ({
    subject: this.subject().trim(),
    kind: this.kind(),
    text: this.text().trim(),
  }));

  protected saidBy({ subject, kind, text }: MemoryItem) {
    return { subject, kind, text };
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const base = this.base();
    this.call.set(loading);
    try {
      const now = this.saidNow();
      this.saved.emit(
        await firstValueFrom(
          base
            ? this.api.change(base.id, base.version, now)
            : this.api.create({ ...now, projectId: this.chosenProject() || null }),
        ),
      );
    } catch (error) {
      if (base && toProblem(error).status === 412)
        this.base.set(await firstValueFrom(this.api.item(base.id)).catch(() => base));
      this.call.set(failed(error));
    }
  }
}
