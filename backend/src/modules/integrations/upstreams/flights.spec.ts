import { getEventListeners } from 'node:events';
import type { ClientSide } from './client-side.js';
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

it('puts no more questions at once than somebody could answer, and goes on when they are', async () => {
  const flights = new Flights();
  const answers: (() => void)[] = [];
  const side = {
    capabilities: { roots: {} },
    takesQuestions: false,
    ask: () => new Promise((done) => answers.push(() => done({ roots: [] }))),
  } as unknown as ClientSide;
  await flights.run(side, 60_000, new AbortController().signal, async (flight) => {
    const ask = () => flight.ask({ method: 'roots/list' });
    const asked = Array.from({ length: 32 }, ask);
    await expect(ask()).rejects.toThrow('too many questions');
    expect(answers).toHaveLength(32);
    for (const answer of answers.splice(0)) answer();
    await Promise.all(asked);
    const more = ask();
    answers[0]!();
    expect(await more).toEqual({ roots: [] });
  });
});
