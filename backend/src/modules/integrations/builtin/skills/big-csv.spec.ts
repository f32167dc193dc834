import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { once } from 'node:events';
import { promisify } from 'node:util';

/** More than are remembered to find doubles among them. */
const ROWS = 2_200_000;
/** The two need some 270 and 320 MB, those rows among them. Whoever kept the 200 MB of the file would be over. */
const MOST_MB = 420;

/** Needs the build; `npm test` makes it first. */
describe('a CSV file of 200 MB', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aos-big-'));
    file = join(folder, 'big.csv');
    const out = createWriteStream(file);
    out.write('id,when,amount,species,note\n');
    for (let at = 0; at < ROWS; at += 10_000) {
      let text = '';
      for (let id = at; id < at + 10_000; id++)
        text += `${id},2026-${String((id % 12) + 1).padStart(2, '0')}-1${id % 9},${(id % 5000) / 4},species ${id % 40},"seen near runway ${id % 97}, again, and by the crew of a tug too"\n`;
      if (!out.write(text)) await once(out, 'drain');
    }
    out.end();
    await finished(out);
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function run(skill: string) {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--max-old-space-size=256', join(import.meta.dirname, 'big-csv-child.mjs'), skill, file],
      { maxBuffer: 64 * 1024 ** 2 },
    );
    return JSON.parse(stdout) as { answer: Record<string, unknown>; peakMb: number };
  }

  it('is profiled in flat memory', async () => {
    expect((await stat(file)).size).toBeGreaterThan(200_000_000);
    const { answer, peakMb } = await run('csv.profile');
    expect(answer['rows']).toBe(ROWS);
    expect(answer['duplicateRowsIsExact']).toBe(false);
    expect(peakMb).toBeLessThan(MOST_MB);
  }, 300_000);

  it('is cleaned in flat memory, and every row is accounted for', async () => {
    const { answer, peakMb } = await run('csv.clean');
    const { rowsIn, rowsOut, rejected, dropped } = answer as {
      rowsIn: number;
      rowsOut: number;
      rejected: { count: number };
      dropped: { duplicates: number; blankRows: number };
    };
    expect(rowsIn).toBe(ROWS);
    expect(rowsOut + rejected.count + dropped.duplicates + dropped.blankRows).toBe(ROWS);
    expect(peakMb).toBeLessThan(MOST_MB);
  }, 300_000);
});
