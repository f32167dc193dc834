import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Policies, PolicyRule } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { me } from '../../../../testing/factories';
import { provideSession } from '../../../../testing/session';
import { SessionEvents } from '../../../shared/state/session';
import { PoliciesStore } from './policies-store';
import { freshRule } from './policy-draft';

const rule = (id: string): PolicyRule => ({ ...freshRule, id });
const version = (n: number, ...ids: string[]): Policies => ({
  version: n,
  updatedAt: null,
  updatedBy: 'user:x',
  document: { default: 'allow', rules: ids.map(rule) },
});

describe('a draft of the policies', () => {
  beforeEach(() => sessionStorage.clear());

  function setup(id = me.user.id) {
    TestBed.resetTestingModule();
    TestBed.configureTestingModule({
      providers: [provideHttpClient(), provideHttpClientTesting(), provideSession(), PoliciesStore],
    });
    const user = { ...me.user, id };
    TestBed.inject(Store).dispatch(SessionEvents.found({ me: { ...me, user } }));
    const store = TestBed.inject(PoliciesStore);
    const http = TestBed.inject(HttpTestingController);
    const answer = async (policies: Policies) => {
      const loaded = store.load();
      http.expectOne('/mcp/policies').flush(policies);
      await loaded;
    };
    return { store, http, answer };
  }

  const ids = (store: PoliciesStore) => store.draft()?.rules.map(({ id }) => id);

  it('is one only as long as it says something else', async () => {
    const { store, answer } = setup();
    await answer(version(1, 'a', 'b'));
    store.move('b', -1);
    expect([ids(store), store.isChanged()]).toEqual([['b', 'a'], true]);
    store.move('b', 1);
    expect(store.isChanged()).toBe(false);
  });

  it('outlives the page, and what is saved meanwhile', async () => {
    const first = setup();
    await first.answer(version(1, 'a'));
    first.store.put(rule('mine'), null);

    const { store, answer } = setup();
    await answer(version(2, 'a', 'theirs'));
    expect([ids(store), store.newer()?.version]).toEqual([['mine', 'a'], 2]);
    store.rebase();
    expect([ids(store), store.newer(), store.base()?.version]).toEqual([
      ['mine', 'a', 'theirs'],
      null,
      2,
    ]);
  });

  it('is nobody else’s, who signs in where the session of its writer ran out', async () => {
    const mara = setup('mara');
    await mara.answer(version(1, 'a'));
    mara.store.put(rule('mine'), null);

    const joe = setup('joe');
    await joe.answer(version(1, 'a'));
    expect([ids(joe.store), joe.store.isChanged()]).toEqual([['a'], false]);
    joe.store.toggle('a');
    joe.store.discard();

    const again = setup('mara');
    await again.answer(version(1, 'a'));
    expect(ids(again.store)).toEqual(['mine', 'a']);
  });

  it('is kept when it is refused as stale, and tells of the new version', async () => {
    const { store, http, answer } = setup();
    await answer(version(1, 'a'));
    store.toggle('a');
    const saved = store.save();
    const put = http.expectOne({ method: 'PUT', url: '/mcp/policies' });
    expect(put.request.headers.get('If-Match')).toBe('"1"');
    put.flush(
      { code: 'precondition_failed', title: '', status: 412 },
      { status: 412, statusText: 'x' },
    );
    await Promise.resolve();
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    http.expectOne({ method: 'GET', url: '/mcp/policies' }).flush(version(2, 'a', 'b'));
    expect(await saved).toBe(false);
    expect([store.newer()?.version, store.draft()?.rules[0]!.enabled]).toEqual([2, false]);
    expect(store.saving().state).toBe('idle');
  });

  it('is gone once it is saved or discarded', async () => {
    const { store, http, answer } = setup();
    await answer(version(1, 'a'));
    store.setDefault('deny');
    const saved = store.save();
    http.expectOne({ method: 'PUT', url: '/mcp/policies' }).flush({
      ...version(2, 'a'),
      document: { default: 'deny', rules: [rule('a')] },
    });
    expect([await saved, store.isChanged(), store.saved()?.version]).toEqual([true, false, 2]);
    store.remove('a');
    store.discard();
    expect([ids(store), sessionStorage.length]).toEqual([['a'], 0]);
  });

  it('is sent once, however often the button is pressed', async () => {
    const { store, http, answer } = setup();
    await answer(version(1, 'a'));
    store.toggle('a');
    const saves = [store.save(), store.save()];
    http.expectOne({ method: 'PUT', url: '/mcp/policies' }).flush(version(2, 'a'));
    expect(await Promise.all(saves)).toEqual([true, false]);
  });

  it('does not go back to an answer from before a save', async () => {
    const { store, answer } = setup();
    await answer(version(2, 'a'));
    await answer(version(1));
    expect(store.saved()?.version).toBe(2);
  });
});
