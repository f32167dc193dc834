import { Injectable } from '@angular/core';
import type { Translation, TranslocoLoader } from '@jsverse/transloco';
import { from, map } from 'rxjs';

/** With what the server and the tools that come with it say, which they say in English by themselves. */
async function chinese(): Promise<{ words: Translation }> {
  const [{ words }, { sentences }, { problemTitles }, { toolWords }] = await Promise.all([
    import('./zh'),
    import('./sentences.zh'),
    import('./problems.zh'),
    import('./tool-words.zh'),
  ]);
  return { words: { ...words, said: sentences, problemTitle: problemTitles, toolSays: toolWords } };
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
