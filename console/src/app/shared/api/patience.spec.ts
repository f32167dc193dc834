import { jest } from '@jest/globals';
import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { endReads } from './patience';
import { toProblem } from './problem';

function setup() {
  TestBed.configureTestingModule({
    providers: [provideHttpClient(withInterceptors([endReads])), provideHttpClientTesting()],
  });
  return { http: TestBed.inject(HttpClient), server: TestBed.inject(HttpTestingController) };
}

describe('a read that nobody answers', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('ends after a minute, as one that found no server', () => {
    const { http, server } = setup();
    const codes: string[] = [];
    http.get('/jobs').subscribe({ error: (error: unknown) => codes.push(toProblem(error).code) });
    const asked = server.expectOne('/jobs');
    jest.advanceTimersByTime(59_000);
    expect([codes, asked.cancelled]).toEqual([[], false]);
    jest.advanceTimersByTime(2_000);
    expect([codes, asked.cancelled]).toEqual([['offline'], true]);
  });

  it('is waited for where it is a file or a write', () => {
    const { http, server } = setup();
    const gone = jest.fn();
    http.get('/file', { responseType: 'blob' }).subscribe({ error: gone });
    http.post('/mcp/call', {}).subscribe({ error: gone });
    jest.advanceTimersByTime(600_000);
    expect(gone).not.toHaveBeenCalled();
    expect([server.expectOne('/file').cancelled, server.expectOne('/mcp/call').cancelled]).toEqual([
      false,
      false,
    ]);
  });
});
