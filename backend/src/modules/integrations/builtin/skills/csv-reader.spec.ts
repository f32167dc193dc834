import { parse } from 'csv-parse/sync';
import { CsvReader, MAX_RECORD_CHARS, type CsvRecord } from './csv-reader.js';

function read(text: string, { delimiter = ',', chunk = text.length || 1 } = {}) {
  const reader = new CsvReader(delimiter);
  const records: CsvRecord[] = [];
  for (let i = 0; i < text.length; i += chunk) {
    for (const record of reader.push(text.slice(i, i + chunk))) records.push(record);
  }
  return records.concat(reader.end());
}

/** A small generator of fixed numbers, so that a failure can be run again. */
function numbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('CsvReader', () => {
  it('agrees with csv-parse on 400 tables of awkward cells, however they are cut into chunks', () => {
    const pieces = ['a', '"', ',', '\n', '\r\n', ' ', 'é', '你', ';', '""', "'", '\t', '0'];
    for (let seed = 1; seed <= 400; seed += 1) {
      const next = numbers(seed);
      const rows = Array.from({ length: 1 + next(5) }, () =>
        Array.from({ length: 2 + next(3) }, () =>
          Array.from({ length: next(5) }, () => pieces[next(pieces.length)]).join(''),
        ),
      );
      const quote = (cell: string) =>
        /[",\r\n ]/.test(cell) || next(3) === 0 ? `"${cell.replaceAll('"', '""')}"` : cell;
      const newline = next(2) ? '\n' : '\r\n';
      const text = rows.map((row) => row.map(quote).join(',')).join(newline);
      const judge = parse(text, {
        relax_column_count: true,
        record_delimiter: newline,
      }) as unknown as string[][];
      for (const chunk of [1, 2, 7, text.length]) {
        expect(read(text, { chunk }).map(({ cells }) => cells)).toEqual(judge);
      }
      expect(judge).toEqual(rows);
    }
  });

  it('knows the line on which each record begins', () => {
    const records = read('a,b\n"x\ny",2\n\n3,4\n');
    expect(records.map(({ line, cells }) => [line, cells.length])).toEqual([
      [1, 2],
      [2, 2],
      [4, 1],
      [5, 2],
    ]);
  });

  it('reads a quoted cell after a space, and keeps what follows a closing quote', () => {
    expect(read('a, "b, c", "d"e\n')[0]!.cells).toEqual(['a', 'b, c', 'de']);
    expect(read('5" pipe,b\n')[0]!.cells).toEqual(['5" pipe', 'b']);
  });

  it('loses one line, not the file, to a quote that never closes', () => {
    const records = read('a,b\n1,"oops\n2,x\n3,y\n', { chunk: 3 });
    expect(records.map(({ cells, unclosedQuote }) => [cells, unclosedQuote ?? false])).toEqual([
      [['a', 'b'], false],
      [['1', '"oops'], true],
      [['2', 'x'], false],
      [['3', 'y'], false],
    ]);
    const long = `1,"oops\n${'2,x\n'.repeat(MAX_RECORD_CHARS / 4 + 10)}`;
    const recovered = read(long, { chunk: 200_000 });
    expect(recovered).toHaveLength(MAX_RECORD_CHARS / 4 + 11);
    expect(recovered[0]).toMatchObject({ unclosedQuote: true });
  });

  it('refuses a line without end', () => {
    expect(() => read('x'.repeat(MAX_RECORD_CHARS + 1), { chunk: 100_000 })).toThrow(/longer than/);
  });
});
