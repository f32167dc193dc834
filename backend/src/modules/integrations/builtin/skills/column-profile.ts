/**
 * Gathers the evidence of one column and settles what it is.
 *
 * A column gets a type when nine of ten of its values fit (three of four where there are fewer than
 * fifty values, so that a short list with one typo is still a list of numbers). The rest are misfits:
 * csv.profile shows them, csv.clean rejects their rows. Otherwise the column is text, and text always
 * fits. Deliberately text: digits that are not quantities (leading zeros, more digits than a double
 * holds) and columns that mix currencies, or percentages with plain numbers.
 */
import {
  isoDate,
  NULL_SPELLINGS,
  plainNumber,
  readBoolean,
  readCell,
  readDate,
  readNumber,
  type CellKind,
  type CellReading,
} from './cell-kinds.js';
import type { DateFormat } from './date-format.js';
import { detached, DistinctSketch } from './distinct.js';

export type ColumnType =
  'integer' | 'number' | 'boolean' | 'date' | 'datetime' | 'string' | 'empty';

export interface CellExample {
  line: number;
  value: string;
}

export interface ColumnDecision {
  type: ColumnType;
  decimal: '.' | ',';
  dayFirst: boolean;
  blanks: number;
  misfits: { count: number; examples: CellExample[] };
  unit?: string;
  notes: string[];
}

interface SeenValue {
  reading: CellReading;
  count: number;
}

const MAX_EXAMPLES = 3;

export class ColumnStats {
  /** Values that were blank or spelt as nothing, by spelling. */
  readonly nullSpellings = new Map<string, number>();
  padded = 0;

  private readonly seen = new Map<string, SeenValue>();
  private sketch?: DistinctSketch;
  private readonly counts = new Map<CellKind, number>();
  private readonly examples = new Map<CellKind, CellExample[]>();
  private readonly units = new Map<string, number>();
  private booleanWords = 0;
  private clockTimes = 0;
  private midnights = 0;
  private dottedEither = 0;
  private readonly ranges = {
    text: new Range<string>(),
    pointNumber: new Range<number>(),
    commaNumber: new Range<number>(),
    monthFirst: new Range<string>(),
    dayFirst: new Range<string>(),
  };

  constructor(
    readonly name: string,
    private readonly maxDistinct: number,
    private readonly nulls: ReadonlySet<string> = NULL_SPELLINGS,
  ) {}

  add(raw: string, line: number): void {
    const value = raw.trim();
    if (value.length !== raw.length && value !== '') this.padded += 1;
    let entry = this.seen.get(value);
    if (entry === undefined) {
      const reading = readCell(value, this.nulls);
      entry = { reading, count: 0 };
      this.firstSight(value, reading, line, entry);
    }
    entry.count += 1;
    this.count(entry.reading, value);
  }

  private firstSight(value: string, reading: CellReading, line: number, entry: SeenValue): void {
    if (reading.kind === 'null') {
      if (this.seen.size < this.maxDistinct) this.seen.set(detached(value), entry);
      return;
    }
    const kept = detached(value);
    if (this.sketch) this.sketch.add(value);
    else if (this.seen.size < this.maxDistinct) this.seen.set(kept, entry);
    else {
      this.sketch = new DistinctSketch();
      for (const [known, { reading: knownReading }] of this.seen) {
        if (knownReading.kind !== 'null') this.sketch.add(known);
      }
      this.sketch.add(value);
    }
    const examples = this.examples.get(reading.kind) ?? [];
    if (examples.length < MAX_EXAMPLES) {
      this.examples.set(reading.kind, [...examples, { line, value: clipped(kept) }]);
    }
    this.widenRanges(kept, reading);
  }

  private widenRanges(value: string, { kind, number, date }: CellReading): void {
    if (kind !== 'softNull') this.ranges.text.add(value);
    if (number) {
      const point = plainNumber(number, '.');
      const comma = plainNumber(number, ',');
      if (point !== undefined) this.ranges.pointNumber.add(Number(point));
      if (comma !== undefined) this.ranges.commaNumber.add(Number(comma));
    }
    if (date) {
      const monthFirst = isoDate(date, false, true);
      const dayFirst = isoDate(date, true, true);
      if (monthFirst) this.ranges.monthFirst.add(monthFirst);
      if (dayFirst) this.ranges.dayFirst.add(dayFirst);
    }
  }

  private count(reading: CellReading, value: string): void {
    this.counts.set(reading.kind, (this.counts.get(reading.kind) ?? 0) + 1);
    if (reading.kind === 'null' || reading.kind === 'softNull') {
      const spelling = clipped(value);
      this.nullSpellings.set(spelling, (this.nullSpellings.get(spelling) ?? 0) + 1);
    } else if (reading.number) {
      const { unit } = reading.number;
      this.units.set(unit, (this.units.get(unit) ?? 0) + 1);
    } else if (reading.date) {
      if (reading.date.isMidnight) this.midnights += 1;
      else if (reading.date.hasTime) this.clockTimes += 1;
      if (reading.kind === 'dateEither' && reading.date.separator === '.') this.dottedEither += 1;
    } else if (reading.kind === 'true' || reading.kind === 'false') {
      if (/^(true|false)$/i.test(value)) this.booleanWords += 1;
    }
  }

