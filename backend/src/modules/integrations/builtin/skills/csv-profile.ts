import { z } from 'zod';
import { tool, type ToolContext } from '../tool.js';
import { ColumnStats, distinctBudget } from './column-profile.js';
import { CsvSource } from './csv-source.js';
import { RowSet } from './distinct.js';

export const csvFileInput = {
  file: z.string().min(1).max(1_000).describe('Artifact id, or path in the workspace'),
  delimiter: z.string().min(1).max(4).optional().describe('Found out from the file when absent'),
  encoding: z.string().max(40).optional().describe('Found out from the file when absent'),
  header: z.boolean().optional().describe('Whether the first row names the columns'),
};

const scalar = z.union([z.string(), z.number(), z.null()]);
export const columnTypes = [
  'integer',
  'number',
  'boolean',
  'date',
  'datetime',
  'string',
  'empty',
] as const;

export const csvProfile = tool({
  name: 'csv.profile',
  title: 'Profile a CSV file',
  description:
    'Reads a CSV file of any size and tells its rows, columns, types, blanks, distinct values, smallest and largest values, duplicates and what does not fit. Changes nothing.',
  input: z.strictObject(csvFileInput),
  output: z.object({
    file: z.string(),
    bytes: z.number(),
    encoding: z.string(),
    delimiter: z.string(),
    header: z.boolean(),
    rows: z.number().int(),
    columns: z.array(
      z.object({
        name: z.string(),
        type: z.enum(columnTypes),
        blanks: z.number().int().describe('Blank cells, NA, N/A, null, - and the like'),
        distinct: z.number().int().describe('Different values that are not blank'),
        distinctIsExact: z.boolean(),
        min: scalar,
        max: scalar,
        unit: z.string().optional(),
        nullSpellings: z.array(z.object({ spelling: z.string(), count: z.number().int() })),
        misfits: z.object({
          count: z.number().int(),
          examples: z.array(z.object({ line: z.number().int(), value: z.string() })),
        }),
        top: z.array(z.object({ value: z.string(), count: z.number().int() })).optional(),
        notes: z.array(z.string()),
      }),
    ),
    duplicateRows: z.number().int().describe('Rows equal to an earlier row, cell for cell'),
    duplicateRowsIsExact: z.boolean(),
    blankRows: z.number().int(),
    raggedRows: z.object({
      count: z.number().int().describe('Rows with more or fewer cells than the header'),
      examples: z.array(z.object({ line: z.number().int(), cells: z.number().int() })),
    }),
    renamedColumns: z.array(z.object({ from: z.string(), to: z.string() })),
  }),
  idempotent: true,
  readOnly: true,
  async run(args, ctx) {
    const source = await CsvSource.open(ctx, args.file, args);
    const survey = await surveyRows(source, ctx, (fraction) =>
      ctx.progress(fraction, `Reading ${source.name}`),
    );
    ctx.progress(1, `Read ${survey.rows.toLocaleString('en')} rows`);
    return {
      file: source.name,
      bytes: source.bytes,
      encoding: source.encoding,
      delimiter: source.delimiter,
      header: source.hasHeader,
      rows: survey.rows,
      columns: survey.columns.map((stats) => {
        const decision = stats.decide();
        const top = stats.top(5);
        const spellings =
          decision.blanks > 0 ? [...stats.nullSpellings].sort((a, b) => b[1] - a[1]) : [];
        return {
          name: stats.name,
          type: decision.type,
          blanks: decision.blanks,
          ...stats.distinct(decision),
          ...stats.range(decision),
          ...(decision.unit ? { unit: decision.unit } : {}),
          nullSpellings: spellings.slice(0, 10).map(([spelling, count]) => ({ spelling, count })),
          misfits: decision.misfits,
          ...(top ? { top } : {}),
          notes: [
            ...decision.notes,
            ...(stats.padded > 0 ? [`${stats.padded} values with outer white space`] : []),
          ],
        };
      }),
      duplicateRows: survey.duplicateRows,
      duplicateRowsIsExact: survey.duplicateRowsIsExact,
      blankRows: survey.blankRows,
      raggedRows: { count: survey.raggedRows, examples: survey.raggedExamples },
      renamedColumns: source.renamed,
    };
  },
});

export interface Survey {
  rows: number;
  columns: ColumnStats[];
  duplicateRows: number;
  duplicateRowsIsExact: boolean;
  blankRows: number;
  raggedRows: number;
  raggedExamples: { line: number; cells: number }[];
}

/** One pass over all rows. Rows of another width than the header's are counted, not surveyed. */
export async function surveyRows(
  source: CsvSource,
  ctx: ToolContext,
  onRead: (fraction: number) => void,
  nulls?: ReadonlySet<string>,
): Promise<Survey> {
  const budget = distinctBudget(source.columns.length);
  const columns = source.columns.map((name) => new ColumnStats(name, budget, nulls));
  const seen = new RowSet();
  const survey: Survey = {
    ...{ rows: 0, columns, duplicateRows: 0, duplicateRowsIsExact: true },
    ...{ blankRows: 0, raggedRows: 0, raggedExamples: [] },
  };
  for await (const records of source.batches(ctx.signal, onRead)) {
    for (const { cells, line, unclosedQuote } of records) {
      survey.rows += 1;
      if (fitWidth(cells, columns.length) === undefined || unclosedQuote) {
        survey.raggedRows += 1;
        if (survey.raggedExamples.length < 5) {
          survey.raggedExamples.push({ line, cells: cells.length });
        }
        continue;
      }
      if (cells.every((cell) => cell.trim() === '')) survey.blankRows += 1;
      else if (seen.has(rowKey(cells))) survey.duplicateRows += 1;
      for (let i = 0; i < columns.length; i += 1) columns[i]!.add(cells[i]!, line);
    }
  }
  survey.duplicateRowsIsExact = !seen.isFull;
  return survey;
}

/** Extra cells are forgiven when they are blank (a trailing delimiter); missing ones never are. */
export function fitWidth(cells: string[], width: number): string[] | undefined {
  if (cells.length === width) return cells;
  if (cells.length < width) return undefined;
  return cells.slice(width).every((cell) => cell.trim() === '') ? cells.slice(0, width) : undefined;
}

export function rowKey(cells: readonly string[]): string {
  return cells.join('\u001f');
}
