import { jest } from '@jest/globals';
import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { noticeTime } from '../api/server-time';
import { Clock, hearTime, serverNow } from './clock';

const HOUR_MS = 3_600_000;
const noon = Date.parse('2026-11-22T12:00:00.000Z');

function setup() {
  TestBed.configureTestingModule({
    providers: [provideHttpClient(withInterceptors([noticeTime])), provideHttpClientTesting()],
  });
  const [http, server] = [TestBed.inject(HttpClient), TestBed.inject(HttpTestingController)];
  /** An answer that took so long, of a server whose clock stood there when it wrote it. */
  const hear = (date: number, tookMs = 0) => {
    http.get('/auth/me').subscribe();
    jest.setSystemTime(Date.now() + tookMs);
    const headers = { date: new Date(date).toUTCString() };
    server.expectOne('/auth/me').flush({}, { headers });
  };
  return { hear };
}

describe('the clock', () => {
  beforeEach(() => jest.useFakeTimers({ now: noon }));
  afterEach(() => {
    hearTime(new Date().toUTCString(), Date.now(), Date.now());
    jest.useRealTimers();
  });

  it.each([-5, 7])('goes by that of the server where ours is %d hours off', (hours) => {
    setup().hear(noon - hours * HOUR_MS);
    expect(Math.abs(serverNow() - (noon - hours * HOUR_MS))).toBeLessThan(1_000);
    const clock = TestBed.inject(Clock);
    jest.advanceTimersByTime(10_000);
    expect(Math.abs(clock.now() - (noon - hours * HOUR_MS + 10_000))).toBeLessThan(1_000);
  });

  it('does not jump with each answer', () => {
    const { hear } = setup();
    hear(noon - 5 * HOUR_MS);
    const before = serverNow() - Date.now();
    hear(Date.now() - 5 * HOUR_MS, 700);
    hear(Date.now() - 5 * HOUR_MS + 200, 4_000);
    expect(serverNow() - Date.now()).toBe(before);
  });

  it('takes no slow answer for a wrong clock, and comes back to ours once it is set right', () => {
    const { hear } = setup();
    hear(noon + 1_000, 55_000);
    expect(serverNow()).toBe(Date.now());
    hear(Date.now() - HOUR_MS);
    expect(serverNow()).not.toBe(Date.now());
    hear(Date.now());
    expect(serverNow()).toBe(Date.now());
  });
});
