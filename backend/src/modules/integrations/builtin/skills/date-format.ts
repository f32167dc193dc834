import { say } from '@aos/contracts';
import { ToolFault } from '../tool.js';
import { readDate, type DateReading } from './cell-kinds.js';

const TOKENS: Record<string, { pattern: string; part: string }> = {
  YYYY: { pattern: String.raw`(\d{4})`, part: 'year' },
  YY: { pattern: String.raw`(\d{2})`, part: 'year' },
  MMMM: { pattern: '([A-Za-z]{3,9})', part: 'monthName' },
  MMM: { pattern: '([A-Za-z]{3})', part: 'monthName' },
  MM: { pattern: String.raw`(\d{2})`, part: 'month' },
  M: { pattern: String.raw`(\d{1,2})`, part: 'month' },
  DD: { pattern: String.raw`(\d{2})`, part: 'day' },
  D: { pattern: String.raw`(\d{1,2})`, part: 'day' },
  HH: { pattern: String.raw`(\d{2})`, part: 'hour' },
  H: { pattern: String.raw`(\d{1,2})`, part: 'hour' },
  hh: { pattern: String.raw`(\d{2})`, part: 'hour' },
  h: { pattern: String.raw`(\d{1,2})`, part: 'hour' },
  mm: { pattern: String.raw`(\d{2})`, part: 'minute' },
  m: { pattern: String.raw`(\d{1,2})`, part: 'minute' },
  ss: { pattern: String.raw`(\d{2})`, part: 'second' },
  s: { pattern: String.raw`(\d{1,2})`, part: 'second' },
  SSS: { pattern: String.raw`(\d{1,9})`, part: 'fraction' },
  A: { pattern: '([AaPp][Mm])', part: 'half' },
  Z: { pattern: String.raw`(Z|[+-]\d{2}:?\d{2})`, part: 'zone' },
};
const TOKEN = /YYYY|YY|MMMM|MMM|MM|M|DD|D|HH|H|hh|h|mm|m|ss|s|SSS|A|Z/g;

export interface DateFormat {
  format: string;
  hasTime: boolean;
  read(value: string): DateReading | undefined;
}

/** Compiles `D.M.YYYY H:mm` and its like. A text that fits is put in ISO order and read as such. */
export function compileDateFormat(format: string): DateFormat {
  const parts: string[] = [];
  let pattern = '';
  let from = 0;
  for (const match of format.matchAll(TOKEN)) {
    const token = TOKENS[match[0]]!;
    pattern += literal(format.slice(from, match.index)) + token.pattern;
    parts.push(token.part);
    from = match.index + match[0].length;
  }
  pattern += literal(format.slice(from));
  const hasMonth = parts.includes('month') || parts.includes('monthName');
  if (!parts.includes('year') || !hasMonth || !parts.includes('day') || format.length > 60) {
    throw new ToolFault('bad_date_format', say('date-format', { format }));
  }
  const regex = new RegExp(`^${pattern}$`);
  return {
    format,
    hasTime: parts.includes('hour'),
    read(value) {
      const match = regex.exec(value);
      if (!match) return undefined;
      const found: Record<string, string> = {};
      parts.forEach((part, i) => (found[part] = match[i + 1]!));
      return readDate(inKnownOrder(found));
    },
  };
}

function inKnownOrder(found: Record<string, string>): string {
  const pad = (text: string) => text.padStart(2, '0');
  const { hour, minute = '00', second = '00', fraction, half = '', zone = '' } = found;
  const tail = fraction === undefined ? '' : `.${fraction}`;
  const clock = hour ? ` ${pad(hour)}:${pad(minute)}:${pad(second)}${tail}${half}${zone}` : '';
  const { year, month, day, monthName } = found;
  if (monthName !== undefined) return `${day} ${monthName} ${year}${clock}`;
  if (year!.length === 4) return `${year}-${month}-${day}${clock}`;
  return `${day} ${ENGLISH_MONTHS[+month! - 1] ?? '?'} ${year}${clock}`;
}

const ENGLISH_MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
