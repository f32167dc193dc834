import { isoDate, plainNumber, readCell, readDate, readNumber } from './cell-kinds.js';
import { ColumnStats, convertCell } from './column-profile.js';
import { compileDateFormat } from './date-format.js';
import { DistinctSketch, RowSet } from './distinct.js';

describe('cells', () => {
  it.each([
    ['12', 'integer'],
    ['-12', 'integer'],
    ['+12', 'integer'],
    ['1 234 567', 'integer'],
    ["1'234", 'integer'],
    ['007', 'code'],
    ['12345678901234567890', 'code'],
    ['1,234', 'oneComma'],
    ['1.234', 'oneDot'],
    ['1,234,567', 'commaGroups'],
    ['1.234.567', 'dotGroups'],
    ['1,234.5', 'dotDecimal'],
    ['1.234,5', 'commaDecimal'],
    ['0,5', 'commaDecimal'],
    ['$1,234.50', 'dotDecimal'],
    ['(1,234.50)', 'dotDecimal'],
    ['12 %', 'integer'],
    ['1.5e-3', 'dotDecimal'],
    ['€ 12', 'integer'],
    ['12€', 'integer'],
    ['2001-02-03', 'date'],
    ['2001-02-30', 'text'],
    ['1/31/99', 'dateMonthFirst'],
    ['31/1/99', 'dateDayFirst'],
    ['1/2/99', 'dateEither'],
    ['5/5/99', 'date'],
    ['3 Feb 2001', 'date'],
    ['Feb 3, 2001', 'date'],
    ['2001年2月3日', 'date'],
    ['25:00', 'text'],
    ['1.2.3.4', 'text'],
    ['yes', 'true'],
    ['否', 'false'],
    ['NA', 'null'],
    ['-', 'null'],
    ['', 'null'],
    ['None', 'softNull'],
    ['12abc', 'text'],
    ['--5', 'text'],
    ['$', 'text'],
    ['1,23,4', 'text'],
  ])('reads %j as %s', (value, kind) => {
    expect(readCell(value).kind).toBe(kind);
  });

  it.each([
    ['(1,234.50)', '.', '-1234.50'],
    ['$1,234', '.', '1234'],
    ['-$5.00', '.', '-5.00'],
    ['.5', '.', '0.5'],
    ['1.234,50', ',', '1234.50'],
    ['1,234', ',', '1.234'],
    ['1.234', ',', '1234'],
    ['12 345,6', ',', '12345.6'],
    ['0.10', '.', '0.10'],
    ['1E5', '.', '1e5'],
    ['12,5', '.', undefined],
    ['12.5', ',', undefined],
  ] as const)('writes %j under a decimal %j as %j', (text, decimal, plain) => {
    expect(plainNumber(readNumber(text)!, decimal)).toBe(plain);
  });

  it.each([
    ['1/8/90 0:00', false, '1990-01-08T00:00:00'],
    ['1/8/90 0:00', true, '1990-08-01T00:00:00'],
    ['31.12.2001 23:59', true, '2001-12-31T23:59:00'],
    ['2001-02-03T04:05:06.7Z', false, '2001-02-03T04:05:06.7Z'],
    ['2001-02-03 04:05 +0130', false, '2001-02-03T04:05:00+01:30'],
    ['1/2/2001 12:05 am', false, '2001-01-02T00:05:00'],
    ['1/2/2001 1:05 PM', false, '2001-01-02T13:05:00'],
    ['1/2/68', false, '2068-01-02T00:00:00'],
    ['1/2/69', false, '1969-01-02T00:00:00'],
  ])('writes %j (day first: %j) as %s', (text, dayFirst, iso) => {
    expect(isoDate(readDate(text)!, dayFirst, true)).toBe(iso);
  });

  it('reads dates by a format that the caller gives, and refuses one without a day', () => {
    const format = compileDateFormat('D.M.YY H:mm');
    expect(isoDate(format.read('3.4.99 7:05')!, false, true)).toBe('1999-04-03T07:05:00');
    expect(format.read('4/3/99')).toBeUndefined();
    expect(compileDateFormat('YYYYMMDD').read('20010203')).toMatchObject({ year: 2001, second: 3 });
    expect(() => compileDateFormat('YYYY-MM')).toThrow(/not a date format/);
  });
});

