import { provideTransloco } from '@jsverse/transloco';
import { of } from 'rxjs';
import { words } from '../app/i18n/en';

/** The words of the frame, and of the rooms that are named with theirs. */
export const provideWords = (rooms: Record<string, object> = {}) => [
  provideTransloco({
    config: {
      availableLangs: ['en', 'zh'],
      defaultLang: 'en',
      reRenderOnLangChange: true,
      prodMode: true,
      missingHandler: { logMissingKey: false },
    },
    loader: class {
      getTranslation = () => of({ ...words, ...rooms });
    },
  }),
];
