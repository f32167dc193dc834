import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { type Blueprint, say } from '@aos/contracts';
import { BlueprintStore } from './blueprint-store';

const url = '/projects/birds/blueprints/b1';
const fault = {
  path: 'steps.0.tool',
  message: 'there is no tool',
  said: say('unknown-of', { what: '' }),
};

const aBlueprint = (over: Partial<Blueprint> = {}): Blueprint => ({
  ...{ id: 'b1', projectId: 'birds', name: 'Monthly', description: '', version: 1 },
  ...{ inputs: [], env: [], faults: [fault] },
  steps: [{ id: 'one', tool: 'probe.do', args: {} }],
  ...{ createdBy: 'Ada', createdAt: '2026-11-22T10:00:00.000Z' },
  ...{ updatedBy: 'Ada', updatedAt: '2026-11-22T10:00:00.000Z' },
  ...over,
});

function setup() {
  TestBed.configureTestingModule({
    providers: [BlueprintStore, provideHttpClient(), provideHttpClientTesting()],
  });
  const store = TestBed.inject(BlueprintStore);
  const http = TestBed.inject(HttpTestingController);
  const answer = (blueprint: Blueprint) =>
    http.match({ method: 'GET', url }).forEach((request) => request.flush(blueprint));
  store.show('birds', 'b1');
  answer(aBlueprint());
  return { store, http, answer };
}

describe('the page of one blueprint', () => {
  it('shows what is not there today at its step, until something is typed', () => {
    const { store } = setup();
    const [step] = store.draft()!.steps;
    expect(store.faults()).toMatchObject([{ key: step!.key, path: 'tool' }]);
    store.set({ description: 'New' });
    expect([store.isChanged(), store.faults()]).toEqual([true, []]);
    store.undo();
    expect([store.isChanged(), store.faults().length]).toEqual([false, 1]);
  });

  it('takes in what somebody else has saved, and tells of it instead where something was typed', () => {
    const { store, answer } = setup();
    store.refresh();
    answer(aBlueprint({ version: 2, description: 'Theirs' }));
    expect(store.draft()!.description).toBe('Theirs');
    store.set({ description: 'Mine' });
    store.refresh();
    answer(aBlueprint({ version: 3, description: 'Theirs again' }));
    expect([store.draft()!.description, store.base()!.version, store.newer()!.version]).toEqual([
      'Mine',
      2,
      3,
    ]);
    store.rebase();
    expect([store.draft()!.description, store.base()!.version, store.newer()]).toEqual([
      'Mine',
      3,
      null,
    ]);
  });

  it('keeps what was typed when a save is too late, and saves it upon the newer one when told to', () => {
    const { store, http, answer } = setup();
    store.set({ description: 'Mine' });
    let saved: Blueprint | null = null;
    const save = () => {
      store.save(' Why ', (blueprint) => (saved = blueprint));
      return http.expectOne({ method: 'PATCH', url });
    };
    const late = save();
    expect(late.request.headers.get('if-match')).toBe('"1"');
    late.flush(
      { type: 'x', code: 'precondition_failed', status: 412, title: 'No', detail: '', traceId: '' },
      { status: 412, statusText: 'No' },
    );
    answer(aBlueprint({ version: 2, description: 'Theirs' }));
    expect([store.draft()!.description, store.newer()?.version]).toEqual(['Mine', 2]);
    store.rebase();
    const again = save();
    expect([again.request.headers.get('if-match'), again.request.body]).toEqual([
      '"2"',
      expect.objectContaining({ description: 'Mine', comment: 'Why' }),
    ]);
    again.flush(aBlueprint({ version: 3, description: 'Mine' }));
    expect([saved!, store.isChanged()]).toEqual([expect.objectContaining({ version: 3 }), false]);
  });

  it('marks the steps that a save was refused for, wherever they are moved to', () => {
    const { store, http } = setup();
    const [step] = store.draft()!.steps;
    store.set({ steps: [{ ...step!, tool: 'probe.other' }] });
    store.save('', () => undefined);
    http.expectOne({ method: 'PATCH', url }).flush(
      {
        type: 'x',
        code: 'plan_invalid',
        status: 422,
        title: 'No',
        detail: '',
        traceId: '',
        errors: [fault],
      },
      { status: 422, statusText: 'No' },
    );
    store.set({ steps: [{ ...step!, key: 'new', id: 'zero' }, ...store.draft()!.steps] });
    expect(store.faults()).toMatchObject([{ key: step!.key, path: 'tool' }]);
    const [, one] = store.draft()!.steps;
    store.set({ steps: [{ ...one!, tool: 'probe.third' }] });
    expect(store.faults()).toEqual([]); // it is another one now
  });
});
