import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';
import { MemoryPage } from './memory-page';

export const routes: Routes = [
  {
    path: '',
    component: MemoryPage,
    providers: [
      provideRoomWords('memory', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'items' },
      { path: 'items', loadComponent: () => import('./items-page').then((m) => m.ItemsPage) },
      { path: 'vars', loadComponent: () => import('./vars-page').then((m) => m.VarsPage) },
      { path: 'profile', loadComponent: () => import('./profile-page').then((m) => m.ProfilePage) },
      { path: '**', redirectTo: 'items' },
    ],
  },
];
