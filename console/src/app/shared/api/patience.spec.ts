import { jest } from '@jest/globals';
import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { provideSession } from '../../../testing/session';
import { guardWrites } from './csrf';
import { endWaits } from './patience';
import { toProblem } from './problem';

function setup() {
  TestBed.configureTestingModule({
    providers: [
      provideSession(),
      provideHttpClient(withInterceptors([guardWrites, endWaits])),
      provideHttpClientTesting(),
    ],
  });
  return { http: TestBed.inject(HttpClient), server: TestBed.inject(HttpTestingController) };
}

describe('a request that nobody answers', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it.each([
    ['GET', '/jobs', 60],
    ['POST', '/rbac/users', 30],
    ['PUT', '/config/system', 30],
    ['POST', '/mcp/registry', 120],
    ['POST', '/mcp/registry/test', 120],
    ['PATCH', '/mcp/registry/notes', 120],
    ['POST', '/mcp/call', 660],
  ])('ends, a %s of %s after %i seconds, as one that found no server', (method, url, seconds) => {
    const { http, server } = setup();
    const codes: string[] = [];
    http
      .request(method, url)
      .subscribe({ error: (error: unknown) => codes.push(toProblem(error).code) });
    const asked = server.expectOne(url);
    jest.advanceTimersByTime(seconds * 1_000 - 1_000);
    expect([codes, asked.cancelled]).toEqual([[], false]);
    jest.advanceTimersByTime(2_000);
    expect([codes, asked.cancelled]).toEqual([['offline'], true]);
  });

  it('is sent under the same key once more', () => {
    const { http, server } = setup();
    const send = () => {
      http.post('/rbac/users', { name: 'Ada' }).subscribe({ error: () => undefined });
      const { request } = server.expectOne('/rbac/users');
      jest.advanceTimersByTime(31_000);
      return request.headers.get('idempotency-key');
    };
    const first = send();
    expect(first).not.toBeNull();
    expect(send()).toBe(first);
  });

  it('is waited for where it is a file that comes or goes', () => {
    const { http, server } = setup();
    const gone = jest.fn();
    http.get('/file', { responseType: 'blob' }).subscribe({ error: gone });
    http.post('/api/artifacts', new FormData()).subscribe({ error: gone });
    jest.advanceTimersByTime(3_600_000);
    expect(gone).not.toHaveBeenCalled();
    expect([
      server.expectOne('/file').cancelled,
      server.expectOne('/api/artifacts').cancelled,
    ]).toEqual([false, false]);
  });
});
