/**
 * A file of rows (CSV, TSV, semicolons) that is read piece by piece, kept whole, and looked at through a view: in some
 * order, and only the rows that hold some words. It knows nothing of workers or of the screen.
 */
export interface Column {
  name: string;
  isNumeric: boolean;
  /** Characters of the longest value among the first rows. */
  widest: number;
}
export interface Sorting {
  column: number;
  by: 1 | -1;
}
export interface Row {
  /** Its number in the file, from 1. */
  no: number;
  cells: readonly string[];
}

const SAMPLE = 200;
/** A quote that was opened and never closed must not hold the whole of a file back. */
const LONGEST_RECORD = 1_000_000;
const isNumber = (text: string) => /^[-+]?[\d,]*\.?\d+(e[+-]?\d+)?%?$/i.test(text);
const toNumber = (text: string) => Number(text.replaceAll(',', '').replace('%', ''));

export class TableFile {
  header: readonly string[] | null = null;
  isPartial = false;
  private readonly rows: (readonly string[])[] = [];
  private rest = '';
  private mark = '';
  private view: Uint32Array | null = null;

  constructor(private readonly maxRows: number) {}

  get count(): number {
    return this.rows.length;
  }
  get isFull(): boolean {
    return this.rows.length >= this.maxRows;
  }

  push(text: string): void {
    this.read(this.rest + text, false);
  }
  end(): void {
    this.read(this.rest, true);
    this.rest = '';
  }

  columns(): Column[] {
    const sample = this.rows.slice(0, SAMPLE);
    return (this.header ?? []).map((name, index) => {
      const values = sample.map((row) => row[index] ?? '').filter((value) => value !== '');
      return {
        name,
        isNumeric: values.length > 0 && values.every(isNumber),
        widest: values.reduce((length, value) => Math.max(length, value.length), name.length),
      };
    });
  }

  /** @returns how many rows the view holds. */
  look(words: string, sorting: Sorting | null): number {
    if (words === '' && !sorting) {
      this.view = null;
      return this.count;
    }
    const wanted = words.toLowerCase();
    const found: number[] = [];
    for (let at = 0; at < this.rows.length; at += 1)
      if (wanted === '' || this.rows[at]!.some((cell) => cell.toLowerCase().includes(wanted)))
        found.push(at);
    if (sorting) this.sort(found, sorting);
    this.view = Uint32Array.from(found);
    return found.length;
  }

  /** Rows of the view. */
  slice(from: number, to: number): Row[] {
    const rows: Row[] = [];
    const end = Math.min(to, this.view ? this.view.length : this.count);
    for (let at = Math.max(0, from); at < end; at += 1) {
      const index = this.view ? this.view[at]! : at;
      rows.push({ no: index + 1, cells: this.rows[index]! });
    }
    return rows;
  }

  /** Numbers by size where all of the column are numbers, words by the alphabet; what is blank comes last. */
  private sort(found: number[], { column, by }: Sorting): void {
    const value = (at: number) => this.rows[at]![column] ?? '';
    if (found.every((at) => value(at) === '' || isNumber(value(at)))) {
      const keys = new Map(found.map((at) => [at, value(at) === '' ? NaN : toNumber(value(at))]));
      found.sort((a, b) => {
        const [x, y] = [keys.get(a)!, keys.get(b)!];
        if (Number.isNaN(x) || Number.isNaN(y))
          return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
        return by * (x - y) || a - b;
      });
      return;
    }
    const { compare } = new Intl.Collator(undefined, { numeric: true });
    found.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === '' || y === '') return Number(x === '') - Number(y === '');
      return by * compare(x, y) || a - b;
    });
  }

  private read(text: string, isEnd: boolean): void {
    let at = this.header === null && text.startsWith('\ufeff') ? 1 : 0;
    if (this.mark === '') {
      const line = text.indexOf('\n');
      if (line < 0 && !isEnd) {
        this.rest = text;
        return;
      }
      this.mark = markOf(line < 0 ? text : text.slice(0, line));
    }
    while (at < text.length && !this.isFull) {
      const next = this.record(text, at, isEnd);
      if (next < 0) break;
      at = next;
    }
    if (this.isFull && at < text.length) this.isPartial = true;
    this.rest = this.isFull ? '' : text.slice(at);
  }

  /** Takes one record; gives where the next begins, or -1 when its end is not here yet. */
  private record(text: string, from: number, isEnd: boolean): number {
    const line = text.indexOf('\n', from);
    const quote = text.indexOf('"', from);
    if (quote < 0 || (line >= 0 && quote > line)) {
      if (line < 0 && !isEnd) return -1;
      const end = line < 0 ? text.length : line;
      this.take(
        text.slice(from, text[end - 1] === '\r' && end > from ? end - 1 : end).split(this.mark),
      );
      return end + 1;
    }
    return this.quoted(text, from, isEnd);
  }

  private quoted(text: string, from: number, isEnd: boolean): number {
    const cells: string[] = [];
    let cell = '';
    let isInside = false;
    for (let at = from; at < text.length; at += 1) {
      const char = text[at]!;
      if (isInside) {
        if (char !== '"') cell += char;
        else if (text[at + 1] === '"') {
          cell += '"';
          at += 1;
        } else if (at + 1 === text.length && !isEnd)
          return -1; // Is it the end of the text, or half of a doubled quote?
        else isInside = false;
        if (isInside && at - from > LONGEST_RECORD) isInside = false;
      } else if (char === '"' && cell === '') isInside = true;
      else if (char === this.mark) {
        cells.push(cell);
        cell = '';
      } else if (char === '\n') {
        this.take([...cells, cell]);
        return at + 1;
      } else if (char !== '\r' || text[at + 1] !== '\n') cell += char;
    }
    if (!isEnd) return -1;
    this.take([...cells, cell]);
    return text.length;
  }

  private take(cells: string[]): void {
    if (this.header === null) this.header = cells;
    // An empty line is none.
    else if (cells.length > 1 || cells[0] !== '') this.rows.push(cells);
  }
}

/** Commas, tabs or semicolons, by what the first line has most of: names lie, and so do media types. */
function markOf(line: string): string {
  const marks = [',', '\t', ';'].map((mark) => ({ mark, n: line.split(mark).length }));
  return marks.reduce((best, next) => (next.n > best.n ? next : best)).mark;
}
