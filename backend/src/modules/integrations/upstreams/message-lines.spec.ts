import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { MessageLines } from './message-lines.js';

const lines = (maxBytes = 1000) => {
  const reader = new MessageLines(maxBytes);
  return (text: string | Buffer): JSONRPCMessage[] => [...reader.take(Buffer.from(text))];
};
const answer = (id: number, text = 'x') => ({ jsonrpc: '2.0' as const, id, result: { text } });
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

it('are read as they come, several at once and one in parts', () => {
  const take = lines();
  const notice = { jsonrpc: '2.0' as const, method: 'notifications/message', params: { a: 1 } };
  expect(take(line(answer(1)) + line(notice))).toEqual([answer(1), notice]);
  const bytes = Buffer.from(line(answer(2, 'ä€𝄞')));
  const cut = [...bytes].flatMap((_, at) => take(bytes.subarray(at, at + 1)));
  expect(cut).toEqual([answer(2, 'ä€𝄞')]);
  expect(take(`${JSON.stringify(answer(3))}\r\n`)).toEqual([answer(3)]);
});

it('are kept in few pieces, however small the pieces are that they come in', () => {
  const reader = new MessageLines(10_000);
  const bytes = Buffer.from(line(answer(1, 'x'.repeat(3000))));
  const parts = () => (reader as unknown as { parts: Buffer[] }).parts.length;
  let most = 0;
  const read = [...bytes].flatMap((_, at) => {
    const messages = [...reader.take(bytes.subarray(at, at + 1))];
    most = Math.max(most, parts());
    return messages;
  });
  expect(read).toEqual([answer(1, 'x'.repeat(3000))]);
  expect(most).toBe(1000);
});

it('tell how numbers were written that become others by being read', () => {
  const text =
    '{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"id":9007199254740993}}}';
  expect(lines()(`${text}\n`)).toMatchObject([
    { result: { content: [{ text: expect.stringContaining('9007199254740993') as string }] } },
  ]);
});

it('are found among greetings and complaints', () => {
  expect(lines()(`hello\n\n{ "half\n${line(answer(1))}bye\n`)).toEqual([answer(1)]);
});

it('are found among the lines of a log in JSON', () => {
  const others = [{ level: 30, msg: 'started' }, 5, null, 'ready', [], {}];
  expect(lines()(others.map(line).join('') + line(answer(1)))).toEqual([answer(1)]);
});

it.each([
  ['an answer without a number', { jsonrpc: '2.0', result: {} }],
  ['an answer with half a number', { jsonrpc: '2.0', id: 1.5, result: {} }],
  ['one of another protocol', { jsonrpc: '1.0', id: 1, result: {} }],
  ['a list for a result', { jsonrpc: '2.0', id: 1, result: [] }],
  ['something beside the result', { jsonrpc: '2.0', id: 1, result: {}, more: 1 }],
  ['words for what is said beside it', { jsonrpc: '2.0', id: 1, result: { _meta: 'words' } }],
])('are none when they only claim to be: %s', (_, value) => {
  expect(() => lines()(line(value))).toThrow();
});

it('may be as long as is allowed, be they in one piece or many, and no longer', () => {
  const longest = line(answer(1, 'x'.repeat(500)));
  const take = lines(longest.length - 1);
  expect(take(longest)).toHaveLength(1);
  expect(take(longest.slice(0, 300))).toEqual([]);
  expect(take(longest.slice(300) + longest)).toHaveLength(2);
  expect(take(longest.slice(0, -2))).toEqual([]);
  expect(() => take('xy')).toThrow(`a message is larger than ${longest.length - 1} bytes`);
});
