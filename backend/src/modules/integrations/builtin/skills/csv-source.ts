/**
 * Opens a file as CSV whatever it was saved by: finds out its encoding, delimiter, line ends and
 * header, then hands out records in batches as often as a tool needs to pass over them.
 *
 * The whole file is read once before anything is decided, because the byte that tells Latin-1 from
 * UTF-8 may be the last one. That pass keeps only samples. Every later pass reads from disk again:
 * memory stays the same for 1 MB and for 10 GB.
 *
 * What cannot be a table is refused with the reason: empty files, known binary formats, files with
 * NUL bytes that are not UTF-16, thousands of columns.
 */
import { createReadStream } from 'node:fs';
import { isAscii, isUtf8 } from 'node:buffer';
import { say } from '@aos/contracts';
import * as chardet from 'chardet';
import iconv from 'iconv-lite';
import { ToolFault, type OpenedFile, type ToolContext } from '../tool.js';
import { looksLikeValue } from './cell-kinds.js';
import { CsvReader, type CsvRecord } from './csv-reader.js';
import { Pace } from './pace.js';

export interface CsvOptions {
  delimiter?: string;
  encoding?: string;
  header?: boolean;
}

const CHUNK_BYTES = 128 * 1024;
const SAMPLE_BYTES = 64 * 1024;
const MAX_COLUMNS = 2_000;
const DELIMITERS = [',', ';', '\t', '|'];

export class CsvSource {
  private constructor(
    private readonly file: OpenedFile,
    readonly encoding: string,
    readonly delimiter: string,
    readonly newline: '\n' | '\r',
    /** Lines before the first data record: an Excel `sep=` line and the header. */
    private readonly skipRecords: number,
    readonly hasHeader: boolean,
    readonly columns: string[],
    /** Header cells that had to be given another name: blank or repeated ones. */
    readonly renamed: { from: string; to: string }[],
  ) {}

  get name(): string {
    return this.file.name;
  }

  get bytes(): number {
    return this.file.bytes;
  }

  static async open(ctx: ToolContext, ref: string, options: CsvOptions = {}): Promise<CsvSource> {
    const file = await ctx.open(ref);
    const { encoding, head, newline } = await sniffBytes(file, ctx.signal, options.encoding);
    const text = decodeSample(head, encoding);
    if (text.trim() === '') {
      throw new ToolFault('csv_empty', say('csv-empty', { file: file.name }));
    }
    const hint = /^sep=(.)\r?(\n|$)/i.exec(text);
    const delimiter = options.delimiter ?? hint?.[1] ?? guessDelimiter(text, newline);
    const sample = sampleRecords(text, delimiter, newline);
    if (hint) sample.shift();
    const first = sample.find((record) => !isBlankLine(record));
    if (!first) throw new ToolFault('csv_empty', say('csv-blank', { file: file.name }));
    if (first.cells.length > MAX_COLUMNS) {
      throw new ToolFault(
        'csv_too_wide',
        say('csv-wide', { file: file.name, count: first.cells.length, most: MAX_COLUMNS }),
      );
    }
    const rows = sample.filter((record) => record !== first && !isBlankLine(record));
    const hasHeader = options.header ?? guessHeader(first.cells, rows);
    const { columns, renamed } = nameColumns(first.cells, hasHeader);
    const skipRecords = (hint ? 1 : 0) + (hasHeader ? 1 : 0);
    return new CsvSource(
      file,
      encoding,
      delimiter,
      newline,
      skipRecords,
      hasHeader,
      columns,
      renamed,
    );
  }

  /** Index of a column by its name: exact first, then without regard to case and outer space. */
  columnIndex(name: string): number {
    const exact = this.columns.indexOf(name);
    if (exact !== -1) return exact;
    const wanted = name.trim().toLowerCase();
    const loose = this.columns.findIndex((column) => column.toLowerCase() === wanted);
    if (loose !== -1) return loose;
    throw new ToolFault(
      'unknown_column',
      say('csv-no-column', { file: this.name, column: name, columns: listNames(this.columns) }),
    );
  }

