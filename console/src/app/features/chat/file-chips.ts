import { ChangeDetectionStrategy, Component, inject, input, output } from '@angular/core';
import type { Problem } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';
import { fileSize } from '../../shared/ui/time';
import type { Attachment } from './uploads';

/** The files of a message that is being written, with how far each has come. */
@Component({
  selector: 'aos-file-chips',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ul class="files" *transloco="let t" [attr.aria-label]="t('chat.composer.files')">
      @for (file of files(); track file.key) {
        <li
          [class.fault]="file.problem"
          [title]="file.problem ? whyOf(file.problem) : file.fileName"
        >
          <aos-icon [name]="file.problem ? 'failed' : 'text'" [size]="14" />
          <span class="cut">{{ file.fileName }}</span>
          @if (file.problem) {
            <span class="meta">{{ t('chat.composer.refused') }}</span>
            <button
              type="button"
              [attr.aria-label]="t('chat.composer.again', { name: file.fileName })"
              [title]="whyOf(file.problem)"
              (click)="retried.emit(file.key)"
            >
              <aos-icon name="retry" [size]="12" />
            </button>
          } @else if (file.artifactId === null) {
            <span class="meta num">{{ percent(file) }}</span>
            <span
              class="bar"
              role="progressbar"
              aria-valuemin="0"
              aria-valuemax="100"
              [attr.aria-valuenow]="file.sent * 100"
              [attr.aria-label]="t('chat.composer.uploading', { name: file.fileName })"
              ><span [style.width.%]="file.sent * 100"></span
            ></span>
          } @else if (asInputs()) {
            <button
              class="ref mono"
              type="button"
              [title]="t('chat.composer.refer')"
              (click)="referred.emit(file.name)"
            >
              {{ '$' }}{{ '{' }}inputs.{{ file.name }}{{ '}' }}
            </button>
          } @else {
            <span class="meta num">{{ size(file.bytes) }}</span>
          }
          <button
            type="button"
            [attr.aria-label]="
              t(file.artifactId || file.problem ? 'chat.composer.remove' : 'chat.composer.cancel', {
                name: file.fileName,
              })
            "
            (click)="removed.emit(file.key)"
          >
            <aos-icon name="close" [size]="12" />
          </button>
        </li>
      }
    </ul>
  `,
  styles: `
    .files {
      display: flex;
      flex-wrap: wrap;
      gap: 6px;
      margin: 0;
      padding: 10px 10px 0;
      list-style: none;
    }
    li {
      position: relative;
      display: flex;
      align-items: center;
      gap: 6px;
      max-width: 100%;
      height: 28px;
      padding: 0 4px 0 8px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--sunken);
      overflow: hidden;
    }
    li.fault {
      border-color: var(--failed);
      color: var(--failed);
    }
    .bar {
      position: absolute;
      inset: auto 0 0;
      height: 2px;
    }
    .bar span {
      display: block;
      height: 100%;
      background: var(--accent);
      transition: width var(--quick);
    }
    button {
      display: grid;
      place-items: center;
      flex: none;
      width: 20px;
      height: 20px;
      padding: 0;
      border: 0;
      border-radius: 4px;
      background: none;
      color: var(--muted);
      cursor: pointer;
    }
    button:hover {
      color: var(--ink);
    }
    .ref {
      width: auto;
      padding: 0 4px;
      color: var(--accent);
      font-size: 11px;
    }
  `,
})
export class FileChips {
  private readonly sentences = inject(Sentences);
  protected readonly whyOf = (problem: Problem): string =>
    this.sentences.detail(problem) || this.sentences.title(problem);
  readonly files = input.required<readonly Attachment[]>();
  /** Shows by what name a step refers to each. */
  readonly asInputs = input(false);
  readonly removed = output<string>();
  readonly retried = output<string>();
  readonly referred = output<string>();
  protected readonly size = fileSize;
  protected readonly percent = ({ sent }: Attachment) => `${Math.floor(sent * 100)} %`;
}
