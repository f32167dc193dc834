import { Injectable, inject } from '@angular/core';
import { type AosEvent, type LogLine, type Problem, type Tongue, told } from '@aos/contracts';
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

  /** What is elsewhere a part of a sentence, and here stands alone. A stranger's words begin as they begin. */
  alone(said: unknown, words: string): string {
    const text = this.of(said, words);
    return said === undefined || said === null
      ? text
      : text.replace(/^[a-z]/, (first) => first.toUpperCase());
  }

  ofEvent({ summary, payload }: Pick<AosEvent, 'summary' | 'payload'>): string {
    return this.of(payload['said'], summary);
  }

  /** What a tool, or its server, says of itself: those that come with AOS have it in the console's language. */
  ofTool(text: string): string {
    return this.own(`toolSays.${text}`) ?? text;
  }

  /** A line of the log, which has an event whole where it tells of one. */
  ofLine({ message, attributes }: Pick<LogLine, 'message' | 'attributes'>): string {
    const { payload } = attributes;
    return this.of((payload as Record<string, unknown> | undefined)?.['said'], message);
  }

  /** What a problem is; the console's own word for it comes first. */
  title({ code, title }: Pick<Problem, 'code' | 'title'>): string {
    return this.own(`problem.code.${code}.title`) ?? this.own(`problemTitle.${code}`) ?? title;
  }

  /**
   * What was wrong and what to do. Empty where the server says it in English only and names each fault by its code
   * anyway: the faults then say it.
   */
  detail({ code, status, said, detail, errors = [] }: Problem): string {
    const own = this.own(`problem.code.${code}.todo`);
    if (own !== null) return own.replace('{{status}}', String(status));
    const areTold = said === undefined && errors.length > 0 && errors.every((each) => each.said);
    return areTold && this.transloco.activeLang() !== 'en' ? '' : this.of(said, detail);
  }

  private own(key: string): string | null {
    const words = this.transloco.getTranslation(this.transloco.activeLang()) as Record<
      string,
      string
    >;
    return words[key] ?? null;
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