describe('columns', () => {
  function column(values: string[]) {
    const stats = new ColumnStats('c', 1_000);
    values.forEach((value, i) => stats.add(value, i + 2));
    const decision = stats.decide();
    return { decision, stats, range: stats.range(decision), distinct: stats.distinct(decision) };
  }
  const repeat = (value: string, times: number) => Array.from({ length: times }, () => value);

  it('settle the decimal sign by evidence', () => {
    expect(column(['1,234', '5,678']).range).toEqual({ min: 1234, max: 5678 });
    expect(column(['1,234', '5,67']).range).toEqual({ min: 1.234, max: 5.67 });
    expect(column(['1.234', '5,67']).range).toEqual({ min: 5.67, max: 1234 });
    expect(column(['1,234', '5,67']).decision).toMatchObject({ type: 'number', decimal: ',' });
  });

  it('settle the order of day and month by evidence, and say when there is none', () => {
    const proven = column(['1/2/1999', '13/2/1999']);
    expect(proven.decision).toMatchObject({ type: 'date', dayFirst: true });
    expect(proven.range).toEqual({ min: '1999-02-01', max: '1999-02-13' });
    const open = column(['1/2/1999', '3/4/1999']);
    expect(open.decision.dayFirst).toBe(false);
    expect(open.decision.notes.join()).toMatch(/no date in the column proves it/);
    expect(column(['1.2.1999', '3.4.1999']).decision.dayFirst).toBe(true);
  });

  it('are dates when every time of day is midnight, and dates with a time otherwise', () => {
    expect(column(['1/8/90 0:00', '1/31/90 0:00']).decision.type).toBe('date');
    expect(column(['1/8/90 0:00', '1/31/90 7:30']).decision.type).toBe('datetime');
  });

  it('stay text when digits are no quantity or units are mixed', () => {
    expect(column(['00501', '02134', '94105']).decision.type).toBe('string');
    expect(column(['$5', '€6']).decision.type).toBe('string');
    expect(column(['5%', '6']).decision.type).toBe('string');
    expect(column(['5%', '6%']).decision).toMatchObject({ type: 'integer', unit: '%' });
  });

  it('take None for a blank among numbers and for a word among words', () => {
    expect(column(['None', '1', '2', '3']).decision).toMatchObject({ type: 'integer', blanks: 1 });
    const words = column(['None', 'Minor', 'None']);
    expect(words.decision).toMatchObject({ type: 'string', blanks: 0 });
    expect(words.distinct.distinct).toBe(2);
  });

  it('tolerate a tenth of misfits and name them', () => {
    const typed = column([...repeat('1', 9), 'x']);
    expect(typed.decision).toMatchObject({
      type: 'integer',
      misfits: { count: 1, examples: [{ line: 11, value: 'x' }] },
    });
    expect(column([...repeat('1', 80), ...repeat('x', 20)]).decision.type).toBe('string');
  });

  it('need both a yes and a no, or the words themselves, to be booleans', () => {
    expect(column(['y', 'n']).decision.type).toBe('boolean');
    expect(column(['true', 'true']).decision.type).toBe('boolean');
    expect(column(['N', 'N']).decision.type).toBe('string');
  });

  it('reject what does not fit, in words', () => {
    const decision = { type: 'integer', decimal: '.', dayFirst: false } as const;
    expect(convertCell('12.0', decision)).toEqual({ value: '12' });
    expect(convertCell('12.5', decision)).toEqual({ fault: 'not a whole number' });
    expect(convertCell('abc', decision)).toEqual({ fault: 'not a number' });
    expect(convertCell('N/A', decision)).toEqual({ blank: true });
  });
});

describe('counting', () => {
  it('estimates many different values within five percent, in fixed memory', () => {
    const stats = new ColumnStats('c', 200);
    for (let i = 0; i < 100_000; i += 1) stats.add(`value ${i % 50_000}`, i);
    const { distinct, distinctIsExact } = stats.distinct(stats.decide());
    expect(distinctIsExact).toBe(false);
    expect(Math.abs(distinct - 50_000)).toBeLessThan(2_500);
    expect(stats.top(3)).toBeUndefined();
    expect(new DistinctSketch().estimate()).toBe(0);
  });

  it('tells seen rows from new ones', () => {
    const rows = new RowSet();
    for (let i = 0; i < 50_000; i += 1) if (rows.has(`row ${i}`)) throw new Error(`row ${i}`);
    for (let i = 0; i < 50_000; i += 1) if (!rows.has(`row ${i}`)) throw new Error(`row ${i}`);
    expect(rows.isFull).toBe(false);
  });
});