  /** Different values that are not blank, and whether that is exact. */
  distinct(decision: ColumnDecision): { distinct: number; distinctIsExact: boolean } {
    if (this.sketch) return { distinct: this.sketch.estimate(), distinctIsExact: false };
    const softIsBlank = decision.type !== 'string';
    let distinct = 0;
    for (const { reading } of this.seen.values()) {
      const isBlank = reading.kind === 'null' || (softIsBlank && reading.kind === 'softNull');
      if (!isBlank) distinct += 1;
    }
    return { distinct, distinctIsExact: true };
  }

  /** The most frequent values; undefined when there were too many different ones to count. */
  top(limit: number): { value: string; count: number }[] | undefined {
    if (this.sketch) return undefined;
    return [...this.seen]
      .filter(([, { reading }]) => reading.kind !== 'null')
      .sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1))
      .slice(0, limit)
      .map(([value, { count }]) => ({ value: clipped(value), count }));
  }

  range(decision: ColumnDecision): { min: string | number | null; max: string | number | null } {
    const { ranges } = this;
    switch (decision.type) {
      case 'integer':
      case 'number':
        return (decision.decimal === '.' ? ranges.pointNumber : ranges.commaNumber).get();
      case 'date':
      case 'datetime': {
        const { min, max } = (decision.dayFirst ? ranges.dayFirst : ranges.monthFirst).get();
        const cut = (iso: string | null) =>
          iso !== null && decision.type === 'date' ? iso.slice(0, 10) : iso;
        return { min: cut(min), max: cut(max) };
      }
      case 'boolean':
        return {
          min: this.has('false') ? 'false' : 'true',
          max: this.has('true') ? 'true' : 'false',
        };
      case 'empty':
        return { min: null, max: null };
      case 'string': {
        const { min, max } = ranges.text.get();
        return { min: min && clipped(min), max: max && clipped(max) };
      }
    }
  }

  decide(): ColumnDecision {
    const n = (...kinds: CellKind[]) =>
      kinds.reduce((sum, kind) => sum + (this.counts.get(kind) ?? 0), 0);
    const hardBlanks = n('null');
    const softBlanks = n('softNull');
    const values = [...this.counts.values()].reduce((a, b) => a + b, 0) - hardBlanks - softBlanks;

    const decimal = n('dotGroups', 'commaDecimal') > n('commaGroups', 'dotDecimal') ? ',' : '.';
    const dayFirst =
      n('dateDayFirst') !== n('dateMonthFirst')
        ? n('dateDayFirst') > n('dateMonthFirst')
        : this.dottedEither * 2 > n('dateEither');
    const asText = (notes: string[]): ColumnDecision => ({
      ...{ type: 'string', decimal, dayFirst, blanks: hardBlanks, notes },
      misfits: { count: 0, examples: [] },
    });
    if (values === 0) {
      if (softBlanks > 0) return asText([]);
      return { ...asText([]), type: 'empty' };
    }

    const numberKinds: CellKind[] = ['integer', 'oneComma', 'oneDot'];
    if (decimal === '.') numberKinds.push('commaGroups', 'dotDecimal');
    else numberKinds.push('dotGroups', 'commaDecimal');
    const dateKinds: CellKind[] = ['date', 'dateEither'];
    dateKinds.push(dayFirst ? 'dateDayFirst' : 'dateMonthFirst');
    const codes = n('code');
    const numbers = n(...numberKinds);
    if (codes < numbers / 100) numberKinds.push('code');

    const fractions = decimal === '.' ? n('dotDecimal', 'oneDot') : n('commaDecimal', 'oneComma');
    const booleansAreMeant = (n('true') > 0 && n('false') > 0) || this.booleanWords > 0;
    const candidates: { type: ColumnType; kinds: CellKind[] }[] = [
      { type: fractions > 0 ? 'number' : 'integer', kinds: numberKinds },
      { type: this.clockTimes > 0 ? 'datetime' : 'date', kinds: dateKinds },
      { type: 'boolean', kinds: booleansAreMeant ? ['true', 'false'] : [] },
    ];
    const best = candidates.reduce((a, b) => (n(...b.kinds) > n(...a.kinds) ? b : a));
    const fits = n(...best.kinds);
    const isTyped = fits >= values * 0.9 || (values < 50 && fits >= values * 0.75);
    if (!isTyped) {
      const notes: string[] = [];
      if (codes > 0 && codes + numbers >= values * 0.9) {
        const example = this.examples.get('code')?.[0]?.value;
        notes.push(`kept as text: digits that are not a quantity, such as ${example}`);
      }
      return asText(notes);
    }
    const units = [...this.units.keys()].filter((unit) => unit !== '');
    const isNumeric = best.type === 'integer' || best.type === 'number';
    if (isNumeric) {
      const isRatio = units.includes('%') || units.includes('‰');
      if (units.length > 1 || (isRatio && this.units.has(''))) {
        const listed = units.map((unit) => `"${unit}"`).join(', ');
        return asText([`kept as text: different units in one column (${listed} and others)`]);
      }
    }
    const misfitKinds = [...this.counts.keys()].filter(
      (kind) => kind !== 'null' && kind !== 'softNull' && !best.kinds.includes(kind),
    );
    return {
      ...{ type: best.type, decimal, dayFirst, blanks: hardBlanks + softBlanks },
      misfits: {
        count: n(...misfitKinds),
        examples: misfitKinds
          .flatMap((kind) => this.examples.get(kind) ?? [])
          .sort((a, b) => a.line - b.line)
          .slice(0, MAX_EXAMPLES),
      },
      ...(isNumeric && units.length === 1 ? { unit: units[0] } : {}),
      notes: isNumeric ? this.numberNotes(decimal, n) : this.dateNotes(best.type, dayFirst, n),
    };
  }

  private numberNotes(decimal: '.' | ',', n: (...kinds: CellKind[]) => number): string[] {
    const isCertain = n('commaGroups', 'dotDecimal', 'dotGroups', 'commaDecimal') > 0;
    if (decimal === ',') return ['decimal comma'];
    if (!isCertain && n('oneComma') > 0) return ['"," read as thousands separator (ambiguous)'];
    if (!isCertain && n('oneDot') > 0) return ['"." read as decimal point (ambiguous)'];
    return [];
  }

  private dateNotes(
    type: ColumnType,
    dayFirst: boolean,
    n: (...kinds: CellKind[]) => number,
  ): string[] {
    if (type !== 'date' && type !== 'datetime') return [];
    const notes: string[] = [];
    const order = dayFirst ? 'day, month, year' : 'month, day, year';
    const certain = n('dateDayFirst', 'dateMonthFirst');
    if (certain > 0) {
      notes.push(`read as ${order}: ${certain} dates allow no other order`);
      const contrary = dayFirst ? n('dateMonthFirst') : n('dateDayFirst');
      if (contrary > 0) notes.push(`${contrary} dates allow only the other order`);
    } else if (n('dateEither') > 0) {
      notes.push(`read as ${order}, but no date in the column proves it`);
    }
    if (type === 'date' && this.midnights > 0) notes.push('every time of day is 00:00: dates only');
    return notes;
  }

  private has(kind: CellKind): boolean {
    return (this.counts.get(kind) ?? 0) > 0;
  }
}

