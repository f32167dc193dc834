/**
 * The skills on real records. Every expected figure is computed here by another road: the file has no
 * quotes, so `split` on line ends and commas is a whole CSV reader for it, and counting is a Map. The
 * figures written out were computed once more outside, with Python's csv module and Counter.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { BuiltinTool } from '../tool.js';
import { TestHost } from '../testing.js';
import { skills } from './index.js';

const FILE = resolve('../ops/demo/data/birdstrikes.csv');
const [header, ...rows] = readFileSync(FILE, 'utf8')
  .split('\r\n')
  .map((line) => line.split(','));
const column = (name: string) => rows.map((row) => row[header!.indexOf(name)]!);

function tally(values: string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

const DAMAGE = ['None', 'Minor', 'Medium', 'Substantial'];
const DAMAGE_COLUMN = 'Effect Amount of damage';

interface ProfileColumn {
  name: string;
  type: string;
  blanks: number;
  distinct: number;
  min: unknown;
  max: unknown;
  top: { value: string; count: number }[];
}
interface Cleaned {
  artifactId: string;
  rowsIn: number;
  rowsOut: number;
  rejected: { count: number; artifactId: string; sample: { line: number; value: string }[] };
  dropped: { duplicates: number };
}
interface Plotted {
  title: string;
  data: { x: string; y: number }[];
  png: { artifactId: string };
  svg: { artifactId: string };
}

describe('the skills on 10,000 bird strikes', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start();
  });
  afterAll(async () => host.stop());

  const call = <T>(name: string, args: object) =>
    host.call<T>(skills.find((tool) => tool.name === name) as BuiltinTool, args);
  const cleaned = () =>
    call<Cleaned>('csv.clean', {
      file: FILE,
      rules: { allowed: { [DAMAGE_COLUMN]: DAMAGE }, dropDuplicates: true },
    });

  it('are profiled as another count finds them', async () => {
    const profile = await call<{ rows: number; columns: ProfileColumn[]; duplicateRows: number }>(
      'csv.profile',
      { file: FILE },
    );
    expect(profile.rows).toBe(10_000);
    expect(profile.rows).toBe(rows.length);
    expect(profile.duplicateRows).toBe(24);
    expect(profile.duplicateRows).toBe(rows.length - new Set(rows.map((row) => row.join())).size);
    expect(profile.columns.map(({ name }) => name)).toEqual(header);
    for (const found of profile.columns) {
      const values = column(found.name);
      const filled = values.filter((value) => value !== '');
      expect(found.blanks).toBe(values.length - filled.length);
      expect(found.distinct).toBe(new Set(filled).size);
      const isNumber = filled.every((value) => /^\d+$/.test(value));
      const isDate = filled.every((value) => /^\d{4}-\d\d-\d\d$/.test(value));
      expect(found.type).toBe(isNumber ? 'integer' : isDate ? 'date' : 'string');
      const sorted = isNumber ? filled.map(Number).sort((a, b) => a - b) : [...filled].sort();
      expect([found.min, found.max]).toEqual([sorted[0], sorted.at(-1)]);
      if (found.blanks === 0) {
        expect(found.top.map(({ value, count }) => [value, count])).toEqual(
          tally(values).slice(0, 5),
        );
      }
    }
    expect(profile.columns.find(({ name }) => name === 'Speed IAS in knots')!.blanks).toBe(2_836);
  });

  it('lose the rows whose damage cannot be parsed, and the duplicates, and no other', async () => {
    const { rowsIn, rowsOut, rejected, dropped, artifactId } = await cleaned();
    const isBad = (row: string[]) => !DAMAGE.includes(row[header!.indexOf(DAMAGE_COLUMN)]!);
    const bad = rows.flatMap((row, i) => (isBad(row) ? [i + 2] : []));
    const good = [...new Set(rows.filter((row) => !isBad(row)).map((row) => row.join()))];
    expect(bad).toHaveLength(15);
    expect({ rowsIn, rowsOut, rejected: rejected.count, duplicates: dropped.duplicates }).toEqual({
      rowsIn: 10_000,
      rowsOut: 9_961,
      rejected: 15,
      duplicates: 24,
    });
    expect(host.text(artifactId)).toBe([header!.join(), ...good, ''].join('\n'));
    const lines = host.text(rejected.artifactId).trimEnd().split('\n').slice(1);
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(bad);
    expect(rejected.sample[0]).toMatchObject({ line: 301, value: 'C' });
    expect(tally(column(DAMAGE_COLUMN)).slice(4)).toEqual([
      ['C', 14],
      ['B', 1],
    ]);
  });

  it('are drawn month by month and species by species, with the numbers of another count', async () => {
    const { artifactId, rejected } = await cleaned();
    const clean = host.text(artifactId).trimEnd().split('\n').slice(1);
    const cell = (name: string) => clean.map((line) => line.split(',')[header!.indexOf(name)]!);

    const months = await call<Plotted>('viz.plot', {
      ...{ file: artifactId, kind: 'bar', x: 'Flight Date', bucket: 'month-of-year' },
      noun: 'strikes',
    });
    const byMonth = tally(cell('Flight Date').map((date) => date.slice(5, 7))).sort(([a], [b]) =>
      a.localeCompare(b),
    );
    expect(months.data.map(({ y }) => y)).toEqual(byMonth.map(([, count]) => count));
    expect(months.data.reduce((sum, { y }) => sum + y, 0)).toBe(9_961);
    expect(byMonth[9]).toEqual(['10', 1_348]);
    expect(months.title).toBe('Strikes peak in October: 1,348 of 9,961');

    const species = await call<Plotted>('viz.plot', {
      ...{ file: artifactId, kind: 'bar', x: 'Wildlife Species', top: 10, noun: 'strikes' },
    });
    const bySpecies = tally(cell('Wildlife Species'));
    const rest = bySpecies.slice(10);
    expect(species.data.map(({ x, y }) => [x, y])).toEqual([
      ...bySpecies.slice(0, 10),
      [`Other (${rest.length})`, rest.reduce((sum, [, count]) => sum + count, 0)],
    ]);

    const report = await call<{ artifactId: string }>('text.report', {
      title: 'Bird strikes',
      sections: [
        { heading: months.title, image: months.png, table: { rows: months.data } },
        { heading: species.title, image: species.svg },
        {
          heading: `${rejected.count} rows could not be parsed`,
          table: { columns: ['line', 'value', 'reason'], rows: rejected.sample },
        },
      ],
    });
    const text = host.text(report.artifactId);
    expect(text).toContain(`(artifact:${months.png.artifactId})`);
    expect(text).toContain('| 301 | C | not one of');
    expect(text).toMatch(/\| Oct \| 1348 \| 1348 \|/);
  });
});
