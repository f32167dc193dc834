import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';
import { SecondFactorPage } from './second-factor-page';

export const routes: Routes = [
  {
    path: '',
    component: SecondFactorPage,
    providers: [
      provideRoomWords('factor', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
  },
];
