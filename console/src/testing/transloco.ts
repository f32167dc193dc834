import { provideTransloco } from '@jsverse/transloco';
import { of } from 'rxjs';
import { words } from '../app/i18n/en';

export const provideWords = () => [
  provideTransloco({
    config: {
      availableLangs: ['en', 'zh'],
      defaultLang: 'en',
      reRenderOnLangChange: true,
      prodMode: true,
      missingHandler: { logMissingKey: false },
    },
    loader: class {
      getTranslation = () => of(words);
    },
  }),
];