  /** Data records, a chunk's worth at a time; blank lines and the header are left out. */
  async *batches(
    signal: AbortSignal,
    onRead?: (fraction: number) => void,
  ): AsyncGenerator<CsvRecord[]> {
    const pace = new Pace(signal);
    const decoder = iconv.getDecoder(this.encoding);
    const reader = new CsvReader(this.delimiter, this.newline);
    let bytesRead = 0;
    let toSkip = this.skipRecords;
    const dataOf = (records: CsvRecord[]) => {
      const data = records.filter((record) => !isBlankLine(record));
      const skipped = Math.min(toSkip, data.length);
      toSkip -= skipped;
      return skipped > 0 ? data.slice(skipped) : data;
    };
    for await (const chunk of readChunks(this.file.path, signal)) {
      bytesRead += chunk.length;
      yield dataOf(reader.push(decoder.write(chunk)));
      onRead?.(this.bytes > 0 ? Math.min(1, bytesRead / this.bytes) : 1);
      await pace.breathe();
    }
    const tail = decoder.end();
    if (tail) yield dataOf(reader.push(tail));
    yield dataOf(reader.end());
  }
}

async function* readChunks(path: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES, signal });
  for await (const chunk of stream) yield chunk as Buffer;
}

function isBlankLine(record: CsvRecord): boolean {
  return record.cells.length === 1 && record.cells[0]!.trim() === '' && !record.unclosedQuote;
}

export function listNames(names: readonly string[], max = 30): string {
  const shown = names.slice(0, max).map((name) => `"${name}"`);
  return shown.join(', ') + (names.length > max ? ` and ${names.length - max} more` : '');
}

/** Formats people do send as "the CSV", by their first bytes. */
const BINARY_FORMATS = [
  [[0x50, 0x4b, 0x03, 0x04], 'a-zip'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an-old-office-file'],
  [[0x1f, 0x8b], 'a-gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a-zstandard'],
  [[0x25, 0x50, 0x44, 0x46], 'a-pdf'],
  [[0x89, 0x50, 0x4e, 0x47], 'a-png'],
  [[0xff, 0xd8, 0xff], 'a-jpeg'],
  [[0x47, 0x49, 0x46, 0x38], 'a-gif'],
  [[0x50, 0x41, 0x52, 0x31], 'a-parquet'],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], 'an-sqlite'],
  [[0x7f, 0x45, 0x4c, 0x46], 'a-program'],
] as const;

async function sniffBytes(
  file: OpenedFile,
  signal: AbortSignal,
  wanted: string | undefined,
): Promise<{ encoding: string; head: Buffer; newline: '\n' | '\r' }> {
  if (wanted !== undefined && !iconv.encodingExists(wanted)) {
    throw new ToolFault('unknown_encoding', say('csv-encoding', { encoding: wanted }));
  }
  const pace = new Pace(signal);
  const head: Buffer[] = [];
  const foreign: Buffer[] = [];
  let headBytes = 0;
  let foreignBytes = 0;
  let firstNul = -1;
  let position = 0;
  let validUtf8 = true;
  let hasLineFeed = false;
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  const checkUtf8 = (chunk?: Buffer) => {
    try {
      utf8.decode(chunk, { stream: chunk !== undefined });
    } catch (error) {
      // Anything but the answer looked for. By name, as Node's errors may be of another realm.
      if ((error as Error).name !== 'TypeError') throw error;
      validUtf8 = false;
    }
  };
  for await (const chunk of readChunks(file.path, signal)) {
    if (headBytes < SAMPLE_BYTES) {
      head.push(chunk);
      headBytes += chunk.length;
    }
    if (position === 0) refuseKnownBinary(file, chunk);
    if (firstNul === -1 && chunk.includes(0)) firstNul = position + chunk.indexOf(0);
    hasLineFeed ||= chunk.includes(10);
    if (validUtf8) checkUtf8(chunk);
    if (foreignBytes < SAMPLE_BYTES && !isAscii(chunk)) {
      const at = chunk.findIndex((byte) => byte > 127);
      if (at !== -1) {
        const piece = chunk.subarray(Math.max(0, at - 512), at + SAMPLE_BYTES / 4);
        foreign.push(piece);
        foreignBytes += piece.length;
      }
    }
    position += chunk.length;
    await pace.breathe();
  }
  if (validUtf8) checkUtf8();
  const sample = Buffer.concat(head).subarray(0, SAMPLE_BYTES);
  const wide = wideEncoding(sample);
  const encoding = wanted ?? wide ?? (validUtf8 ? 'utf-8' : legacyEncoding(Buffer.concat(foreign)));
  const isWide = /^(utf|ucs)-?(16|32|2|4)/i.test(encoding);
  if (!isWide && firstNul !== -1) {
    throw new ToolFault('not_text', say('csv-nul', { file: file.name, byte: String(firstNul) }));
  }
  if (!isWide) refuseControlBytes(file, sample);
  const newline = (isWide ? /\n/.test(decodeSample(sample, encoding)) : hasLineFeed) ? '\n' : '\r';
  return { encoding: encoding.toLowerCase(), head: sample, newline };
}

