import { inject, provideEnvironmentInitializer } from '@angular/core';
import type { Permission } from '@aos/contracts';
import { Actions } from '@ngrx/effects';
import { Store, provideState, provideStore } from '@ngrx/store';
import { EMPTY } from 'rxjs';
import { SessionEvents, session } from '../app/shared/state/session';
import { me } from './factories';

/** Mara is signed in, and may do this; nothing comes by the stream. */
export const provideSession = (...permissions: Permission[]) => [
  provideStore(),
  provideState(session),
  { provide: Actions, useValue: EMPTY },
  provideEnvironmentInitializer(() =>
    inject(Store).dispatch(SessionEvents.found({ me: { ...me, permissions } })),
  ),
];
