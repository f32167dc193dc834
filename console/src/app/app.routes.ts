import { inject } from '@angular/core';
import { toObservable } from '@angular/core/rxjs-interop';
import { type CanActivateFn, RedirectCommand, Router, type Routes } from '@angular/router';
import { Store } from '@ngrx/store';
import { filter, map, take } from 'rxjs';
import { SessionEvents, session } from './shared/state/session';

/**
 * Asks the server once who the cookie belongs to, and shows the door to whom it does not know. Who has to set up a second
 * factor does that first.
 */
const signedIn: CanActivateFn = (_, { url }) => {
  const store = inject(Store);
  const me = store.selectSignal(session.selectMe);
  const router = inject(Router);
  const status = store.selectSignal(session.selectStatus);
  if (status() !== 'signed-in') store.dispatch(SessionEvents.askedFor());
  return toObservable(status).pipe(
    filter((now) => now !== 'unknown'),
    take(1),
    map((now) => {
      if (now === 'signed-in' && (!me()?.mustSetUpSecondFactor || url.startsWith(SECOND_FACTOR)))
        return true;
      return new RedirectCommand(
        router.createUrlTree([now === 'signed-in' ? SECOND_FACTOR : '/sign-in'], {
          queryParams: url === '/' ? {} : { next: url },
        }),
      );
    }),
  );
};

const SECOND_FACTOR = '/second-factor';

export const routes: Routes = [
  {
    path: 'sign-in',
    title: 'signIn.title',
    loadComponent: () => import('./features/sign-in/sign-in-page').then((m) => m.SignInPage),
  },
  {
    path: 'second-factor',
    title: 'signIn.secondFactor',
    canActivate: [signedIn],
    loadChildren: () =>
      import('./features/second-factor/second-factor.routes').then((m) => m.routes),
  },
  {
    path: '',
    canActivate: [signedIn],
    loadComponent: () => import('./shell/shell').then((m) => m.Shell),
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'chat' },
      {
        path: 'chat',
        title: 'rooms.chat',
        loadChildren: () => import('./features/chat/chat.routes').then((m) => m.routes),
      },
      {
        path: 'monitor',
        title: 'rooms.monitor',
        loadChildren: () => import('./features/monitor/monitor.routes').then((m) => m.routes),
      },
      // Before the room that it is of: it stands alone, and is fetched when somebody compares.
      {
        path: 'projects/runs/:traceId/compare',
        title: 'rooms.projects',
        loadChildren: () => import('./features/compare/compare.routes').then((m) => m.routes),
      },
      {
        path: 'projects',
        title: 'rooms.projects',
        loadChildren: () => import('./features/projects/projects.routes').then((m) => m.routes),
      },
      {
        path: 'agents',
        title: 'rooms.agents',
        loadChildren: () => import('./features/agents/agents.routes').then((m) => m.routes),
      },
      {
        path: 'memory',
        title: 'rooms.memory',
        loadChildren: () => import('./features/memory/memory.routes').then((m) => m.routes),
      },
      {
        path: 'settings',
        title: 'rooms.settings',
        loadChildren: () => import('./features/settings/settings.routes').then((m) => m.routes),
      },
      {
        path: 'integrations',
        title: 'rooms.integrations',
        loadChildren: () =>
          import('./features/integrations/integrations.routes').then((m) => m.routes),
      },
      {
        path: '**',
        title: 'notFound.title',
        loadComponent: () => import('./shell/not-found-page').then((m) => m.NotFoundPage),
      },
    ],
  },
];
