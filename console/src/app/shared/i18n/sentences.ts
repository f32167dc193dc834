import { Injectable, inject } from '@angular/core';
import { type AosEvent, type Tongue, told } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';

/**
 * What the server says, in the language of the console. It says everything in English and, beside it, by a code; the
 * English stands wherever a code is missing or is one that only a newer server knows.
 */
@Injectable({ providedIn: 'root' })
export class Sentences {
  private readonly transloco = inject(TranslocoService);

  /** Of an answer: `said` beside its own words. Read anew when the language changes. */
  of(said: unknown, words: string): string {
    const language = this.transloco.activeLang();
    if (language === 'en' || said === undefined || said === null) return words;
    return told(said, this.tongue(language)) ?? words;
  }

  ofEvent({ summary, payload }: Pick<AosEvent, 'summary' | 'payload'>): string {
    return this.of(payload['said'], summary);
  }

  private tongue(language: string): Tongue {
    const words = this.transloco.getTranslation(language) as Record<string, string>;
    return {
      textOf: (code) => words[`said.${code}`],
      number: (value) => value.toLocaleString(language, { maximumFractionDigits: 6 }),
      list: listed,
      join: joined,
    };
  }
}

/** "a、b 和 c", with room around 和 where it stands beside letters. */
function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  if (items.length < 2) return last;
  const room = /^[!-~]/.test(last) ? ' ' : '';
  return `${items.slice(0, -1).join('、')} 和${room}${last}`;
}

/** A Chinese full stop brings its own room; an English one, at the end of what a tool said, does not. */
const joined = (texts: readonly string[]): string =>
  texts.reduce((said, text) => `${said}${/[.!?]$/.test(said) ? ' ' : ''}${text}`, '');
