import type { Routes, UrlMatcher } from '@angular/router';
import { provideRoomWords } from '../../shared/i18n/room-words';
import { ChatPage } from './chat-page';

/**
 * `/chat` and `/chat/:id` are one route: the first message of a conversation gives it an address, and must not
 * build the page anew under the person who wrote it.
 */
const atMostAnId: UrlMatcher = (segments) => {
  const [id, ...more] = segments;
  if (more.length > 0) return null;
  return id ? { consumed: segments, posParams: { id } } : { consumed: segments };
};

export const routes: Routes = [
  {
    matcher: atMostAnId,
    component: ChatPage,
    providers: [
      provideRoomWords('chat', { en: () => import('./words.en'), zh: () => import('./words.zh') }),
    ],
  },
];
