import { Directive, ElementRef, afterRenderEffect, inject, input } from '@angular/core';

/** What an edge that fades takes of a tab (`.fades`). */
const FADE_PX = 24;

/**
 * A row of tabs that may be wider than its place: the chosen one is scrolled into sight, and an edge behind which
 * there are more of them fades. It takes which one is chosen, whatever names it; the tab itself says `aria-selected`.
 */
@Directive({ selector: '[aosTabRow]', host: { class: 'fades' } })
export class TabRow {
  readonly aosTabRow = input.required<unknown>();
  private readonly row = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;

  constructor() {
    afterRenderEffect(() => {
      this.aosTabRow();
      const tab = this.row.querySelector<HTMLElement>('[aria-selected="true"]');
      if (tab) this.bringIn(tab);
    });
  }

  /** By hand: scrollIntoView would move the page around the row as well. */
  private bringIn(tab: HTMLElement): void {
    const { row } = this;
    const left = tab.offsetLeft - row.offsetLeft - FADE_PX;
    const right = left + tab.offsetWidth + 2 * FADE_PX;
    if (left < row.scrollLeft) row.scrollLeft = left;
    else if (right > row.scrollLeft + row.clientWidth) row.scrollLeft = right - row.clientWidth;
  }
}
