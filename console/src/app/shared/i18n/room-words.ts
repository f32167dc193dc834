import { provideTranslocoScope } from '@jsverse/transloco';

interface Words {
  words: Record<string, unknown>;
}

/**
 * The words of one room, fetched with the room and not before. A room keeps them in `words.en.ts` and
 * `words.zh.ts` beside its routes, and says `t('<room>.<key>')` as for the words of the frame.
 */
export const provideRoomWords = (
  room: string,
  load: { en: () => Promise<Words>; zh: () => Promise<Words> },
) =>
  provideTranslocoScope({
    scope: room,
    loader: {
      en: () => load.en().then(({ words }) => words),
      zh: () => load.zh().then(({ words }) => words),
    },
  });
