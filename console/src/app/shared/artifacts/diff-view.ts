import { ScrollingModule } from '@angular/cdk/scrolling';
import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { reveal } from '../ui/reveal';
import { type DiffLine, readDiff } from './diff-lines';

const marks: Partial<Record<DiffLine['kind'], string>> = { new: '+', gone: '−' };

/** A unified diff as the difference that it is; only the lines in sight exist. */
@Component({
  selector: 'aos-diff-view',
  imports: [ScrollingModule, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <p class="meta count">
        <span class="new">{{ t('artifact.linesNew', { n: count().new }) }}</span>
        <span class="gone">{{ t('artifact.linesGone', { n: count().gone }) }}</span>
      </p>
      <div
        class="scroller"
        cdkVirtualScrollingElement
        tabindex="0"
        role="region"
        [attr.aria-label]="name()"
      >
        <cdk-virtual-scroll-viewport itemSize="20" minBufferPx="400" maxBufferPx="800">
          <div *cdkVirtualFor="let line of lines()" class="line" [class]="line.kind">
            <span class="no num">{{ line.before }}</span>
            <span class="no num">{{ line.after }}</span>
            <span class="mark" aria-hidden="true">{{ mark(line) }}</span>
            <span class="sr-only">{{
              line.kind === 'new'
                ? t('artifact.lineNew')
                : line.kind === 'gone'
                  ? t('artifact.lineGone')
                  : ''
            }}</span>
            <span class="text">
              @for (run of runs(line); track $index) {
                @if (run.isUnseen) {
                  <mark [title]="t('ui.unseen')">{{ run.text }}</mark>
                } @else {
                  {{ run.text }}
                }
              }
            </span>
          </div>
        </cdk-virtual-scroll-viewport>
      </div>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      height: 100%;
      min-height: 0;
    }
    .count {
      display: flex;
      gap: 12px;
      padding: 8px 12px;
      border-bottom: 1px solid var(--line);
    }
    .count .new {
      color: var(--done);
    }
    .count .gone {
      color: var(--failed);
    }
    .scroller {
      flex: 1;
      min-height: 0;
      overflow: auto;
      font: 12px/20px var(--mono);
      font-variant-ligatures: none;
    }
    cdk-virtual-scroll-viewport {
      width: max-content;
      min-width: 100%;
    }
    .line {
      display: flex;
      width: max-content;
      min-width: 100%;
      height: 20px;
      padding-right: 16px;
      white-space: pre;
    }
    .no {
      flex: none;
      width: 44px;
      padding-right: 8px;
      color: var(--muted);
      font-size: 11px;
      text-align: right;
      user-select: none;
    }
    .mark {
      width: 18px;
      text-align: center;
      user-select: none;
    }
    .line.new {
      background: var(--done-tint);
    }
    .line.gone {
      background: var(--failed-tint);
    }
    .line.new .mark {
      color: var(--done);
    }
    .line.gone .mark {
      color: var(--failed);
    }
    .line.hunk {
      background: var(--sunken);
      color: var(--muted);
    }
    .line.file {
      font-weight: 650;
    }
    .line.note {
      color: var(--muted);
    }
    mark {
      padding: 0 3px;
      border-radius: 3px;
      background: var(--failed);
      color: var(--surface);
      font-size: 11px;
    }
  `,
})
export class DiffView {
  readonly text = input.required<string>();
  readonly name = input.required<string>();
  protected readonly lines = computed(() => readDiff(this.text()));
  protected readonly count = computed(() => ({
    new: this.lines().filter(({ kind }) => kind === 'new').length,
    gone: this.lines().filter(({ kind }) => kind === 'gone').length,
  }));
  protected readonly mark = ({ kind }: DiffLine) => marks[kind] ?? '';
  protected readonly runs = ({ text }: DiffLine) => reveal(text);
}
