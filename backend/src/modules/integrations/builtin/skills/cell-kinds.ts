/**
 * What a single cell could be, before its column has been decided.
 *
 * Two questions cannot be answered from one cell: whether `1,234` is a thousand or a decimal, and
 * whether `3/4/99` is in March or in April. So a cell only states its readings; the column counts
 * them (column-profile.ts) and settles the question once, from all of its cells.
 */

export type CellKind =
  | 'null' // blank, NA, N/A, null, - ...
  | 'softNull' // None, ?, . : a blank among numbers or dates, a word among words
  | 'integer' // 12, -3, 1 234, 1'234
  | 'code' // 00123, or more digits than a double holds: digits that are not a quantity
  | 'oneComma' // 1,234
  | 'oneDot' // 1.234
  | 'commaGroups' // 1,234,567
  | 'dotGroups' // 1.234.567
  | 'dotDecimal' // 12.5, 1,234.5, 1e5
  | 'commaDecimal' // 12,5, 1.234,5
  | 'true'
  | 'false'
  | 'date' // the order of year, month and day is certain
  | 'dateMonthFirst' // 1/31/99
  | 'dateDayFirst' // 31/1/99
  | 'dateEither' // 1/2/99
  | 'text';

export interface NumberReading {
  negative: boolean;
  /** Digits with separators, without sign and unit. */
  core: string;
  exponent: string;
  unit: string;
}

export interface DateReading {
  year: number;
  /** Month and day when the order is certain; otherwise the first and second number. */
  first: number;
  second: number;
  isNumeric: boolean;
  separator: string;
  hasTime: boolean;
  isMidnight: boolean;
  /** `T12:30:00.5+02:00`, or empty. */
  time: string;
}

export interface CellReading {
  kind: CellKind;
  number?: NumberReading;
  date?: DateReading;
}

export const NULL_SPELLINGS: ReadonlySet<string> = new Set([
  ...['', 'NA', 'N/A', 'n/a', 'N.A.', '#N/A', '<NA>', 'NULL', 'null', 'Null', '\\N'],
  ...['NaN', 'nan', '-', '--', '—', '–'],
]);
const SOFT_NULLS: ReadonlySet<string> = new Set(['None', 'none', 'NONE', '?', '.', '..']);

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', 'y', 'on', '是', '真'].map((word) => [word, true] as const),
  ...['false', 'f', 'no', 'n', 'off', '否', '假'].map((word) => [word, false] as const),
]);

const TEXT: CellReading = { kind: 'text' };
const NULL: CellReading = { kind: 'null' };
const SOFT_NULL: CellReading = { kind: 'softNull' };

/** `value` is trimmed. Nothing longer than 40 characters is a number or a date. */
export function readCell(value: string, nulls: ReadonlySet<string> = NULL_SPELLINGS): CellReading {
  if (value === '' || nulls.has(value)) return NULL;
  if (value.length > 40) return TEXT;
  if (SOFT_NULLS.has(value)) return SOFT_NULL;
  const boolean = value.length <= 5 ? readBoolean(value) : undefined;
  if (boolean !== undefined) return { kind: boolean ? 'true' : 'false' };
  if (!/\d/.test(value)) return TEXT;
  const number = readNumber(value);
  if (number) return { kind: numberKind(number), number };
  const date = readDate(value);
  if (date) return { kind: dateKind(date), date };
  return TEXT;
}

export function looksLikeValue(cell: string): boolean {
  const reading = readCell(cell.trim());
  return reading.number !== undefined || reading.date !== undefined;
}

export function readBoolean(value: string): boolean | undefined {
  return BOOLEANS.get(value.toLowerCase());
}

// ---------------------------------------------------------------- numbers

const UNIT = String.raw`[$€£¥￥₹₩₽]|US\$|USD|EUR|GBP|CNY|RMB|JPY|CHF`;
const NUMBER = new RegExp(
  String.raw`^(\()?([+\-−])?(${UNIT})?\s?([+\-−])?([\d.,'’ \u00a0\u202f]*\d[.]?)(e[+-]?\d{1,3})?\s?(%|‰|元|${UNIT})?(\))?$`,
  'i',
);
const SPACED_GROUPS = /^\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:([.,])\d+)?$/;

