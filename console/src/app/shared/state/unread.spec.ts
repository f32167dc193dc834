import { TestBed } from '@angular/core/testing';
import { Store, provideState, provideStore } from '@ngrx/store';
import { anEvent, me } from '../../../testing/factories';
import { StreamEvents } from './connection';
import { SessionEvents, session } from './session';
import { Unread } from './unread';
import { valueEvents } from './value-events';

function setup() {
  TestBed.configureTestingModule({
    providers: [provideStore(), provideState(session), provideState(valueEvents)],
  });
  const store = TestBed.inject(Store);
  store.dispatch(SessionEvents.found({ me }));
  const unread = TestBed.inject(Unread);
  TestBed.tick();
  const tell = (seq: number, type: string) =>
    store.dispatch(StreamEvents.received({ events: [anEvent({ seq, type })] }));
  return { unread, tell };
}

describe('what is unread', () => {
  beforeEach(() => localStorage.clear());

  it('is nothing for who has never looked: the past is no news', () => {
    const { unread, tell } = setup();
    tell(1, 'task.receipt');
    expect(unread.count()).toBe(0);
  });

  it('counts results and problems since the last look, and not what only moved', () => {
    const { unread, tell } = setup();
    tell(1, 'task.receipt');
    unread.look();
    tell(2, 'task.progress.milestone');
    tell(3, 'task.receipt');
    tell(4, 'anomaly.detected');
    tell(5, 'approval.request');
    expect(unread.count()).toBe(2);
    unread.look();
    expect(unread.count()).toBe(0);
  });

  it('is remembered over a reload', () => {
    const first = setup();
    first.tell(7, 'task.receipt');
    first.unread.look();
    TestBed.resetTestingModule();
    const { unread, tell } = setup();
    tell(7, 'task.receipt');
    tell(8, 'task.receipt');
    expect(unread.count()).toBe(1);
  });
});
