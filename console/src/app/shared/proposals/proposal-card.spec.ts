import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Proposal } from '@aos/contracts';
import { appears } from '../../../testing/page';
import { provideWords } from '../../../testing/transloco';
import { ProposalCard } from './proposal-card';
import { words } from './words.en';

const proposal: Proposal = {
  id: '7',
  kind: 'settings',
  action: 'config.save',
  target: 'config:system',
  projectId: null,
  subject: null,
  baseVersion: 3,
  before: { gateway: { retries: 2 } },
  after: { gateway: { retries: '<b>5</b>' } },
  changes: [],
  isPartial: false,
  comment: 'because',
  state: 'pending',
  voidBecause: null,
  proposedBy: 'user:1',
  proposedByName: 'Ann',
  createdAt: '2026-11-27T10:00:00.000Z',
  expiresAt: '2026-12-04T10:00:00.000Z',
  decidedBy: null,
  decidedByName: null,
  decidedAt: null,
  decisionComment: null,
  breakGlass: false,
  you: { obstacle: null, mayWithdraw: false, mayBreakGlass: false },
};

describe('a change that waits', () => {
  const open = async (more: Partial<Proposal> = {}) => {
    TestBed.configureTestingModule({
      imports: [ProposalCard],
      providers: [
        provideWords({ proposals: words }),
        provideHttpClient(),
        provideHttpClientTesting(),
      ],
    });
    const fixture = TestBed.createComponent(ProposalCard);
    fixture.componentRef.setInput('proposal', { ...proposal, ...more });
    const decided: (Proposal | null)[] = [];
    fixture.componentInstance.decided.subscribe((each) => decided.push(each));
    await fixture.whenStable();
    const root = fixture.nativeElement as HTMLElement;
    const button = (word: string) =>
      [...root.querySelectorAll('button')].find((each) => each.textContent?.trim() === word);
    const settle = async () => {
      await new Promise((resolve) => setTimeout(resolve)); // no wait: one turn, for the promises behind an answer
      await fixture.whenStable();
    };
    return { root, decided, button, settle, http: TestBed.inject(HttpTestingController) };
  };

  it('shows its difference as text, and is confirmed by who could make it', async () => {
    const { root, decided, button, settle, http } = await open();
    expect(root.textContent).toContain('<b>5</b>');
    expect(root.querySelector('b')).toBeNull();
    expect(button('Withdraw')).toBeUndefined();
    button('Confirm')!.click();
    const call = http.expectOne('/config/proposals/7/decide');
    expect(call.request.body).toEqual({ decision: 'confirm' });
    call.flush({ ...proposal, state: 'applied' });
    await settle();
    expect(decided).toMatchObject([{ state: 'applied' }]);
  });

  it('says why I cannot, and offers what I can', async () => {
    const { root, button } = await open({
      you: { obstacle: 'own', mayWithdraw: true, mayBreakGlass: false },
    });
    expect(root.textContent).toContain('You proposed this. Somebody else has to confirm it.');
    expect(button('Confirm')).toBeUndefined();
    expect(button('Refuse')).toBeUndefined();
    expect(button('Apply it alone…')).toBeUndefined();
    expect(button('Withdraw')).toBeDefined();
  });

  it('keeps the refusal of one whose base has moved in sight, with the new difference', async () => {
    const { root, decided, button, settle, http } = await open();
    button('Confirm')!.click();
    http.expectOne('/config/proposals/7/decide').flush(
      {
        code: 'proposal_void',
        status: 409,
        title: 'void',
        detail: 'It has changed since.',
        traceId: 't',
        errors: [{ path: 'gateway.retries', message: 'is 9 now; would become 5' }],
      },
      { status: 409, statusText: 'Conflict' },
    );
    await settle();
    expect(root.querySelector('aos-problem')!.textContent).toContain('is 9 now; would become 5');
    expect(decided).toEqual([null]);
  });

  it('is applied alone only for a reason in words', async () => {
    const { root, button, settle, http } = await open({
      you: { obstacle: 'own', mayWithdraw: true, mayBreakGlass: true },
    });
    button('Apply it alone…')!.click();
    await settle();
    const reason = await appears<HTMLTextAreaElement>(root, 'textarea');
    const type = async (text: string) => {
      reason.value = text;
      reason.dispatchEvent(new Event('input'));
      await settle();
    };
    await type(' – ');
    expect(button('Apply it alone')!.disabled).toBe(true);
    await type('Nobody is awake');
    button('Apply it alone')!.click();
    expect(http.expectOne('/config/proposals/7/decide').request.body).toEqual({
      decision: 'confirm',
      breakGlass: true,
      comment: 'Nobody is awake',
    });
  });
});
