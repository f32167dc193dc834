import { randomBytes, randomUUID } from 'node:crypto';
import { say } from '@aos/contracts';
import { z } from 'zod';
import { isNative } from '../../../test/harness.js';
import { faultAt } from '../../platform/http/problem.js';
import { tool, ToolFault, type BuiltinTool } from './builtin/tool.js';
import { OpenCall } from './call.js';
import { LeaseEnded } from '../jobs/lease.js';
import { Ledger } from './chain/ledger.js';
import { type GatewayParts, actor, admin, ledgerOf, run, startGateway } from './testing.js';

const inWords = (what: string) => say('as-it-is', { what });

/** A server of the test's own, so that a test says what happens inside a call and counts how often. */
const probe = {
  calls: [] as { tool: string; args: Record<string, unknown> }[],
  during: (_args: Record<string, unknown>, _signal: AbortSignal): unknown => ({ ok: true }),
};

const probeTool = (name: string, idempotent: boolean): BuiltinTool =>
  tool({
    name,
    title: name,
    description: 'Does what the test says.',
    input: z.strictObject({
      text: z.string().max(5_000_000).optional(),
      nested: z.array(z.strictObject({ n: z.int() })).optional(),
    }),
    output: z.looseObject({}),
    idempotent,
    readOnly: false,
    async run(args, { signal, progress }) {
      probe.calls.push({ tool: name, args });
      progress(0.5, `half of ${String(args.text)}`);
      return (await probe.during(args, signal)) as Record<string, unknown>;
    },
  });

const servers = {
  probe: { description: 'The test', tools: [probeTool('once', false), probeTool('again', true)] },
};

let parts: GatewayParts;
beforeAll(async () => {
  parts = await startGateway(servers);
});
afterAll(() => parts.stop());
beforeEach(async () => {
  probe.calls.length = 0;
  probe.during = () => ({ ok: true });
  await parts.database.query('DELETE FROM tool_calls');
  await parts.database.query('DELETE FROM events');
});

const once = (overrides: object = {}) => ({
  server: 'probe',
  tool: 'once',
  args: {},
  idempotencyKey: '1:step',
  ...overrides,
});
const again = (overrides: object = {}) => ({ ...once(overrides), tool: 'again' });

