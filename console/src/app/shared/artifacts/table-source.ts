import { signal } from '@angular/core';
import type { Problem } from '@aos/contracts';
import { toProblem } from '../api/problem';
import type { Column, Row, Sorting } from './table-file';
import { type TableAsk, TableService, type TableTell } from './table-service';

/** Enough for 100,000 rows of a wide table; what lies behind is for the download. */
export const MAX_ROWS = 100_000;
const MAX_BYTES = 64_000_000;
/** Asked for at once, so that a page turned at speed finds its rows. */
const BLOCK = 200;
const KEPT_BLOCKS = 40;

/** A table as the screen sees it: what it has, and those of its rows that were asked for. */
export class TableSource {
  readonly columns = signal<readonly Column[]>([]);
  readonly rows = signal(0);
  readonly found = signal(0);
  readonly isDone = signal(false);
  readonly isPartial = signal(false);
  readonly problem = signal<Problem | null>(null);
  /** Changes whenever rows have come. */
  readonly come = signal(0);

  private readonly blocks = new Map<number, readonly Row[]>();
  private readonly asked = new Set<number>();
  private view = 0;
  private worker: Worker | null = null;
  private readonly ask: (what: TableAsk) => void;

  constructor(url: string) {
    this.ask = this.connect();
    this.ask({ op: 'open', url, maxRows: MAX_ROWS, maxBytes: MAX_BYTES });
  }

  /** The row at a place of the view, once it is here; asks for it otherwise. */
  at(index: number): Row | undefined {
    const block = Math.floor(index / BLOCK);
    const rows = this.blocks.get(block);
    if (rows?.[index % BLOCK]) return rows[index % BLOCK];
    if (!this.asked.has(block)) {
      this.asked.add(block);
      this.ask({ op: 'rows', from: block * BLOCK, to: (block + 1) * BLOCK, view: this.view });
    }
    return undefined;
  }

  look(words: string, sorting: Sorting | null): void {
    this.ask({ op: 'look', words, sorting });
  }

  close(): void {
    this.worker?.terminate();
  }

  private connect(): (what: TableAsk) => void {
    if (typeof Worker === 'undefined') {
      const service = new TableService((what) => this.hear(what));
      return (what) => service.hear(what);
    }
    const worker = new Worker(new URL('./table.worker', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<TableTell>) => this.hear(data);
    worker.onerror = (event) => this.problem.set(toProblem(new Error(event.message)));
    this.worker = worker;
    return (what) => worker.postMessage(what);
  }

  private hear(what: TableTell): void {
    switch (what.op) {
      case 'head':
        return this.columns.set(what.columns);
      case 'count':
        // A file that grows moves its rows only where an order or words choose among them.
        if (what.view !== this.view || what.found !== this.found()) this.forget(what.view);
        this.rows.set(what.rows);
        this.found.set(what.found);
        this.isDone.set(what.isDone);
        this.isPartial.set(what.isPartial);
        return;
      case 'rows':
        if (what.view !== this.view) return;
        this.keep(what.from / BLOCK, what.rows);
        return;
      case 'failed':
        return this.problem.set(
          toProblem(what.problem ?? new Error(`The server answered ${what.status}`)),
        );
    }
  }

  private keep(block: number, rows: readonly Row[]): void {
    this.asked.delete(block);
    if (this.blocks.size >= KEPT_BLOCKS)
      for (const old of [...this.blocks.keys()].slice(0, KEPT_BLOCKS / 2)) this.blocks.delete(old);
    this.blocks.set(block, rows);
    this.come.update((n) => n + 1);
  }

  private forget(view: number): void {
    this.view = view;
    this.blocks.clear();
    this.asked.clear();
    this.come.update((n) => n + 1);
  }
}
