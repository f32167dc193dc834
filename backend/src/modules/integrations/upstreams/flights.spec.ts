import { getEventListeners } from 'node:events';
import type { InputRequest } from '@modelcontextprotocol/client';
import type { ClientSide } from './client-side.js';
import { type Flight, Flights } from './flights.js';

it('leaves nobody listening at the signal of a caller whose call is over', async () => {
  const flights = new Flights();
  const { signal } = new AbortController();
  const listeners = () => getEventListeners(signal, 'abort').length;
  await flights.run(undefined, 60_000, signal, async () => expect(listeners()).toBe(1));
  expect(listeners()).toBe(0);
  const failing = flights.run(undefined, 60_000, signal, async () => {
    expect(listeners()).toBe(1);
    throw new Error('it failed');
  });
  await expect(failing).rejects.toThrow('it failed');
  expect(listeners()).toBe(0);
});

it('ends at once for a caller who has gone before', async () => {
  const gone = AbortSignal.abort(new Error('gone'));
  const call = new Flights().run(undefined, 60_000, gone, async ({ signal }) => signal.reason);
  await expect(call).resolves.toBe(gone.reason);
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

describe('a question in the middle of calls over one connection', () => {
  const never = new AbortController().signal;
  const question = { method: 'elicitation/create', params: { message: 'Who?' } } as InputRequest;
  const side = (more: object = {}) =>
    ({
      capabilities: { elicitation: {}, roots: {} },
      takesQuestions: false,
      ask: jest.fn(() => Promise.resolve({ roots: [] })),
      ...more,
    }) as unknown as ClientSide & { ask: jest.Mock };
  /** A call that is under way until the test ends it. */
  function begin(flights: Flights, by: ClientSide | undefined = side()) {
    let end!: () => void;
    let flight: Flight | undefined;
    const over = flights.run(by, 60_000, never, (given) => {
      flight = given;
      return new Promise<void>((done) => (end = done));
    });
    return { end: () => (end(), over), hasBegun: () => flight !== undefined };
  }
  const turn = () => new Promise((done) => setImmediate(done));

  it('is of the one that is under way, and of nobody where there are more or none', async () => {
    const flights = new Flights();
    const [one, other] = [side(), side()];
    await expect(flights.ask(question)).rejects.toThrow('cannot be told to belong to one call');
    const first = begin(flights, one);
    await flights.ask(question);
    expect(one.ask).toHaveBeenCalledTimes(1);
    const second = begin(flights, other);
    await expect(flights.ask(question)).rejects.toThrow('cannot be told to belong to one call');
    await first.end();
    await flights.ask(question);
    expect([one.ask.mock.calls.length, other.ask.mock.calls.length]).toEqual([1, 1]);
    await second.end();
  });

  it('has calls made one at a time from then on, where it could not be told whose it is', async () => {
    const flights = new Flights();
    const early = [begin(flights), begin(flights)];
    await expect(flights.ask(question)).rejects.toThrow();
    for (const each of early) await each.end();
    const [first, second] = [begin(flights), begin(flights)];
    await turn();
    expect([first.hasBegun(), second.hasBegun()]).toEqual([true, false]);
    await first.end();
    await turn();
    expect(second.hasBegun()).toBe(true);
    await second.end();
  });

  it('that is nested deeper than it could be written out is put to nobody', async () => {
    const flights = new Flights();
    const client = side();
    const call = begin(flights, client);
    let deep: object = {};
    for (let level = 0; level < 70; level++) deep = { deep };
    await expect(
      flights.ask({ method: 'elicitation/create', params: { message: 'Who?', deep } } as never),
    ).rejects.toThrow('nested deeper than 64 levels');
    expect(client.ask).not.toHaveBeenCalled();
    await call.end();
  });

  it('of a server that asks between calls changes nothing', async () => {
    const flights = new Flights();
    await expect(flights.ask(question)).rejects.toThrow();
    expect(await flights.ask({ method: 'roots/list' })).toEqual({ roots: [] });
    const both = [begin(flights), begin(flights)];
    await turn();
    expect(both.map(({ hasBegun }) => hasBegun())).toEqual([true, true]);
    for (const each of both) await each.end();
  });

  it('is put to no client that cannot be asked, and to nobody where there is no client', async () => {
    const flights = new Flights();
    const deaf = side({ capabilities: {} });
    const call = begin(flights, deaf);
    await expect(flights.ask(question)).rejects.toThrow('does not take elicitation/create');
    expect(deaf.ask).not.toHaveBeenCalled();
    await call.end();
    let asked: Promise<unknown> | undefined;
    await flights.run(undefined, 60_000, never, async () => {
      asked = flights.ask(question);
      asked.catch(() => undefined); // looked at below
    });
    await expect(asked).rejects.toThrow('nobody is there to answer');
  });

  it('stops the clock of its call until it is answered, and no longer', async () => {
    jest.useFakeTimers();
    try {
      const flights = new Flights();
      let answer!: () => void;
      const slow = side({ ask: () => new Promise((done) => (answer = () => done({ roots: [] }))) });
      await flights.run(slow, 1_000, never, async (flight) => {
        jest.advanceTimersByTime(900);
        const asked = flight.ask(question);
        jest.advanceTimersByTime(60_000);
        expect(flight.signal.aborted).toBe(false);
        answer();
        await asked;
        jest.advanceTimersByTime(99);
        expect(flight.signal.aborted).toBe(false);
        jest.advanceTimersByTime(2);
        expect(flight.signal.aborted).toBe(true);
      });
    } finally {
      jest.useRealTimers();
    }
  });
});
