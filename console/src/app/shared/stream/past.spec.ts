import type { AosEvent, Page } from '@aos/contracts';
import { Subject, of, throwError } from 'rxjs';
import { anEvent } from '../../../testing/factories';
import { PastPages } from './past';

const page = (seqs: number[], nextCursor: string | null): Page<AosEvent> => ({
  items: seqs.map((seq) => anEvent({ seq })),
  nextCursor,
});

describe('the past of the stream', () => {
  it('begins before what is known, and goes on where the last page ended', async () => {
    const asked: object[] = [];
    const pages = [page([9, 8], 'next'), page([7], null)];
    const past = new PastPages({
      pastEvents: (query) => {
        asked.push(query);
        return of(pages.shift()!);
      },
    });
    await past.turn('results', null, 10);
    await past.turn('results', null, 10);
    await past.turn('results', null, 10);
    expect(asked).toEqual([
      { types: ['task.receipt'], before: 10 },
      { types: ['task.receipt'], cursor: 'next' },
    ]);
    expect(past.of('results', null).map(({ seq }) => seq)).toEqual([9, 8, 7]);
    expect(past.isWhole('results', null)).toBe(true);
    expect(past.isWhole('all', null)).toBe(false);
  });

  it('asks once at a time, and says why a page did not come', async () => {
    const slow = new Subject<Page<AosEvent>>();
    let asked = 0;
    const past = new PastPages({
      pastEvents: () => {
        asked += 1;
        return asked === 1 ? slow : throwError(() => new Error('no line'));
      },
    });
    const first = past.turn('all', null, null);
    await past.turn('all', null, null);
    expect(asked).toBe(1);
    slow.next(page([1], 'more'));
    slow.complete();
    await first;
    await past.turn('all', null, null);
    expect(past.call()).toMatchObject({ state: 'failed' });
    expect(past.of('all', null)).toHaveLength(1);
  });
});
