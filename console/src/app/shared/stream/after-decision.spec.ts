import type { Type } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideState, provideStore, Store } from '@ngrx/store';
import { NEVER } from 'rxjs';
import { anApproval, anEvent, me } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import { AosApi } from '../api/aos-api';
import { ApprovalsEvents, approvals } from '../state/approvals';
import { StreamEvents, connection } from '../state/connection';
import { jobs } from '../state/jobs';
import { SessionEvents, session } from '../state/session';
import { valueEvents } from '../state/value-events';
import { Inbox } from './inbox';
import { ValueStream } from './value-stream';

async function show(part: Type<unknown>) {
  TestBed.configureTestingModule({
    providers: [
      provideRouter([]),
      provideWords(),
      provideStore(),
      ...[approvals, connection, jobs, session, valueEvents].map((feature) =>
        provideState(feature as typeof connection),
      ),
      { provide: AosApi, useValue: { pastEvents: () => NEVER } },
    ],
  });
  const store = TestBed.inject(Store);
  store.dispatch(SessionEvents.found({ me: { ...me, permissions: ['approval.decide'] } }));
  const fixture = TestBed.createComponent(part);
  const root = fixture.nativeElement as HTMLElement;
  document.body.append(root);
  const rows = ['one', 'two'].map((name, n) => {
    const id = `approval-${name}`;
    return anApproval({
      id,
      traceId: name,
      tool: `server.${name}`,
      createdAt: `2026-11-22T10:00:0${n}.000Z`,
    });
  });
  store.dispatch(
    StreamEvents.received({ events: rows.map(({ traceId }) => anEvent({ traceId })) }),
  );
  store.dispatch(
    ApprovalsEvents.pendingLoaded({ approvals: rows, askedAt: '2026-11-22T10:00:00.000Z' }),
  );
  await fixture.whenStable();
  const cards = () => [...root.querySelectorAll<HTMLElement>('article[data-approval]')];
  const toolOf = (card: HTMLElement) => card.dataset['approval'];
  /** Presses Continue in the first card, and the server agrees. */
  const approve = async () => {
    const card = cards()[0]!;
    const approval = rows.find(({ id }) => id === toolOf(card))!;
    const button = [...card.querySelectorAll('button')].find(
      ({ textContent }) => textContent?.trim() === 'Continue',
    )!;
    button.focus();
    button.click();
    await fixture.whenStable();
    return async (what: Partial<typeof approval> = { status: 'continued' }) => {
      store.dispatch(ApprovalsEvents.decided({ approval: { ...approval, ...what } }));
      await fixture.whenStable();
      return approval.tool;
    };
  };
  return { root, cards, approve };
}

describe.each<[string, Type<unknown>]>([
  ['the inbox', Inbox],
  ['the value stream', ValueStream],
])('after a decision in %s', (_, part) => {
  it('goes on with the next card, then with the list, and says what was decided', async () => {
    const { root, cards, approve } = await show(part);
    const next = cards()[1]!;
    const first = await (await approve())();
    expect(document.activeElement).toBe(next);
    expect(root.querySelector('.sr-only[role=status]')?.textContent).toContain(
      `Continued ${first}`,
    );
    const last = await (await approve())();
    expect(document.activeElement).toBe(root.querySelector('.cards'));
    expect(root.querySelector('.sr-only[role=status]')?.textContent).toContain(`Continued ${last}`);
    root.remove();
  });

  it('goes on as well where others have to say yes too, and says so', async () => {
    const { root, cards, approve } = await show(part);
    const [here, next] = cards();
    await (
      await approve()
    )({ given: 1, you: { obstacle: 'voted', mayBreakGlass: false } });
    expect(here?.isConnected).toBe(true);
    expect(document.activeElement).toBe(next);
    expect(root.querySelector('.sr-only[role=status]')?.textContent).toContain('You said yes.');
    root.remove();
  });

  it('leaves every key and every press to what it is for', async () => {
    const { root } = await show(part);
    const isLeft = (type: string) =>
      root.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
    expect([isLeft('keydown'), isLeft('pointerdown')]).toEqual([true, true]);
    root.remove();
  });

  it('takes the focus from nobody who has gone elsewhere meanwhile', async () => {
    const { root, approve } = await show(part);
    const answered = await approve();
    const other = document.createElement('button');
    document.body.append(other);
    other.focus();
    await answered();
    expect(document.activeElement).toBe(other);
    other.remove();
    root.remove();
  });
});
