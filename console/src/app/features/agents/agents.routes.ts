import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';
import { AgentsPage } from './agents-page';

export const routes: Routes = [
  {
    path: '',
    component: AgentsPage,
    providers: [
      provideRoomWords('agents', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
  },
];
