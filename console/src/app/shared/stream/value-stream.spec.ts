import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { AosEvent } from '@aos/contracts';
import { provideState, provideStore, Store } from '@ngrx/store';
import { of } from 'rxjs';
import { anApproval, anEvent, me } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import { words } from '../../i18n/en';
import { AosApi } from '../api/aos-api';
import { ApprovalsEvents, approvals } from '../state/approvals';
import { StreamEvents, connection } from '../state/connection';
import { jobs } from '../state/jobs';
import { SessionEvents, session } from '../state/session';
import { valueEvents } from '../state/value-events';
import { ValueStream } from './value-stream';

async function show(about: string | null = null, past: AosEvent[] = []) {
  const asked: object[] = [];
  const pastEvents = (query: object) => {
    asked.push(query);
    return of({ items: past, nextCursor: null });
  };
  TestBed.configureTestingModule({
    imports: [ValueStream],
    providers: [
      provideRouter([]),
      provideWords(),
      provideStore(),
      ...[approvals, connection, jobs, session, valueEvents].map((feature) =>
        provideState(feature as typeof connection),
      ),
      { provide: AosApi, useValue: { pastEvents } },
    ],
  });
  TestBed.inject(Store).dispatch(SessionEvents.found({ me }));
  const fixture = TestBed.createComponent(ValueStream);
  fixture.componentRef.setInput('traceId', about);
  const root = fixture.nativeElement as HTMLElement;
  const settle = () => fixture.whenStable();
  const come = async (traceId: string, count: number) => {
    const events = Array.from({ length: count }, () => anEvent({ traceId }));
    TestBed.inject(Store).dispatch(StreamEvents.received({ events }));
    await settle();
  };
  const point = async (type: string, target: EventTarget) => {
    target.dispatchEvent(new Event(type, { bubbles: true }));
    await settle();
  };
  await settle();
  const cards = root.querySelector('.cards')!;
  const more = () => root.querySelector<HTMLElement>('.more')!;
  const stacks = () =>
    [...root.querySelectorAll('.stack')].map(
      (stack) => stack.querySelectorAll('.row').length + (stack.querySelector('.more') ? '+' : ''),
    );
  return { root, cards, more, stacks, come, point, settle, asked };
}

describe('the value stream', () => {
  it('opens a burst in place and folds it again', async () => {
    const { more, stacks, come, settle } = await show();
    await come('a', 9);
    expect(stacks()).toEqual(['3+']);
    expect(more().textContent).toContain('+6 more');
    more().click();
    await settle();
    expect(stacks()).toEqual(['9+']);
    more().click();
    await settle();
    expect(stacks()).toEqual(['3+']);
  });

  it('keeps its order under the pointer, and says how many tasks have come meanwhile', async () => {
    const { root, cards, stacks, come, point } = await show();
    await come('a', 9);
    await point('pointerenter', cards);
    await come('b', 1);
    expect(stacks()).toEqual(['3+']);
    expect(root.querySelector('.news')?.textContent).toContain('1');
    await point('pointerleave', cards);
    expect(stacks()).toEqual(['1', '3+']);
  });

  const request = {
    approvalId: 'c',
    tool: 'env.files.write',
    args: {},
    schema: {},
    expiresAt: '2099-01-01T00:00:00.000Z',
  };
  it('says that what came meanwhile waits for a person, and hides nothing under a pointer over an empty stream', async () => {
    const { root, cards, stacks, come, point, settle } = await show();
    await point('pointerenter', cards);
    await come('a', 1);
    expect(stacks()).toEqual(['1']);
    await point('pointerenter', cards);
    await come('b', 1);
    const news = () => root.querySelector('.news')!;
    expect(news().classList).not.toContain('asking');
    TestBed.inject(Store).dispatch(
      StreamEvents.received({
        events: [anEvent({ traceId: 'c', type: 'approval.request', payload: request })],
      }),
    );
    await settle();
    expect(stacks()).toEqual(['1']);
    expect(news().classList).toContain('asking');
    expect(news().textContent).toContain(words.stream.newsWaiting.replace('{{n}}', '2'));
  });

  it('moves nothing while it is pressed: a press ends on what it began on', async () => {
    const { root, cards, more, stacks, come, point, settle } = await show();
    await come('b', 1);
    await come('a', 9);
    await point('pointerenter', cards);
    const pressed = more();
    await point('pointerdown', pressed);
    await come('b', 1);
    await come('c', 1);
    expect(stacks()).toEqual(['3+', '1']);
    expect(root.querySelector('.news')).toBeNull();
    document.dispatchEvent(new Event('pointerup'));
    pressed.click();
    await settle();
    expect(stacks()).toEqual(['9+', '2']);
    expect(root.querySelector('.news')).not.toBeNull();
  });

  it('offers nothing older on the page of a task whose first event it has', async () => {
    const { root, settle } = await show('a');
    const store = TestBed.inject(Store);
    const tell = async (...events: AosEvent[]) => {
      store.dispatch(StreamEvents.received({ events }));
      await settle();
    };
    await tell(
      anEvent({ traceId: 'b', type: 'task.acceptance' }),
      anEvent({ traceId: 'a', seq: 50 }),
    );
    expect(root.querySelector('.older')).not.toBeNull();
    await tell(anEvent({ traceId: 'a', type: 'task.acceptance', seq: 49 }));
    expect(root.querySelector('.older')).toBeNull();
  });

  it('counts on the page of a task what waits there, and nowhere else', async () => {
    const { root, settle } = await show('a');
    const store = TestBed.inject(Store);
    const wait = async (...traceIds: string[]) => {
      const rows = traceIds.map((traceId) => anApproval({ id: `of-${traceId}`, traceId }));
      store.dispatch(
        ApprovalsEvents.pendingLoaded({ approvals: rows, askedAt: '2026-11-22T10:00:00.000Z' }),
      );
      await settle();
    };
    await wait('b');
    expect(root.querySelector('.count')).toBeNull();
    await wait('a', 'b');
    expect(root.querySelector('.count')?.textContent).toBe('1');
  });

  it('asks for the past by itself, once, before it says that there was nothing', async () => {
    const told = await show(null, [anEvent({ traceId: 'a' })]);
    expect(told.asked).toHaveLength(0);
    TestBed.inject(Store).dispatch(StreamEvents.ready({ seq: 0 }));
    await told.settle();
    expect(told.stacks()).toEqual(['1']);
    expect(told.asked).toHaveLength(1);
  });

  it('offers nothing older once the server has said that there is nothing', async () => {
    const { root, settle, asked } = await show();
    TestBed.inject(Store).dispatch(StreamEvents.ready({ seq: 0 }));
    await settle();
    expect(asked).toHaveLength(1);
    expect(root.querySelector('.empty')).not.toBeNull();
    expect(root.querySelector('.older')).toBeNull();
  });

  it('asks beside what came by the stream as well, and again for another filter', async () => {
    const { root, come, settle, asked } = await show();
    TestBed.inject(Store).dispatch(StreamEvents.ready({ seq: 0 }));
    await come('a', 1);
    expect(asked).toHaveLength(1);
    expect(root.querySelector('.older')).toBeNull();
    const results = [...root.querySelectorAll<HTMLElement>('button')].find(
      ({ textContent }) => textContent?.trim() === words.stream.filters.results,
    )!;
    results.click();
    await settle();
    await come('b', 1);
    expect(asked).toEqual([
      expect.anything(),
      expect.objectContaining({ types: ['task.receipt'] }),
    ]);
    expect(root.querySelector('.older')).toBeNull();
  });
});
