import type { ComponentFixture } from '@angular/core/testing';

/** A rendered component as a person meets it: what is written, pressed and read. */
export function pageOf<T>(fixture: ComponentFixture<T>) {
  const root = fixture.nativeElement as HTMLElement;
  const settle = () => fixture.whenStable();
  const find = <E extends HTMLElement = HTMLElement>(selector: string): E => {
    const found = root.querySelector<E>(selector);
    if (!found) throw new Error(`no ${selector} in: ${root.textContent}`);
    return found;
  };
  /** Buttons by their words, or by what they are called for those who do not see them. */
  const button = (name: string) =>
    [...root.querySelectorAll('button')].find(
      (each) => each.textContent?.trim() === name || each.getAttribute('aria-label') === name,
    );
  return {
    root,
    settle,
    find,
    button,
    has: (selector: string) => root.querySelector(selector) !== null,
    async press(name: string) {
      const found = button(name);
      if (!found) throw new Error(`no button ${name} in: ${root.textContent}`);
      found.click();
      await settle();
    },
    async write(selector: string, value: string) {
      const field = find<HTMLInputElement>(selector);
      field.value = value;
      field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input'));
      await settle();
    },
    async submit() {
      find<HTMLFormElement>('form').dispatchEvent(new Event('submit', { cancelable: true }));
      await settle();
    },
    faults: () =>
      [...root.querySelectorAll('.fault')].map(({ textContent }) => textContent?.trim()),
  };
}

/** Resolves with what is there, or once it is: what a page fetches when it is opened comes in its own time. */
export function appears<E extends HTMLElement>(root: HTMLElement, selector: string): Promise<E> {
  const found = () => root.querySelector<E>(selector);
  return new Promise((done) => {
    const look = () => {
      const it = found();
      if (!it) return;
      changes.disconnect();
      done(it);
    };
    const changes = new MutationObserver(look);
    changes.observe(root, { childList: true, subtree: true });
    look();
  });
}
