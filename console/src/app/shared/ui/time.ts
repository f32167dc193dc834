import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { Clock } from './clock';
import { type Language, Preferences } from './preferences';

/** English as it is written outside of America: the day before the month, and 24 hours. */
export const locale = (language: Language) => (language === 'zh' ? 'zh-CN' : 'en-GB');
const formats = new Map<string, Intl.RelativeTimeFormat | Intl.DateTimeFormat>();

function keep<T extends Intl.RelativeTimeFormat | Intl.DateTimeFormat>(
  key: string,
  make: () => T,
): T {
  const made = (formats.get(key) as T | undefined) ?? make();
  formats.set(key, made);
  return made;
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** `3秒前` as it stands everywhere else in the console: with room between the number and its word. */
export const spaced = (text: string): string => text.replace(/(\d)(?=\p{Script=Han})/gu, '$1 ');

export function relativeTime(at: number, now: number, language: Language): string {
  const seconds = Math.round((at - now) / 1000);
  if (Math.abs(seconds) < 5) return language === 'zh' ? '刚刚' : 'now';
  const format = keep(
    `r${language}`,
    () => new Intl.RelativeTimeFormat(locale(language), { style: 'narrow', numeric: 'always' }),
  );
  const [unit, size] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  return spaced(format.format(Math.trunc(seconds / size), unit));
}

export function exactTime(at: number, language: Language): string {
  return keep(
    `e${language}`,
    () =>
      new Intl.DateTimeFormat(locale(language), {
        dateStyle: 'medium',
        timeStyle: 'long',
      }),
  ).format(at);
}

/** The time of day, for what has happened just now and lasts. */
export function timeOfDay(at: number, language: Language): string {
  return keep(
    `t${language}`,
    () => new Intl.DateTimeFormat(locale(language), { timeStyle: 'short' }),
  ).format(at);
}

/** 0:07, 12:40, 1:02:09: what a stopwatch shows. */
export function stopwatch(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes}:${two(seconds % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** A length that has ended: 840 ms, 12.3 s, 4:05. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return stopwatch(ms);
}

export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

/** An age that goes on; the exact time on hover. */
@Component({
  selector: 'aos-age',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<time [attr.datetime]="at()" [title]="exact()">{{ text() }}</time>`,
  styles: `
    time {
      font-variant-numeric: tabular-nums;
      white-space: nowrap;
    }
  `,
})
export class Age {
  readonly at = input.required<string>();
  private readonly clock = inject(Clock);
  private readonly preferences = inject(Preferences);
  private readonly moment = computed(() => Date.parse(this.at()));
  protected readonly text = computed(() =>
    relativeTime(this.moment(), this.clock.now(), this.preferences.language()),
  );
  protected readonly exact = computed(() => exactTime(this.moment(), this.preferences.language()));
}

/** How long something has been going on, or how long it took. */
@Component({
  selector: 'aos-elapsed',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<span class="num">{{ text() }}</span>`,
})
export class Elapsed {
  readonly from = input.required<string | null>();
  readonly to = input<string | null>(null);
  private readonly clock = inject(Clock);
  protected readonly text = computed(() => {
    const from = this.from();
    if (!from) return '';
    const to = this.to();
    return to
      ? duration(Date.parse(to) - Date.parse(from))
      : stopwatch(this.clock.now() - Date.parse(from));
  });
}
