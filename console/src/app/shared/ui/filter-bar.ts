import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  computed,
  inject,
  input,
} from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { ActivatedRoute, type Params, Router } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { FilterChip } from './filter-chip';
import { type Filter, keysOf, paramsOf, valuesOf } from './filters';
import { Icon } from './icon';

const PAUSE_MS = 250;

/**
 * The filters of a list, in the address and nowhere else: the page reads them as inputs of its route, so that a link,
 * Back and a reload all show the same list. `search` is the query parameter that the text box writes, while one
 * types. What else stands in the address is left alone, except `resets`: what a changed filter makes meaningless, as
 * a chosen row.
 */
@Component({
  selector: 'aos-filter-bar',
  imports: [FilterChip, Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div
      class="bar"
      role="search"
      [attr.aria-label]="label() ?? t('filters.label')"
      *transloco="let t"
    >
      @if (search(); as key) {
        <span class="search">
          <aos-icon name="search" [size]="14" />
          <input
            #box
            type="search"
            autocomplete="off"
            spellcheck="false"
            [attr.aria-label]="placeholder() ?? t('filters.search')"
            [placeholder]="placeholder() ?? t('filters.search')"
            [value]="text()"
            (input)="type(box.value)"
            (keydown.enter)="settle(box.value)"
          />
        </span>
      }
      @for (filter of filters(); track filter.key) {
        <aos-filter-chip
          [filter]="filter"
          [values]="values()[filter.key] ?? []"
          (changed)="change(filter, $event)"
        />
      }
      @if (isSet()) {
        <button class="btn quiet small" type="button" (click)="clear()">
          {{ t('filters.clear') }}
        </button>
      }
      <ng-content />
    </div>
  `,
  styles: `
    :host {
      display: block;
      min-width: 0;
    }
    .bar {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 6px;
    }
    .search {
      position: relative;
      flex: 0 1 260px;
      min-width: 160px;
    }
    .search aos-icon {
      position: absolute;
      top: 7px;
      left: 9px;
      color: var(--muted);
      pointer-events: none;
    }
    .search input {
      width: 100%;
      height: 28px;
      padding: 0 8px 0 29px;
      border: 1px solid var(--line-strong);
      border-radius: var(--radius);
      background: var(--surface);
    }
    @media (max-width: 719px) {
      .bar {
        flex-wrap: nowrap;
        margin: 0 -16px;
        padding: 2px 16px;
        overflow-x: auto;
        scrollbar-width: none;
      }
      .search {
        flex: none;
        width: 180px;
      }
    }
  `,
})
export class FilterBar {
  readonly filters = input<readonly Filter[]>([]);
  readonly search = input<string>();
  readonly placeholder = input<string>();
  readonly label = input<string>();
  readonly resets = input<readonly string[]>([]);

  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  private readonly params = toSignal(this.route.queryParams, { initialValue: {} as Params });
  private timer: ReturnType<typeof setTimeout> | undefined;

  protected readonly text = computed(() => {
    const key = this.search();
    const value: unknown = key ? this.params()[key] : undefined;
    return typeof value === 'string' ? value : '';
  });
  protected readonly values = computed((): Record<string, string[]> =>
    Object.fromEntries(
      this.filters().map((filter) => [filter.key, valuesOf(filter, this.params())]),
    ),
  );
  protected readonly isSet = computed(
    () => this.text() !== '' || Object.values(this.values()).some((values) => values.length > 0),
  );

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.timer));
  }

  /** The address follows when the person pauses, so that not every letter asks the server. */
  protected type(text: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(text), PAUSE_MS);
  }

  protected settle(text: string): void {
    clearTimeout(this.timer);
    const key = this.search();
    if (key && text.trim() !== this.text()) this.go({ [key]: text.trim() || null });
  }

  protected change(filter: Filter, values: readonly string[]): void {
    this.go(paramsOf(filter, values));
  }

  protected clear(): void {
    clearTimeout(this.timer);
    const keys = [...this.filters().flatMap(keysOf), this.search()];
    this.go(Object.fromEntries(keys.flatMap((key) => (key ? [[key, null]] : []))));
  }

  private go(params: Params): void {
    const resets = Object.fromEntries(this.resets().map((key) => [key, null]));
    void this.router.navigate([], {
      relativeTo: this.route,
      queryParams: { ...resets, ...params },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
}
