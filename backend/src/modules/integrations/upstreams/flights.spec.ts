import { getEventListeners } from 'node:events';
import { type Flight, Flights } from './flights.js';

/** The runtime keeps such a signal, and all that its listeners know, for as long as there is one. */
const listenersOf = ({ signal }: Flight) => getEventListeners(signal, 'abort').length;

it('leaves nobody listening for the end of a call that is over', async () => {
  const flights = new Flights();
  const never = new AbortController().signal;
  const seen: Flight[] = [];
  await flights.run(undefined, 60_000, never, async (flight) => void seen.push(flight));
  const failing = flights.run(undefined, 60_000, never, async (flight) => {
    seen.push(flight);
    expect(listenersOf(flight)).toBe(1);
    throw new Error('it failed');
  });
  await expect(failing).rejects.toThrow('it failed');
  expect(seen.map(listenersOf)).toEqual([0, 0]);
});

it('still tells who waits for a turn that the time is up', async () => {
  const flights = new Flights();
  const caller = new AbortController();
  const over = flights.run(undefined, 60_000, caller.signal, (flight) => flight.over);
  caller.abort(new Error('gone'));
  await expect(over).rejects.toThrow('gone');
});
