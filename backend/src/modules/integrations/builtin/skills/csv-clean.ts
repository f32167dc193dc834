/**
 * Cleans a CSV file in two passes: the first finds out what each column is, the second writes.
 *
 * What the rules do not say is inferred. A row is rejected, never mended by guessing and never
 * blanked, when
 * - it has fewer cells than the header, or more that are not blank, or a quote that never closes;
 * - a value does not fit its column's type, is not among `allowed`, or lies outside `ranges`;
 * - a column of `require` is blank.
 * A blank cell is no fault in itself. Rejected rows go, as they were, to a file of their own with
 * line, column, value and reason; rowsIn = rowsOut + rejected + dropped duplicates + dropped blanks.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join, parse as parsePath } from 'node:path';
import { say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type ToolContext } from '../tool.js';
import { NULL_SPELLINGS } from './cell-kinds.js';
import {
  clipped,
  convertCell,
  type ColumnDecision,
  type ColumnStats,
  type ColumnType,
} from './column-profile.js';
import { columnTypes, csvFileInput, fitWidth, rowKey, surveyRows } from './csv-profile.js';
import { CsvSource, listNames } from './csv-source.js';
import { CsvWriter } from './csv-writer.js';
import { compileDateFormat, type DateFormat } from './date-format.js';
import { RowSet } from './distinct.js';

const rulesSchema = z.strictObject({
  trim: z
    .boolean()
    .optional()
    .meta({ description: 'Cut white space around values', default: true }),
  nulls: z
    .array(z.string().max(40))
    .max(100)
    .optional()
    .describe('Spellings that mean "no value", instead of the built-in NA, N/A, null, - ...'),
  types: z
    .record(z.string(), z.enum(['integer', 'number', 'boolean', 'date', 'datetime', 'string']))
    .optional()
    .describe('Column to type; other columns are inferred'),
  dates: z
    .record(z.string(), z.string().max(60))
    .optional()
    .describe('Column to the format its dates are written in, such as D.M.YYYY or M/D/YY H:mm'),
  allowed: z
    .record(z.string(), z.array(z.string()).max(1_000))
    .optional()
    .describe('Column to the only values it may hold; blanks pass unless required'),
  ranges: z
    .record(z.string(), z.strictObject({ min: z.number().optional(), max: z.number().optional() }))
    .optional()
    .describe('Numeric column to the smallest and largest value it may hold'),
  require: z.array(z.string()).max(2_000).optional().describe('Columns that may not be blank'),
  dropDuplicates: z
    .boolean()
    .optional()
    .meta({ description: 'Leave out rows equal to an earlier one after cleaning', default: true }),
  dropBlankRows: z
    .boolean()
    .optional()
    .meta({ description: 'Leave out rows without any value', default: true }),
  rename: z.record(z.string(), z.string().min(1).max(200)).optional(),
  columns: z.array(z.string()).min(1).max(2_000).optional().describe('Columns to keep, in order'),
  spreadsheetSafe: z
    .boolean()
    .optional()
    .describe('Put an apostrophe before text that a spreadsheet would run as a formula'),
});
type Rules = z.infer<typeof rulesSchema>;

const rejectedRow = z.object({
  line: z.number().int(),
  column: z.string(),
  value: z.string(),
  reason: z.string(),
  row: z.record(z.string(), z.string()),
});

export const csvClean = tool({
  name: 'csv.clean',
  title: 'Clean a CSV file',
  description:
    'Writes a clean UTF-8 copy of a CSV file: types made uniform, dates in ISO 8601, blanks made blank, duplicates dropped. Rows that cannot be parsed go to a second file with the reason. The original stays.',
  input: z.strictObject({ ...csvFileInput, rules: rulesSchema.optional() }),
  output: z.object({
    artifactId: z.string(),
    name: z.string(),
    mediaType: z.string(),
    bytes: z.number().int(),
    rowsIn: z.number().int(),
    rowsOut: z.number().int(),
    rejected: z.object({
      count: z.number().int(),
      artifactId: z.string(),
      name: z.string(),
      reasons: z.array(
        z.object({
          column: z.string(),
          reason: z.string(),
          count: z.number().int(),
          example: z.string(),
        }),
      ),
      sample: z.array(rejectedRow),
    }),
    dropped: z.object({ duplicates: z.number().int(), blankRows: z.number().int() }),
    changes: z.array(
      z.object({
        column: z.string().describe('Empty for a change to whole rows or to the file'),
        kind: z.string(),
        count: z.number().int(),
        example: z.object({ from: z.string(), to: z.string() }),
      }),
    ),
    columns: z.array(
      z.object({
        name: z.string(),
        type: z.enum(columnTypes),
        inferred: z.boolean(),
        notes: z.array(z.string()),
      }),
    ),
    notes: z.array(z.string()),
  }),
  idempotent: true,
  readOnly: false,
  async run(args, ctx) {
    const source = await CsvSource.open(ctx, args.file, args);
    const rules = args.rules ?? {};
    const nulls = rules.nulls ? new Set(['', ...rules.nulls]) : NULL_SPELLINGS;
    checkRuleColumns(source, rules);
    const survey = await surveyRows(
      source,
      ctx,
      (fraction) => ctx.progress(fraction * 0.4, `Looking through ${source.name}`),
      nulls,
    );
    const plan = survey.columns.map((stats) => planColumn(stats, source, rules, nulls));
    const folder = await mkdtemp(join(ctx.workspace, '.csv-clean-'));
    try {
      const cleaning = new Cleaning(source, plan, rules);
      const paths = { clean: join(folder, 'clean.csv'), rejected: join(folder, 'rejected.csv') };
      await cleaning.run(ctx, paths);
      const { name: base } = parsePath(source.name);
      const mediaType = 'text/csv';
      const clean = await ctx.save({
        ...{ name: `${base}.clean.csv`, mediaType },
        path: paths.clean,
      });
      const rejected = await ctx.save({
        ...{ name: `${base}.rejected.csv`, mediaType },
        path: paths.rejected,
      });
      ctx.progress(1, `Kept ${cleaning.rowsOut} of ${survey.rows} rows`);
      return {
        artifactId: clean.artifactId,
        name: clean.name,
        mediaType,
        bytes: clean.bytes,
        rowsIn: survey.rows,
        rowsOut: cleaning.rowsOut,
        rejected: {
          count: cleaning.rejectedCount,
          artifactId: rejected.artifactId,
          name: rejected.name,
          reasons: cleaning.reasons(),
          sample: cleaning.sample,
        },
        dropped: cleaning.dropped,
        changes: cleaning.changes(),
        columns: cleaning.kept.map(({ outName, decision, inferred }) => ({
          ...{ name: outName, type: decision.type, inferred, notes: decision.notes },
        })),
        notes: cleaning.notes(),
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

interface PlannedColumn {
  index: number;
  name: string;
  outName: string;
  decision: ColumnDecision;
  inferred: boolean;
  nulls: ReadonlySet<string>;
  format?: DateFormat;
  allowed?: ReadonlySet<string>;
  range?: { min?: number; max?: number };
  isRequired: boolean;
  trim: boolean;
  changeKind: 'number' | 'date' | 'boolean' | 'trimmed';
}

function checkRuleColumns(source: CsvSource, rules: Rules): void {
  const named = [
    ...Object.keys({ ...rules.types, ...rules.dates, ...rules.allowed, ...rules.ranges }),
    ...Object.keys(rules.rename ?? {}),
    ...(rules.require ?? []),
    ...(rules.columns ?? []),
  ];
  for (const name of named) source.columnIndex(name);
  const target = source.columns.map((name) => ruleFor(source, rules.rename, name) ?? name);
  const twice = target.filter((name, i) => target.indexOf(name) !== i);
  if (twice.length > 0) {
    throw new ToolFault('duplicate_column', say('csv-name-twice', { names: listNames(twice) }));
  }
}

/** The rule for a column, whatever the case in which the caller wrote its name. */
function ruleFor<T>(
  source: CsvSource,
  rules: Record<string, T> | undefined,
  column: string,
): T | undefined {
  const entry = Object.entries(rules ?? {}).find(
    ([name]) => source.columns[source.columnIndex(name)] === column,
  );
  return entry?.[1];
}

