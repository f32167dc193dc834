import { DestroyRef, inject } from '@angular/core';

/**
 * A field or a button that is off while something is sent loses the focus, and does not get it back by itself: whoever
 * works by keyboard stood at the top of the page after each call. Here it gets it back once it is on again, unless the
 * person has gone elsewhere meanwhile.
 */
export function keepFocus(): void {
  let last: HTMLElement | null = null;
  const changes = new MutationObserver(() => {
    if (last && !last.matches(':disabled') && document.activeElement === document.body)
      last.focus({ preventScroll: true });
  });
  const forget = () => {
    changes.disconnect();
    last = null;
  };
  const follow = ({ target }: Event) => {
    forget();
    if (!(target instanceof HTMLElement)) return;
    last = target;
    changes.observe(target, { attributes: true, attributeFilter: ['disabled'] });
  };
  document.addEventListener('focusin', follow);
  document.addEventListener('pointerdown', forget);
  inject(DestroyRef).onDestroy(() => {
    forget();
    document.removeEventListener('focusin', follow);
    document.removeEventListener('pointerdown', forget);
  });
}
