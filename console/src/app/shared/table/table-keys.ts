/** What a key asks of a table. */
export type Deed =
  | { readonly kind: 'move'; readonly to: (index: number, length: number) => number }
  | { readonly kind: 'open' | 'tick' | 'clear' };

const by = (rows: number): Deed => ({
  kind: 'move',
  to: (index, length) =>
    index < 0 ? (rows > 0 ? 0 : length - 1) : Math.max(0, Math.min(length - 1, index + rows)),
});

/** j and k work wherever the focus is; the keys that scroll a page belong to the table only when it has the focus. */
export function deedOf(event: KeyboardEvent, isInside: boolean, page: number): Deed | null {
  switch (event.key) {
    case 'j':
      return by(1);
    case 'k':
      return by(-1);
    case 'x':
      return { kind: 'tick' };
    case 'Escape':
      return { kind: 'clear' };
    case 'Enter':
      return isInside || isNoControl(event.target) ? { kind: 'open' } : null;
    default:
      return isInside ? scrolling(event.key, page) : null;
  }
}

function scrolling(key: string, page: number): Deed | null {
  switch (key) {
    case 'ArrowDown':
      return by(1);
    case 'ArrowUp':
      return by(-1);
    case 'PageDown':
      return by(Math.max(1, page));
    case 'PageUp':
      return by(-Math.max(1, page));
    case 'Home':
      return { kind: 'move', to: () => 0 };
    case 'End':
      return { kind: 'move', to: (_, length) => length - 1 };
    default:
      return null;
  }
}

/** Enter on a button is that button's; on the page itself it is the table's. */
const isNoControl = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target === document.body || target.id === 'room');

/** Whether a key is not this table's: typed into a field, meant for a dialog or a menu, or held with a modifier. */
export function isElsewhere(event: KeyboardEvent, host: HTMLElement, isMain: boolean): boolean {
  const { target } = event;
  if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented) return true;
  if (!(target instanceof HTMLElement)) return true;
  const isTyping =
    target.isContentEditable ||
    (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !target.matches('[type=checkbox]'));
  if (isTyping || target.closest('dialog, [role=dialog], .cdk-overlay-container')) return true;
  return !isMain && !host.contains(target);
}
