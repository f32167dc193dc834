import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';
import { SettingsPage } from './settings-page';

export const routes: Routes = [
  {
    path: '',
    component: SettingsPage,
    providers: [
      provideRoomWords('settings', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    children: [
      { path: '', pathMatch: 'full', redirectTo: 'account' },
      { path: 'system', loadComponent: () => import('./system-page').then((m) => m.SystemPage) },
      {
        path: 'history',
        loadComponent: () => import('./history-page').then((m) => m.HistoryPage),
      },
      ...['proposals', 'proposals/:proposal'].map((path) => ({
        path,
        loadComponent: () => import('./proposals-page').then((m) => m.ProposalsPage),
      })),
      { path: 'runtime', loadComponent: () => import('./runtime-page').then((m) => m.RuntimePage) },
      { path: 'people', loadComponent: () => import('./people-page').then((m) => m.PeoplePage) },
      { path: 'roles', loadComponent: () => import('./roles-page').then((m) => m.RolesPage) },
      { path: 'access', loadComponent: () => import('./access-page').then((m) => m.AccessPage) },
      { path: 'audit', loadComponent: () => import('./audit-page').then((m) => m.AuditPage) },
      { path: 'account', loadComponent: () => import('./account-page').then((m) => m.AccountPage) },
      {
        path: 'preferences',
        loadComponent: () => import('./preferences-page').then((m) => m.PreferencesPage),
      },
      { path: '**', redirectTo: 'account' },
    ],
  },
];
