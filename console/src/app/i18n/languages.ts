import { Injectable } from '@angular/core';
import type { Translation, TranslocoLoader } from '@jsverse/transloco';
import { from, map } from 'rxjs';

/** The words come as a chunk of the build: hashed, cached for ever, and only the language that is used. */
@Injectable({ providedIn: 'root' })
export class Languages implements TranslocoLoader {
  getTranslation(language: string) {
    return from(language === 'zh' ? import('./zh') : import('./en')).pipe(
      map(({ words }): Translation => words),
    );
  }
}
export const languages = Languages;