function refuseKnownBinary(file: OpenedFile, chunk: Buffer): void {
  for (const [signature, what] of BINARY_FORMATS) {
    if (signature.every((byte, i) => chunk[i] === byte)) {
      throw new ToolFault('not_text', say('csv-other-kind', { file: file.name, what: say(what) }));
    }
  }
}

function refuseControlBytes(file: OpenedFile, sample: Buffer): void {
  let controls = 0;
  for (const byte of sample) {
    if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13) controls += 1;
  }
  if (controls > sample.length / 20) {
    throw new ToolFault(
      'not_text',
      say('csv-controls', { file: file.name, count: controls, bytes: sample.length }),
    );
  }
}

/** UTF-16 and UTF-32, by byte order mark or by where the zero bytes fall. */
function wideEncoding(sample: Buffer): string | undefined {
  if (sample[0] === 0xff && sample[1] === 0xfe) {
    return sample[2] === 0 && sample[3] === 0 ? 'utf-32le' : 'utf-16le';
  }
  if (sample[0] === 0xfe && sample[1] === 0xff) return 'utf-16be';
  if (sample[0] === 0 && sample[1] === 0 && sample[2] === 0xfe && sample[3] === 0xff) {
    return 'utf-32be';
  }
  if (sample.length % 2 === 1) return undefined; // a whole file then: a cut one has an even length
  let evenNuls = 0;
  let oddNuls = 0;
  for (let i = 0; i + 1 < sample.length; i += 2) {
    if (sample[i] === 0) evenNuls += 1;
    if (sample[i + 1] === 0) oddNuls += 1;
  }
  const pairs = sample.length / 2;
  // Signs of ASCII have a zero byte each in UTF-16. With none of the other bytes above 127 it is all but those, or else no text.
  const share = isAscii(sample) ? 0.9 : 0.3;
  if (oddNuls > pairs * share && evenNuls < pairs * 0.02) return 'utf-16le';
  if (evenNuls > pairs * share && oddNuls < pairs * 0.02) return 'utf-16be';
  return undefined;
}

const MULTIBYTE = ['GB18030', 'Big5', 'Shift_JIS', 'EUC-JP', 'EUC-KR'];

/**
 * chardet is trusted for the Far East only when the high bytes really come in pairs: a Western text
 * has lone accented letters between ASCII ones, and in short samples chardet likes to see Chinese or
 * Turkish in them. All Western guesses become Windows-1252, which holds ISO 8859-1 and its euro sign.
 */
