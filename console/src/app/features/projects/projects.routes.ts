import type { Routes } from '@angular/router';

export const routes: Routes = [
  { path: '', loadComponent: () => import('./runs-page').then((m) => m.RunsPage) },
  { path: 'runs/:traceId', loadComponent: () => import('./run-page').then((m) => m.RunPage) },
];
