import { open, type FileHandle } from 'node:fs/promises';

const BUFFER_CHARS = 256 * 1024;

/** Writes RFC 4180 with LF line ends, in UTF-8, a buffer at a time. */
export class CsvWriter {
  private readonly parts: string[] = [];
  private chars = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly forSpreadsheet: boolean,
  ) {}

  static async create(path: string, forSpreadsheet: boolean): Promise<CsvWriter> {
    return new CsvWriter(await open(path, 'wx', 0o600), forSpreadsheet);
  }

  write(cells: readonly string[]): void {
    const safe = this.forSpreadsheet ? cells.map(withoutFormula) : cells;
    const line = `${csvLine(safe)}\n`;
    this.parts.push(line);
    this.chars += line.length;
  }

  get isFull(): boolean {
    return this.chars >= BUFFER_CHARS;
  }

  async flush(): Promise<void> {
    if (this.parts.length === 0) return;
    await this.file.writeFile(this.parts.join(''));
    this.parts.length = 0;
    this.chars = 0;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.file.close();
    }
  }
}

function csvLine(cells: readonly string[]): string {
  // A lone empty cell would read as a blank line.
  if (cells.length === 1 && cells[0] === '') return '""';
  return cells.map(quoted).join(',');
}

function quoted(cell: string): string {
  return /[",\n\r]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * A spreadsheet runs a cell that begins with = + - @ as a formula. An apostrophe in front stops it,
 * and changes the data; so it is done only where a person is to open the file, and never to a number.
 */
function withoutFormula(cell: string): string {
  return /^[=+\-@\t\r]/.test(cell) && !/^[+-]?[\d.,\s]*\d%?$/.test(cell) ? `'${cell}` : cell;
}
