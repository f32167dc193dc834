import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { LogLine, Page } from '@aos/contracts';
import { provideState, provideStore } from '@ngrx/store';
import { jobs } from '../../../shared/state/jobs';
import { ProjectsApi } from '../projects-api';
import { RunStore } from './run-store';

const lines = (from: number, count: number, nextCursor: string | null = null): Page<LogLine> => ({
  items: Array.from({ length: count }, (_, n) => ({
    ...{ id: String(from + n), cursor: String(from + n), at: '2026-11-22T10:00:00.000Z' },
    ...{ level: 'info' as const, logger: 'a', message: `line ${from + n}`, traceId: 't1' },
    ...{ attributes: {} },
  })),
  nextCursor,
});
const settled = () => new Promise((done) => setTimeout(done));

/** A run that is over, with no events: its log alone is asked for page by page. */
async function setup() {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideStore(),
      provideState(jobs),
      ProjectsApi,
      RunStore,
    ],
  });
  const http = TestBed.inject(HttpTestingController);
  const run = TestBed.inject(RunStore);
  const isLog = ({ url }: { url: string }) => url.endsWith('/logs');
  void run.open('t1');
  http
    .expectOne(({ url }) => url.endsWith('/episodes/t1'))
    .flush({ job: { id: '1', traceId: 't1', status: 'succeeded' }, steps: [] });
  await settled();
  http.expectOne(({ url }) => url.endsWith('/events')).flush({ items: [], nextCursor: null });
  await settled();
  return {
    run,
    async answer(page: Page<LogLine>) {
      const asked = http.expectOne(isLog);
      asked.flush(page);
      await settled();
      return asked.request.params.get('cursor');
    },
    async fail() {
      http.expectOne(isLog).flush(null, { status: 503, statusText: 'busy' });
      await settled();
    },
    noneAsked: () => http.expectNone(isLog),
  };
}

describe('the log of a run', () => {
  it('is read to its end, page after page', async () => {
    const { run, answer, noneAsked } = await setup();
    expect(await answer(lines(0, 2, 'two'))).toBeNull();
    expect(await answer(lines(2, 1))).toBe('two');
    noneAsked();
    expect(run.logs().map(({ id }) => id)).toEqual(['0', '1', '2']);
    expect(run.logGap()).toBeNull();
  });

  it('says so when it cannot be read, and keeps what there is', async () => {
    const { run, answer, fail } = await setup();
    await answer(lines(0, 2, 'two'));
    await fail();
    expect(run.logs()).toHaveLength(2);
    expect(run.logGap()).toBe('failed');
  });

  it('says that it goes on where no more of it is read', async () => {
    const { run, answer, noneAsked } = await setup();
    for (let n = 0; n < 25; n += 1) await answer(lines(n, 1, `page ${n + 1}`));
    noneAsked();
    expect(run.logs()).toHaveLength(25);
    expect(run.logGap()).toBe('cut');
  });
});
