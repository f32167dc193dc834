import { ChangeDetectionStrategy, Component, computed, input, signal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { changedOnly, differenceOf, type DifferenceRow } from './difference-lines';
import { type Run, reveal } from './reveal';

const AT_ONCE = 400;

interface Cell {
  runs: (Run & { isChanged: boolean })[];
}
interface Shown {
  kind: DifferenceRow['kind'] | 'gap';
  before: Cell | null;
  after: Cell | null;
}

/** What two lines do not share in their middle, so that the eye need not search. */
function cells(before: string, after: string): [Cell, Cell] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const rest = Math.min(before.length, after.length) - head;
  while (tail < rest && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const cell = (line: string): Cell => ({
    runs: [
      ...part(line.slice(0, head), false),
      ...part(line.slice(head, line.length - tail), true),
      ...part(line.slice(line.length - tail), false),
    ],
  });
  return [cell(before), cell(after)];
}
const part = (text: string, isChanged: boolean) =>
  reveal(text).map((run) => ({ ...run, isChanged }));
const whole = (line: string | null): Cell | null =>
  line === null ? null : { runs: part(line, false) };

/**
 * Two values side by side, JSON or text: the lines that differ, and all of them when asked. Whatever the values
 * hold is shown as text, with what cannot be seen written out. One column where there is no room for two.
 */
@Component({
  selector: 'aos-difference',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="head">
        <span class="meta" data-testid="changed-lines">{{
          changed() ? t('difference.changed', { n: changed() }) : t('difference.none')
        }}</span>
        <span class="grow"></span>
        @if (changed() && hasMore()) {
          <label class="meta all">
            <input
              type="checkbox"
              role="switch"
              [checked]="hasAll()"
              (change)="hasAll.set($any($event.target).checked)"
            />{{ t('difference.all') }}
          </label>
        }
      </div>
      @if (changed() || hasAll()) {
        <div
          class="lines"
          role="table"
          tabindex="0"
          dir="ltr"
          [attr.aria-label]="label() ?? t('difference.label')"
        >
          <div class="row names" role="row">
            <span class="side" role="columnheader">{{
              beforeLabel() ?? t('difference.before')
            }}</span>
            <span class="side" role="columnheader">{{
              afterLabel() ?? t('difference.after')
            }}</span>
          </div>
          @for (row of shown(); track $index) {
            @if (row.kind === 'gap') {
              <div class="row gap" role="row">
                <span role="cell"
                  ><span aria-hidden="true">···</span
                  ><span class="sr-only">{{ t('difference.gap') }}</span></span
                >
              </div>
            } @else {
              <div class="row" role="row" [class]="row.kind">
                <span class="side before" role="cell" [class.void]="!row.before">
                  @if (row.before; as cell) {
                    <span class="sign" aria-hidden="true">{{
                      row.kind === 'same' ? '' : '−'
                    }}</span>
                    <span class="text">
                      @for (run of cell.runs; track $index) {
                        <span [class.differs]="run.isChanged" [class.unseen]="run.isUnseen">{{
                          run.text
                        }}</span>
                      }
                    </span>
                  }
                </span>
                <span class="side after" role="cell" [class.void]="!row.after">
                  @if (row.after; as cell) {
                    <span class="sign" aria-hidden="true">{{
                      row.kind === 'same' ? '' : '+'
                    }}</span>
                    <span class="text">
                      @for (run of cell.runs; track $index) {
                        <span [class.differs]="run.isChanged" [class.unseen]="run.isUnseen">{{
                          run.text
                        }}</span>
                      }
                    </span>
                  }
                </span>
              </div>
            }
          }
        </div>
        @if (left() > 0) {
          <button class="btn small" type="button" (click)="most.set(most() + 2000)">
            {{ t('difference.more', { n: left() }) }}
          </button>
        }
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      align-items: stretch;
      gap: 6px;
      container-type: inline-size;
    }
    .head {
      display: flex;
      align-items: center;
      gap: 12px;
      min-height: 20px;
    }
    .all {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      cursor: pointer;
    }
    .lines {
      max-height: var(--difference-height, 420px);
      overflow: auto;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
      font: 400 12px/20px var(--mono);
      font-feature-settings: normal;
    }
    .row {
      display: grid;
      grid-template-columns: 1fr 1fr;
    }
    .side {
      display: flex;
      min-width: 0;
      padding-right: 8px;
    }
    .side.after {
      border-left: 1px solid var(--line);
    }
    .names {
      position: sticky;
      top: 0;
      z-index: 1;
      border-bottom: 1px solid var(--line);
      background: var(--sunken);
      color: var(--muted);
      font: 550 12px/26px var(--font);
    }
    .names .side {
      padding-left: 24px;
    }
    .names .side + .side {
      border-left: 1px solid var(--line);
    }
    .sign {
      flex: none;
      width: 24px;
      text-align: center;
      user-select: none;
    }
    .text {
      min-width: 0;
      white-space: pre-wrap;
      overflow-wrap: anywhere;
      unicode-bidi: plaintext;
    }
    .row:not(.same) .before:not(.void) {
      background: var(--failed-tint);
    }
    .row:not(.same) .after:not(.void) {
      background: var(--done-tint);
    }
    .before .sign {
      color: var(--failed);
    }
    .after .sign {
      color: var(--done);
    }
    .void {
      background: var(--sunken);
    }
    .before .differs {
      border-radius: 3px;
      background: color-mix(in srgb, var(--failed) 20%, transparent);
    }
    .after .differs {
      border-radius: 3px;
      background: color-mix(in srgb, var(--done) 22%, transparent);
    }
    .unseen {
      padding: 0 3px;
      border-radius: 3px;
      background: var(--failed);
      color: var(--surface);
      font-size: 11px;
    }
    .gap {
      display: block;
      padding-left: 24px;
      color: var(--muted);
      background: var(--sunken);
      line-height: 14px;
    }
    .btn {
      align-self: center;
    }
    @container (max-width: 559px) {
      .row {
        grid-template-columns: 1fr;
      }
      .names {
        display: none;
      }
      .side.after {
        border-left: 0;
      }
      .void,
      .same .after {
        display: none;
      }
    }
  `,
})
export class Difference {
  readonly before = input.required<unknown>();
  readonly after = input.required<unknown>();
  readonly beforeLabel = input<string>();
  readonly afterLabel = input<string>();
  /** What is compared, for who cannot see it. */
  readonly label = input<string>();

  protected readonly hasAll = signal(false);
  protected readonly most = signal(AT_ONCE);
  private readonly rows = computed(() => differenceOf(this.before(), this.after()));
  private readonly changes = computed(() => changedOnly(this.rows()));
  protected readonly changed = computed(
    () => this.rows().filter(({ kind }) => kind !== 'same').length,
  );
  protected readonly hasMore = computed(() => this.changes().includes(null));
  private readonly wanted = computed(() => (this.hasAll() ? this.rows() : this.changes()));
  protected readonly left = computed(() => this.wanted().length - this.most());
  protected readonly shown = computed(() =>
    this.wanted()
      .slice(0, this.most())
      .map((row): Shown => {
        if (row === null) return { kind: 'gap', before: null, after: null };
        if (row.kind !== 'changed' || row.before === null || row.after === null)
          return { kind: row.kind, before: whole(row.before), after: whole(row.after) };
        const [before, after] = cells(row.before, row.after);
        return { kind: row.kind, before, after };
      }),
  );
}
