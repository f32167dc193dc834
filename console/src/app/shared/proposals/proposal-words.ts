import { provideRoomWords } from '../i18n/room-words';

export const proposalWords = provideRoomWords('proposals', {
  en: () => import('./words.en'),
  zh: () => import('./words.zh'),
});
