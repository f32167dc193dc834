import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';

export interface Piece {
  text: string;
  isHit: boolean;
}

/** A text cut where the words that were looked for stand in it, in any case. */
export function piecesOf(text: string, terms: readonly string[]): Piece[] {
  const wanted = terms
    .filter(Boolean)
    .map((term) => term.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  if (wanted.length === 0) return [{ text, isHit: false }];
  return text
    .split(new RegExp(`(${wanted.join('|')})`, 'giu'))
    .map((piece, index) => ({ text: piece, isHit: index % 2 === 1 }))
    .filter((piece) => piece.text !== '');
}

@Component({
  selector: 'aos-hits',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `@for (piece of pieces(); track $index) {
    @if (piece.isHit) {
      <mark>{{ piece.text }}</mark>
    } @else {
      <span>{{ piece.text }}</span>
    }
  }`,
  styles: `
    mark {
      border-radius: 3px;
      background: color-mix(in srgb, var(--waiting-mark) 30%, transparent);
      color: inherit;
    }
  `,
})
export class Hits {
  readonly text = input.required<string>();
  readonly terms = input.required<readonly string[]>();
  protected readonly pieces = computed(() => piecesOf(this.text(), this.terms()));
}