/** What is beyond all numbers that can be told (1e999) is a text like another. */
export function readNumber(value: string): NumberReading | undefined {
  const match = NUMBER.exec(value);
  if (!match) return undefined;
  const [, open, sign1, prefix, sign2, core, exponent, suffix, close] = match;
  if ((open === undefined) !== (close === undefined)) return undefined;
  if ((sign1 && sign2) || (open && (sign1 || sign2)) || (prefix && suffix)) return undefined;
  const number: NumberReading = {
    negative: open !== undefined || (sign1 ?? sign2 ?? '+') !== '+',
    core: core!,
    exponent: exponent ?? '',
    unit: (prefix ?? suffix ?? '').toUpperCase(),
  };
  return coreKind(number) === undefined ? undefined : number;
}

function coreKind({ core, exponent }: NumberReading): CellKind | undefined {
  if (exponent && Number(core.replace(/[^\d.]/g, '') + exponent) === Infinity) return undefined;
  if (/^\d+$/.test(core)) {
    if (exponent) return 'dotDecimal';
    return (core.length > 1 && core[0] === '0') || core.length > 15 ? 'code' : 'integer';
  }
  const spaced = SPACED_GROUPS.exec(core);
  if (spaced) {
    return spaced[1] === undefined ? 'integer' : spaced[1] === '.' ? 'dotDecimal' : 'commaDecimal';
  }
  if (/^\d*\.\d+$|^\d+\.$/.test(core)) {
    return !exponent && /^[1-9]\d{0,2}\.\d{3}$/.test(core) ? 'oneDot' : 'dotDecimal';
  }
  if (exponent) return undefined;
  if (/^\d*,\d+$/.test(core)) {
    return /^[1-9]\d{0,2},\d{3}$/.test(core) ? 'oneComma' : 'commaDecimal';
  }
  if (/^\d{1,3}(,\d{3}){2,}$/.test(core)) return 'commaGroups';
  if (/^\d{1,3}(\.\d{3}){2,}$/.test(core)) return 'dotGroups';
  if (/^\d{1,3}(,\d{2,3})*,\d{3}\.\d*$/.test(core)) return 'dotDecimal';
  if (/^\d{1,3}(\.\d{3})+,\d+$/.test(core)) return 'commaDecimal';
  return undefined;
}

function numberKind(number: NumberReading): CellKind {
  return coreKind(number)!;
}

/**
 * The number in plain notation, digit for digit: `(1,234.50)` becomes `-1234.50`, not `-1234.5`, and
 * twenty digits stay twenty digits. Undefined when the text is no number under that decimal sign.
 */
export function plainNumber(number: NumberReading, decimal: '.' | ','): string | undefined {
  const kind = coreKind(number);
  const clash = decimal === '.' ? ['commaDecimal', 'dotGroups'] : ['dotDecimal', 'commaGroups'];
  if (kind === undefined || clash.includes(kind)) {
    // An exponent or a spaced group settles its own decimal sign.
    if (!(number.exponent && decimal === ',' && !number.core.includes(','))) return undefined;
  }
  const grouping =
    decimal === '.' || number.exponent ? /[, \u00a0\u202f'’]/g : /[. \u00a0\u202f'’]/g;
  let digits = number.core.replace(grouping, '').replace(',', '.');
  if (digits.startsWith('.')) digits = `0${digits}`;
  if (digits.endsWith('.')) digits = digits.slice(0, -1);
  digits = digits.replace(/^0+(?=\d)/, '');
  const plain = digits + number.exponent.toLowerCase();
  return number.negative ? `-${plain}` : plain;
}

