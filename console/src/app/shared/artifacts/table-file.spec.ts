import { TableFile } from './table-file';

const read = (text: string, size = text.length, maxRows = 1_000) => {
  const file = new TableFile(maxRows);
  for (let at = 0; at < text.length; at += size) file.push(text.slice(at, at + size));
  file.end();
  return file;
};
const cells = (file: TableFile) => file.slice(0, 100).map((row) => row.cells);

describe('a file of rows', () => {
  const text = '\ufeffname,text\r\na,"one, ""two""\nthree"\nb,plain\r\n\nc,"last"';
  const rows = [
    ['a', 'one, "two"\nthree'],
    ['b', 'plain'],
    ['c', 'last'],
  ];

  it.each([1, 2, 3, 7, 1_000])('is read the same in pieces of %i', (size) => {
    const file = read(text, size);
    expect(file.header).toEqual(['name', 'text']);
    expect(cells(file)).toEqual(rows);
  });

  it.each([
    ['a;b\n1,5;2', ['1,5', '2']],
    ['a\tb\n1,5\t2', ['1,5', '2']],
    ['a,b\n1;5,2', ['1;5', '2']],
  ])('is split by what its first line has most of: %j', (source, expected) => {
    expect(cells(read(source))).toEqual([expected]);
  });

  it('stops at its limit and says so', () => {
    const file = read('n\n1\n2\n3\n', 2, 2);
    expect(file.count).toBe(2);
    expect(file.isPartial).toBe(true);
    expect(read('n\n1\n2\n', 100, 2).isPartial).toBe(false);
  });

  it('is ordered by number where all are numbers, by words else, with blanks last', () => {
    const file = read('n,w\n10,b\n9,\n,a10\n"1,000",a9');
    const order = (column: number, by: 1 | -1) => {
      file.look('', { column, by });
      return file.slice(0, 9).map(({ cells: row }) => row[column]);
    };
    expect(order(0, 1)).toEqual(['9', '10', '1,000', '']);
    expect(order(0, -1)).toEqual(['1,000', '10', '9', '']);
    expect(order(1, 1)).toEqual(['a9', 'a10', 'b', '']);
  });

  it('is searched whatever the case, and keeps the numbers of its rows', () => {
    const file = read('w\nGull\ndove\ngulls');
    expect(file.look('GULL', null)).toBe(2);
    expect(file.slice(0, 9)).toEqual([
      { no: 1, cells: ['Gull'] },
      { no: 3, cells: ['gulls'] },
    ]);
    expect(file.look('', null)).toBe(3);
  });

  it('does not hold a file back for a quote that is never closed', () => {
    const file = read(`a,b\n1,"open ${'x'.repeat(1_100_000)}\n2,3\n`);
    expect(file.count).toBe(2);
  });

  it('knows numbers and the width of its columns', () => {
    expect(read('n,w\n1.5,word\n-2e3,x\n,y').columns()).toEqual([
      { name: 'n', isNumeric: true, widest: 4 },
      { name: 'w', isNumeric: false, widest: 4 },
    ]);
  });
});
