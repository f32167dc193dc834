import { TestBed } from '@angular/core/testing';
import type { PolicyRule } from '@aos/contracts';
import { pageOf } from '../../../../testing/page';
import { provideSession } from '../../../../testing/session';
import { provideWords } from '../../../../testing/transloco';
import { words } from '../words.en';
import { freshRule } from './policy-draft';
import { RuleDialog } from './rule-dialog';

const known = {
  ...{ servers: ['env', 'shop'], tools: ['shell.run'], roles: ['operator'] },
  ...{ agents: [], projects: [] },
};
const policies = words.policies;

async function show(inputs: Record<string, unknown> = {}) {
  TestBed.configureTestingModule({
    imports: [RuleDialog],
    providers: [provideSession(), provideWords({ integrations: words })],
  });
  const fixture = TestBed.createComponent(RuleDialog);
  const put: PolicyRule[] = [];
  fixture.componentInstance.put.subscribe((rule) => put.push(rule));
  for (const [key, value] of Object.entries({ known, ...inputs }))
    fixture.componentRef.setInput(key, value);
  await fixture.whenStable();
  const page = pageOf(fixture);
  const add = async (selector: string, name: string) => {
    await page.write(selector, name);
    page.find(selector).dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
    await page.settle();
  };
  return { ...page, put, add };
}

describe('the dialog of a rule', () => {
  it('puts a new rule into the draft with what it is narrowed to, and no more', async () => {
    const { write, submit, add, find, settle, put } = await show();
    await write('#rule-id', 'no-shell');
    find('[type=radio][value=approve]').click();
    await settle();
    await add('#rule-servers', 'env');
    await add('#rule-tools', 'shell.*');
    await submit();
    expect(put).toEqual([
      { ...freshRule, id: 'no-shell', effect: 'approve', servers: ['env'], tools: ['shell.*'] },
    ]);
  });

  it('says in plain words who has to approve, of a rule that asks and of no other', async () => {
    const { write, submit, add, find, press, settle, has, put } = await show();
    await write('#rule-id', 'two-eyes');
    expect(has('#rule-count')).toBe(false);
    find('[type=radio][value=approve]').click();
    await settle();
    const whom = () => find('[data-testid=whom]').textContent?.trim();
    expect(whom()).toBe('Approved by: one person who may decide.');
    await write('#rule-count', '2');
    await add('#rule-approver-roles', 'operator');
    await add('#rule-approver-roles', 'admin');
    find('[type=checkbox]').click();
    await settle();
    expect(whom()).toBe(
      'Approved by: 2 people of the role operator or admin, not the one who asked.',
    );
    await press('Take admin away');
    await submit();
    find('[type=radio][value=deny]').click();
    await settle();
    await submit();
    const approvers = { count: 2, secondPerson: true, roles: ['operator'] };
    expect(put).toEqual([
      { ...freshRule, id: 'two-eyes', effect: 'approve', approvers },
      { ...freshRule, id: 'two-eyes', effect: 'deny' },
    ]);
  });

  it('applies to all again once the last name of a scope is gone', async () => {
    const rule: PolicyRule = { ...freshRule, id: 'a', roles: ['operator'] };
    const { press, submit, put } = await show({ rule });
    await press('Take operator away');
    await submit();
    expect(put).toEqual([{ ...freshRule, id: 'a' }]);
  });

  it('says at the field what is missing, once it was tried, and keeps the rule until then', async () => {
    const { write, press, submit, faults, put } = await show({ taken: ['theirs'] });
    expect(faults()).toEqual([]);
    await press(policies.addCondition);
    await submit();
    expect(faults()).toEqual([policies.idFault, policies.valueMissing]);
    await write('#rule-id', 'theirs');
    expect(faults()).toEqual([policies.idTaken, policies.valueMissing]);
    await write('#rule-id', 'mine');
    await write('.pointer', 'path');
    expect(faults()).toEqual([policies.pointerFault, policies.valueMissing]);
    expect(put).toEqual([]);
  });

  it('takes the value of a condition as the comparison reads it', async () => {
    const { write, press, submit, faults, put } = await show();
    await write('#rule-id', 'large');
    await press(policies.addCondition);
    await write('.pointer', '/bytes');
    await write('.op', 'greater-than');
    await write('.value', 'many');
    await write('.negate', 'not');
    await submit();
    expect(faults()).toEqual([policies.valueNumber]);
    await write('.value', '1000');
    await submit();
    expect(put[0]?.when).toEqual([
      { pointer: '/bytes', op: 'greater-than', value: 1_000, negate: true },
    ]);
  });

  it('takes a condition away', async () => {
    const when = [{ pointer: '/a', op: 'exists' as const, negate: false }];
    const { press, submit, put } = await show({ rule: { ...freshRule, id: 'a', when } });
    await press('Take condition 1 away');
    await submit();
    expect(put[0]?.when).toEqual([]);
  });

  it('begins a new rule with what it was asked for with', async () => {
    const { find } = await show({ start: { id: 'no-deleting', tools: ['*delete*'] } });
    expect(find<HTMLInputElement>('#rule-id').value).toBe('no-deleting');
    expect(find('aos-name-list .name').textContent).toBeDefined();
  });
});
