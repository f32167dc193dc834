import { TestBed } from '@angular/core/testing';
import type { DecideRequest } from '@aos/contracts';
import { anApproval } from '../../../testing/factories';
import { appears } from '../../../testing/page';
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

  const several = { count: 2, secondPerson: true, roles: ['admin'] };
  const yes = {
    ...{ by: 'Mara', decision: 'continue' as const, comment: 'looked at it' },
    ...{ at: new Date().toISOString(), breakGlass: false, counts: true },
  };

  it('says who has to say yes, who has, and whose yes does not count any more', async () => {
    const votes = [yes, { ...yes, by: 'Jun', comment: null, counts: false }];
    const { host } = await show(anApproval({ approvers: several, given: 1, votes }));
    const who = host.querySelector('.who')!;
    expect(who.textContent).toContain('2 people of the role admin, not the one who asked');
    expect(who.querySelector('[data-testid=given]')?.textContent).toBe('1 of 2');
    const said = [...who.querySelectorAll('.vote')].map(({ textContent }) => textContent);
    expect(said[0]).toMatch(/Mara said yes\s+looked at it/);
    expect(said[1]).toMatch(/Jun said yes\s+Does not count any more/);
  });

  it.each([
    ['own', 'You asked for this yourself', []],
    ['role', 'Others have to decide this', []],
    ['voted', 'You said yes', ['Degrade', 'Abort']],
    ['permission', 'Your role may not decide this', []],
  ] as const)('says what keeps me from a yes: %s', async (obstacle, why, left) => {
    const you = { obstacle, mayBreakGlass: false };
    const { host } = await show(
      anApproval({ approvers: several, schema: { type: 'object' }, you }),
    );
    expect(host.querySelector('[data-testid=why]')?.textContent).toContain(why);
    const buttons = [...host.querySelectorAll('.answers .btn')].map(({ textContent }) =>
      textContent?.trim(),
    );
    expect(buttons).toEqual(left);
  });

  it('lets nobody edit what others have to approve, nor a call that is somebody else’s', async () => {
    for (const [over, isOffered] of [
      [{}, true],
      [{ secondPerson: true }, false],
      [{ approvers: { count: 2, secondPerson: false } }, false],
      [{ jobId: null }, false],
    ] as const) {
      const { button } = await show(anApproval({ schema: { type: 'object' }, ...over }));
      expect([over, button('Edit arguments') !== undefined]).toEqual([over, isOffered]);
      TestBed.resetTestingModule();
    }
  });

  it('decides alone only in a second step, with a reason in words', async () => {
    const you = { obstacle: 'role' as const, mayBreakGlass: true };
    const { fixture, host, answers, button } = await show(anApproval({ approvers: several, you }));
    document.body.append(host);
    const open = async () => {
      button('Decide alone…')?.click();
      const reason = await appears<HTMLTextAreaElement>(host, 'textarea');
      await fixture.whenStable();
      return reason;
    };
    const write = async (words: string) => {
      const box = host.querySelector('textarea')!;
      box.value = words;
      box.dispatchEvent(new Event('input'));
      await fixture.whenStable();
    };
    const first = await open();
    expect(document.activeElement).toBe(first);
    const heard: string[] = [];
    host.addEventListener('keydown', ({ key }) => heard.push(key));
    first.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    await fixture.whenStable();
    expect(document.activeElement).toBe(button('Decide alone…'));
    expect(heard).toEqual([]);
    await open();
    for (const nothing of ['', ' \u200b- ']) {
      await write(nothing);
      expect(button('Decide alone')?.disabled).toBe(true);
    }
    await write(' The line stands still. ');
    button('Decide alone')?.click();
    expect(answers).toEqual([
      {
        ...{ approvalId: 'approval-1', decision: 'continue', breakGlass: true },
        comment: 'The line stands still.',
      },
    ]);
    host.remove();
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
