import { type GatewayParts, admin, ledgerOf, run, startGateway } from '../testing.js';
import { type ToolServerOfTest, controlledClock, startToolServer } from './testing.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let n = 0;
let name = '';

beforeAll(async () => {
  parts = await startGateway({});
  await parts.secret('LONG', 'canary-much-too-long');
});
afterAll(() => parts.stop());
beforeEach(async () => {
  await parts.database.query('DELETE FROM tool_calls');
  server = await startToolServer([
    { name: 'free' },
    { name: 'again' },
    { name: 'typed', outputSchema: { type: 'object', properties: { n: { type: 'number' } } } },
    {
      name: 'senseless',
      outputSchema: { type: 'object', properties: { n: { type: 'nonsense' } } },
    },
    {
      name: 'short',
      inputSchema: { type: 'object', properties: { text: { type: 'string', maxLength: 14 } } },
    },
  ]);
  name = `s${++n}`;
  await parts.register({ name, transport: 'http', url: server.url, idempotentTools: ['again'] });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.stop();
});

const call = (tool: string, args: Record<string, unknown> = {}, more: object = {}) =>
  parts.gateway.call(admin(), { server: name, tool, args, ...more });
function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let i = 0; i < levels; i++) value = { value };
  return value;
}

describe('arguments', () => {
  it('nested without measure are refused, and nothing is called', async () => {
    await expect(call('free', { deep: nested(80) })).rejects.toMatchObject({
      code: 'tool_args_invalid',
    });
    expect(server.calls()).toBe(0);
    await call('free', { deep: nested(50) });
  });

  it('are held to the schema with the secret in its place, which is told to nobody', async () => {
    const args = { text: '${secret.LONG}' };
    const refused = await call('short', args, {
      env: ['LONG'],
      run: run(),
      idempotencyKey: 'k',
    }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'tool_args_invalid', errors: [{ path: 'text' }] });
    expect(JSON.stringify(refused)).not.toContain('canary');
    expect(server.calls()).toBe(0);
  });
});

describe('an answer', () => {
  const failsAs = async (kind: string, tool = 'free') => {
    await expect(call(tool)).rejects.toMatchObject({ code: 'tool_failed' });
    expect(await ledgerOf(parts)).toMatchObject([{ status: 'failed', error_kind: kind }]);
  };

  it('nested without measure is not taken', async () => {
    server.onCall = () => ({ content: [], structuredContent: { deep: nested(80) } });
    await failsAs('result_invalid');
  });

  it('without what the tool promises is not taken', async () => {
    server.onCall = () => ({ content: [{ type: 'text', text: 'no number' }] });
    await failsAs('result_invalid', 'typed');
  });

  it('that nobody can hold against the schema of its tool is not taken', async () => {
    server.onCall = () => ({ content: [], structuredContent: { n: 1 } });
    await failsAs('result_invalid', 'senseless');
  });

  it('larger than a megabyte is not taken', async () => {
    server.onCall = () => ({ content: [{ type: 'text', text: 'x'.repeat(1_100_000) }] });
    await failsAs('result_too_large');
  });
});

describe('a server that is switched off', () => {
  it('is not called, and its tools are not offered', async () => {
    await call('free');
    await parts.database.query('UPDATE mcp_registry SET is_enabled = false WHERE name = $1', [
      name,
    ]);
    parts.wakeups.wake('control');
    await expect(call('free')).rejects.toMatchObject({ code: 'server_unreachable' });
    expect(server.calls()).toBe(1);
    expect((await parts.registry.tools()).filter((tool) => tool.server === name)).toEqual([]);
  });
});

describe('a retry', () => {
  /** Calls that went well, by which retries are earned. */
  async function earn(): Promise<void> {
    for (let i = 0; i < 40; i++) await call('again');
  }

  /**
   * How often a call with these arguments came to the server. What was given up on its way may come there during the
   * next one: so each attempt of a test names itself.
   */
  const came = (args: { attempt: number }) =>
    server.seen.filter(
      ({ params }) =>
        (params.arguments as { attempt?: number } | undefined)?.attempt === args.attempt,
    ).length;

  /** By then a connection has held, and the next failure is no reason for it to wait. */
  const LATER_MS = 60_000;

  it.each([
    ['never when the settings say so', 'again', 0, () => 500],
    ['never of a tool that is not idempotent', 'free', 5, () => 500],
    ['never of a call that was answered, if with an error', 'again', 5, () => new Error('no')],
  ])('is made %s', async (_, tool, retries, answer) => {
    await parts.configure({ retries, circuit: { failures: 1000 } });
    const clock = controlledClock();
    await earn();
    clock.pass(LATER_MS);
    server.onCall = answer;
    const before = server.calls();
    await expect(call(tool)).rejects.toThrow();
    expect(server.calls() - before).toBe(1);
    await parts.configure({});
  });

  it('is not made of a call that was not answered in time: the server may be at it still', async () => {
    await earn();
    server.onCall = () => new Promise(() => undefined);
    const args = { attempt: 0 };
    // Its time may be up before it has come to the server.
    do {
      args.attempt++;
      await expect(call('again', args, { timeoutMs: 60 })).rejects.toMatchObject({
        code: 'tool_timeout',
      });
    } while (came(args) === 0);
    expect(came(args)).toBe(1);
  });

  it('is not begun when there is no time left for it', async () => {
    await parts.configure({ circuit: { failures: 1000 } });
    const clock = controlledClock();
    await earn();
    clock.pass(LATER_MS);
    server.onCall = () => {
      clock.pass(30_000);
      return 500;
    };
    const args = { attempt: 1 };
    // The first pause takes 50 ms at least, and there would be 1 ms.
    await expect(call('again', args, { timeoutMs: 30_001 })).rejects.toMatchObject({
      code: 'server_unreachable',
    });
    expect(came(args)).toBe(1);
    await parts.configure({});
  });
});
