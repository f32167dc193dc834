import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';

export const routes: Routes = [
  {
    path: '',
    providers: [
      provideRoomWords('compare', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    loadComponent: () => import('./compare-page').then((m) => m.ComparePage),
  },
];
