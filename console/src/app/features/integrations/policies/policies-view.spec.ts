import { TestBed } from '@angular/core/testing';
import { provideRouter, withComponentInputBinding } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { Api } from '@aos/api-client';
import type { Permission, Policies, PolicyRule } from '@aos/contracts';
import { of, throwError } from 'rxjs';
import { pageOf } from '../../../../testing/page';
import { provideSession } from '../../../../testing/session';
import { provideWords } from '../../../../testing/transloco';
import { AosApi } from '../../../shared/api/aos-api';
import { ProposalsApi } from '../../../shared/proposals/proposals-api';
import { IntegrationsApi } from '../integrations-api';
import { words } from '../words.en';
import { PoliciesView } from './policies-view';
import { freshRule } from './policy-draft';

const policies = words.policies;
const rule = (id: string, more: Partial<PolicyRule> = {}): PolicyRule => ({
  ...freshRule,
  id,
  ...more,
});
const saved = (version: number, ...rules: PolicyRule[]): Policies => ({
  ...{ version, updatedAt: '2026-11-22T10:00:00.000Z', updatedBy: 'user:u2' },
  document: { default: 'allow', rules },
});
const problem = (status: number, code: string) => ({
  ...{ type: 'about:blank', code, status, title: 'No', detail: '', traceId: 't1' },
});
const nothing = { items: [], nextCursor: null };

async function show(
  api: object,
  { permissions = ['tool.write', 'tool.call'], query = '' }: Asked = {},
) {
  TestBed.configureTestingModule({
    providers: [
      provideRouter([{ path: '', component: PoliciesView }], withComponentInputBinding()),
      provideWords({ integrations: words }),
      provideSession(...permissions),
      {
        provide: Api,
        useValue: { invoke: () => of({ items: [{ id: 'u2', name: 'Olga' }], nextCursor: null }) },
      },
      { provide: AosApi, useValue: { agents: () => of(nothing), projects: () => of(nothing) } },
      { provide: ProposalsApi, useValue: { list: () => of(nothing), rule: () => of({}) } },
      {
        provide: IntegrationsApi,
        useValue: {
          tools: () => of([]),
          roleNames: () => of(['operator']),
          previewPolicies: () =>
            of({ baseVersion: 1, changes: [], call: null, recent: { looked: 0, changed: [] } }),
          ...api,
        },
      },
    ],
  });
  const harness = await RouterTestingHarness.create(`/${query}`);
  await harness.fixture.whenStable();
  const page = pageOf(harness.fixture);
  const order = () =>
    [...page.root.querySelectorAll<HTMLElement>('[data-rule]')].map(
      ({ dataset }) => dataset['rule'],
    );
  return { ...page, order };
}
interface Asked {
  permissions?: Permission[];
  query?: string;
}