function planColumn(
  stats: ColumnStats,
  source: CsvSource,
  rules: Rules,
  nulls: ReadonlySet<string>,
): PlannedColumn {
  const { name } = stats;
  const found = stats.decide();
  const formatText = ruleFor(source, rules.dates, name);
  const format = formatText === undefined ? undefined : compileDateFormat(formatText);
  const range = ruleFor(source, rules.ranges, name);
  const allowed = ruleFor(source, rules.allowed, name);
  const isText = found.type === 'string' || found.type === 'empty';
  let given: ColumnType | undefined = ruleFor(source, rules.types, name);
  if (!given && format) given = format.hasTime ? 'datetime' : 'date';
  if (!given && range && isText) given = 'number';
  if (!given && allowed) given = 'string'; // a list of words says what the column is
  const type = given ?? found.type;
  const require = (rules.require ?? []).map((wanted) => source.columnIndex(wanted));
  const index = source.columns.indexOf(name);
  return {
    ...{ index, name, nulls, format, range },
    outName: ruleFor(source, rules.rename, name) ?? name,
    decision: { ...found, type, notes: type === found.type ? found.notes : [] },
    inferred: given === undefined,
    allowed: allowed && new Set(allowed),
    isRequired: require.includes(index),
    trim: rules.trim !== false,
    changeKind: CHANGE_KINDS[type],
  };
}