class Range<T extends string | number> {
  private min: T | null = null;
  private max: T | null = null;

  add(value: T): void {
    if (this.min === null || value < this.min) this.min = value;
    if (this.max === null || value > this.max) this.max = value;
  }

  get(): { min: T | null; max: T | null } {
    return { min: this.min, max: this.max };
  }
}

export function clipped(value: string, max = 200): string {
  return value.length > max ? `${value.slice(0, max - 1)}…` : value;
}

/** How many different values each column may remember, so that wide files cost no more than narrow. */
export function distinctBudget(columns: number): number {
  return Math.max(200, Math.min(10_000, Math.floor(200_000 / Math.max(1, columns))));
}

// ---------------------------------------------------------------- cell to value

export type Converted = { value: string } | { blank: true } | { fault: string };

/** `value` is trimmed. Undoes the spelling, never the value: see `plainNumber` and `isoDate`. */
export function convertCell(
  value: string,
  decision: Pick<ColumnDecision, 'type' | 'decimal' | 'dayFirst'>,
  nulls: ReadonlySet<string> = NULL_SPELLINGS,
  format?: DateFormat,
): Converted {
  if (value === '' || nulls.has(value)) return { blank: true };
  const { type, decimal, dayFirst } = decision;
  if (type === 'string' || type === 'empty') return { value };
  if (readCell(value, nulls).kind === 'softNull') return { blank: true };
  switch (type) {
    case 'integer':
    case 'number': {
      const number = readNumber(value);
      const plain = number && plainNumber(number, decimal);
      if (plain === undefined) return { fault: 'not a number' };
      if (type === 'number') return { value: plain };
      const whole = plain.replace(/\.0+$/, '');
      return /^-?\d+$/.test(whole) ? { value: whole } : { fault: 'not a whole number' };
    }
    case 'boolean': {
      const boolean = readBoolean(value) ?? (value === '1' ? true : value === '0' ? false : null);
      return boolean === null ? { fault: 'neither true nor false' } : { value: String(boolean) };
    }
    case 'date':
    case 'datetime': {
      const date = format ? format.read(value) : readDate(value);
      const order = format ? false : dayFirst;
      const iso = date && isoDate(date, order, type === 'datetime');
      if (iso === undefined) {
        return { fault: format ? `not a date written ${format.format}` : 'not a date' };
      }
      if (type === 'date' && date!.hasTime && !date!.isMidnight) {
        return { fault: 'has a time of day where the column holds dates' };
      }
      return { value: iso };
    }
  }
}
