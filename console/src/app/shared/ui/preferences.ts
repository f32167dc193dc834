import { Injectable, effect, inject, signal } from '@angular/core';
import { TranslocoService } from '@jsverse/transloco';

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'zh';

/** What a person chose for this browser. Storage may be forbidden; then a choice lasts as long as the page. */
export const stored = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(`aos.${key}`);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(`aos.${key}`, value);
    } catch {
      // Nothing to do: see above.
    }
  },
};

export function firstLanguage(): Language {
  const chosen = stored.get('language');
  if (chosen === 'en' || chosen === 'zh') return chosen;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

@Injectable({ providedIn: 'root' })
export class Preferences {
  private readonly transloco = inject(TranslocoService);
  readonly theme = signal<Theme>((stored.get('theme') as Theme | null) ?? 'system');
  readonly language = signal<Language>(firstLanguage());

  constructor() {
    effect(() => {
      const theme = this.theme();
      stored.set('theme', theme);
      if (theme === 'system') delete document.documentElement.dataset['theme'];
      else document.documentElement.dataset['theme'] = theme;
    });
    effect(() => {
      const language = this.language();
      document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
      this.transloco.setActiveLang(language);
    });
  }

  choose(language: Language): void {
    stored.set('language', language);
    this.language.set(language);
  }

  /** The other of the two that can be seen now, whatever the system says. */
  turn(): void {
    const isDark =
      this.theme() === 'dark' ||
      (this.theme() === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
    this.theme.set(isDark ? 'light' : 'dark');
  }
  speakOther(): void {
    this.choose(this.language() === 'zh' ? 'en' : 'zh');
  }
}
