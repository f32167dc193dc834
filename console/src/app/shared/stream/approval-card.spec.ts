import { TestBed } from '@angular/core/testing';
import type { DecideRequest } from '@aos/contracts';
import { anApproval } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import type { LiveApproval } from '../state/approvals';
import { ApprovalCard } from './approval-card';

async function show(approval: LiveApproval, mayDecide = true) {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(ApprovalCard);
  const answers: DecideRequest[] = [];
  fixture.componentInstance.decided.subscribe((answer) => answers.push(answer));
  fixture.componentRef.setInput('approval', approval);
  fixture.componentRef.setInput('mayDecide', mayDecide);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const button = (name: string) =>
    [...host.querySelectorAll('button')].find((b) => b.textContent?.trim() === name);
  return { fixture, host, answers, button };
}

describe('the approval card', () => {
  it('shows the tool, the whole of the arguments, who asked, the time left and that there is no way back', async () => {
    const { host } = await show(
      anApproval({ args: { path: '/data', lines: Array.from({ length: 300 }, (_, i) => i) } }),
    );
    const text = host.textContent ?? '';
    expect(text).toContain('skills.csv.clean');
    expect(text).toContain('299');
    expect(text).toContain('Asked by data-analyst');
    expect(text).toContain('This cannot be undone.');
    expect(host.querySelector('[data-testid=countdown]')?.textContent).toMatch(/9:\d\d left/);
  });

  it('shows arguments as text, never as markup', async () => {
    const { host } = await show(anApproval({ args: { html: '<img src=x onerror=alert(1)>' } }));
    expect(host.querySelector('img')).toBeNull();
    expect(host.querySelector('pre')?.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  it('writes out characters that cannot be seen', async () => {
    const { host } = await show(anApproval({ args: { file: 'invoice\u202Efdp.exe\u200B' } }));
    expect([...host.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual([
      'U+202E',
      'U+200B',
    ]);
    expect(host.querySelector('pre')?.textContent).not.toContain('\u202E');
  });

  it.each(['Continue', 'Degrade', 'Abort'])('answers %s', async (name) => {
    const { answers, button } = await show(anApproval());
    button(name)?.click();
    expect(answers).toEqual([{ approvalId: 'approval-1', decision: name.toLowerCase() }]);
  });

  it('sends the comment along', async () => {
    const { fixture, host, answers, button } = await show(anApproval());
    button('Add comment')?.click();
    await fixture.whenStable();
    const box = host.querySelector('textarea')!;
    box.value = '  looked at it  ';
    box.dispatchEvent(new Event('input'));
    button('Continue')?.click();
    expect(answers[0]?.comment).toBe('looked at it');
  });

  it('takes no second answer while the first is under way', async () => {
    const { host } = await show(anApproval({ deciding: 'continue' }));
    expect(
      [...host.querySelectorAll<HTMLButtonElement>('.answers .btn:not(.quiet)')].every(
        (b) => b.disabled,
      ),
    ).toBe(true);
  });

  it('offers no answer when the time is up, nor to whom may not decide', async () => {
    const late = await show(anApproval({ expiresAt: '2020-01-01T00:00:00.000Z' }));
    expect(late.button('Continue')).toBeUndefined();
    TestBed.resetTestingModule();
    const viewer = await show(anApproval(), false);
    expect(viewer.button('Continue')).toBeUndefined();
    expect(viewer.host.textContent).toContain('Your role may not decide this.');
  });

  it('folds to one line once decided: what, who, when', async () => {
    const { host } = await show(
      anApproval({ status: 'aborted', decidedBy: 'Mara', decidedAt: new Date().toISOString() }),
    );
    expect(host.querySelector('article')).toBeNull();
    expect(host.querySelector('[data-testid=decided]')?.textContent).toMatch(
      /Aborted\s+skills\.csv\.clean\s+· Mara/,
    );
  });
});
