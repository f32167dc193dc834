import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  resource,
  signal,
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
import { kindOf } from './artifact-kind';
import { TableView } from './table-view';

/** Enough for 100,000 rows of a common table; what lies behind it is for the download. */
const MAX_TABLE_BYTES = 16_000_000;
const MAX_TEXT_BYTES = 1_000_000;

/** One artifact, shown as what it is. */
@Component({
  selector: 'aos-artifact-view',
  imports: [CodeEditor, Icon, JsonTree, Markdown, ProblemNote, TableView, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (kind() === 'image') {
        <!-- As a picture and never as markup: an SVG in an img element runs nothing and loads nothing. -->
        <div
          class="canvas"
          [class.fit]="zoom() === null"
          tabindex="0"
          role="region"
          [attr.aria-label]="artifact().name"
        >
          @if (hasBroken()) {
            <p class="empty">{{ t('artifact.broken') }}</p>
          } @else {
            <img
              [src]="url()"
              [alt]="artifact().name"
              [style.width]="zoom() === null ? null : width() * zoom()! + 'px'"
              (load)="width.set($any($event.target).naturalWidth)"
              (error)="hasBroken.set(true)"
            />
          }
        </div>
        <div class="zoom">
          <button
            class="btn small icon"
            type="button"
            [attr.aria-label]="t('artifact.zoomOut')"
            [title]="t('artifact.zoomOut')"
            (click)="scale(0.8)"
          >
            −
          </button>
          <button class="btn small" type="button" (click)="zoom.set(null)">
            {{ t('artifact.fit') }}
          </button>
          <button
            class="btn small icon"
            type="button"
            [attr.aria-label]="t('artifact.zoomIn')"
            [title]="t('artifact.zoomIn')"
            (click)="scale(1.25)"
          >
            +
          </button>
        </div>
      } @else if (kind() === 'other') {
        <p class="empty">{{ t('artifact.noPreview') }}</p>
      } @else if (content.isLoading()) {
        <div class="loading" aria-hidden="true"></div>
        <span class="sr-only" role="status">{{ t('ui.loading') }}</span>
      } @else if (problem(); as problem) {
        <div class="pad">
          <aos-problem [problem]="problem" [canRetry]="true" (retry)="content.reload()" />
        </div>
      } @else if (content.value(); as part) {
        @if (part.isPartial) {
          <p class="partial"><aos-icon name="idle" [size]="14" />{{ t('artifact.partial') }}</p>
        }
        @if (part.text === '') {
          <p class="empty">{{ t('artifact.empty') }}</p>
        } @else {
          @switch (kind()) {
            @case ('table') {
              <aos-table-view class="fill" [text]="part.text" [name]="artifact().name" />
            }
            @case ('markdown') {
              <div
                class="pad reading"
                tabindex="0"
                role="region"
                [attr.aria-label]="artifact().name"
              >
                <aos-markdown [text]="part.text" />
              </div>
            }
            @case ('json') {
              @if (parsed(); as whole) {
                <aos-json-tree
                  class="fill"
                  [fill]="true"
                  [value]="whole.value"
                  [label]="artifact().name"
                />
              } @else {
                <aos-code-editor
                  class="fill"
                  [bare]="true"
                  [fill]="true"
                  [readonly]="true"
                  [value]="part.text"
                  [label]="artifact().name"
                />
              }
            }
            @default {
              <aos-code-editor
                class="fill"
                language="text"
                [bare]="true"
                [fill]="true"
                [readonly]="true"
                [value]="part.text"
                [label]="artifact().name"
              />
            }
          }
        }
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
    .canvas {
      flex: 1;
      min-height: 0;
      overflow: auto;
      padding: 16px;
      background: var(--sunken);
    }
    .canvas.fit {
      display: flex;
      align-items: center;
      justify-content: center;
      overflow: hidden;
    }
    img {
      display: block;
      background: #fff;
      border-radius: 4px;
    }
    .fit img {
      max-width: 100%;
      max-height: 100%;
    }
    .zoom {
      position: absolute;
      right: 12px;
      bottom: 12px;
      display: flex;
      gap: 4px;
    }
    .fill {
      flex: 1;
      min-height: 0;
    }
    .pad {
      padding: 16px 20px;
    }
    .reading {
      overflow: auto;
      font-size: 14px;
      line-height: 22px;
    }
    .empty {
      margin: auto;
      padding: 32px;
      color: var(--muted);
      text-align: center;
    }
    .partial {
      display: flex;
      align-items: center;
      gap: 6px;
      padding: 6px 12px;
      border-bottom: 1px solid var(--line);
      background: var(--idle-tint);
      color: var(--muted);
      font-size: 12px;
    }
    .loading {
      margin: 16px;
      height: 60%;
      border-radius: var(--radius-card);
      background: var(--sunken);
      animation: late 150ms 150ms backwards;
    }
    @keyframes late {
      from {
        opacity: 0;
      }
    }
  `,
})
export class ArtifactView {
  readonly artifact = input.required<ArtifactRef>();
  private readonly api = inject(AosApi);

  protected readonly kind = computed(() => kindOf(this.artifact()));
  protected readonly url = computed(() => this.api.contentUrl(this.artifact().artifactId));
  protected readonly zoom = signal<number | null>(null);
  protected readonly width = signal(0);
  protected readonly hasBroken = signal(false);

  protected readonly content = resource({
    params: () => {
      const kind = this.kind();
      if (kind === 'image' || kind === 'other') return undefined;
      return { url: this.url(), maxBytes: kind === 'table' ? MAX_TABLE_BYTES : MAX_TEXT_BYTES };
    },
    loader: ({ params, abortSignal }) => readText(params.url, params.maxBytes, abortSignal),
  });
  protected readonly problem = computed(() => {
    const error = this.content.error();
    // A resource wraps what was thrown if it was no Error.
    return error ? toProblem(error.cause ?? error) : null;
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

  protected scale(by: number): void {
    this.zoom.update((zoom) => Math.min(8, Math.max(0.1, (zoom ?? 0.6) * by)));
  }
}
