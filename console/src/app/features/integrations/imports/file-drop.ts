import { ChangeDetectionStrategy, Component, input, output, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from '../../../shared/ui/icon';

export interface DroppedFile {
  name: string;
  text: string;
}

/** What the server takes in one request, less what stands around it. */
const MOST_BYTES = 3_500_000;

/** A place to drop a file of text, or to choose one. */
@Component({
  selector: 'aos-file-drop',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <label
        class="zone"
        [class.over]="isOver()"
        (dragover)="onOver($event)"
        (dragleave)="isOver.set(false)"
        (drop)="onDrop($event)"
      >
        <aos-icon name="attach" />
        <span>{{ fileName() || t('integrations.import.drop') }}</span>
        <input
          type="file"
          class="sr-only"
          [accept]="accept()"
          [attr.aria-label]="t('integrations.import.drop')"
          (change)="onChosen($event)"
        />
      </label>
      @if (isTooLarge()) {
        <p class="fault" role="alert">{{ t('integrations.import.tooLarge') }}</p>
      }
    </ng-container>
  `,
  styles: `
    .zone {
      display: flex;
      align-items: center;
      justify-content: center;
      gap: 8px;
      padding: 14px;
      border: 1px dashed var(--line-strong);
      border-radius: var(--radius);
      color: var(--muted);
      cursor: pointer;
      overflow-wrap: anywhere;
    }
    .zone:hover,
    .zone.over {
      border-color: var(--accent);
      background: var(--chosen);
      color: var(--ink);
    }
    .zone:focus-within {
      outline: 2px solid var(--accent);
      outline-offset: 1px;
    }
    .fault {
      margin-top: 4px;
      color: var(--failed);
      font-size: 12px;
    }
  `,
})
export class FileDrop {
  readonly accept = input('');
  readonly taken = output<DroppedFile>();
  protected readonly isOver = signal(false);
  protected readonly fileName = signal('');
  protected readonly isTooLarge = signal(false);

  protected onOver(event: DragEvent): void {
    event.preventDefault();
    this.isOver.set(true);
  }
  protected onDrop(event: DragEvent): void {
    event.preventDefault();
    this.isOver.set(false);
    void this.read(event.dataTransfer?.files[0]);
  }
  protected onChosen(event: Event): void {
    const box = event.target as HTMLInputElement;
    void this.read(box.files?.[0]);
    // The same file, mended meanwhile, is to be taken again.
    box.value = '';
  }
  private async read(file: File | undefined): Promise<void> {
    if (!file) return;
    this.isTooLarge.set(file.size > MOST_BYTES);
    if (this.isTooLarge()) return;
    const text = await file.text();
    this.fileName.set(file.name);
    this.taken.emit({ name: file.name, text });
  }
}
