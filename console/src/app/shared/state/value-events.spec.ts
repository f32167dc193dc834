import { anEvent } from '../../../testing/factories';
import { StreamEvents } from './connection';
import { KEPT_EVENTS, valueEvents } from './value-events';

const reduce = (...batches: ReturnType<typeof anEvent>[][]) =>
  batches.reduce(
    (state, events) => valueEvents.reducer(state, StreamEvents.received({ events })),
    valueEvents.reducer(undefined, { type: 'start' }),
  );

describe('the value events', () => {
  it('stand in the order of their seq, whatever order they came in, and each once', () => {
    const [a, b, c] = [1, 2, 3].map((seq) => anEvent({ seq }));
    expect(reduce([c!], [a!, b!], [b!]).ids).toEqual(['event-1', 'event-2', 'event-3']);
  });

  it('let the oldest go, so that memory stays flat', () => {
    const state = reduce(
      Array.from({ length: KEPT_EVENTS + 500 }, (_, index) => anEvent({ seq: index + 1 })),
    );
    expect(state.ids).toHaveLength(KEPT_EVENTS);
    expect(state.ids[0]).toBe('event-501');
  });
});
