import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Agent } from '@aos/contracts';
import { AgentStore } from './agent-store';

const anAgent = (over: Partial<Agent> = {}, prompt = 'Look.'): Agent => ({
  id: '1',
  name: 'a',
  type: 'local',
  version: '1',
  status: 'stopped',
  replicas: 1,
  routePrefix: null,
  registered: false,
  load: { running: 0, queued: 0 },
  lastError: null,
  config: {
    prompt,
    sop: [{ args: { b: 1 }, tool: 'skills.x', id: 'one' }],
    tools: [],
    env: [],
    concurrency: 2,
  },
  createdAt: '2026-11-22T10:00:00.000Z',
  ...over,
});

function setup() {
  TestBed.configureTestingModule({
    providers: [AgentStore, provideHttpClient(), provideHttpClientTesting()],
  });
  const store = TestBed.inject(AgentStore);
  const http = TestBed.inject(HttpTestingController);
  const answer = (agent: Agent, revision: number) =>
    http
      .match({ method: 'GET', url: '/agents/a' })
      .forEach((request) => request.flush(agent, { headers: { etag: `"${revision}"` } }));
  store.show('a');
  answer(anAgent(), 3);
  return { store, http, answer };
}

describe('the page of one agent', () => {
  it('has no changes while the order of keys is all that differs', () => {
    const { store } = setup();
    expect(store.isChanged()).toBe(false);
    const sop = store.draft()?.sop ?? '';
    expect(sop.indexOf('"id"')).toBeLessThan(sop.indexOf('"args"'));
    store.set('sop', JSON.stringify(JSON.parse(sop)));
    expect(store.isChanged()).toBe(false);
    store.set('sop', '[]');
    expect(store.isChanged()).toBe(true);
  });

  it('keeps what is typed when the server tells of the agent again, and its state as it is now', () => {
    const { store, answer } = setup();
    store.set('prompt', 'Mine.');
    store.refresh();
    answer(anAgent({ status: 'running', version: '2' }, 'Theirs.'), 4);
    expect(store.draft()?.prompt).toBe('Mine.');
    expect(store.agent()?.status).toBe('running');
  });

  it('sends replicas one request at a time, with what was pressed by then, and shows that meanwhile', () => {
    const { store, http, answer } = setup();
    const sent = () =>
      http.expectOne({ method: 'POST', url: '/agents/a/scale' }, 'one under way at the most');
    for (const more of [1, 1, -1]) store.scaleBy(more);
    expect(store.replicas()).toBe(2);
    const first = sent();
    expect(first.request.body).toEqual({ replicas: 2 });
    store.scaleBy(1);
    first.flush(anAgent({ replicas: 2 }));
    expect(store.replicas()).toBe(3);
    answer(anAgent({ replicas: 2 }), 3);
    expect(store.replicas()).toBe(3);
    const second = sent();
    expect(second.request.body).toEqual({ replicas: 3 });
    second.flush(anAgent({ replicas: 3 }));
    answer(anAgent({ replicas: 3 }), 3);
    http.expectNone({ method: 'POST', url: '/agents/a/scale' });
    expect(store.replicas()).toBe(3);
    store.scaleBy(1);
    sent().flush(
      { code: 'forbidden', title: 'No', status: 403 },
      { status: 403, statusText: 'No' },
    );
    expect(store.replicas()).toBe(3);
  });

  it('saves against the version that was seen, and says so when it has gone', () => {
    const { store, http, answer } = setup();
    store.set('prompt', 'Mine.');
    store.refresh();
    answer(anAgent({ version: '2' }, 'Theirs.'), 4);
    store.save('why', () => expect('saved').toBe('refused'));
    const request = http.expectOne({ method: 'PATCH', url: '/agents/a' });
    expect(request.request.headers.get('if-match')).toBe('"3"');
    request.flush(
      { code: 'precondition_failed', title: 'Changed', status: 412 },
      { status: 412, statusText: 'Precondition Failed' },
    );
    expect(store.saving()).toMatchObject({ problem: { code: 'precondition_failed' } });
    store.undo();
    answer(anAgent({ version: '2' }, 'Theirs.'), 4);
    expect(store.draft()?.prompt).toBe('Theirs.');
  });

  it('takes no notice of an answer from before a change', () => {
    const { store, answer } = setup();
    store.refresh();
    answer(anAgent({ version: '2' }), 5);
    store.refresh();
    answer(anAgent({ version: '1' }), 4);
    expect(store.agent()?.version).toBe('2');
  });

  it('sends no way of work that is half typed', () => {
    const { store, http } = setup();
    store.set('sop', '[{"id"');
    expect(store.isChanged()).toBe(true);
    expect(store.after()).toBeNull();
    store.save('', () => undefined);
    http.expectNone({ method: 'PATCH', url: '/agents/a' });
  });
});
