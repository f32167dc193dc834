import { type ParkedCall, ParkedCalls } from './parked-calls.js';

const listener = () => ({ signal: new AbortController().signal });
const question = { method: 'elicitation/create', params: {} } as never;

/** A call that asks, and ends with what it was told. */
const asks = (calls: ParkedCalls, owner: string) =>
  calls.begin(owner, listener(), (call: ParkedCall<unknown>) => call.ask(question, call.signal));

it('a call that waits is found by its owner, and by nobody else', async () => {
  const calls = new ParkedCalls();
  const next = await asks(calls, 'ada');
  if (next.kind !== 'asks') throw new Error('it did not ask');
  expect(calls.find('eve', next.callId)).toBeUndefined();
  const call = calls.find('ada', next.callId)!;
  const answered = await calls.resume(call, { input_1: { action: 'accept' } as never }, listener());
  expect(answered).toEqual({ kind: 'ended', value: { action: 'accept' } });
  expect(calls.find('ada', next.callId)).toBeUndefined();
  calls.beforeApplicationShutdown();
});

it('so many may wait for one, and the others do not notice', async () => {
  const calls = new ParkedCalls();
  for (let i = 0; i < 50; i++) await asks(calls, 'ada');
  await expect(asks(calls, 'ada')).rejects.toMatchObject({
    code: -32000,
    message: expect.stringContaining('Too many of your calls'),
  });
  expect(await asks(calls, 'bob')).toMatchObject({ kind: 'asks' });
  expect(calls.size).toBe(51);
  calls.beforeApplicationShutdown();
});
