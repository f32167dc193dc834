import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';

export const routes: Routes = [
  {
    path: '',
    providers: [
      provideRoomWords('agents', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    children: [
      { path: '', loadComponent: () => import('./agents-page').then((m) => m.AgentsPage) },
      { path: ':id', loadComponent: () => import('./agent-page').then((m) => m.AgentPage) },
    ],
  },
];
