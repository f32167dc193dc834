import { ApplicationRef } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { By } from '@angular/platform-browser';
import { NavigationEnd, Router, provideRouter, withComponentInputBinding } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { provideState, provideStore } from '@ngrx/store';
import { filter, firstValueFrom, of } from 'rxjs';
import { aJob, anEvent } from '../../../../testing/factories';
import { provideWords } from '../../../../testing/transloco';
import { AosApi } from '../../../shared/api/aos-api';
import { approvals } from '../../../shared/state/approvals';
import { connection } from '../../../shared/state/connection';
import { jobs } from '../../../shared/state/jobs';
import { session } from '../../../shared/state/session';
import { valueEvents } from '../../../shared/state/value-events';
import { ProjectsApi } from '../projects-api';
import { words } from '../words.en';
import { ReplayBar } from './replay-bar';
import { RunPage } from './run-page';
import { RunStore } from './run-store';

const start = Date.parse('2026-11-22T10:00:00.000Z');
const eventAt = (ms: number) => anEvent({ createdAt: new Date(start + ms).toISOString() });
const episode = {
  ...{ job: aJob(), steps: [], approvals: [], artifacts: [], toolCalls: [], attempts: [] },
  ...{ events: [], receipt: null, cost: null },
};

/** A run of four events, replayed from its beginning; every move of the address waits at a gate of its own. */
async function replay() {
  const gates: (() => void)[] = [];
  let isGated = true;
  const letPass = async () => {
    while (gates.length === 0) await new Promise((resolve) => setTimeout(resolve));
    gates.shift()!();
  };
  const letAllPass = () => {
    isGated = false;
    for (const open of gates) open();
  };
  const gate = () => (isGated ? new Promise<void>((open) => gates.push(open)) : undefined);
  TestBed.configureTestingModule({
    providers: [
      provideRouter(
        [
          {
            path: 'runs/:traceId',
            component: RunPage,
            resolve: { gate },
            runGuardsAndResolvers: 'always',
          },
        ],
        withComponentInputBinding(),
      ),
      provideWords({ projects: words }),
      provideStore(),
      ...[approvals, connection, jobs, session, valueEvents].map((feature) =>
        provideState(feature as typeof connection),
      ),
      { provide: AosApi, useValue: { episode: () => of(episode) } },
      {
        provide: ProjectsApi,
        useValue: {
          events: () => of({ items: [0, 1_000, 2_000, 3_000].map(eventAt), nextCursor: null }),
          logs: () => of({ items: [], nextCursor: null }),
        },
      },
    ],
  });
  const arrival = RouterTestingHarness.create('/runs/trace-1?tab=timeline&at=0');
  await letPass();
  const harness = await arrival;
  await harness.fixture.whenStable();
  const app = TestBed.inject(ApplicationRef);
  const page = harness.routeDebugElement!;
  const slider = harness.routeNativeElement!.querySelector<HTMLInputElement>('[type=range]')!;
  const right = () => slider.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }));
  const landed = () =>
    firstValueFrom(TestBed.inject(Router).events.pipe(filter((e) => e instanceof NavigationEnd)));
  return { app, page, slider, right, landed, letPass, letAllPass, harness };
}

describe('the replay of a run', () => {
  it('is not put back by a moment that comes to the address late', async () => {
    const { app, slider, right, landed, letPass, letAllPass, harness } = await replay();
    right();
    app.tick();
    expect(slider.value).toBe('1000');
    // The address comes to the first moment as the second is asked for, and nothing was drawn between.
    const first = landed().then(right);
    await letPass();
    await first;
    app.tick();
    expect(slider.value).toBe('2000');
    right();
    app.tick();
    expect(slider.value).toBe('3000');
    letAllPass();
    await harness.fixture.whenStable();
    expect(slider.value).toBe('3000');
    expect(TestBed.inject(Router).url).toContain('at=3000');
  });

  it('of a live run goes on where it is when something more happens', async () => {
    const { app, page, slider } = await replay();
    page.query(By.directive(ReplayBar)).componentInstance.moved.emit(start + 1_500);
    app.tick();
    expect(slider.value).toBe('1500');
    page.injector.get(RunStore).events.update((events) => [...events, eventAt(4_000)]);
    app.tick();
    expect(slider.max).toBe('4000');
    expect(slider.value).toBe('1500');
  });

  it('that plays on after a rest is not put back to it', async () => {
    const { app, page, slider, right, landed, letPass } = await replay();
    right();
    const end = landed();
    await letPass();
    page.query(By.directive(ReplayBar)).componentInstance.moved.emit(start + 1_500);
    await end;
    await Promise.resolve();
    app.tick();
    expect(slider.value).toBe('1500');
  });

  it('goes where the address is sent by somebody else, and ends where it names no moment', async () => {
    const { slider, right, letPass, harness } = await replay();
    right();
    await letPass();
    await harness.fixture.whenStable();
    const go = async (url: string) => {
      const gone = TestBed.inject(Router).navigateByUrl(url);
      await letPass();
      await gone;
      await harness.fixture.whenStable();
    };
    await go('/runs/trace-1?tab=timeline&at=3000');
    expect(slider.value).toBe('3000');
    await go('/runs/trace-1?tab=timeline&at=1000');
    expect(slider.value).toBe('1000');
    await go('/runs/trace-1?tab=timeline');
    expect(harness.routeNativeElement!.querySelector('aos-replay-bar')).toBeNull();
  });
});
