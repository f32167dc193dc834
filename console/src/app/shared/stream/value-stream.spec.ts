import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideState, provideStore, Store } from '@ngrx/store';
import { anEvent } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import { AosApi } from '../api/aos-api';
import { approvals } from '../state/approvals';
import { StreamEvents, connection } from '../state/connection';
import { jobs } from '../state/jobs';
import { session } from '../state/session';
import { valueEvents } from '../state/value-events';
import { ValueStream } from './value-stream';

async function show() {
  TestBed.configureTestingModule({
    imports: [ValueStream],
    providers: [
      provideRouter([]),
      provideWords(),
      provideStore(),
      ...[approvals, connection, jobs, session, valueEvents].map((feature) =>
        provideState(feature as typeof connection),
      ),
      { provide: AosApi, useValue: {} },
    ],
  });
  const fixture = TestBed.createComponent(ValueStream);
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
  return { root, cards, more, stacks, come, point, settle };
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
});
