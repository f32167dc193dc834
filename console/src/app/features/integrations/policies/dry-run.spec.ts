import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import type { McpTool, PolicyDocument, PreviewPolicies } from '@aos/contracts';
import { Subject, of, throwError } from 'rxjs';
import { pageOf } from '../../../../testing/page';
import { provideWords } from '../../../../testing/transloco';
import { IntegrationsApi } from '../integrations-api';
import { words } from '../words.en';
import { DryRun } from './dry-run';
import { freshRule } from './policy-draft';

const tool = {
  ...{ server: 'env', name: 'shell.run', tool: 'env.shell.run' },
  inputSchema: {
    type: 'object',
    properties: { command: { type: 'string' } },
    required: ['command'],
  },
} as unknown as McpTool;
const draft = (...ids: string[]): PolicyDocument => ({
  default: 'allow',
  rules: ids.map((id) => ({ ...freshRule, id })),
});
const decided = (effect: string, rule: string | null) => ({ effect, rule });
const foreseen = {
  outcome: 'stop',
  links: [{ link: 'policy', verdict: 'stop', says: 'The rule no-shell denies it.', errors: [] }],
  ...{ before: decided('allow', null), after: decided('deny', 'no-shell') },
};

async function show(inputs: Record<string, unknown>, api: object) {
  TestBed.configureTestingModule({
    imports: [DryRun],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      { provide: IntegrationsApi, useValue: api },
    ],
  });
  const fixture = TestBed.createComponent(DryRun);
  const set = async (more: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(more)) fixture.componentRef.setInput(key, value);
    await fixture.whenStable();
  };
  const told: unknown[] = [];
  fixture.componentInstance.decided.subscribe((rule) => told.push(rule));
  await set({
    ...{ draft: draft('no-shell'), isDraft: true, mayWrite: true, tools: [tool] },
    ...{ roles: ['operator'], agents: ['analyst'], ...inputs },
  });
  return { ...pageOf(fixture), set, told };
}

describe('a dry run', () => {
  it('asks by the draft for whoever is chosen, and shows what each set of rules decides', async () => {
    const asked: PreviewPolicies[] = [];
    const { submit, find, told } = await show(
      { tool: 'env.shell.run', caller: 'role:operator', project: 'p1' },
      {
        previewPolicies: (body: PreviewPolicies) => {
          asked.push(body);
          return of({ call: foreseen });
        },
      },
    );
    await submit();
    expect(asked).toEqual([
      {
        document: draft('no-shell'),
        call: {
          ...{ server: 'env', tool: 'shell.run', args: {} },
          ...{ roles: ['operator'], projectId: 'p1' },
        },
      },
    ]);
    const said = [...find('dl').querySelectorAll('dd')].map((each) =>
      each.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(said).toEqual([
      `${words.policies.effects.allow}${words.dry.byDefault}`,
      `${words.policies.effects.deny}no-shell`,
    ]);
    expect(find('[data-link=policy]').textContent).toContain('The rule no-shell denies it.');
    expect(told.at(-1)).toBe('no-shell');
  });

  it('forgets its answer when the draft becomes another one', async () => {
    const { submit, set, has, told } = await show(
      { tool: 'env.shell.run' },
      { previewPolicies: () => of({ call: foreseen }) },
    );
    await submit();
    expect(has('.answer')).toBe(true);
    await set({ draft: draft('another') });
    expect(has('.answer')).toBe(false);
    expect(told.at(-1)).toBeNull();
  });

  it('drops an answer to a draft that is no more', async () => {
    const answer = new Subject<unknown>();
    const { submit, set, has } = await show(
      { tool: 'env.shell.run' },
      { previewPolicies: () => answer },
    );
    await submit();
    await set({ draft: draft('another') });
    answer.next({ call: foreseen });
    answer.complete();
    await new Promise((done) => setTimeout(done));
    await set({});
    expect(has('.answer')).toBe(false);
  });

  it('of whoever may not change the rules is about their own call, by the saved ones', async () => {
    const asked: unknown[] = [];
    const { submit, has, find } = await show(
      { tool: 'env.shell.run', mayWrite: false },
      {
        wouldCall: (...what: unknown[]) => {
          asked.push(what);
          const { outcome, links } = foreseen;
          return of({ structuredContent: { dryRun: true, outcome, links } });
        },
      },
    );
    expect([has('#dry-as'), has('#dry-project')]).toEqual([false, false]);
    await submit();
    expect(asked).toEqual([['env', 'shell.run', {}]]);
    expect(has('dl')).toBe(false);
    expect(find('[data-link=policy]').textContent).toContain('denies it');
  });

  it('says why nothing could be foreseen, and is asked again', async () => {
    const refused = { code: 'unavailable', title: 'Busy', detail: '', status: 503, traceId: 't1' };
    let isBusy = true;
    const { submit, has } = await show(
      { tool: 'env.shell.run' },
      {
        previewPolicies: () => (isBusy ? throwError(() => refused) : of({ call: foreseen })),
      },
    );
    await submit();
    expect([has('aos-problem'), has('.answer')]).toEqual([true, false]);
    isBusy = false;
    await submit();
    expect([has('aos-problem'), has('.answer')]).toEqual([false, true]);
  });

  it('takes a tool that is typed whole into the address, and half of one not', async () => {
    const { write, button } = await show({}, {});
    expect(button(words.dryRun)?.disabled).toBe(true);
    const gone: unknown[] = [];
    TestBed.inject(Router).navigate = (_, how) => {
      gone.push(how?.queryParams);
      return Promise.resolve(true);
    };
    await write('#dry-tool', 'env.shell');
    await write('#dry-tool', 'env.shell.run');
    expect(gone).toEqual([{ tool: 'env.shell.run' }]);
  });
});
