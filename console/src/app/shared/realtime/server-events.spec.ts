import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { jest } from '@jest/globals';
import { provideEffects } from '@ngrx/effects';
import { Store, provideState, provideStore } from '@ngrx/store';
import { session } from '../state/session';
import { OPEN_SOURCE, ServerEvents } from './server-events';
import { noticeEndOfSession } from './stream-effects';

/** The browser's end: it comes back by itself, or has given up. */
class FakeSource {
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readyState = 0;
  isClosed = false;
  private readonly listeners: ((message: { data: string }) => void)[] = [];
  constructor(readonly url: string) {}
  addEventListener(_: string, listener: (message: { data: string }) => void) {
    this.listeners.push(listener);
  }
  says(data: string) {
    for (const listener of this.listeners) listener({ data });
  }
  goes({ forGood }: { forGood: boolean }) {
    this.readyState = forGood ? 2 : 0;
    this.onerror?.();
  }
  close() {
    this.isClosed = true;
  }
}

function follow() {
  const sources: FakeSource[] = [];
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideRouter([]),
      provideStore(),
      provideState(session),
      provideEffects({ noticeEndOfSession }),
      {
        provide: OPEN_SOURCE,
        useValue: (url: string) => {
          const source = new FakeSource(url);
          sources.push(source);
          return source;
        },
      },
    ],
  });
  const taken: string[] = [];
  const told: boolean[] = [];
  const close = TestBed.inject(ServerEvents).follow({
    address: () => `/lines?since=${taken.length}`,
    event: 'line',
    take: (data) => taken.push(data),
    tell: (isLive) => told.push(isLive),
  });
  const http = TestBed.inject(HttpTestingController);
  const whoIsHere = () => http.match('/auth/me');
  const hasExpired = TestBed.inject(Store).selectSignal(session.selectHasExpired);
  return { sources, taken, told, close, whoIsHere, hasExpired };
}

describe('a stream of server-sent events', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('that the server does not open any more ends the session here too, where it has ended there', () => {
    const { sources, whoIsHere, hasExpired } = follow();
    sources[0]!.goes({ forGood: true });
    const [asked] = whoIsHere();
    asked!.flush(null, { status: 401, statusText: 'Who?' });
    expect(hasExpired()).toBe(true);
  });

  it('that was refused for another reason is opened again from where it stood, after ever longer waits', () => {
    const { sources, taken, told, whoIsHere, hasExpired } = follow();
    sources[0]!.onopen?.();
    sources[0]!.says('one');
    sources[0]!.goes({ forGood: true });
    whoIsHere()[0]!.flush({});
    jest.advanceTimersByTime(1_000);
    expect(sources.map(({ url }) => url)).toEqual(['/lines?since=0', '/lines?since=1']);
    sources[1]!.goes({ forGood: true });
    jest.advanceTimersByTime(1_999);
    expect(sources).toHaveLength(2);
    jest.advanceTimersByTime(1);
    sources[2]!.onopen?.();
    sources[2]!.says('two');
    expect([taken, told, hasExpired()]).toEqual([
      ['one', 'two'],
      [true, false, false, true],
      false,
    ]);
  });

  it('that only breaks is left to the browser, and nobody is asked', () => {
    const { sources, whoIsHere } = follow();
    sources[0]!.goes({ forGood: false });
    jest.advanceTimersByTime(60_000);
    expect([sources.length, whoIsHere().length]).toEqual([1, 0]);
  });

  it('that is closed is not opened again', () => {
    const { sources, close } = follow();
    sources[0]!.goes({ forGood: true });
    close();
    jest.advanceTimersByTime(60_000);
    expect([sources.length, sources[0]!.isClosed]).toEqual([1, true]);
  });
});
