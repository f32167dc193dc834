import { InjectionToken } from '@angular/core';

/** Held by what stands in a dialog. A file of its own: what asks for it is there from the start, dialogs are fetched later. */
export const IN_DIALOG = new InjectionToken<true>('in-dialog');
