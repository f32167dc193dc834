/**
 * Whether the person is writing, so that a letter is a letter and no command. An editor in a shadow root hides the
 * element that has the focus from `event.target`; the path of the event still begins with it.
 */
export function isTyping(event: Event): boolean {
  const [target] = event.composedPath();
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) &&
        !/^(checkbox|radio|button|range)$/.test((target as HTMLInputElement).type)))
  );
}

/** Whether something is open that keeps the keys for itself: a dialog or a menu. */
export const isOverlaid = (): boolean =>
  document.querySelector('dialog[open], .cdk-overlay-container :is([role=menu], [role=dialog])') !==
  null;
