import { Injectable } from '@angular/core';
import type { Translation, TranslocoLoader } from '@jsverse/transloco';
import { from, map } from 'rxjs';

/** With what the server says, which it says in English by itself. */
async function chinese(): Promise<{ words: Translation }> {
  const [{ words }, { sentences }, { problemTitles }] = await Promise.all([
    import('./zh'),
    import('./sentences.zh'),
    import('./problems.zh'),
  ]);
  return { words: { ...words, said: sentences, problemTitle: problemTitles } };
}

/** The words come as chunks of the build: hashed, cached for ever, and only the language that is used. */
@Injectable({ providedIn: 'root' })
export class Languages implements TranslocoLoader {
  getTranslation(language: string) {
    return from(language === 'zh' ? chinese() : import('./en')).pipe(
      map(({ words }): Translation => words),
    );
  }
}
export const languages = Languages;
