import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';

export const routes: Routes = [
  {
    path: '',
    providers: [
      provideRoomWords('integrations', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    children: [
      { path: '', loadComponent: () => import('./servers-page').then((m) => m.ServersPage) },
      { path: ':server', loadComponent: () => import('./server-page').then((m) => m.ServerPage) },
      {
        path: ':server/:tool',
        loadComponent: () => import('./tool-page').then((m) => m.ToolPage),
      },
    ],
  },
];
