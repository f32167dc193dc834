import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Conversation, Page } from '@aos/contracts';
import { provideMockActions } from '@ngrx/effects/testing';
import { provideState, provideStore } from '@ngrx/store';
import { Subject } from 'rxjs';
import { anEvent } from '../../../testing/factories';
import { StreamEvents } from '../../shared/state/connection';
import { session } from '../../shared/state/session';
import { ConversationsStore } from './conversations-store';

const conversation = (id: string, title = id): Conversation => ({
  ...{ id, title, projectId: null, createdBy: 'mara', version: 3 },
  ...{ createdAt: '2026-11-22T10:00:00.000Z', updatedAt: '2026-11-22T10:00:00.000Z' },
});
const page = (ids: string[], nextCursor: string | null = null): Page<Conversation> => ({
  items: ids.map((id) => conversation(id)),
  nextCursor,
});

/** The answer goes through promises; what waits on them comes after what is queued now. */
const settled = () => new Promise((done) => setTimeout(done));

async function setup(first = page(['a', 'b'], 'next')) {
  const actions = new Subject<ReturnType<typeof StreamEvents.received>>();
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideStore(),
      provideState(session),
      provideMockActions(() => actions),
      ConversationsStore,
    ],
  });
  const http = TestBed.inject(HttpTestingController);
  const store = TestBed.inject(ConversationsStore);
  const answer = async (body: object | null, method = 'GET') => {
    const request = http.expectOne((one) => one.method === method);
    request.flush(body);
    await settled();
    return request.request;
  };
  await answer(first);
  const tell = (type: string) =>
    actions.next(StreamEvents.received({ events: [anEvent({ type })] }));
  return { http, store, answer, tell, ids: () => store.items().map(({ id }) => id) };
}

describe('the conversations', () => {
  it('go on where the last page ended', async () => {
    const { store, answer, ids } = await setup();
    expect(store.hasMore()).toBe(true);
    void store.load(true);
    const request = await answer(page(['c']));
    expect(request.params.get('cursor')).toBe('next');
    expect(ids()).toEqual(['a', 'b', 'c']);
    expect(store.hasMore()).toBe(false);
  });

  it('are looked for until some are found or there are no more, and stay when the newest part holds none', async () => {
    const { store, answer, tell, ids } = await setup();
    store.query.set('gulls');
    void store.load();
    await answer(page([], 'part-2'));
    expect(store.call().state).toBe('loading');
    expect((await answer(page(['g'], 'part-3'))).params.get('cursor')).toBe('part-2');
    expect([ids(), store.hasMore(), store.call().state]).toEqual([['g'], true, 'done']);
    tell('task.acceptance');
    await answer(page([], 'part-2'));
    expect(ids()).toEqual(['g']);
    void store.load(true);
    expect((await answer(page([], 'part-4'))).params.get('cursor')).toBe('part-3');
    await answer(page([]));
    expect([ids(), store.hasMore()]).toEqual([['g'], false]);
  });

  it('take the answer to the last words only', async () => {
    const { http, store, ids } = await setup();
    store.query.set('gulls');
    void store.load();
    const early = http.expectOne((one) => one.params.get('q') === 'gulls');
    store.query.set('doves');
    void store.load();
    http.expectOne((one) => one.params.get('q') === 'doves').flush(page(['doves']));
    early.flush(page(['gulls']));
    await settled();
    expect(ids()).toEqual(['doves']);
  });

  it('are renamed against the version that was read', async () => {
    const { store, answer } = await setup();
    const renaming = store.rename(store.items()[0]!, 'new');
    const request = await answer({ ...conversation('a', 'new'), version: 4 }, 'PATCH');
    expect(request.headers.get('if-match')).toBe('"3"');
    expect((await renaming)?.version).toBe(4);
    expect(store.items()[0]?.title).toBe('new');
  });

  it('stay in the list when the server will not delete them', async () => {
    const { http, store, ids } = await setup();
    const deleting = store.delete(store.items()[0]!);
    http
      .expectOne((one) => one.method === 'DELETE')
      .flush({ code: 'conflict', title: 'No', status: 409 }, { status: 409, statusText: 'no' });
    expect(await deleting).toBe(false);
    expect(ids()).toEqual(['a', 'b']);
    expect(store.change()).toMatchObject({ state: 'failed', problem: { code: 'conflict' } });
  });

  it('come to the top when somebody writes to them elsewhere, and the older ones that were asked for stay', async () => {
    const older = { ...conversation('old'), updatedAt: '2026-11-20T10:00:00.000Z' };
    const { store, answer, tell, ids } = await setup();
    void store.load(true);
    await answer({ items: [older], nextCursor: null });
    tell('task.acceptance');
    const request = await answer(page(['b', 'made-elsewhere', 'a'], 'next'));
    expect(request.params.has('cursor')).toBe(false);
    expect(ids()).toEqual(['b', 'made-elsewhere', 'a', 'old']);
    // The older ones are all there: there is nothing to go on to.
    expect(store.hasMore()).toBe(false);
  });

  it('are not asked for again by what only moves', async () => {
    const { http, tell } = await setup();
    tell('task.progress.milestone');
    http.verify();
  });
});
