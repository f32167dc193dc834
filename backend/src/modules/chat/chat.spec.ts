import type { AosEvent, Conversation, ConversationDetail, Page } from '@aos/contracts';
import { Relay } from '../../platform/outbox/relay.js';
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
        // The name that approvals and the record have too, and not the address.
        author: 'owner',
        text: 'say a\nplease',
        jobId: sent.jobId,
        traceId: sent.traceId,
      },
      {
        role: 'assistant',
        author: 'AOS',
        text: job.receipt.summary,
        said: [{ code: 'steps-all-done-one' }],
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

test('a conversation is found by its title and by what was written in it', async () => {
  const sent = await bench.send({ text: 'Count 100% of the gulls_now', steps: [step('a')] });
  await bench.ended(sent.jobId);
  const search = async (q: string) =>
    (
      await bench.call<Page<Conversation>>(`/api/chat/conversations?q=${encodeURIComponent(q)}`, {
        as: bench.owner,
      })
    ).body.items.map(({ id }) => id);
  expect(await search('GULLS')).toEqual([sent.conversationId]);
  expect(await search('100% of')).toEqual([sent.conversationId]);
  // What a pattern would mean is only what was typed.
  expect(await search('100%gulls')).toEqual([]);
  expect(await search('gullsXnow')).toEqual([]);
  const { text } = (await detail(sent.conversationId)).messages[1]!;
  expect(await search(text.slice(0, 20))).toContain(sent.conversationId);
});

test('a search reads a part of the conversations and messages, and its page says where it goes on', async () => {
  const add = (count: number, title: string, days: number) =>
    bench.database.query<{ id: string }>(
      `INSERT INTO conversations (id, title, created_by, created_at, updated_at)
       SELECT gen_random_uuid(), $2, 'test', t, t
         FROM (SELECT now() - $3 * interval '1 day' - n * interval '1 second' AS t FROM generate_series(1, $1::int) AS n) AS times
       RETURNING id`,
      [count, title, days],
    );
  const [old] = await add(1, 'the needle', 400);
  const [talk] = await add(1, 'a long talk', 401);
  await bench.database.query(
    `INSERT INTO messages (id, conversation_id, role, author, text, created_at)
     SELECT gen_random_uuid(), $1, 'user', 'test', CASE n WHEN 1 THEN 'pin one' WHEN 2 THEN 'pin two' ELSE 'hay' END,
            now() - interval '401 days' + n * interval '1 second' FROM generate_series(1, 201) AS n`,
    [talk!.id],
  );
  await add(600, 'hay', 30);
  const search = (q: string, cursor?: string | null) =>
    bench.call<Page<Conversation>>(
      `/api/chat/conversations?limit=5&q=${encodeURIComponent(q)}${cursor ? `&cursor=${cursor}` : ''}`,
      { as: bench.owner },
    );
  const first = await search('needle');
  expect(first.body.items).toEqual([]);
  const second = await search('needle', first.body.nextCursor);
  expect(second.body.items.map(({ id }) => id)).toEqual([old!.id]);
  expect(second.body.nextCursor).toBeNull();
  const hay = await search('hay');
  expect([hay.body.items.length, hay.body.nextCursor]).toEqual([5, expect.any(String)]);
  for (const [q, found] of [
    ['pin two', [talk!.id]],
    ['pin one', []], // further back than is looked
  ] as const) {
    const { nextCursor } = (await search(q)).body;
    expect((await search(q, nextCursor)).body.items.map(({ id }) => id)).toEqual(found);
  }
});

test('a conversation is renamed against its version, and the audit says from what to what', async () => {
  const sent = await bench.send({ text: 'old name', steps: [step('a')] });
  await bench.ended(sent.jobId);
  const path = `/api/chat/conversations/${sent.conversationId}`;
  const rename = (title: string, version: string) =>
    bench.call<Conversation>(path, {
      method: 'PATCH',
      as: bench.owner,
      body: { title },
      headers: { 'if-match': version },
    });
  const before = await detail(sent.conversationId);
  const renamed = await rename('new name', '"1"');
  expect(renamed.body).toMatchObject({
    title: 'new name',
    version: 2,
    updatedAt: before.updatedAt,
  });
  expect(renamed.headers.get('etag')).toBe('"2"');
  expect((await rename('late', '"1"')).status).toBe(412);
  expect((await rename(' ', '"2"')).status).toBe(400);
  const audit = await bench.database.query<{ diff: unknown }>(
    `SELECT diff FROM audit_logs WHERE action = 'conversation.rename' AND resource = $1`,
    [`conversation:${sent.conversationId}`],
  );
  expect(audit).toEqual([
    { diff: { before: { title: 'old name' }, after: { title: 'new name' } } },
  ]);
});

test('a conversation is deleted once its tasks have ended; the runs and the audit stay', async () => {
  const waits = step('a', {}, { approval: 'required' });
  const sent = await bench.send({ text: 'to be deleted', steps: [waits] });
  const path = `/api/chat/conversations/${sent.conversationId}`;
  const remove = (as: typeof bench.owner) => bench.call(path, { method: 'DELETE', as });
  expect((await remove(bench.owner)).status).toBe(409);
  await bench.call(`/jobs/${sent.jobId}/cancel`, { method: 'POST', as: bench.owner, body: {} });
  await bench.ended(sent.jobId);
  const viewer = await bench.signIn('viewer');
  expect((await remove(viewer)).status).toBe(403);
  expect((await remove(bench.owner)).status).toBe(204);
  expect((await bench.call(path, { as: bench.owner })).status).toBe(404);
  expect((await bench.call(`/jobs/${sent.jobId}`, { as: bench.owner })).status).toBe(200);
  const audit = await bench.database.query<{ diff: unknown }>(
    `SELECT diff FROM audit_logs WHERE action = 'conversation.delete' AND resource = $1`,
    [`conversation:${sent.conversationId}`],
  );
  expect(audit).toEqual([{ diff: { before: { title: 'to be deleted', messages: 2 } } }]);
});

/** Hears from the relay which tasks have their receipt numbered. */
function receiptsHeard() {
  const heard = new Set<string>();
  let look = () => {};
  bench.app.get(Relay, { strict: false }).onStamped((rows) => {
    for (const row of rows) if (row.type === 'task.receipt') heard.add(row.trace_id ?? '');
    look();
  });
  return (traceId: string) =>
    new Promise<void>((done) => {
      look = () => heard.has(traceId) && done();
      look();
    });
}

test('the past of the value stream is paged by seq, for those who may see it', async () => {
  const numbered = receiptsHeard();
  const sent = await bench.send({
    text: 'past',
    steps: [step('a'), step('b', {}, { needs: ['a'] })],
  });
  await bench.ended(sent.jobId);
  await numbered(sent.traceId);
  const told = await bench.call<Page<AosEvent>>(`/api/chat/events?traceId=${sent.traceId}`, {
    as: bench.owner,
  });
  const all = told.body.items;
  expect(all.map(({ type }) => type)).toEqual([
    'task.receipt',
    'task.progress.milestone',
    'task.progress.milestone',
    'task.acceptance',
  ]);
  const seen: number[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<AosEvent> = (
      await bench.call<Page<AosEvent>>(
        `/api/chat/events?limit=1&traceId=${sent.traceId}${cursor && `&cursor=${cursor}`}`,
        { as: bench.owner },
      )
    ).body;
    seen.push(...page.items.map(({ seq }) => seq));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(all.map(({ seq }) => seq));
  const earlier = await bench.call<Page<AosEvent>>(
    `/api/chat/events?traceId=${sent.traceId}&before=${all[1]!.seq}`,
    { as: bench.owner },
  );
  expect(earlier.body.items.map(({ seq }) => seq)).toEqual(seen.slice(2));
  const receipts = await bench.call<Page<AosEvent>>(
    `/api/chat/events?types=task.receipt&traceId=${sent.traceId}`,
    { as: bench.owner },
  );
  expect(receipts.body.items.map(({ type }) => type)).toEqual(['task.receipt']);
  const stranger = await bench.signIn('operator', 'elsewhere');
  expect(
    (await bench.call<Page<AosEvent>>('/api/chat/events', { as: stranger })).body.items,
  ).toEqual([]);
  expect((await bench.call('/api/chat/events?types=tool.call', { as: bench.owner })).status).toBe(
    400,
  );
});
