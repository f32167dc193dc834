import type { Language } from '../ui/preferences';
import { duration, locale } from '../ui/time';

/** What a number of a chart counts. It decides how axis, labels and table write it. */
export type Unit = 'count' | 'perSecond' | 'ms' | 'percent' | 'bytes' | 'cny';

const made = new Map<string, Intl.NumberFormat>();

function number(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language}${JSON.stringify(options)}`;
  const format = made.get(key) ?? new Intl.NumberFormat(locale(language), options);
  made.set(key, format);
  return format;
}

const digits = (value: number) => (Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 1);

function plain(value: number, language: Language): string {
  const small = Math.abs(value) > 0 && Math.abs(value) < 1;
  return number(language, {
    maximumFractionDigits: small ? 2 : digits(value),
    ...(Math.abs(value) >= 10_000 ? { notation: 'compact' as const } : {}),
  }).format(value);
}

const sizes = ['B', 'kB', 'MB', 'GB', 'TB'];
function bytes(value: number, language: Language): string {
  const step = Math.min(
    sizes.length - 1,
    Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value))) / 3)),
  );
  return `${plain(value / 1000 ** step, language)} ${sizes[step]}`;
}

/** A value with its unit, as short as it can be said: 12 ms, 3.4/s, 1.2 GB, ¥0.05. */
export function withUnit(value: number, unit: Unit, language: Language): string {
  switch (unit) {
    case 'count':
      return plain(value, language);
    case 'perSecond':
      return language === 'zh' ? `${plain(value, language)}/秒` : `${plain(value, language)}/s`;
    case 'ms':
      return Math.abs(value) < 10 && !Number.isInteger(value)
        ? `${plain(value, language)} ms`
        : duration(value);
    case 'percent':
      return `${plain(value, language)} %`;
    case 'bytes':
      return bytes(value, language);
    case 'cny':
      return `¥${number(language, { minimumFractionDigits: 2, maximumFractionDigits: 4 }).format(value)}`;
  }
}

/** The time zone of this browser in a word: GMT+8, UTC. */
export function zoneName(language: Language, at = Date.now()): string {
  const parts = new Intl.DateTimeFormat(locale(language), {
    timeZoneName: 'short',
  }).formatToParts(at);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

/** A moment on a time axis: the longer the range, the coarser. */
export function axisTime(at: number, spanMs: number, language: Language): string {
  const options: Intl.DateTimeFormatOptions =
    spanMs > 48 * 3_600_000
      ? { month: 'short', day: 'numeric' }
      : spanMs > 5 * 60_000
        ? { hour: '2-digit', minute: '2-digit' }
        : { hour: '2-digit', minute: '2-digit', second: '2-digit' };
  return new Intl.DateTimeFormat(locale(language), { hourCycle: 'h23', ...options }).format(at);
}

/** The same moment where it stands alone: with the day when the range is longer than one. */
export function pointTime(at: number, spanMs: number, language: Language): string {
  return new Intl.DateTimeFormat(locale(language), {
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    ...(spanMs > 20 * 3_600_000
      ? { month: 'short', day: 'numeric' }
      : { second: '2-digit' as const }),
  }).format(at);
}
