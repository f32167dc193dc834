import type { Conversation, ConversationDetail, Page } from '@aos/contracts';
import { type RunBench, openRunBench, step } from '../../../test/factories/runs.js';

let bench: RunBench;
beforeAll(async () => {
  bench = await openRunBench();
  bench.worker();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.probe.reset());

const detail = async (id: string) =>
  (await bench.call<ConversationDetail>(`/api/chat/conversations/${id}`, { as: bench.owner })).body;

test('a message is answered with its job and first events, and its receipt becomes the reply', async () => {
  const sent = await bench.send({ text: 'say a\nplease', steps: [step('a')] });
  expect(sent.events.map((event) => event.type)).toEqual([
    'job.status',
    'task.acceptance',
    'chat.message',
  ]);
  expect(sent.events.every((event) => event.traceId === sent.traceId && !('seq' in event))).toBe(
    true,
  );
  const job = await bench.ended(sent.jobId);
  expect(await detail(sent.conversationId)).toMatchObject({
    title: 'say a',
    messages: [
      {
        id: sent.messageId,
        role: 'user',
        text: 'say a\nplease',
        jobId: sent.jobId,
        traceId: sent.traceId,
      },
      {
        role: 'assistant',
        author: 'AOS',
        text: job.receipt.summary,
        jobId: sent.jobId,
        traceId: sent.traceId,
      },
    ],
  });
  const messages = await bench.events(sent.traceId, 'chat.message');
  expect(messages.map((event) => event.payload['role'])).toEqual(['user', 'assistant']);
});

test('steps without words get a goal that names their tools', async () => {
  const sent = await bench.send({ steps: [step('a'), step('b')] });
  const [message] = (await detail(sent.conversationId)).messages;
  expect(message!.text).toBe('Run 2 steps: probe.again, probe.again');
  await bench.ended(sent.jobId);
});

test('a conversation goes on, and the last written to comes first', async () => {
  const first = await bench.send({ text: 'one', steps: [step('a')] });
  await bench.ended(first.jobId);
  const second = await bench.send({ text: 'two', steps: [step('a')] });
  await bench.ended(second.jobId);
  const more = await bench.send({
    conversationId: first.conversationId,
    text: 'three',
    steps: [step('a')],
  });
  await bench.ended(more.jobId);
  expect(more.conversationId).toBe(first.conversationId);
  const texts = (await detail(first.conversationId)).messages.map((message) => message.role);
  expect(texts).toEqual(['user', 'assistant', 'user', 'assistant']);
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<Conversation> = (
      await bench.call<Page<Conversation>>(
        `/api/chat/conversations?limit=1${cursor && `&cursor=${cursor}`}`,
        { as: bench.owner },
      )
    ).body;
    seen.push(...page.items.map((item) => item.id));
    cursor = page.nextCursor;
  }
  expect(seen.slice(0, 2)).toEqual([first.conversationId, second.conversationId]);
  expect(new Set(seen).size).toBe(seen.length);
});

test('a message that cannot be a task leaves nothing behind', async () => {
  const count = async () => (await bench.database.query('SELECT 1 FROM conversations')).length;
  const before = await count();
  const send = (body: object) =>
    bench.refused('/api/chat/send', { method: 'POST', as: bench.owner, body });
  expect((await send({})).body.code).toBe('validation_failed');
  expect((await send({ text: 'x', more: 1 })).body.code).toBe('validation_failed');
  expect((await send({ steps: [step('a', {}, { needs: ['a'] })] })).body).toMatchObject({
    code: 'plan_invalid',
    errors: [{ message: 'the steps wait for each other: a → a' }],
  });
  expect((await send({ text: 'x', agentId: 'nobody' })).body.code).toBe('unknown_agent');
  expect(
    (await send({ text: 'x', conversationId: 'c0ffee00-0000-4000-8000-000000000001' })).status,
  ).toBe(404);
  expect(await count()).toBe(before);
});

test('a conversation is for those who may see its project', async () => {
  const sent = await bench.send({ text: 'secret plan', steps: [step('a')] });
  await bench.ended(sent.jobId);
  const stranger = await bench.signIn('operator', 'elsewhere');
  expect(
    (await bench.call(`/api/chat/conversations/${sent.conversationId}`, { as: stranger })).status,
  ).toBe(404);
  const list = await bench.call<Page<Conversation>>('/api/chat/conversations', { as: stranger });
  expect(list.body.items).toEqual([]);
  const viewer = await bench.signIn('viewer');
  expect(
    (await bench.call('/api/chat/send', { method: 'POST', as: viewer, body: { text: 'x' } }))
      .status,
  ).toBe(403);
  expect((await bench.call('/api/chat/conversations/nope', { as: bench.owner })).status).toBe(404);
  expect(
    (await bench.call('/api/chat/conversations?cursor=bm9wZQ', { as: bench.owner })).status,
  ).toBe(400);
});
