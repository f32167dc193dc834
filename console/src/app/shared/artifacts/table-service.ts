import { type Column, type Row, type Sorting, TableFile } from './table-file';

export type TableAsk =
  | { op: 'open'; url: string; maxRows: number; maxBytes: number }
  | { op: 'look'; words: string; sorting: Sorting | null }
  | { op: 'rows'; from: number; to: number; view: number };

export type TableTell =
  | { op: 'head'; columns: Column[] }
  /** `view` counts the views: rows of an older one are of no use any more. */
  | { op: 'count'; rows: number; found: number; view: number; isDone: boolean; isPartial: boolean }
  | { op: 'rows'; from: number; rows: Row[]; view: number }
  | { op: 'failed'; status: number; problem: unknown };

const TELL_EVERY_MS = 150;

/** Answers for one file, in a worker or, where there is none, in place. */
export class TableService {
  private file = new TableFile(0);
  private words = '';
  private sorting: Sorting | null = null;
  private view = 0;
  private isDone = false;

  constructor(private readonly tell: (what: TableTell) => void) {}

  hear(ask: TableAsk): void {
    switch (ask.op) {
      case 'open':
        void this.open(ask).catch((error: unknown) =>
          this.tell({ op: 'failed', status: 0, problem: String(error) }),
        );
        return;
      case 'look':
        this.words = ask.words;
        this.sorting = ask.sorting;
        this.view += 1;
        this.count();
        return;
      case 'rows':
        if (ask.view !== this.view) return;
        this.tell({
          op: 'rows',
          from: ask.from,
          rows: this.file.slice(ask.from, ask.to),
          view: ask.view,
        });
    }
  }

  private async open({ url, maxRows, maxBytes }: Extract<TableAsk, { op: 'open' }>): Promise<void> {
    const answer = await fetch(url, { credentials: 'same-origin' });
    if (!answer.ok || !answer.body) {
      const problem: unknown = await answer.json().catch(() => undefined);
      this.tell({ op: 'failed', status: answer.status, problem });
      return;
    }
    this.file = new TableFile(maxRows);
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let [bytes, told] = [0, 0];
    let hasHead = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      this.file.push(decoder.decode(value, { stream: true }));
      if (this.file.isFull || bytes >= maxBytes) {
        this.file.isPartial = true;
        await reader.cancel();
        break;
      }
      if (performance.now() - told < TELL_EVERY_MS || this.file.count === 0) continue;
      if (!hasHead) this.head();
      hasHead = true;
      this.count();
      told = performance.now();
    }
    if (!this.file.isPartial) {
      this.file.push(decoder.decode());
      this.file.end();
    }
    this.isDone = true;
    this.head();
    this.count();
  }

  private head(): void {
    this.tell({ op: 'head', columns: this.file.columns() });
  }
  private count(): void {
    const found = this.file.look(this.words, this.sorting);
    const { isDone, view } = this;
    const { count: rows, isPartial } = this.file;
    this.tell({ op: 'count', rows, found, view, isDone, isPartial });
  }
}
