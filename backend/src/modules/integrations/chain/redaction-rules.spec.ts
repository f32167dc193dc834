import { Logger } from '@nestjs/common';
import { SystemConfig } from '@aos/contracts';
import type { Settings } from '../../config/index.js';
import { type GatewayParts, admin, startGateway } from '../testing.js';
import { RedactionRules, WITHHELD } from './redaction-rules.js';
import { type ToolServerOfTest, startToolServer } from './testing.js';

const card = { name: 'card', pattern: String.raw`\b\d{4}-?\d{4}\b` };
const mail = { name: 'mail', pattern: '(?i)[a-z.]+@[a-z.]+' };

describe('what tools answer, with rules of redaction', () => {
  let parts: GatewayParts;
  let server: ToolServerOfTest;
  beforeAll(async () => {
    parts = await startGateway();
    server = await startToolServer([{ name: 'look' }]);
    await parts.register({ name: 's', transport: 'http', url: server.url });
    await parts.configure({}, { redaction: [card, mail] });
  });
  afterAll(async () => {
    await parts.stop();
    await server.stop();
  });

  const look = async (answer: unknown) => {
    server.onCall = () => answer;
    return parts.gateway.call(admin(), { server: 's', tool: 'look', args: {} });
  };
  const stored = async (): Promise<string> => {
    await parts.ledger.settled();
    const rows = await parts.database.query(
      `SELECT t::text FROM tool_calls t UNION ALL SELECT e::text FROM events e UNION ALL SELECT p::text FROM event_payloads p`,
    );
    return JSON.stringify(rows);
  };

  it('hold nothing that a rule fits: in texts, names of fields, numbers, over the bounds of two parts', async () => {
    const found = await look({
      content: [
        { type: 'text', text: 'of Ada.L@example.com: 4111-1111, and 12345 is no card' },
        { type: 'image', mimeType: 'image/png', data: '41111111' },
      ],
      structuredContent: { '4111-1111': 1, '4222-2222': [41111111, 7], type: 'text' },
    });
    expect(found).toMatchObject({
      content: [
        { type: 'text', text: 'of [redacted mail]: [redacted card], and 12345 is no card' },
        { type: 'image', mimeType: 'image/png', data: '41111111' },
      ],
      structuredContent: {
        '[redacted card]': 1,
        '[redacted card] 2': ['[redacted card]', 7],
        type: 'text',
      },
    });
    const halves = ['it is 4111-', '1111 !'].map((text) => ({ type: 'text', text }));
    expect(await look({ content: halves })).toMatchObject({
      content: [{ type: 'text', text: 'it is [redacted card] !' }],
    });
    expect(await stored()).not.toMatch(/4111-|4222|Ada/);
  });

  it('nor does a failure, in its text or in what is recorded of it', async () => {
    const failed = { isError: true, content: [{ type: 'text', text: 'no account 4111-1111' }] };
    expect(await look(failed)).toMatchObject({
      isError: true,
      content: [{ text: 'no account [redacted card]' }],
    });
    await expect(look(new Error('gone: 4111-1111'))).rejects.toMatchObject({
      message: expect.not.stringContaining('4111'),
    });
    expect(await stored()).not.toContain('4111-');
    expect(await stored()).toContain('no account [redacted card]');
  });

  it('nor does a long text, which is gone through in a thread of its own', async () => {
    const text = `${'lorem ipsum '.repeat(20_000)}4111-1111`;
    const found = await look({ content: [{ type: 'text', text }] });
    expect(found.content).toEqual([
      { type: 'text', text: text.replace('4111-1111', '[redacted card]') },
    ]);
  });

  it('take up a rule as soon as it is saved', async () => {
    const answer = { content: [{ type: 'text', text: 'plate AB-123' }] };
    expect((await look(answer)).content).toEqual(answer.content);
    await parts.configure({}, { redaction: [{ name: 'plate', pattern: '[A-Z]{2}-[0-9]{3}' }] });
    expect((await look(answer)).content).toEqual([
      { type: 'text', text: 'plate [redacted plate]' },
    ]);
    await parts.configure({}, { redaction: [card, mail] });
  });
});

describe('rules of redaction by themselves', () => {
  beforeAll(() => Logger.overrideLogger(false));
  afterAll(() => Logger.overrideLogger(['log', 'warn', 'error', 'fatal']));
  const rulesOf = async (...redaction: { name: string; pattern: string }[]) => {
    const config = SystemConfig.parse({ security: { redaction } });
    const settings = { system: () => Promise.resolve(config) } as Settings;
    return (await new RedactionRules(settings).inForce())!;
  };
  /** As one that was stored by a version whose engine reads it. */
  const unread = { name: 'back', pattern: String.raw`(a)\1` };

  it('withhold every text where one cannot be read, short and long, and leave the words by which an answer is read', async () => {
    const rules = await rulesOf(card, unread);
    expect(rules.short({ type: 'text', text: 'harmless' })).toEqual({
      type: 'text',
      text: WITHHELD,
    });
    const long = { type: 'text', text: 'harmless '.repeat(10_000) };
    expect(await rules.whole(long)).toEqual({ type: 'text', text: WITHHELD });
  });

  it('go through a text in time that grows with it, whatever the pattern', async () => {
    const rules = await rulesOf({ name: 'slow', pattern: '(a+)+$' });
    expect(rules.short(`${'a'.repeat(5000)}!`)).toBe(`${'a'.repeat(5000)}!`);
    expect(rules.short('a'.repeat(5000))).toBe('[redacted slow]');
  });

  it('give every one of many long answers its own texts back', async () => {
    const rules = await rulesOf(card);
    const answers = Array.from({ length: 5 }, (_, n) => `${n} 4111-1111 ${'x '.repeat(10_000)}`);
    expect(await Promise.all(answers.map((text) => rules.whole(text)))).toEqual(
      answers.map((text) => text.replace('4111-1111', '[redacted card]')),
    );
  });
});
