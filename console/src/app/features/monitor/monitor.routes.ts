import type { Routes } from '@angular/router';

export const routes: Routes = [
  { path: '', loadComponent: () => import('./traces-page').then((m) => m.TracesPage) },
  { path: 'traces/:traceId', loadComponent: () => import('./trace-page').then((m) => m.TracePage) },
];
