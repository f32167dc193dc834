import { Logger } from '@nestjs/common';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { type GatewayParts, admin, run, startGateway } from '../testing.js';
import { CircuitLink } from './circuit.js';
import type { CallEnd, CallFailure } from './ledger.js';
import { Passage } from './link.js';

/** The link by itself, handed the ends of calls that nobody makes. */
let parts: GatewayParts;
let circuit: CircuitLink;
/** Stands still but for what a test lets pass. */
let now: number;
const clock = { pass: (ms: number) => void (now += ms) };
const OPEN_FOR_MS = 5_000;
beforeAll(async () => {
  parts = await startGateway({});
  await parts.configure({ circuit: { failures: 3, openForMs: OPEN_FOR_MS } });
});
afterAll(() => parts.stop());
beforeEach(() => {
  now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  circuit = new CircuitLink(parts.settings, parts.database, parts.outbox);
});
afterEach(() => jest.restoreAllMocks());

function passage(transport = 'http', more: object = {}): Passage {
  const made = new Passage(admin(), { server: 'far', tool: 'go', args: {}, ...more });
  made.target = { server: { name: 'far', transport } } as Passage['target'];
  return made;
}
const failure = (more: Partial<CallFailure> = {}): CallEnd => ({
  ...{ status: 'unknown', kind: 'timeout', error: 'no answer', durationMs: 1 },
  ...more,
});
const success = { status: 'succeeded', result: {}, durationMs: 1 } as unknown as CallEnd;
const pass = (end: CallEnd, through = passage()) =>
  circuit.pass(through, () => Promise.resolve(end));
const state = () => circuit.report('far').state;
async function fail(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await pass(failure());
}

/** Ends of which nothing can be learned about the server; each leaves the link as it came. */
const silent: [string, () => Promise<unknown>][] = [
  [
    'its caller gave up',
    async () => {
      const end = failure({ kind: 'cancelled' });
      expect(await pass(end)).toBe(end);
    },
  ],
  [
    'was made before, and is in the ledger',
    async () => {
      const recorded = passage();
      const replay = () => {
        recorded.isRecorded = true;
        return Promise.resolve(success);
      };
      expect(await circuit.pass(recorded, replay)).toBe(success);
    },
  ],
  [
    'could not be recorded',
    () =>
      expect(
        circuit.pass(passage(), () => Promise.reject(new Error('no database'))),
      ).rejects.toThrow('no database'),
  ],
];
it('is not open for as long as the clock was set back', async () => {
  await fail(3);
  clock.pass(-3600_000);
  expect(await pass(success)).toBe(success);
  await fail(3);
  await expect(pass(success)).rejects.toMatchObject({ code: 'circuit_open', retryAfterSeconds: 5 });
});

describe.each(silent)('a call that %s', (_, make) => {
  it('neither counts nor takes back what has counted', async () => {
    for (let i = 0; i < 5; i++) await make();
    await fail(2);
    await make();
    expect(state()).toBe('closed');
    await fail(1);
    expect(state()).toBe('open');
  });

  it('leaves a circuit open that it was let through to try, until the next try', async () => {
    await fail(3);
    clock.pass(OPEN_FOR_MS);
    await make();
    expect(state()).toBe('open');
    await expect(pass(success)).rejects.toMatchObject({ code: 'circuit_open' });
    clock.pass(OPEN_FOR_MS);
    await pass(success);
    expect(state()).toBe('closed');
  });
});

it.each(['protocol', 'internal', 'result_invalid'] as CallFailure['kind'][])(
  'a server that answers, if with a fault (%s), works: that takes back what has counted',
  async (kind) => {
    for (let i = 0; i < 5; i++) await pass(failure({ kind }));
    await fail(2);
    await pass(failure({ kind }));
    await fail(2);
    expect(state()).toBe('closed');
  },
);

it.each(['builtin', 'agent'])('a server in this process (%s) has no circuit', async (transport) => {
  for (let i = 0; i < 5; i++) await pass(failure(), passage(transport));
  expect(state()).toBe('closed');
  expect(await pass(success, passage(transport))).toBe(success);
});

it('a refusal says to come back in a second at the soonest', async () => {
  await fail(3);
  clock.pass(OPEN_FOR_MS - 10);
  let answer!: (end: CallEnd) => void;
  const others = () => pass(success).catch((error: unknown) => error);
  expect(await others()).toMatchObject({ code: 'circuit_open', retryAfterSeconds: 1 });
  clock.pass(OPEN_FOR_MS);
  const tried = circuit.pass(passage(), () => new Promise((done) => (answer = done)));
  while (!answer) await new Promise((turn) => setImmediate(turn));
  expect(await others()).toMatchObject({ code: 'circuit_open', retryAfterSeconds: 1 });
  answer(success);
  await tried;
});

describe('word of it', () => {
  const told = async (traceId: string) => {
    for (;;) {
      const [row] = await parts.database.query<{ summary: string; payload: { error: string } }>(
        `SELECT summary, payload FROM events WHERE type = 'anomaly.detected' AND trace_id = $1`,
        [traceId],
      );
      if (row) return row;
    }
  };

  it('is in the trace of the run whose call failed last, or of that call, and says what is alike', async () => {
    const [first, last] = [run(), run()];
    await fail(1);
    await pass(failure(), passage('http', { run: first }));
    await pass(failure(), passage('http', { run: last }));
    const { payload } = await told(last.traceId);
    expect(payload).toMatchObject({
      code: 'circuit_open',
      server: 'far',
      fingerprint: expect.stringMatching(/^[0-9a-f]{8,}$/),
    });
    clock.pass(OPEN_FOR_MS);
    const outside = passage();
    await pass(failure(), outside);
    await told(outside.ctx.traceId);
  });

  it('is short, however much the server has said', async () => {
    const outside = passage();
    await fail(2);
    await pass(failure({ error: 'x'.repeat(50_000) }), outside);
    const { summary, payload } = await told(outside.ctx.traceId);
    expect(payload.error).toHaveLength(1000);
    expect(summary.length).toBeLessThan(500);
  });

  it('that cannot be told is in the log, and fails no call', async () => {
    jest.spyOn(Outbox.prototype, 'append').mockRejectedValue(new Error('no room'));
    const logged = new Promise((done) =>
      jest.spyOn(Logger.prototype, 'error').mockImplementation(done),
    );
    await fail(3);
    expect(await logged).toMatchObject({ msg: 'a change of a circuit could not be told' });
    expect(state()).toBe('open');
  });
});
