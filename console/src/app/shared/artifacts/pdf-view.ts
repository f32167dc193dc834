import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  computed,
  effect,
  inject,
  input,
  resource,
  signal,
  viewChildren,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import type { PDFDocumentProxy, PageViewport } from 'pdfjs-dist';
import { toProblem } from '../api/problem';
import { ProblemNote } from '../ui/problem-note';
import { PreviewFault } from './preview-fault';

interface Sheet {
  number: number;
  width: number;
  height: number;
}

const MAX_PAGES = 500;

/**
 * A PDF, page by page, drawn when it comes into sight. pdf.js comes on demand; it runs no script of the file, and
 * draws forms and links as they look, not as they act.
 */
@Component({
  selector: 'aos-pdf-view',
  imports: [PreviewFault, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (problem(); as problem) {
        @if (problem.status) {
          <aos-problem class="pad" [problem]="problem" [canRetry]="true" (retry)="file.reload()" />
        } @else {
          <aos-preview-fault [word]="'artifact.brokenPdf'" />
        }
      } @else if (file.isLoading()) {
        <div class="loading" aria-hidden="true"></div>
        <span class="sr-only" role="status">{{ t('ui.loading') }}</span>
      } @else {
        <div class="pages" tabindex="0" role="region" [attr.aria-label]="name()">
          @for (sheet of sheets(); track sheet.number) {
            <canvas
              #page
              role="img"
              [attr.data-page]="sheet.number"
              [attr.aria-label]="t('artifact.page', { n: sheet.number, of: sheets().length })"
              [style.width.px]="sheet.width * zoom()"
              [style.height.px]="sheet.height * zoom()"
            ></canvas>
          }
        </div>
        <div class="zoom">
          <button
            class="btn small icon"
            type="button"
            [attr.aria-label]="t('artifact.zoomOut')"
            (click)="scale(0.8)"
          >
            −
          </button>
          <button class="btn small num" type="button" (click)="zoom.set(1)">{{ percent() }}</button>
          <button
            class="btn small icon"
            type="button"
            [attr.aria-label]="t('artifact.zoomIn')"
            (click)="scale(1.25)"
          >
            +
          </button>
        </div>
      }
    </ng-container>
  `,
  styles: `
    :host {
      position: relative;
      display: flex;
      flex-direction: column;
      height: 100%;
      min-height: 0;
    }
    .pages {
      display: flex;
      flex: 1;
      flex-direction: column;
      align-items: safe center;
      gap: 12px;
      min-height: 0;
      padding: 16px;
      overflow: auto;
      background: var(--sunken);
    }
    canvas {
      flex: none;
      background: #fff;
      box-shadow: 0 0 0 1px var(--line);
    }
    .zoom {
      position: absolute;
      right: 12px;
      bottom: 12px;
      display: flex;
      gap: 4px;
    }
    .pad {
      margin: 16px 20px;
    }
    .loading {
      margin: 16px;
      height: 60%;
      border-radius: var(--radius-card);
      background: var(--skeleton);
      animation: late 150ms 150ms backwards;
    }
    @keyframes late {
      from {
        opacity: 0;
      }
    }
  `,
})
export class PdfView {
  readonly url = input.required<string>();
  readonly name = input.required<string>();
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly pages = viewChildren<ElementRef<HTMLCanvasElement>>('page');
  protected readonly zoom = signal(1);
  protected readonly percent = computed(() => `${Math.round(this.zoom() * 100)} %`);

  protected readonly file = resource({
    params: () => this.url(),
    loader: async ({ params, abortSignal }) => this.open(params, abortSignal),
  });
  protected readonly problem = computed(() => {
    const error = this.file.error();
    return error ? toProblem(error.cause ?? error) : null;
  });
  protected readonly sheets = computed(() =>
    this.file.hasValue() ? this.file.value().sheets : [],
  );

  constructor() {
    effect((onCleanup) => {
      const pages = this.pages();
      const pdf = this.file.hasValue() ? this.file.value().pdf : null;
      const zoom = this.zoom();
      if (!pdf || pages.length === 0) return;
      const watch = new IntersectionObserver(
        (seen) => {
          for (const { target, isIntersecting } of seen)
            if (isIntersecting) void this.draw(pdf, target as HTMLCanvasElement, zoom);
        },
        { root: this.host.nativeElement, rootMargin: '400px' },
      );
      for (const { nativeElement } of pages) watch.observe(nativeElement);
      onCleanup(() => watch.disconnect());
    });
    inject(DestroyRef).onDestroy(() => {
      if (this.file.hasValue()) void this.file.value().pdf.destroy();
    });
  }

  protected scale(by: number): void {
    this.zoom.update((zoom) => Math.min(4, Math.max(0.25, zoom * by)));
  }

  private async open(
    url: string,
    signal: AbortSignal,
  ): Promise<{ pdf: PDFDocumentProxy; sheets: Sheet[] }> {
    const answer = await fetch(url, { credentials: 'same-origin', signal });
    if (!answer.ok)
      throw new Error(`The server answered ${answer.status}`, {
        cause: await answer.json().catch(() => undefined),
      });
    const [{ GlobalWorkerOptions, getDocument }, data] = await Promise.all([
      import('pdfjs-dist'),
      answer.arrayBuffer(),
    ]);
    GlobalWorkerOptions.workerPort ??= new Worker(new URL('./pdf.worker', import.meta.url), {
      type: 'module',
    });
    const pdf = await getDocument({ data, isEvalSupported: false, enableXfa: false }).promise;
    const room = Math.max(240, this.host.nativeElement.clientWidth - 48);
    const sheets: Sheet[] = [];
    for (let number = 1; number <= Math.min(pdf.numPages, MAX_PAGES); number += 1) {
      const { width, height } = (await pdf.getPage(number)).getViewport({ scale: 1 });
      sheets.push({ number, width: room, height: (room * height) / width });
    }
    return { pdf, sheets };
  }

  private async draw(
    pdf: PDFDocumentProxy,
    canvas: HTMLCanvasElement,
    zoom: number,
  ): Promise<void> {
    const key = String(zoom);
    if (canvas.dataset['drawn'] === key) return;
    canvas.dataset['drawn'] = key;
    const page = await pdf.getPage(Number(canvas.dataset['page']));
    const viewport: PageViewport = page.getViewport({
      scale:
        ((canvas.clientWidth || 600) / page.getViewport({ scale: 1 }).width) *
        Math.min(2, devicePixelRatio),
    });
    canvas.width = viewport.width;
    canvas.height = viewport.height;
    // Drawn over by a later zoom, or away with the page: nothing to say.
    await page.render({ canvas, viewport }).promise.catch(() => undefined);
  }
}
