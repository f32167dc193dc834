import type { Language } from './preferences';
import { locale } from './time';

/**
 * "3 Nov, 09:00 – 17:00", "from 3 Nov, 09:00", "until …": as the language writes it, with the year where it is not
 * this one.
 */
export function spanWords(
  [from = '', to = '']: readonly string[],
  language: Language,
  now = new Date(),
): string {
  const [begin, end] = [from, to].map((text) => (text ? new Date(text) : null));
  if (!begin && !end) return '';
  const isThisYear = [begin, end].every((at) => !at || at.getFullYear() === now.getFullYear());
  const format = new Intl.DateTimeFormat(locale(language), {
    ...(isThisYear ? {} : { year: 'numeric' }),
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  if (begin && end) return begin < end ? format.formatRange(begin, end) : '';
  return begin ? `${format.format(begin)} –` : `– ${format.format(end!)}`;
}
