import { readdir } from 'node:fs/promises';
import iconv from 'iconv-lite';
import { TestHost } from '../testing.js';
import { csvClean } from './csv-clean.js';
import { csvProfile } from './csv-profile.js';

interface Profile {
  rows: number;
  encoding: string;
  delimiter: string;
  header: boolean;
  columns: {
    name: string;
    type: string;
    blanks: number;
    distinct: number;
    min: unknown;
    max: unknown;
    misfits: { count: number };
  }[];
  duplicateRows: number;
  blankRows: number;
  raggedRows: { count: number; examples: { line: number }[] };
}
interface Cleaned {
  artifactId: string;
  rowsIn: number;
  rowsOut: number;
  rejected: {
    count: number;
    artifactId: string;
    sample: { line: number; column: string; value: string; reason: string }[];
    reasons: { column: string; count: number }[];
  };
  dropped: { duplicates: number; blankRows: number };
  changes: {
    column: string;
    kind: string;
    count: number;
    example: { from: string; to: string };
  }[];
}

let host: TestHost;
beforeEach(async () => {
  host = await TestHost.start();
});
afterEach(async () => host.stop());

const profile = async (data: string | Uint8Array, options = {}) =>
  host.call<Profile>(csvProfile, { file: await host.put('t.csv', data), ...options });
const clean = async (data: string | Uint8Array, rules?: object) => {
  const file = await host.put('t.csv', data);
  const answer = await host.call<Cleaned>(csvClean, { file, ...(rules ? { rules } : {}) });
  const lines = (id: string) => host.text(id).trimEnd().split('\n');
  return { ...answer, lines: lines(answer.artifactId), bad: lines(answer.rejected.artifactId) };
};