function legacyEncoding(sample: Buffer): string {
  const guesses = chardet.analyse(sample);
  const paired = shareOfPairedHighBytes(sample);
  if (paired > 0.9) {
    const eastern = guesses.find((guess) => MULTIBYTE.includes(guess.name));
    if (eastern) return eastern.name;
    return 'GB18030';
  }
  const best = guesses.find((guess) => !MULTIBYTE.includes(guess.name) && guess.name !== 'UTF-8');
  const isOtherAlphabet = /^(windows-125[1356]|ISO-8859-[5678]|KOI8-R)$/.test(best?.name ?? '');
  if (best && isOtherAlphabet && best.confidence >= 30) return best.name;
  return 'windows-1252';
}

function shareOfPairedHighBytes(sample: Buffer): number {
  let high = 0;
  let paired = 0;
  for (let i = 0; i < sample.length;) {
    let end = i;
    while (end < sample.length && sample[end]! > 127) end += 1;
    const run = end - i;
    high += run;
    // The second byte of a pair may be below 128 in GBK, Big5 and Shift_JIS, but mostly is not.
    if (run >= 2) paired += run;
    i = run > 0 ? end : i + 1;
  }
  return high === 0 ? 0 : paired / high;
}

function decodeSample(sample: Buffer, encoding: string): string {
  let bytes = sample;
  // A UTF-8 character cut in two by the end of the sample must not look like a broken cell.
  while (encoding === 'utf-8' && bytes.length > sample.length - 4 && !isUtf8(bytes)) {
    bytes = bytes.subarray(0, bytes.length - 1);
  }
  return iconv.decode(bytes, encoding);
}

function sampleRecords(text: string, delimiter: string, newline: '\n' | '\r'): CsvRecord[] {
  const reader = new CsvReader(delimiter, newline);
  const records = reader.push(text);
  return records.length > 0 ? records : reader.end();
}

/**
 * The delimiter is the candidate that cuts the most lines into the same number of cells, more cells
 * being better. A file that no candidate cuts has one column.
 */
function guessDelimiter(text: string, newline: '\n' | '\r'): string {
  let best = { delimiter: ',', score: 0 };
  for (const delimiter of DELIMITERS) {
    const rows = sampleRecords(text, delimiter, newline)
      .filter((record) => !isBlankLine(record))
      .slice(0, 200);
    const widths = new Map<number, number>();
    for (const { cells } of rows) widths.set(cells.length, (widths.get(cells.length) ?? 0) + 1);
    const [width, count] = [...widths].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [1, 0];
    if (width < 2) continue;
    const agreement = count / rows.length;
    const headerAgrees = rows[0]!.cells.length === width ? 1 : 0.7;
    const score = agreement * agreement * headerAgrees * (1 + Math.log2(width) / 10);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

/**
 * A first row is taken for data only when it has a number or date exactly where the rows below have
 * one, in every such column. Years are let pass: `country,2001,2002` is a header.
 */
function guessHeader(first: string[], rows: CsvRecord[]): boolean {
  if (rows.length === 0) return !first.every((cell) => looksLikeValue(cell));
  let typed = 0;
  let alike = 0;
  first.forEach((cell, i) => {
    const below = rows.map((row) => row.cells[i]?.trim() ?? '').filter((value) => value !== '');
    if (below.length === 0 || below.filter(looksLikeValue).length < below.length * 0.8) return;
    typed += 1;
    if (looksLikeValue(cell) && !/^(19|20)\d\d$/.test(cell.trim())) alike += 1;
  });
  return !(typed > 0 && alike === typed);
}

function nameColumns(first: string[], hasHeader: boolean) {
  const renamed: { from: string; to: string }[] = [];
  const taken = new Set<string>();
  const columns = first.map((cell, i) => {
    const given = hasHeader ? tidyName(cell) : '';
    const base = given === '' ? `column_${i + 1}` : given;
    let name = base;
    for (let n = 2; taken.has(name); n += 1) name = `${base}_${n}`;
    taken.add(name);
    if (hasHeader && name !== cell) renamed.push({ from: cell, to: name });
    return name;
  });
  return { columns, renamed };
}

function tidyName(cell: string): string {
  return cell
    .replace(/[\s\u0000-\u001f\u007f\ufeff]+/g, ' ')
    .trim()
    .slice(0, 200);
}