describe('a call', () => {
  it('is in the ledger before it is made, and complete with an event after it', async () => {
    let seenDuring: string[] = [];
    probe.during = async () => {
      seenDuring = (await ledgerOf(parts)).map((row) => row.status);
      return { answer: 42 };
    };
    const result = await parts.gateway.call(admin(), once({ run: run(), args: { text: 'a' } }));
    expect(seenDuring).toEqual(['started']);
    expect(result).toMatchObject({
      isError: false,
      isRecorded: false,
      structuredContent: { answer: 42 },
    });
    expect(await ledgerOf(parts)).toMatchObject([
      { id: result.callId, status: 'succeeded', args: { text: 'a' } },
    ]);
    const events = await parts.database.query<{ payload: object }>(
      `SELECT payload FROM events WHERE type = 'tool.call'`,
    );
    expect(events).toMatchObject([
      { payload: { callId: result.callId, status: 'succeeded', tool: 'once' } },
    ]);
  });

  it('is in the ledger before it is made, also when many are begun at once', async () => {
    const seenDuring: unknown[] = [];
    probe.during = async ({ text }) => {
      const rows = await ledgerOf(parts);
      seenDuring.push(rows.find(({ args }) => (args as { text: string }).text === text)?.status);
      return { text };
    };
    const texts = Array.from({ length: 40 }, (_, index) => String(index));
    const results = await Promise.all(
      texts.map((text) =>
        parts.gateway.call(admin(), { server: 'probe', tool: 'once', args: { text } }),
      ),
    );
    expect(seenDuring).toEqual(texts.map(() => 'started'));
    expect(results.map(({ structuredContent }) => structuredContent)).toEqual(
      texts.map((text) => ({ text })),
    );
    const rows = await ledgerOf(parts);
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['succeeded']));
    for (const [index, { callId }] of results.entries())
      expect(rows.find(({ id }) => id === callId)).toMatchObject({ args: { text: texts[index] } });
    const events = await parts.database.query<{ id: string }>(
      `SELECT payload->>'callId' AS id FROM events WHERE type = 'tool.call'`,
    );
    expect(events.map(({ id }) => id).sort()).toEqual(results.map(({ callId }) => callId).sort());
  });

  it('whose row the database does not take is not made, and those begun with it are', async () => {
    const tooLongForItsIndex = randomBytes(8000).toString('hex');
    const keys = ['a', tooLongForItsIndex, 'c'];
    const all = await Promise.allSettled(
      keys.map((idempotencyKey) => parts.gateway.call(admin(), once({ idempotencyKey }))),
    );
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(probe.calls).toHaveLength(2);
    expect((await ledgerOf(parts)).map((row) => row.idempotency_key).sort()).toEqual(['a', 'c']);
  });

  it('outside a run has a row of its own', async () => {
    await parts.gateway.call(admin(), { server: 'probe', tool: 'once', args: {} });
    await parts.gateway.call(admin(), { server: 'probe', tool: 'once', args: {} });
    expect(await ledgerOf(parts)).toHaveLength(2);
  });

  it('is refused without the permission in the project of the run, and the refusal is audited', async () => {
    const elsewhere = actor('operator', 'other');
    await expect(
      parts.gateway.call(elsewhere, once({ run: run({ projectId: 'mine' }) })),
    ).rejects.toMatchObject({ code: 'forbidden' });
    await expect(parts.gateway.call(actor('viewer'), once())).rejects.toMatchObject({
      code: 'forbidden',
    });
    await parts.gateway.call(actor('operator', 'mine'), once({ run: run({ projectId: 'mine' }) }));
    expect(probe.calls).toHaveLength(1);
    const denied = await parts.database.query(
      `SELECT 1 FROM audit_logs WHERE outcome = 'denied' AND resource = 'tool:probe.once'`,
    );
    expect(denied).toHaveLength(1);
  });

  it('lists every fault of its arguments, with paths and without values', async () => {
    const args = { text: 5, nested: [{ n: 1 }, { n: 'canary', more: 1 }], other: true };
    const failure = parts.gateway.call(admin(), once({ args }));
    await expect(failure).rejects.toMatchObject({
      code: 'tool_args_invalid',
      errors: expect.arrayContaining([
        faultAt('text', say('schema-type', { type: 'string' })),
        faultAt('nested[1].n', say('schema-type', { type: 'integer' })),
        faultAt('nested[1].more', say('tool-key-unknown')),
        faultAt('other', say('tool-key-unknown')),
      ]),
    });
    expect(JSON.stringify(await failure.catch((error: unknown) => error))).not.toContain('canary');
    expect(await ledgerOf(parts)).toHaveLength(0);
  });

  it('names an unknown server and an unknown tool', async () => {
    await expect(parts.gateway.call(admin(), once({ server: 'nope' }))).rejects.toMatchObject({
      code: 'unknown_server',
    });
    await expect(parts.gateway.call(admin(), once({ tool: 'nope' }))).rejects.toMatchObject({
      code: 'unknown_tool',
    });
  });

  it('passes progress on', async () => {
    const heard: unknown[] = [];
    await parts.gateway.call(
      admin(),
      once({ args: { text: 'it' }, onProgress: (f: number, m: string) => heard.push([f, m]) }),
    );
    expect(heard).toEqual([[0.5, 'half of it']]);
  });

  it('that the tool answers with a fault is a result, and a failure in the ledger', async () => {
    probe.during = () => {
      throw new ToolFault('no_luck', inWords('No luck with row 17.'));
    };
    const result = await parts.gateway.call(admin(), once({ run: run() }));
    expect(result).toMatchObject({ isError: true, content: [{ text: 'No luck with row 17.' }] });
    expect(await ledgerOf(parts)).toMatchObject([
      { status: 'failed', error_kind: 'tool_error', error: 'No luck with row 17.' },
    ]);
  });

  it('says a fault by its code as well, in the answer, the ledger and what is given again', async () => {
    const said = say('file-none', { path: 'a.txt' });
    probe.during = () => {
      throw new ToolFault('not_found', said);
    };
    const step = run();
    const error = 'There is no "a.txt" in the workspace.';
    const given = { isError: true, content: [{ text: error }], said };
    expect(await parts.gateway.call(admin(), once({ run: step }))).toMatchObject(given);
    expect(await parts.gateway.call(admin(), once({ run: step }))).toMatchObject({
      ...given,
      isRecorded: true,
    });
    expect(await ledgerOf(parts)).toMatchObject([{ error, error_said: said }]);
  });

  it('takes no code of a fault that is longer than is kept of it', async () => {
    probe.during = () => {
      throw new ToolFault('x', inWords('x'.repeat(5000)));
    };
    const result = await parts.gateway.call(admin(), once({ run: run() }));
    expect(result.said).toBeUndefined();
    expect(await ledgerOf(parts)).toMatchObject([{ error: 'x'.repeat(4000), error_said: null }]);
  });

  it('takes the codes of its own tools, and none that stands in an answer', async () => {
    probe.during = () => ({ said: say('file-none', { path: 'a.txt' }), isError: true });
    const result = await parts.gateway.call(admin(), once());
    expect(result.said).toBeUndefined();
  });

  it('keeps an unforeseen failure of a built-in tool to the log', async () => {
    probe.during = () => {
      throw new Error('ENOENT: /root/.ssh/id_ed25519');
    };
    const result = await parts.gateway.call(admin(), once());
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result)).not.toContain('.ssh');
  });

  it('with NUL in arguments and half a surrogate pair in its answer is recorded', async () => {
    probe.during = () => ({ 'k\u0000': 'a\u0000b\uD800c' });
    const result = await parts.gateway.call(
      admin(),
      once({ args: { text: '\u0000' }, run: run() }),
    );
    expect(result.structuredContent).toEqual({ 'k\uFFFD': 'a\uFFFDb\uFFFDc' });
    expect(await ledgerOf(parts)).toMatchObject([{ status: 'succeeded' }]);
  });

  it.each([
    ['a\uDC00', 'holds-half-pair'],
    [Infinity, 'number-infinite'],
  ])(
    'with %j in its arguments is not made: the tool would get something else',
    async (text, code) => {
      await expect(
        parts.gateway.call(admin(), once({ args: { text }, run: run() })),
      ).rejects.toMatchObject({
        code: 'tool_args_invalid',
        errors: [{ path: 'text', said: { code } }],
      });
      expect(probe.calls).toEqual([]);
      expect(await ledgerOf(parts)).toEqual([]);
    },
  );

  it('whose answer is too large, fails and says so', async () => {
    probe.during = () => ({ text: 'x'.repeat(1_100_000) });
    await expect(parts.gateway.call(admin(), once({ run: run() }))).rejects.toMatchObject({
      code: 'tool_failed',
    });
    expect(await ledgerOf(parts)).toMatchObject([
      { status: 'failed', error_kind: 'result_too_large', result: null },
    ]);
  });

  it('that takes too long ends at its deadline; that nobody knows its end is on record', async () => {
    let aborted = false;
    probe.during = (_args, signal) =>
      new Promise((_, fail) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          fail(new Error('stopped'));
        }),
      );
    await expect(
      parts.gateway.call(admin(), once({ run: run(), timeoutMs: 500 })),
    ).rejects.toMatchObject({ code: 'tool_timeout' });
    // The tool hears of it a little later.
    while (!aborted && probe.calls.length > 0) await new Promise((turn) => setImmediate(turn));
    expect(await ledgerOf(parts)).toMatchObject([{ status: 'unknown', error_kind: 'timeout' }]);
  });

  it('that is cancelled ends with the reason of the signal', async () => {
    const cancel = new AbortController();
    probe.during = (_args, signal) => {
      cancel.abort(new LeaseEnded('cancelled'));
      return new Promise((_, fail) =>
        signal.addEventListener('abort', () => fail(new Error('stopped'))),
      );
    };
    await expect(
      parts.gateway.call(admin(), once({ run: run(), signal: cancel.signal })),
    ).rejects.toMatchObject({ why: 'cancelled' });
    expect(await ledgerOf(parts)).toMatchObject([{ status: 'unknown', error_kind: 'cancelled' }]);
  });

  it('has the same fingerprint for the same failure, whatever its numbers and names', async () => {
    let n = 0;
    probe.during = () => {
      throw new ToolFault(
        'x',
        inWords(`Row ${++n} of "file${n}.csv" at /data/${n}/a.csv is unfit`),
      );
    };
    await parts.gateway.call(admin(), once());
    await parts.gateway.call(admin(), once());
    probe.during = () => {
      throw new ToolFault('x', inWords('Something else'));
    };
    await parts.gateway.call(admin(), once());
    const rows = await ledgerOf(parts);
    const printsOf = (what: RegExp) =>
      rows.filter(({ error }) => what.test(String(error))).map((row) => row.error_fingerprint);
    const [one, two] = printsOf(/is unfit/);
    expect(one).toMatch(/./);
    expect(two).toBe(one);
    expect(printsOf(/Something else/)).toEqual([expect.not.stringMatching(String(one))]);
  });
});