// ---------------------------------------------------------------- dates

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = String.raw`(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?`;
const TIME = String.raw`(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?([ap]\.?m\.?)?\s?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?`;
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})${TIME}$`, 'i');
const CHINESE = new RegExp(String.raw`^(\d{4})(年)(\d{1,2})月(\d{1,2})日${TIME}$`, 'i');
const NUMERIC = new RegExp(String.raw`^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2}),?${TIME}$`, 'i');
const DAY_MONTH = new RegExp(
  String.raw`^(\d{1,2})(?:st|nd|rd|th)?[-/ ]?\s?${MONTH}[-/ ,]\s?(\d{4}|\d{2})${TIME}$`,
  'i',
);
const MONTH_DAY = new RegExp(
  String.raw`^${MONTH}\s(\d{1,2})(?:st|nd|rd|th)?,?\s(\d{4})${TIME}$`,
  'i',
);

export function readDate(value: string): DateReading | undefined {
  let match = YEAR_FIRST.exec(value) ?? CHINESE.exec(value);
  if (match) {
    const [, year, separator, month, day] = match;
    return dateReading(+year!, +month!, +day!, false, separator!, match.slice(5));
  }
  match = NUMERIC.exec(value);
  if (match) {
    const [, first, separator, second, year] = match;
    return dateReading(fullYear(year!), +first!, +second!, true, separator!, match.slice(5));
  }
  match = DAY_MONTH.exec(value);
  if (match) {
    const [, day, month, year] = match;
    return dateReading(fullYear(year!), monthNumber(month!), +day!, false, ' ', match.slice(4));
  }
  match = MONTH_DAY.exec(value);
  if (match) {
    const [, month, day, year] = match;
    return dateReading(+year!, monthNumber(month!), +day!, false, ' ', match.slice(4));
  }
  return undefined;
}

function dateReading(
  year: number,
  first: number,
  second: number,
  isNumeric: boolean,
  separator: string,
  clock: (string | undefined)[],
): DateReading | undefined {
  const time = readClock(clock);
  if (time === undefined) return undefined;
  const valid = isNumeric
    ? isRealDay(year, first, second) || isRealDay(year, second, first)
    : isRealDay(year, first, second);
  if (!valid) return undefined;
  return {
    ...{ year, first, second, isNumeric, separator, time },
    hasTime: time !== '',
    isMidnight: /^T00:00:00(\.0+)?$/.test(time),
  };
}

/** Empty without a time of day, undefined when the clock shows no such time. */
function readClock(clock: (string | undefined)[]): string | undefined {
  const [hour, minute, second = '00', fraction, half, zone] = clock;
  if (hour === undefined) return '';
  let hours = +hour;
  if (half !== undefined) {
    if (hours < 1 || hours > 12) return undefined;
    hours = (hours % 12) + (/^p/i.test(half) ? 12 : 0);
  }
  if (hours > 23 || +minute! > 59 || +second > 60) return undefined;
  const offset = zone === undefined ? '' : /^[+-]/.test(zone) ? offsetOf(zone) : 'Z';
  const tail = fraction === undefined ? '' : `.${fraction}`;
  return `T${String(hours).padStart(2, '0')}:${minute}:${second}${tail}${offset}`;
}

function offsetOf(zone: string): string {
  return zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
}

/** POSIX's pivot: 69..99 are 1969..1999, 00..68 are 2000..2068. */
function fullYear(year: string): number {
  if (year.length === 4) return +year;
  return +year >= 69 ? 1900 + +year : 2000 + +year;
}

function monthNumber(name: string): number {
  return MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1;
}

function isRealDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function dateKind(date: DateReading): CellKind {
  if (!date.isNumeric) return 'date';
  const monthFirst = isRealDay(date.year, date.first, date.second);
  const dayFirst = isRealDay(date.year, date.second, date.first);
  if (monthFirst && dayFirst) return date.first === date.second ? 'date' : 'dateEither';
  return monthFirst ? 'dateMonthFirst' : 'dateDayFirst';
}

/** ISO 8601. A time of day is kept with its offset, and never shifted to another zone. */
export function isoDate(
  date: DateReading,
  dayFirst: boolean,
  withTime: boolean,
): string | undefined {
  const swap = date.isNumeric && dayFirst;
  const month = swap ? date.second : date.first;
  const day = swap ? date.first : date.second;
  if (!isRealDay(date.year, month, day)) return undefined;
  const pad = (n: number) => String(n).padStart(2, '0');
  const iso = `${String(date.year).padStart(4, '0')}-${pad(month)}-${pad(day)}`;
  return withTime ? iso + (date.hasTime ? date.time : 'T00:00:00') : iso;
}
