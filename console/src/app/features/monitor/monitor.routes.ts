import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';
import { MonitorFrame } from './monitor-frame';

export const routes: Routes = [
  {
    path: '',
    providers: [
      provideRoomWords('monitor', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    children: [
      {
        path: 'traces/:traceId',
        loadComponent: () => import('./trace-page').then((m) => m.TracePage),
      },
      {
        path: '',
        component: MonitorFrame,
        children: [
          {
            path: '',
            pathMatch: 'full',
            loadComponent: () => import('./overview-page').then((m) => m.OverviewPage),
          },
          {
            path: 'traces',
            loadComponent: () => import('./traces-page').then((m) => m.TracesPage),
          },
          { path: 'logs', loadComponent: () => import('./logs-page').then((m) => m.LogsPage) },
          { path: 'map', loadComponent: () => import('./map-page').then((m) => m.MapPage) },
        ],
      },
    ],
  },
];