describe('the policies', () => {
  beforeEach(() => sessionStorage.clear());

  it('show their rules in the order in which they are asked, and whoever saved them', async () => {
    const { order, root } = await show(
      { policies: () => of(saved(3, rule('first'), rule('second'))) },
      { permissions: ['tool.write', 'user.read'] },
    );
    expect(order()).toEqual(['first', 'second']);
    expect(root.textContent).toContain('Version 3, saved by Olga');
  });

  it('ask for the names of the roles only where the person may see them', async () => {
    const asked: string[] = [];
    const roleNames = () => {
      asked.push('roles');
      return of([]);
    };
    const policies = () => of(saved(0));
    await show({ policies, roleNames }, { permissions: ['tool.read'] });
    expect(asked).toEqual([]);
    TestBed.resetTestingModule();
    await show({ policies, roleNames }, { permissions: ['tool.write', 'role.read'] });
    expect(asked).toEqual(['roles']);
  });

  it('offer a first rule only to those who may write one', async () => {
    const policies = () => of(saved(0));
    const { root: read } = await show({ policies }, { permissions: ['tool.read'] });
    expect(read.textContent).toContain(words.policies.none);
    expect(read.textContent).not.toContain(words.policies.begin);
    TestBed.resetTestingModule();
    const { root: write } = await show({ policies });
    expect(write.textContent).toContain(words.policies.begin);
  });

  it('become a draft that is looked over and saved upon the version that it began on', async () => {
    const sent: unknown[] = [];
    const { press, order, find, has } = await show({
      policies: () => of(saved(1, rule('first'), rule('second'))),
      savePolicies: (document: Policies['document'], version: number) => {
        sent.push([document.rules.map(({ id }) => id), version]);
        return of({ ...saved(2), document });
      },
    });
    expect(has('.draft')).toBe(false);
    await press('Ask second earlier');
    expect(order()).toEqual(['second', 'first']);
    await press(words.review);
    expect(find('aos-review-dialog [data-testid=changed-lines]').textContent).toContain('2');
    expect(find('aos-review-dialog aos-difference').textContent).toContain('first');
    expect(sent).toEqual([]);
    await press(policies.save);
    expect(sent).toEqual([[['second', 'first'], 1]]);
    expect([has('aos-review-dialog'), has('.draft')]).toEqual([false, false]);
    expect(order()).toEqual(['second', 'first']);
  });

  it('that somebody else saved meanwhile are shown, and the draft goes on upon them', async () => {
    let now = saved(1, rule('first'), rule('second'));
    const sent: number[] = [];
    const { press, order, find, root } = await show({
      policies: () => of(now),
      savePolicies: (document: Policies['document'], version: number) => {
        sent.push(version);
        if (version < now.version) return throwError(() => problem(412, 'precondition_failed'));
        return of({ ...saved(3), document });
      },
    });
    await press('Take second away');
    await press(words.review);
    now = saved(2, rule('first'), rule('second'), rule('theirs'));
    await press(policies.save);
    expect(find('aos-review-dialog [role=alert]').textContent).toContain('Version 2 was saved by');
    expect(find('aos-review-dialog').textContent).toContain('theirs');
    await press(policies.rebase);
    await press(policies.save);
    expect(sent).toEqual([1, 2]);
    expect(order()).toEqual(['first', 'theirs']);
    expect(root.textContent).not.toContain(policies.draftHelp);
  });

  it('keep the draft where the server refuses it, and say why', async () => {
    const { press, find, order } = await show({
      policies: () => of(saved(1, rule('first'), rule('second'))),
      savePolicies: () =>
        throwError(() => ({
          ...problem(422, 'validation_failed'),
          errors: [{ path: 'rules.0.id', message: 'shadows another' }],
        })),
    });
    await press('Ask second earlier');
    await press(words.review);
    await press(policies.save);
    expect(find('aos-review-dialog aos-problem').textContent).toContain('shadows another');
    expect(order()).toEqual(['second', 'first']);
  });

  it('are read again after a failure', async () => {
    let isAway = true;
    const { press, order, has } = await show({
      policies: () =>
        isAway ? throwError(() => problem(503, 'unavailable')) : of(saved(1, rule('first'))),
    });
    expect([has('aos-problem'), order()]).toEqual([true, []]);
    isAway = false;
    await press('Retry');
    expect([has('aos-problem'), order()]).toEqual([false, ['first']]);
  });

  it('begin with a rule that is likely to be wanted where there is none', async () => {
    const { press, find, root } = await show({ policies: () => of(saved(0)) });
    expect(root.textContent).toContain(policies.none);
    await press(policies.starter['no-deleting']);
    expect(find<HTMLInputElement>('#rule-id').value).toBe('no-deleting');
  });

  it('may be read and not changed by whoever may not write them', async () => {
    const { root, button, has } = await show(
      { policies: () => of(saved(1, rule('first'))) },
      { permissions: ['tool.read'], query: '?rule=first' },
    );
    expect(root.textContent).toContain(policies.mayNotWrite);
    expect(button(policies.add)).toBeUndefined();
    expect([has('.acts'), has('aos-rule-dialog'), has('aos-dry-run')]).toEqual([
      ...[false, false, false],
    ]);
    expect(root.textContent).toContain(words.mayNotCall);
  });

  it('are found by words, and not moved among those that are hidden', async () => {
    const { order, button } = await show(
      { policies: () => of(saved(1, rule('a-shell'), rule('deletes'), rule('b-shell'))) },
      { query: '?q=shell' },
    );
    expect(order()).toEqual(['a-shell', 'b-shell']);
    expect(button('Ask b-shell earlier')?.disabled).toBe(true);
  });
});
