import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { provideRouter, withComponentInputBinding } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import type { Episode, Job } from '@aos/contracts';
import { provideMockActions } from '@ngrx/effects/testing';
import { NEVER } from 'rxjs';
import { aJob } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import { ComparePage } from './compare-page';
import { words } from './words.en';

const [one, two] = ['1', '2'].map((digit) => digit.repeat(32)) as [string, string];
const ended = (over: Partial<Job>) =>
  aJob({ status: 'succeeded', finishedAt: '2026-11-22T10:00:02.000Z', ...over });
const episode = (job: Job): Episode =>
  ({
    ...{ job, traceId: job.traceId, task: { goal: job.goal }, plan: [], steps: [], toolCalls: [] },
    ...{ approvals: [], events: [], artifacts: [], attempts: 1, receipt: null },
    cost: { cny: 0, inputTokens: 0, outputTokens: 0 },
  }) as unknown as Episode;
const first = ended({ id: '7', traceId: one });
const second = ended({ id: '8', traceId: two, goal: 'Clean it again' });

async function open(address: string) {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideMockActions(() => NEVER),
      provideRouter(
        [{ path: 'projects/runs/:traceId/compare', component: ComparePage }],
        withComponentInputBinding(),
      ),
      provideWords({ compare: words }),
    ],
  });
  const harness = await RouterTestingHarness.create(`/projects/runs/${address}`);
  const http = TestBed.inject(HttpTestingController);
  const settle = async () => {
    await new Promise((done) => setTimeout(done));
    await harness.fixture.whenStable();
  };
  return {
    http,
    text: () => harness.routeNativeElement!.textContent.replace(/\s+/g, ' '),
    page: harness.routeNativeElement!,
    settle,
    async answer(traceId: string, job: Job) {
      http.expectOne(({ url }) => url.endsWith(`/episodes/${traceId}`)).flush(episode(job));
      await settle();
    },
    async refuse(traceId: string) {
      const body = { type: 'about:blank', code: 'not_found', status: 404, title: 'Not found' };
      http
        .expectOne(({ url }) => url.endsWith(`/episodes/${traceId}`))
        .flush({ ...body, detail: '', traceId: '' }, { status: 404, statusText: 'Not found' });
      await settle();
    },
    /** What is like the run, in the answers to all questions that are open. */
    async offer(answers: Partial<Record<'agentId' | 'text', Job[]>>) {
      for (const request of http.match(({ url }) => url.endsWith('/jobs')))
        request.flush({
          items: answers[request.request.params.has('agentId') ? 'agentId' : 'text'] ?? [],
          nextCursor: null,
        });
      await settle();
    },
  };
}

describe('the comparison of two runs', () => {
  it('offers those that are like it, each once and never itself', async () => {
    const { answer, offer, page } = await open(`${one}/compare`);
    await answer(one, { ...first, agentId: 'a1' });
    await offer({ agentId: [second, first], text: [first, second, ended({ id: '9' })] });
    const groups = [...page.querySelectorAll('aos-run-chooser section')].map((section) => [
      section.querySelector('h3')!.textContent,
      [...section.querySelectorAll('.num:not(aos-elapsed .num)')].map((n) => n.textContent),
    ]);
    expect(groups).toEqual([
      [words.kin.agent, ['#8']],
      [words.kin.goal, ['#9']],
    ]);
  });

  it('shows both, and says of an unknown one no more than the server does', async () => {
    const { answer, refuse, offer, page, text } = await open(`${one}/compare?with=${two}`);
    await answer(one, first);
    await refuse(two);
    await offer({});
    expect(page.querySelectorAll('[role=alert]')).toHaveLength(1);
    expect(page.querySelector('aos-run-chooser')).not.toBeNull();
    expect(text()).not.toContain(two);
    page.querySelector<HTMLElement>('aos-problem .btn')!.click();
    await answer(two, second);
    expect(page.querySelector('aos-run-chooser, [role=alert]')).toBeNull();
    expect([...page.querySelectorAll('.run .goal')].map((goal) => goal.textContent)).toEqual([
      first.goal,
      second.goal,
    ]);
  });

  it('is not made with itself', async () => {
    const { answer, offer, page, text } = await open(`${one}/compare?with=${one}`);
    await answer(one, first);
    await offer({});
    expect(text()).toContain(words.itself);
    expect(page.querySelector('.heads')).toBeNull();
  });
});