const CHANGE_KINDS: Record<ColumnType, PlannedColumn['changeKind']> = {
  ...{ integer: 'number', number: 'number', boolean: 'boolean', date: 'date', datetime: 'date' },
  ...{ string: 'trimmed', empty: 'trimmed' },
};

interface Fault {
  column: string;
  value: string;
  reason: string;
}

const SAMPLE_ROWS = 10;
const SAMPLE_PER_REASON = 5;

class Cleaning {
  rowsOut = 0;
  rejectedCount = 0;
  readonly dropped = { duplicates: 0, blankRows: 0 };
  readonly sample: z.infer<typeof rejectedRow>[] = [];
  readonly kept: PlannedColumn[];

  private readonly changeCounts = new Map<
    string,
    { column: string; kind: string; count: number; example: { from: string; to: string } }
  >();
  private readonly reasonCounts = new Map<
    string,
    { column: string; reason: string; count: number; example: string }
  >();
  private readonly rows = new RowSet();

  constructor(
    private readonly source: CsvSource,
    private readonly plan: PlannedColumn[],
    private readonly rules: Rules,
  ) {
    this.kept = rules.columns
      ? rules.columns.map((name) => plan[source.columnIndex(name)]!)
      : [...plan];
    for (const { from, to } of source.renamed) this.change(to, 'header', from, to);
    for (const { name, outName } of this.kept) {
      if (name !== outName) this.change(name, 'renamed', name, outName);
    }
    for (const column of plan) {
      if (!this.kept.includes(column)) this.change(column.name, 'column_dropped', column.name, '');
    }
    if (source.encoding !== 'utf-8') this.change('', 'encoding', source.encoding, 'utf-8');
    if (source.delimiter !== ',') this.change('', 'delimiter', source.delimiter, ',');
  }

  async run(ctx: ToolContext, paths: { clean: string; rejected: string }): Promise<void> {
    const clean = await CsvWriter.create(paths.clean, this.rules.spreadsheetSafe === true);
    const rejected = await CsvWriter.create(paths.rejected, true);
    try {
      clean.write(this.kept.map(({ outName }) => outName));
      rejected.write(['line', 'column', 'value', 'reason', ...this.source.columns]);
      const onRead = (fraction: number) =>
        ctx.progress(0.4 + fraction * 0.55, `Cleaning ${this.source.name}`);
      for await (const records of this.source.batches(ctx.signal, onRead)) {
        for (const { cells, line, unclosedQuote } of records) {
          const faults = unclosedQuote
            ? [{ column: '', value: '', reason: 'a quote opens on this line and never closes' }]
            : this.row(cells, clean);
          if (faults.length > 0) this.reject(faults, cells, line, rejected);
        }
        if (clean.isFull) await clean.flush();
        if (rejected.isFull) await rejected.flush();
      }
    } finally {
      await clean.close();
      await rejected.close();
    }
  }

