import { CdkVirtualScrollViewport, ScrollingModule } from '@angular/cdk/scrolling';
import {
  ChangeDetectionStrategy,
  Component,
  computed,
  input,
  linkedSignal,
  signal,
  viewChild,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Icon } from './icon';
import { type JsonRow, rowsOf } from './json-rows';
import { reveal } from './reveal';

const ROW_PX = 24;
let trees = 0;

/**
 * A JSON value as a tree. Only the rows in sight exist, so that a hundred thousand of them scroll; every text is
 * inert, and what cannot be seen in it is written out. Arrows walk it as they walk any tree; `c` copies the value,
 * `p` its path.
 */
@Component({
  selector: 'aos-json-tree',
  imports: [Icon, ScrollingModule, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { '[class.fill]': 'fill()' },
  template: `
    <ng-container *transloco="let t">
      <cdk-virtual-scroll-viewport
        [itemSize]="rowPx"
        minBufferPx="480"
        maxBufferPx="960"
        role="tree"
        tabindex="0"
        [attr.aria-label]="label()"
        [attr.aria-activedescendant]="id(at())"
        [style.height.px]="fill() ? null : height()"
        (keydown)="onKey($event)"
        (click)="press($event)"
      >
        <div
          *cdkVirtualFor="let row of rows(); let index = index; trackBy: byPlace"
          class="row"
          role="treeitem"
          [id]="id(index)"
          [class.at]="index === at()"
          [attr.aria-level]="row.depth + 1"
          [attr.aria-selected]="index === at()"
          [attr.aria-expanded]="row.size === null ? null : row.isOpen"
          [style.padding-left.px]="8 + row.depth * 14"
          [attr.data-index]="index"
        >
          <span class="fold" [class.open]="row.isOpen" aria-hidden="true">
            @if (row.size !== null) {
              <aos-icon name="right" [size]="12" />
            }
          </span>
          @if (row.key !== null) {
            <span class="key">{{ row.key }}</span><span class="colon">:</span>
          }
          @switch (row.kind) {
            @case ('object') {
              <span class="bag">{{ '{' }}{{ row.isOpen ? ' ' : '…' }}{{ '}' }}</span>
              <span class="size">{{ t('json.keys', { n: row.size ?? 0 }) }}</span>
            }
            @case ('array') {
              <span class="bag">[{{ row.isOpen ? ' ' : '…' }}]</span>
              <span class="size">{{ t('json.items', { n: row.size ?? 0 }) }}</span>
            }
            @default {
              <span
                class="cut value"
                [class]="row.kind"
                [title]="row.size === null ? row.value : ''"
              >
                @for (run of shown(row); track $index) {
                  @if (run.isUnseen) {
                    <mark [title]="t('ui.unseen')">{{ run.text }}</mark>
                  } @else {
                    <span>{{ run.text }}</span>
                  }
                }
              </span>
            }
          }
          @if (row.kind !== 'line') {
            <span class="copy">
              @if (copied() === row.path + ' value' || copied() === row.path + ' path') {
                <span class="size" role="status">{{ t('ui.copied') }}</span>
              }
              @if (row.path) {
                <button
                  type="button"
                  tabindex="-1"
                  [title]="t('json.copyPath', { path: row.path })"
                  (click)="copy(row, 'path', $event)"
                >
                  {{ t('json.path') }}
                </button>
              }
              <button
                type="button"
                tabindex="-1"
                [title]="t('json.copyValue')"
                [attr.aria-label]="t('json.copyValue')"
                (click)="copy(row, 'value', $event)"
              >
                <aos-icon name="copy" [size]="12" />
              </button>
            </span>
          }
        </div>
      </cdk-virtual-scroll-viewport>
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
      min-height: 0;
    }
    :host(.fill),
    :host(.fill) cdk-virtual-scroll-viewport {
      height: 100%;
    }
    cdk-virtual-scroll-viewport {
      font: 12px/24px var(--mono);
      font-variant-ligatures: none;
      border-radius: var(--radius);
    }
    /* As wide as its place and no wider, so that what is cut says so. */
    :host ::ng-deep .cdk-virtual-scroll-content-wrapper {
      max-width: 100%;
    }
    .row {
      display: flex;
      align-items: center;
      gap: 4px;
      height: 24px;
      padding-right: 8px;
      white-space: pre;
      cursor: default;
    }
    .row:hover {
      background: var(--hover);
    }
    cdk-virtual-scroll-viewport:focus-visible .row.at {
      background: var(--chosen);
    }
    .fold {
      display: inline-flex;
      flex: none;
      width: 12px;
      color: var(--muted);
    }
    .fold.open {
      transform: rotate(90deg);
    }
    .key {
      flex: none;
      max-width: 40ch;
      overflow: hidden;
      text-overflow: ellipsis;
      color: var(--accent);
    }
    .colon,
    .bag,
    .size,
    .null {
      color: var(--muted);
    }
    .colon {
      margin-right: 4px;
    }
    .size {
      font-family: var(--font);
      font-size: 11px;
    }
    .value {
      unicode-bidi: plaintext;
    }
    .string {
      color: var(--done);
    }
    .number {
      color: var(--running);
    }
    .boolean {
      color: var(--recovering);
    }
    mark {
      padding: 0 3px;
      border-radius: 3px;
      background: var(--failed);
      color: var(--surface);
      font-size: 11px;
    }
    .copy {
      display: none;
      align-items: center;
      gap: 2px;
      margin-left: auto;
      padding-left: 8px;
      flex: none;
    }
    .row:hover .copy,
    cdk-virtual-scroll-viewport:focus-visible .row.at .copy {
      display: inline-flex;
    }
    button {
      display: inline-flex;
      align-items: center;
      height: 20px;
      padding: 0 5px;
      border: 0;
      border-radius: 4px;
      background: var(--sunken);
      color: var(--muted);
      font: 11px/20px var(--font);
      cursor: pointer;
    }
    button:hover {
      color: var(--ink);
    }
  `,
})
export class JsonTree {
  readonly value = input.required<unknown>();
  /** What the tree is called to those who hear it. */
  readonly label = input.required<string>();
  /** How many levels stand open at first. */
  readonly openTo = input(2);
  /** Takes the height of its place, instead of that of its rows. */
  readonly fill = input(false);
  readonly maxRows = input(16);

  private readonly viewport = viewChild.required(CdkVirtualScrollViewport);
  private readonly number = (trees += 1);
  protected readonly rowPx = ROW_PX;

  /** Opened or closed by hand; the rest follows `openTo`. */
  private readonly byHand = linkedSignal<unknown, ReadonlyMap<string, boolean>>({
    source: this.value,
    computation: () => new Map(),
  });
  protected readonly at = signal(0);
  protected readonly copied = signal('');

  protected readonly rows = computed(() => {
    const byHand = this.byHand();
    const openTo = this.openTo();
    const value = this.value();
    return rowsOf(
      value,
      (path, depth, held) => byHand.get(path) ?? (depth < openTo && !isLarge(held)),
    );
  });
  protected readonly height = computed(() => Math.min(this.rows().length, this.maxRows()) * ROW_PX);

  protected id = (index: number) => `json-${this.number}-${index}`;
  protected byPlace = (index: number, row: JsonRow) => `${row.path} ${row.kind} ${index}`;

  protected shown(row: JsonRow) {
    if (row.kind === 'line') return reveal(String(row.value));
    if (row.kind !== 'string') return [{ text: String(row.value), isUnseen: false }];
    const text = row.value as string;
    return reveal(JSON.stringify(row.isOpen ? '…' : text.slice(0, 400)));
  }

  protected press({ target }: Event): void {
    const at = (target as HTMLElement).closest<HTMLElement>('.row')?.dataset['index'];
    const row = this.rows()[Number(at)];
    if (!row) return;
    this.at.set(Number(at));
    this.turn(row, !row.isOpen);
  }

  protected onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.rows()[this.at()];
    if (!row) return;
    const act = this.actFor(event.key, row);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  private actFor(key: string, row: JsonRow): (() => void) | undefined {
    const go = (to: number) => () => this.go(to);
    switch (key) {
      case 'ArrowDown':
        return go(this.at() + 1);
      case 'ArrowUp':
        return go(this.at() - 1);
      case 'Home':
        return go(0);
      case 'End':
        return go(this.rows().length - 1);
      case 'ArrowRight':
        return row.size !== null && !row.isOpen ? () => this.turn(row, true) : go(this.at() + 1);
      case 'ArrowLeft':
        return row.isOpen ? () => this.turn(row, false) : go(this.parentOf(this.at()));
      case 'Enter':
      case ' ':
        return () => this.turn(row, !row.isOpen);
      case 'c':
        return () => this.copy(row, 'value');
      case 'p':
        return () => this.copy(row, 'path');
      default:
        return undefined;
    }
  }

  private go(to: number): void {
    const at = Math.max(0, Math.min(this.rows().length - 1, to));
    this.at.set(at);
    const { nativeElement: scroller } = this.viewport().elementRef;
    const [top, size] = [scroller.scrollTop, scroller.clientHeight];
    if (at * ROW_PX < top) scroller.scrollTop = at * ROW_PX;
    else if ((at + 1) * ROW_PX > top + size) scroller.scrollTop = (at + 1) * ROW_PX - size;
  }

  private parentOf(index: number): number {
    const rows = this.rows();
    const depth = rows[index]?.depth ?? 0;
    for (let at = index - 1; at >= 0; at -= 1) if (rows[at]!.depth < depth) return at;
    return index;
  }

  private turn(row: JsonRow, open: boolean): void {
    if (row.size === null) return;
    this.byHand.update((byHand) => new Map(byHand).set(row.path, open));
    this.viewport().checkViewportSize();
  }

  protected copy(row: JsonRow, what: 'value' | 'path', event?: Event): void {
    event?.stopPropagation();
    const text =
      what === 'path'
        ? row.path
        : typeof row.value === 'string'
          ? row.value
          : JSON.stringify(row.value, null, 2);
    void navigator.clipboard?.writeText(text).then(
      () => {
        this.copied.set(`${row.path} ${what}`);
        setTimeout(() => this.copied.set(''), 1_500);
      },
      () => undefined,
    );
  }
}

/** A list of hundreds opens on a click, not by itself; a long text likewise. */
const isLarge = (value: unknown) =>
  typeof value === 'string' || (Array.isArray(value) && value.length > 200);
