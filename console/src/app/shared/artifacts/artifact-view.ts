import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  resource,
} from '@angular/core';
import type { ArtifactRef } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { AosApi } from '../api/aos-api';
import { toProblem } from '../api/problem';
import { readText } from '../api/read-text';
import { CodeEditor } from '../ui/code-editor';
import { Icon } from '../ui/icon';
import { JsonTree } from '../ui/json-tree';
import { Markdown } from '../ui/markdown';
import { ProblemNote } from '../ui/problem-note';
import { fileSize } from '../ui/time';
import { kindOf, languageOf } from './artifact-kind';
import { DiffView } from './diff-view';
import { ImageView } from './image-view';
import { PdfView } from './pdf-view';
import { PreviewFault } from './preview-fault';
import { TableView } from './table-view';

const MAX_TEXT_BYTES = 2_000_000;
/** Of a kind that nobody knows, a look at its start tells whether it is text. */
const GLANCE_BYTES = 64_000;

/** One artifact, shown as what it is. */
@Component({
  selector: 'aos-artifact-view',
  imports: [
    CodeEditor,
    DiffView,
    Icon,
    ImageView,
    JsonTree,
    Markdown,
    PdfView,
    PreviewFault,
    ProblemNote,
    TableView,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './artifact-view.html',
  styleUrl: './artifact-view.css',
})
export class ArtifactView {
  readonly artifact = input.required<ArtifactRef>();
  private readonly api = inject(AosApi);

  protected readonly kind = computed(() => kindOf(this.artifact()));
  protected readonly language = computed(() => languageOf(this.artifact()));
  protected readonly url = computed(() => this.api.contentUrl(this.artifact().artifactId));

  protected readonly content = resource({
    params: () => {
      const kind = this.kind();
      // These read for themselves: a picture, a table in its worker, a PDF in its own.
      if (kind === 'image' || kind === 'table' || kind === 'pdf') return undefined;
      return { url: this.url(), maxBytes: kind === 'other' ? GLANCE_BYTES : MAX_TEXT_BYTES };
    },
    loader: ({ params, abortSignal }) => readText(params.url, params.maxBytes, abortSignal),
  });
  protected readonly problem = computed(() => {
    const error = this.content.error();
    // A resource wraps what was thrown if it was no Error.
    return error ? toProblem(error.cause ?? error) : null;
  });
  protected readonly isBinary = computed(() => {
    const part = this.content.hasValue() ? this.content.value() : undefined;
    return part !== undefined && isBinary(part.text);
  });
  protected readonly size = computed(() => {
    const bytes = this.content.hasValue() ? this.content.value().totalBytes : null;
    return bytes === null ? null : fileSize(bytes);
  });
  /** The value of a whole JSON file; a part of one, or a broken one, is shown as the text that it is. */
  protected readonly parsed = computed((): { value: unknown } | null => {
    const part = this.content.hasValue() ? this.content.value() : undefined;
    if (!part || part.isPartial) return null;
    try {
      return { value: JSON.parse(part.text) as unknown };
    } catch {
      return null;
    }
  });
}

/** A zero byte, or many that are no UTF-8: nobody reads that. */
export function isBinary(text: string): boolean {
  const start = text.slice(0, 4_000);
  const strange = start.match(/[\u0000-\u0008\u000e-\u001a\ufffd]/g)?.length ?? 0;
  return start.includes('\u0000') || strange > start.length / 50;
}
