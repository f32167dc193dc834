import { signal } from '@angular/core';
import type { Problem } from '@aos/contracts';
import { toProblem } from '../../shared/api/problem';

const AT_ONCE = 4;

export interface Failure<Row> {
  row: Row;
  problem: Problem;
}

/** One deed done to many rows, a few at a time; it tells how far it is and which ones failed, and can be stopped. */
export class Bulk<Row> {
  readonly done = signal(0);
  readonly failures = signal<readonly Failure<Row>[]>([]);
  readonly state = signal<'waiting' | 'running' | 'stopped' | 'over'>('waiting');

  constructor(
    readonly rows: readonly Row[],
    private readonly work: (row: Row) => Promise<unknown>,
  ) {}

  async run(): Promise<void> {
    this.state.set('running');
    const queue = [...this.rows];
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.workOff(queue)));
    if (this.state() === 'running') this.state.set('over');
  }

  /** What is under way is finished; nothing new begins. */
  stop(): void {
    if (this.state() === 'running') this.state.set('stopped');
  }

  /** The same deed for those that failed. */
  again(): Bulk<Row> {
    return new Bulk(
      this.failures().map(({ row }) => row),
      this.work,
    );
  }

  private async workOff(queue: Row[]): Promise<void> {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      const each = row;
      try {
        await this.work(each);
      } catch (error) {
        this.failures.update((all) => [...all, { row: each, problem: toProblem(error) }]);
      }
      this.done.update((n) => n + 1);
      if (this.state() !== 'running') return;
    }
  }
}