describe('csv.profile', () => {
  it('tells types, blanks, distinct values and ranges', async () => {
    const { rows, columns } = await profile(
      'id,price,when,ok,note\n1,"1,200.50",1/31/99,yes,x\n2,NA,2/1/99,no,\n3,-3,,yes,x\n',
    );
    expect(rows).toBe(3);
    expect(
      columns.map(({ name, type, blanks, distinct, min, max }) => [
        ...[name, type, blanks, distinct, min, max],
      ]),
    ).toEqual([
      ['id', 'integer', 0, 3, 1, 3],
      ['price', 'number', 1, 2, -3, 1200.5],
      ['when', 'date', 1, 2, '1999-01-31', '1999-02-01'],
      ['ok', 'boolean', 0, 2, 'false', 'true'],
      ['note', 'string', 1, 1, 'x', 'x'],
    ]);
  });

  const text = 'name;ville\nZoë;Besançon\nJosé;Orléans\nAnne;Nîmes\n';
  it.each([
    ['utf-8', Buffer.from(text)],
    ['utf-8', Buffer.from(`\ufeff${text}`)],
    ['utf-16le', iconv.encode(text, 'utf-16le', { addBOM: true })],
    ['utf-16be', iconv.encode(text, 'utf-16be', { addBOM: true })],
    ['utf-16le', iconv.encode(text, 'utf-16le', { addBOM: false })],
    ['utf-16be', iconv.encode(text, 'utf-16be', { addBOM: false })],
    ['windows-1252', iconv.encode(text, 'windows-1252')],
  ])('reads %s', async (encoding, data) => {
    const found = await profile(data);
    expect(found).toMatchObject({ encoding, delimiter: ';', rows: 3 });
    expect(found.columns.map(({ name, max }) => [name, max])).toEqual([
      ['name', 'Zoë'],
      ['ville', 'Orléans'],
    ]);
  });

  it('reads GBK', async () => {
    const chinese = '城市,人口\n北京,2189\n上海,2487\n广州,1868\n深圳,1756\n';
    const found = await profile(iconv.encode(chinese, 'gbk'));
    expect(found.encoding).toMatch(/gb/);
    expect(found.columns.map(({ name }) => name)).toEqual(['城市', '人口']);
  });

  it('reads UTF-16 of nothing but ASCII, and of Chinese, without a mark', async () => {
    for (const [text, first] of [
      ['a;b\n1;2\n', 'a'],
      ['城市,人口\n北京,2189\n上海,2487\n', '城市'],
    ] as const) {
      const found = await profile(iconv.encode(text, 'utf-16le', { addBOM: false }));
      expect(found.encoding).toBe('utf-16le');
      expect(found.columns[0]!.name).toBe(first);
    }
  });

  it('finds the one foreign byte at the end of a long file', async () => {
    const data = iconv.encode(`a,b\n${'1,x\n'.repeat(60_000)}2,é\n`, 'windows-1252');
    expect(await profile(data)).toMatchObject({ encoding: 'windows-1252', rows: 60_001 });
  });

  it.each([
    [',', 'a,b\n1,2\n'],
    [';', 'a;b\n"1,5";2\n'],
    ['\t', 'a\tb\n1,5\t2\n'],
    ['|', 'a|b\n1|2\n'],
    [';', 'sep=;\na;b\n1;2\n'],
  ])('finds the delimiter %j', async (delimiter, data) => {
    const found = await profile(data);
    expect(found).toMatchObject({ delimiter, rows: 1 });
    expect(found.columns.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('gives blank and repeated headers names, and numbers a file without a header', async () => {
    const names = async (data: string) => (await profile(data)).columns.map(({ name }) => name);
    expect(await names('a,,a\n1,2,3\n')).toEqual(['a', 'column_2', 'a_2']);
    expect(await names('1,2001-01-01\n2,2001-01-02\n')).toEqual(['column_1', 'column_2']);
    expect(await names('country,2001,2002\nx,1,2\n')).toEqual(['country', '2001', '2002']);
  });

  it('takes what is beyond all numbers for a text', async () => {
    const { columns } = await profile('a,b\n1e999,1e5\n-1.5e999,1\n');
    expect(columns).toMatchObject([
      { type: 'string', min: '-1.5e999', max: '1e999' },
      { type: 'number', max: 100_000 },
    ]);
  });

  it('reads quoted line ends, CR line ends and a header alone', async () => {
    expect(await profile('a,b\r\n"x\r\ny",1\r\n')).toMatchObject({ rows: 1 });
    expect(await profile('a,b\r1,2\r3,4\r')).toMatchObject({ rows: 2 });
    expect(await profile('a,b\n')).toMatchObject({ rows: 0, header: true });
    expect((await profile('a,b\n')).columns[0]).toMatchObject({ type: 'empty', min: null });
  });

  it('counts duplicate, blank and ragged rows', async () => {
    expect(await profile('a,b\n1,2\n1,2\n,\n\n1\n1,2,3\n1,2,\n')).toMatchObject({
      rows: 6,
      duplicateRows: 1,
      blankRows: 1,
      raggedRows: { count: 2, examples: [{ line: 6 }, { line: 7 }] },
    });
  });

  it.each([
    ['csv_empty', 'is empty', ''],
    ['csv_empty', 'is empty', '\ufeff'],
    ['csv_empty', 'is empty', '\n\n  \n'],
    ['csv_empty', 'blank lines only', 'sep=;\n\n'],
    ['not_text', 'Excel workbook', Buffer.from('PK\u0003\u0004rest of a workbook')],
    ['not_text', 'gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0])],
    ['not_text', 'byte 404 is NUL', `a,b\n${'1,2\n'.repeat(100)}\0`],
    // No UTF-16: pairs of ASCII among the zero bytes, and half a sign at the end.
    ['not_text', 'byte 2 is NUL', '1,\0\n2,\0\n3,\0\n'],
    ['not_text', 'byte 1 is NUL', `${'a\0'.repeat(20)}1`],
    [
      'not_text',
      'control characters',
      Buffer.from(Array.from({ length: 200 }, (_, i) => 1 + (i % 8))),
    ],
    ['csv_too_wide', '2,002 columns', `${'a,'.repeat(2_001)}a\n`],
    ['csv_record_too_long', 'longer than', `a,b\n1,${'x'.repeat(1_100_000)}\n1,2\n`],
  ])('refuses with %s: %s', async (code, words, data) => {
    await expect(profile(data)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
  });

  it('reads one column, a cell of a megabyte, and a last line that nothing ends', async () => {
    expect(await profile('name\nAnn\nBob')).toMatchObject({
      rows: 2,
      columns: [{ name: 'name', type: 'string', distinct: 2 }],
    });
    const big = await profile(`id,text\n1,"${'x'.repeat(900_000)}"\n2,y`);
    expect(big).toMatchObject({ rows: 2, raggedRows: { count: 0 } });
    expect(JSON.stringify(big).length).toBeLessThan(20_000);
  });

  it('stops when the run is cancelled', async () => {
    const file = await host.put('t.csv', `a\n${'1\n'.repeat(100_000)}`);
    host.cancel();
    await expect(host.call(csvProfile, { file })).rejects.toThrow();
  });

  it('gives way to others while it reads', async () => {
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 1);
    await profile(`a,b,c\n${'1,some text,2001-01-01\n'.repeat(60_000)}`);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
  });
});

describe('csv.clean', () => {
  const messy = [
    ' Name ,Amount,When,Active',
    ' Ann ,"$1,200.50",1/31/1999,Y',
    'Bob,(3.10),2/1/1999,N',
    'Bob,(3.10),2/1/1999,N',
    'Cid,n/a,,y',
    'Dan,lots,2/3/1999,N',
    ',,,',
    'Eve,5',
    'Fay,7,2/30/1999,Y',
    'Gus,8.00,2/4/1999,Y',
    'Hal,9,2/5/1999,N',
    'Ida,10,2/6/1999,N',
    'Jan,11,2/7/1999,N',
    'Kim,12,2/8/1999,N',
    'Lea,13,2/9/1999,N,',
  ].join('\n');

  it('makes types uniform and rejects what does not fit, with the reason', async () => {
    const done = await clean(messy);
    expect(done.lines.slice(0, 5)).toEqual([
      'Name,Amount,When,Active',
      'Ann,1200.50,1999-01-31,true',
      'Bob,-3.10,1999-02-01,false',
      'Cid,,,true',
      'Gus,8.00,1999-02-04,true',
    ]);
    expect(done).toMatchObject({ rowsIn: 14, rowsOut: 9 });
    expect(done.dropped).toEqual({ duplicates: 1, blankRows: 1 });
    expect(
      done.rejected.sample.map(({ line, column, value, reason }) => [
        ...[line, column, value, reason],
      ]),
    ).toEqual([
      [6, 'Amount', 'lots', 'not a number'],
      [8, '', '', '2 cells where the header has 4'],
      [9, 'When', '2/30/1999', 'not a date'],
    ]);
    expect(done.rejected.count).toBe(3);
    expect(done.bad[0]).toBe('line,column,value,reason,Name,Amount,When,Active');
    expect(done.bad[1]).toBe('6,Amount,lots,not a number,Dan,lots,2/3/1999,N');
    const { rowsIn, rowsOut, rejected, dropped } = done;
    expect(rowsOut + rejected.count + dropped.duplicates + dropped.blankRows).toBe(rowsIn);
    expect(done.changes).toContainEqual({
      column: 'Amount',
      kind: 'number',
      count: 2,
      example: { from: '$1,200.50', to: '1200.50' },
    });
    expect(done.changes.find(({ kind }) => kind === 'trimmed')).toMatchObject({
      column: 'Name',
      count: 1,
    });
  });

  it('leaves only its two artifacts behind', async () => {
    await clean(messy);
    expect(await readdir(host.workspace)).toEqual(['t.csv']);
    expect(host.saved.map(({ name }) => name)).toEqual(['t.clean.csv', 't.rejected.csv']);
  });

  it('does not touch data that was clean', async () => {
    const data = 'id,n,t,neg\n1,1.50,"a, ""b""",-5\n2,2.25,=sum,-0.1\n3,3,x,-7\n';
    expect((await clean(data)).lines.join('\n')).toBe(data.trimEnd());
  });

  it('keeps codes, long digits and words that look like blanks', async () => {
    const { lines } = await clean(
      'zip,id,damage\n00501,12345678901234567890,None\n02134,2,Minor\n',
    );
    expect(lines.slice(1)).toEqual(['00501,12345678901234567890,None', '02134,2,Minor']);
  });

  it('does what the rules say', async () => {
    const data =
      'a,b,c,d\n1,3.4.99,red,x\n2,13.4.99,blue,y\n300,1.1.99,red,z\n4,1.1.99,,\n4,1.1.99,,\n';
    const done = await clean(data, {
      types: { a: 'number' },
      dates: { B: 'D.M.YY' },
      allowed: { c: ['red'] },
      ranges: { a: { max: 100 } },
      require: ['d'],
      rename: { a: 'amount' },
      columns: ['c', 'a', 'b'],
      dropDuplicates: false,
    });
    expect(done.lines).toEqual(['c,amount,b', 'red,1,1999-04-03']);
    expect(done.rejected.sample.map(({ line, reason }) => [line, reason])).toEqual([
      [3, 'not one of "red"'],
      [4, 'outside at most 100'],
      [5, 'blank, but required'],
      [6, 'blank, but required'],
    ]);
    await expect(clean(data, { types: { nope: 'number' } })).rejects.toMatchObject({
      code: 'unknown_column',
    });
    await expect(clean(data, { rename: { a: 'b' } })).rejects.toMatchObject({
      code: 'duplicate_column',
    });
  });

  it('takes its own list of blanks instead of the built-in one', async () => {
    const done = await clean('a,b\nNA,?\nx,1\n', { nulls: ['?'] });
    expect(done.lines.slice(1)).toEqual(['NA,', 'x,1']);
  });

  it('disarms formulas for spreadsheets when asked, and always in the file of rejects', async () => {
    const data = 'n,t\n1,=cmd()\n2,@x\n3,-5\n4,+1 a\nx,=evil()\n';
    expect((await clean(data)).lines[1]).toBe('1,=cmd()');
    const safe = await clean(data, { spreadsheetSafe: true });
    expect(safe.lines.slice(1)).toEqual(["1,'=cmd()", "2,'@x", '3,-5', "4,'+1 a"]);
    expect(safe.bad[1]).toContain("'=evil()");
  });

  it('writes UTF-8 whatever it read, and rejects a quote that never closes', async () => {
    const done = await clean(iconv.encode('a;b\né;1\n"ö;2\nü;3\n', 'windows-1252'));
    expect(done.lines).toEqual(['a,b', 'é,1', 'ü,3']);
    expect(done.rejected.sample[0]).toMatchObject({
      line: 3,
      reason: expect.stringMatching(/quote/),
    });
    expect(done.changes.map(({ kind }) => kind)).toEqual(['encoding', 'delimiter']);
  });

  it('answers for its own output: cleaning twice changes nothing', async () => {
    const once = await clean(messy);
    const twice = await clean(host.text(once.artifactId));
    expect(twice.lines).toEqual(once.lines);
    expect(twice.rejected.count).toBe(0);
    expect(twice.changes).toEqual([]);
  });
});