describe('the ledger', () => {
  it('gives a recorded result again and calls nothing, under any later attempt', async () => {
    probe.during = () => ({ n: probe.calls.length });
    const first = await parts.gateway.call(admin(), once({ run: run() }));
    const step = {
      createdAt: (
        await parts.database.query<{ created_at: Date }>('SELECT created_at FROM tool_calls')
      )[0]!.created_at,
    };
    for (const attempt of [1, 2]) {
      const repeat = await parts.gateway.call(
        admin(),
        once({ run: run({ ...step, attempt, fence: '2' }) }),
      );
      expect(repeat).toMatchObject({
        callId: first.callId,
        structuredContent: { n: 1 },
        isRecorded: true,
      });
    }
    expect(probe.calls).toHaveLength(1);
  });

  it('does not give the result of other arguments', async () => {
    const step = run();
    await parts.gateway.call(admin(), once({ run: step, args: { text: 'a' } }));
    await expect(
      parts.gateway.call(admin(), once({ run: step, args: { text: 'b' } })),
    ).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  it('gives a recorded failure again to the same attempt, and tries anew under the next', async () => {
    probe.during = () => {
      throw new ToolFault('x', inWords('not yet'));
    };
    const step = run();
    await parts.gateway.call(admin(), once({ run: step }));
    expect(await parts.gateway.call(admin(), once({ run: step }))).toMatchObject({
      isError: true,
      isRecorded: true,
    });
    expect(probe.calls).toHaveLength(1);
    probe.during = () => ({ ok: true });
    expect(await parts.gateway.call(admin(), once({ run: { ...step, attempt: 2 } }))).toMatchObject(
      { isError: false },
    );
    const keys = (await ledgerOf(parts)).map((row) => row.idempotency_key);
    expect(keys.sort()).toEqual(['1:step', '1:step~2']);
  });

  it('throws a recorded failure that was thrown', async () => {
    probe.during = () => ({ text: 'x'.repeat(1_100_000) });
    const step = run();
    await expect(parts.gateway.call(admin(), once({ run: step }))).rejects.toMatchObject({
      code: 'tool_failed',
    });
    await expect(parts.gateway.call(admin(), once({ run: step }))).rejects.toMatchObject({
      code: 'tool_failed',
    });
    expect(probe.calls).toHaveLength(1);
  });

  describe('outside a run', () => {
    const outside = (text = 'a') => ({ server: 'probe', tool: 'once', args: { text } });
    const statuses = async () =>
      (
        await parts.database.query<{ status: string }>('SELECT status FROM tool_calls ORDER BY id')
      ).map(({ status }) => status);
    const cut = () => Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' });
    afterEach(() => jest.restoreAllMocks());

    it('is answered without waiting for the record of its end, which is written as soon as it can be', async () => {
      const write = parts.outbox.appendWith.bind(parts.outbox);
      let isAway = true;
      jest
        .spyOn(parts.outbox, 'appendWith')
        .mockImplementation((...args) => (isAway ? Promise.reject(cut()) : write(...args)));
      expect(await parts.gateway.call(admin(), outside())).toMatchObject({ isError: false });
      await parts.ledger.settled();
      expect(await statuses()).toEqual(['started']);
      isAway = false;
      while ((await statuses())[0] === 'started') await new Promise((turn) => setImmediate(turn));
      expect(await statuses()).toEqual(['succeeded']);
    });

    it('has its end on record when the process ends, also one that could not be recorded before', async () => {
      jest.spyOn(parts.outbox, 'appendWith').mockRejectedValueOnce(cut());
      await parts.gateway.call(admin(), outside());
      await parts.ledger.settled();
      expect(await statuses()).toEqual(['started']);
      await parts.ledger.onApplicationShutdown();
      expect(await statuses()).toEqual(['succeeded']);
    });
  });

  it('of a run is not answered before its end is on record', async () => {
    jest
      .spyOn(parts.outbox, 'appendWith')
      .mockRejectedValueOnce(new Error('the connection is gone'));
    const step = run();
    await expect(parts.gateway.call(admin(), once({ run: step }))).rejects.toThrow(
      'the connection is gone',
    );
    jest.restoreAllMocks();
  });

  it('that no process can be making any more is unknown, unless a run will ask about it', async () => {
    const open = (key: string, age: string, job: number | null) =>
      parts.database.query(
        `INSERT INTO tool_calls (id, created_at, idempotency_key, job_id, trace_id, server, tool, args, args_hash, status,
                                 actor, started_at)
         VALUES (gen_random_uuid(), now() - $2::interval, $1, $3, 't', 'probe', 'once', '{}', 'x', 'started', 'user:1',
                 now() - $2::interval)`,
        [key, age, job],
      );
    await open('1 lost', '3 hours 30 minutes', null);
    await open('2 under way', '30 minutes', null);
    await open('3 of a run', '3 hours', 1);
    const ends = async () =>
      (await ledgerOf(parts))
        .sort((a, b) => a.idempotency_key.localeCompare(b.idempotency_key))
        .map(({ status, error_kind: kind }) => [status, kind]);
    const ledger = new Ledger(parts.database, parts.outbox);
    ledger.onApplicationBootstrap();
    while ((await ends())[0]![0] === 'started') await new Promise((turn) => setImmediate(turn));
    expect(await ends()).toEqual([
      ['unknown', 'internal'],
      ['started', null],
      ['started', null],
    ]);
    await ledger.onApplicationShutdown();
  });

  describe('with a call left open by a crash', () => {
    const crashed = async (toolName: string) => {
      const step = run();
      const call = {
        server: 'probe',
        tool: toolName,
        args: {},
        idempotencyKey: '1:step',
        run: step,
      };
      await parts.ledger.begin(admin(), call, toolName === 'again', 0);
      return { ...call, run: { ...step, fence: '2', attempt: 2 } };
    };

    it('calls an idempotent tool once more, with the same key', async () => {
      const call = await crashed('again');
      expect(await parts.gateway.call(admin(), call)).toMatchObject({ isRecorded: false });
      expect(await parts.gateway.call(admin(), call)).toMatchObject({ isRecorded: true });
      expect(probe.calls).toHaveLength(1);
      expect(await ledgerOf(parts)).toMatchObject([
        { idempotency_key: '1:step', status: 'succeeded' },
      ]);
    });

    it('asks about any other', async () => {
      const call = await crashed('once');
      await expect(parts.gateway.call(admin(), call)).rejects.toBeInstanceOf(OpenCall);
      await expect(parts.gateway.call(admin(), call)).rejects.toMatchObject({
        server: 'probe',
        tool: 'once',
      });
      expect(probe.calls).toHaveLength(0);
    });

    it('calls any other again when the operator has said so', async () => {
      const call = await crashed('once');
      await parts.gateway.call(admin(), {
        ...call,
        run: { ...call.run, onOpenCall: 'call-again' },
      });
      expect(probe.calls).toHaveLength(1);
    });
  });

  it('asks about a tool whose earlier attempt timed out, since it may have had its effect', async () => {
    probe.during = (_args, signal) =>
      new Promise((_, fail) => signal.addEventListener('abort', () => fail(new Error('stopped'))));
    let step = run();
    // One whose time was up before it was made has had none.
    while (probe.calls.length === 0) {
      step = run();
      await expect(
        parts.gateway.call(admin(), once({ run: step, timeoutMs: 30 })),
      ).rejects.toMatchObject({ code: 'tool_timeout' });
    }
    await expect(
      parts.gateway.call(admin(), once({ run: { ...step, attempt: 2 } })),
    ).rejects.toBeInstanceOf(OpenCall);
  });

  const onServer = isNative ? it : it.skip; // on PGlite's one session they take turns anyway: npm test runs this on native
  onServer('lets one of two attempts begin that come at the same moment', async () => {
    for (let i = 0; i < 20; i++) {
      const step = run();
      const key = { idempotencyKey: `race:${i}` };
      const ends = await Promise.allSettled(
        [1, 2, 3].map((attempt) =>
          parts.gateway.call(admin(), once({ ...key, run: { ...step, attempt } })),
        ),
      );
      const made = ends.filter(
        (end) => end.status === 'fulfilled' && !(end.value as { isRecorded: boolean }).isRecorded,
      );
      expect(made).toHaveLength(1);
    }
    expect(probe.calls).toHaveLength(20);
  });

  it('begins nothing for a worker that has lost its job', async () => {
    const guard = () => Promise.reject(new LeaseEnded('lost'));
    await expect(parts.gateway.call(admin(), once({ run: run({ guard }) }))).rejects.toBeInstanceOf(
      LeaseEnded,
    );
    expect(probe.calls).toHaveLength(0);
    expect(await ledgerOf(parts)).toHaveLength(0);
  });

  it('records the end of a call whose worker lost its job meanwhile, so that it is not repeated', async () => {
    let isLost = false;
    probe.during = () => {
      isLost = true;
      return { effect: 'done' };
    };
    const guard = () => (isLost ? Promise.reject(new LeaseEnded('lost')) : Promise.resolve());
    const step = run({ guard });
    await parts.gateway.call(admin(), once({ run: step }));
    const rescuer = run({ createdAt: step.createdAt, fence: '2', attempt: 2 });
    expect(await parts.gateway.call(admin(), once({ run: rescuer }))).toMatchObject({
      structuredContent: { effect: 'done' },
      isRecorded: true,
    });
    expect(probe.calls).toHaveLength(1);
  });

  it('lets the late end of a call change nothing that a later attempt has taken over', async () => {
    const step = run();
    probe.during = async () => {
      probe.during = () => ({ by: 'rescuer' });
      await parts.gateway.call(admin(), again({ run: { ...step, fence: '2', attempt: 2 } }));
      return { by: 'sleeper' };
    };
    await expect(parts.gateway.call(admin(), again({ run: step }))).rejects.toBeInstanceOf(
      LeaseEnded,
    );
    expect(await ledgerOf(parts)).toMatchObject([
      { status: 'succeeded', result: { structuredContent: { by: 'rescuer' } } },
    ]);
  });
});

describe('a secret', () => {
  const value = 'canary-7f3a/+"quoted" & spaced';
  beforeAll(() => parts.secret('TOKEN', value));

  /** As a tool may echo it, and what of that must be nowhere. */
  const plain = Buffer.from(value);
  const echoes = [
    value,
    JSON.stringify(value),
    plain.toString('base64'),
    Buffer.from(`user:${value}:more`).toString('base64'),
    plain.toString('base64url'),
    plain.toString('hex'),
    encodeURIComponent(value),
  ];
  const mustBeNowhere = echoes.map((echo) => echo.slice(8, -8));
  const everything = async () => {
    await parts.ledger.settled();
    const tables = ['tool_calls', 'events', 'event_payloads', 'audit_logs', 'mcp_registry', 'logs'];
    const rows = await Promise.all(
      tables.map((table) => parts.database.query(`SELECT * FROM ${table}`)),
    );
    return JSON.stringify(rows);
  };

  it('reaches the tool, and nothing else: not the ledger, an event, the answer or progress', async () => {
    probe.during = () => ({ echo: echoes.join(' | '), [value]: echoes });
    const heard: string[] = [];
    const result = await parts.gateway.call(
      admin(),
      once({
        args: { text: 'Bearer ${secret.TOKEN}' },
        env: ['TOKEN'],
        run: run(),
        onProgress: (_: number, message: string) => heard.push(message),
      }),
    );
    expect(probe.calls[0]!.args).toEqual({ text: `Bearer ${value}` });
    expect(await ledgerOf(parts)).toMatchObject([{ args: { text: 'Bearer ${secret.TOKEN}' } }]);
    const seen = JSON.stringify(result) + heard.join() + (await everything());
    for (const part of mustBeNowhere) expect(seen).not.toContain(part);
    expect(JSON.stringify(result)).toContain('[secret TOKEN]');
    expect(heard).toHaveLength(1);
  });

  it('is not in the error of a tool either', async () => {
    probe.during = () => {
      throw new ToolFault('x', inWords(`could not sign in with ${echoes.join(' or ')}`));
    };
    const result = await parts.gateway.call(
      admin(),
      once({ args: { text: '${secret.TOKEN}' }, env: ['TOKEN'], run: run() }),
    );
    const seen = JSON.stringify(result) + (await everything());
    for (const part of mustBeNowhere) expect(seen).not.toContain(part);
  });

  it('that the call was not given is refused', async () => {
    await expect(
      parts.gateway.call(admin(), once({ args: { text: '${secret.TOKEN}' } })),
    ).rejects.toMatchObject({ code: 'unknown_secret' });
    await expect(
      parts.gateway.call(admin(), once({ args: { text: '${secret.TOKEN}' }, env: ['OTHER'] })),
    ).rejects.toMatchObject({ code: 'unknown_secret' });
    expect(probe.calls).toHaveLength(0);
  });

  it('is not looked up for a recorded result', async () => {
    const uses = async () =>
      (await parts.database.query(`SELECT 1 FROM audit_logs WHERE action = 'secret.use'`)).length;
    const call = once({ args: { text: '${secret.TOKEN}' }, env: ['TOKEN'], run: run() });
    await parts.gateway.call(admin(), call);
    const before = await uses();
    expect(await parts.gateway.call(admin(), call)).toMatchObject({ isRecorded: true });
    expect(await uses()).toBe(before);
  });

  it('can be written about by escaping the reference', async () => {
    await parts.gateway.call(admin(), once({ args: { text: 'write $${secret.TOKEN}' } }));
    expect(probe.calls[0]!.args).toEqual({ text: 'write ${secret.TOKEN}' });
  });
});

it('a dry run checks everything and calls nothing', async () => {
  const answer = await parts.gateway.dryRun(admin(), once({ args: { text: 'a' } }));
  expect(answer).toMatchObject({ dryRun: true, tool: 'probe.once', idempotent: false });
  expect(answer).toMatchObject({ outcome: 'call' });
  expect(answer.links.map((each) => each.link)).toEqual(
    parts.chain.links.filter((link) => link.preview).map((link) => link.name),
  );
  const unfit = await parts.gateway.dryRun(admin(), once({ args: { text: 1 } }));
  expect(unfit.outcome).toBe('stop');
  expect(unfit.links).toContainEqual({
    link: 'schema',
    verdict: 'stop',
    says: 'The arguments do not fit the schema of probe.once.',
    said: [{ code: 'args-unfit', params: { tool: 'probe.once' } }],
    code: 'tool_args_invalid',
    errors: [faultAt('text', say('schema-type', { type: 'string' }))],
  });
  await expect(parts.gateway.dryRun(actor('viewer'), once())).rejects.toMatchObject({
    code: 'forbidden',
  });
  expect(probe.calls).toHaveLength(0);
  expect(await ledgerOf(parts)).toHaveLength(0);
});

it('a call is held to what a grant reaches, and a dry run spends none of its calls', async () => {
  const grant = (tools: string[]) => ({
    ...{ kind: 'grant' as const, id: randomUUID(), tools, limits: { maxCalls: 1 } },
    expiresAt: new Date(Date.now() + 60_000),
  });
  const to = (capability: ReturnType<typeof grant>) => ({
    ...once({ args: { text: 'a' } }),
    capability,
  });
  const beside = to(grant(['probe.other']));
  const refused = { code: 'insufficient_scope' };
  await expect(parts.gateway.dryRun(admin(), beside)).rejects.toMatchObject(refused);
  await expect(parts.gateway.call(admin(), beside)).rejects.toMatchObject(refused);
  const by = admin();
  by.actor.capability = beside.capability;
  await expect(parts.gateway.call(by, once({ args: { text: 'a' } }))).rejects.toMatchObject(
    refused,
  );
  const reaching = to(grant(['probe.once']));
  for (let i = 0; i < 3; i++)
    expect(await parts.gateway.dryRun(admin(), reaching)).toMatchObject({ outcome: 'call' });
  await parts.gateway.call(admin(), reaching);
  await expect(parts.gateway.call(admin(), reaching)).rejects.toMatchObject({
    code: 'too_many_requests',
  });
});
