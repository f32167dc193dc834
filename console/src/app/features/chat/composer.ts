import { CdkTextareaAutosize } from '@angular/cdk/text-field';
import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  computed,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import type { Agent } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { fileSize } from '../../shared/ui/time';
import type { Attachment } from './chat-store';

export interface Draft {
  text: string;
  agentId: string | null;
}

/** Where a goal is written: text, files, and who should do it. */
@Component({
  selector: 'aos-composer',
  imports: [
    CdkTextareaAutosize,
    Icon,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    ProblemNote,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (problem(); as problem) {
        <aos-problem [problem]="problem" [canRetry]="canSend()" (retry)="submit()" />
      }
      <form class="box" (submit)="$event.preventDefault(); submit()">
        @if (attachments().length) {
          <ul class="files" [attr.aria-label]="t('composer.files')">
            @for (file of attachments(); track file.key) {
              <li [class.fault]="file.problem" [title]="file.problem?.detail ?? file.fileName">
                <aos-icon [name]="file.problem ? 'failed' : 'text'" [size]="14" />
                <span class="cut">{{ file.fileName }}</span>
                <span class="meta num">
                  @if (file.problem) {
                    {{ t('composer.refused') }}
                  } @else if (!file.artifactId) {
                    {{ t('composer.uploading') }}
                  } @else {
                    {{ size(file.bytes) }}
                  }
                </span>
                <button
                  type="button"
                  [attr.aria-label]="t('composer.remove', { name: file.fileName })"
                  (click)="detached.emit(file.key)"
                >
                  <aos-icon name="close" [size]="12" />
                </button>
              </li>
            }
          </ul>
        }
        <label class="sr-only" for="goal">{{ t('composer.label') }}</label>
        <textarea
          #goal
          id="goal"
          cdkTextareaAutosize
          cdkAutosizeMinRows="1"
          cdkAutosizeMaxRows="12"
          maxlength="20000"
          [placeholder]="t('composer.placeholder')"
          [value]="text()"
          (input)="text.set(goal.value)"
          (keydown)="onKey($event)"
          (paste)="onPaste($event)"
        ></textarea>
        <div class="tools">
          <input
            #picker
            class="sr-only"
            type="file"
            multiple
            tabindex="-1"
            aria-hidden="true"
            (change)="onPicked(picker)"
          />
          <button
            class="btn quiet icon"
            type="button"
            [attr.aria-label]="t('composer.attach')"
            [title]="t('composer.attach')"
            (click)="picker.click()"
          >
            <aos-icon name="attach" />
          </button>
          @if (agents().length) {
            <button class="btn quiet" type="button" [matMenuTriggerFor]="agentMenu">
              <aos-icon name="agents" />
              <span class="cut">{{ agent()?.name ?? t('composer.anyAgent') }}</span>
              <aos-icon name="down" [size]="12" />
            </button>
          }
          <span class="grow"></span>
          <span class="meta hint">{{ t('composer.hint') }}</span>
          <button
            class="btn filled icon"
            type="submit"
            [disabled]="!canSend()"
            [attr.aria-label]="t('composer.send')"
            [title]="t('composer.send')"
          >
            <aos-icon name="send" />
          </button>
        </div>
      </form>
      <mat-menu #agentMenu="matMenu" (closed)="goal.focus()">
        <button mat-menu-item type="button" (click)="agent.set(null)">
          {{ t('composer.anyAgent') }}
        </button>
        @for (one of agents(); track one.id) {
          <button mat-menu-item type="button" (click)="agent.set(one)">
            {{ one.name }}
            <span class="meta">{{ t('agents.status.' + one.status) }}</span>
          </button>
        }
      </mat-menu>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .box {
      display: flex;
      flex-direction: column;
      border: 1px solid var(--line-strong);
      border-radius: 10px;
      background: var(--surface);
    }
    .box:focus-within {
      border-color: var(--accent);
      box-shadow: 0 0 0 1px var(--accent);
    }
    textarea {
      width: calc(100% - 28px);
      margin: 12px 14px 4px;
      padding: 0;
      border: 0;
      background: none;
      outline: none;
      resize: none;
      font-size: 14px;
      line-height: 22px;
    }
    .tools {
      display: flex;
      align-items: center;
      gap: 4px;
      min-width: 0;
      padding: 6px;
    }
    .tools .btn.quiet {
      color: var(--muted);
      min-width: 0;
    }
    .hint {
      padding: 0 8px;
      white-space: nowrap;
    }
    .files {
      display: flex;
      flex-wrap: wrap;
      gap: 6px;
      margin: 0;
      padding: 10px 10px 0;
      list-style: none;
    }
    li {
      display: flex;
      align-items: center;
      gap: 6px;
      max-width: 100%;
      height: 28px;
      padding: 0 4px 0 8px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--sunken);
    }
    li.fault {
      border-color: var(--failed);
      color: var(--failed);
    }
    li button {
      display: grid;
      place-items: center;
      width: 20px;
      height: 20px;
      padding: 0;
      border: 0;
      border-radius: 4px;
      background: none;
      color: var(--muted);
      cursor: pointer;
    }
    @media (max-width: 719px) {
      .hint {
        display: none;
      }
    }
  `,
})
export class Composer {
  readonly agents = input.required<readonly Agent[]>();
  readonly attachments = input.required<readonly Attachment[]>();
  readonly call = input.required<Call>();
  readonly submitted = output<Draft>();
  readonly picked = output<File[]>();
  readonly detached = output<string>();

  private readonly goal = viewChild.required<ElementRef<HTMLTextAreaElement>>('goal');
  private readonly menu = viewChild(MatMenuTrigger);
  protected readonly text = signal('');
  protected readonly agent = signal<Agent | null>(null);
  protected readonly size = fileSize;
  protected readonly problem = computed(() => {
    const call = this.call();
    return call.state === 'failed' ? call.problem : null;
  });
  protected readonly canSend = computed(
    () =>
      this.text().trim() !== '' &&
      this.call().state !== 'loading' &&
      this.attachments().every(({ artifactId }) => artifactId !== null),
  );

  /** The message is under way on the server's side; until then the draft stays, whatever goes wrong. */
  clear(): void {
    this.text.set('');
    this.goal().nativeElement.value = '';
  }
  fill(text: string): void {
    this.text.set(text);
    this.goal().nativeElement.focus();
  }

  protected submit(): void {
    if (!this.canSend()) return;
    this.submitted.emit({ text: this.text().trim(), agentId: this.agent()?.id ?? null });
  }

  protected onKey(event: KeyboardEvent): void {
    // Enter also ends the choice of a Chinese character; that one is not meant for us.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    }
    const box = this.goal().nativeElement;
    const before = box.value.slice(0, box.selectionStart);
    if (event.key === '@' && this.agents().length > 0 && /(^|\s)$/.test(before)) {
      event.preventDefault();
      this.menu()?.openMenu();
    }
  }

  protected onPaste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    this.picked.emit(files);
  }

  protected onPicked(picker: HTMLInputElement): void {
    this.picked.emit([...(picker.files ?? [])]);
    picker.value = '';
  }
}