  /** Writes the row, or drops it, or answers with what is wrong with it. */
  private row(cells: string[], out: CsvWriter): Fault[] {
    const width = this.plan.length;
    const fitted = fitWidth(cells, width);
    if (fitted === undefined) {
      const reason = `${cells.length} cells where the header has ${width}`;
      return [{ column: '', value: '', reason }];
    }
    if (this.rules.dropBlankRows !== false && fitted.every((cell) => cell.trim() === '')) {
      this.dropped.blankRows += 1;
      return [];
    }
    if (fitted.length < cells.length) this.change('', 'extra_blank_cells', '', '');
    const faults: Fault[] = [];
    const values: string[] = new Array<string>(width);
    for (const column of this.plan) {
      const raw = fitted[column.index]!;
      const result = convertChecked(column, raw);
      if (typeof result === 'string') values[column.index] = result;
      else faults.push({ column: column.name, value: clipped(raw), reason: result.fault });
    }
    if (faults.length > 0) return faults;
    const row = this.kept.map(({ index }) => values[index]!);
    if (this.rules.dropDuplicates !== false && this.rows.has(rowKey(row))) {
      this.dropped.duplicates += 1;
      return [];
    }
    // Counted only here, so that the changes are those of the rows that were written.
    for (const column of this.kept) {
      const raw = fitted[column.index]!;
      const value = values[column.index]!;
      if (raw === value) continue;
      const kind = value === '' ? 'blank' : value === raw.trim() ? 'trimmed' : column.changeKind;
      this.change(column.outName, kind, raw, value);
    }
    out.write(row);
    this.rowsOut += 1;
    return [];
  }

  private reject(faults: Fault[], cells: string[], line: number, out: CsvWriter): void {
    this.rejectedCount += 1;
    const first = faults[0]!;
    const reason = faults
      .map((fault) => (faults.length > 1 ? `${fault.column}: ${fault.reason}` : fault.reason))
      .join('; ');
    out.write([String(line), first.column, first.value, reason, ...cells]);
    for (const fault of faults) {
      // The count of cells belongs in the row's own reason; as a group all ragged rows are one.
      const group = /cells where/.test(fault.reason) ? 'ragged' : fault.reason;
      const key = `${fault.column}\u001f${group}`;
      const known = this.reasonCounts.get(key);
      if (known) known.count += 1;
      else this.reasonCounts.set(key, { ...pick(fault), count: 1, example: fault.value });
    }
    const key = `${first.column}\u001f${/cells where/.test(first.reason) ? 'ragged' : first.reason}`;
    const isCommon = this.reasonCounts.get(key)!.count > SAMPLE_PER_REASON;
    if (this.sample.length < SAMPLE_ROWS && !isCommon) {
      const shown = this.source.columns.slice(0, 30);
      const row = Object.fromEntries(shown.map((name, i) => [name, clipped(cells[i] ?? '')]));
      this.sample.push({ line, column: first.column, value: first.value, reason, row });
    }
  }

  private change(column: string, kind: string, from: string, to: string): void {
    const key = `${column}\u001f${kind}`;
    const known = this.changeCounts.get(key);
    if (known) known.count += 1;
    else {
      const example = { from: clipped(from), to: clipped(to) };
      this.changeCounts.set(key, { column, kind, count: 1, example });
    }
  }

  changes() {
    const rows = [
      { kind: 'duplicate_row', count: this.dropped.duplicates },
      { kind: 'blank_row', count: this.dropped.blankRows },
    ];
    return [
      ...this.changeCounts.values(),
      ...rows
        .filter(({ count }) => count > 0)
        .map(({ kind, count }) => ({ column: '', kind, count, example: { from: '', to: '' } })),
    ];
  }

  reasons() {
    return [...this.reasonCounts.values()].sort((a, b) => b.count - a.count).slice(0, 100);
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.rows.isFull) {
      notes.push('More than 2,000,000 different rows: duplicates beyond them were not looked for.');
    }
    for (const { outName, decision } of this.kept) {
      if (decision.unit) notes.push(`"${outName}" is in ${decision.unit}; the sign was taken off.`);
    }
    return notes;
  }
}

function pick({ column, reason }: Fault) {
  return { column, reason };
}

function convertChecked(column: PlannedColumn, raw: string): string | { fault: string } {
  const trimmed = raw.trim();
  const converted = convertCell(trimmed, column.decision, column.nulls, column.format);
  if ('fault' in converted) return converted;
  if ('blank' in converted) return column.isRequired ? { fault: 'blank, but required' } : '';
  const isText = column.changeKind === 'trimmed';
  const value = isText && !column.trim ? raw : converted.value;
  if (column.allowed && !column.allowed.has(trimmed)) {
    return { fault: `not one of ${listNames([...column.allowed], 8)}` };
  }
  if (column.range) {
    const number = Number(value);
    const { min = -Infinity, max = Infinity } = column.range;
    if (!(number >= min && number <= max)) return { fault: `outside ${rangeText(column.range)}` };
  }
  return value;
}

function rangeText({ min, max }: { min?: number; max?: number }): string {
  if (min === undefined) return `at most ${max}`;
  return max === undefined ? `at least ${min}` : `${min} to ${max}`;
}
