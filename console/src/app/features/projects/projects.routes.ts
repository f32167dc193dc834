import type { Routes } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';

export const routes: Routes = [
  {
    path: '',
    providers: [
      provideRoomWords('projects', {
        en: () => import('./words.en'),
        zh: () => import('./words.zh'),
      }),
    ],
    children: [
      { path: '', loadComponent: () => import('./tasks-page').then((m) => m.TasksPage) },
      { path: 'all', loadComponent: () => import('./projects-page').then((m) => m.ProjectsPage) },
      {
        path: 'blueprints',
        loadComponent: () => import('./blueprints/blueprints-page').then((m) => m.BlueprintsPage),
      },
      {
        path: 'blueprints/:project/:id',
        loadComponent: () => import('./blueprints/blueprints-page').then((m) => m.BlueprintsPage),
      },
      {
        path: 'runs/:traceId',
        loadComponent: () => import('./run/run-page').then((m) => m.RunPage),
      },
    ],
  },
];
