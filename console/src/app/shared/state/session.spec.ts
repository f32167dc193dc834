import { jest } from '@jest/globals';
import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { NavigationEnd, Router, provideRouter } from '@angular/router';
import { provideEffects } from '@ngrx/effects';
import { Store, provideState, provideStore } from '@ngrx/store';
import { filter, firstValueFrom } from 'rxjs';
import type { Problem } from '@aos/contracts';
import { me } from '../../../testing/factories';
import { SessionEvents, leave, session, setUpFirst, stayOutside } from './session';

@Component({ template: '' })
class Room {}

async function openAt(url: string) {
  TestBed.configureTestingModule({
    providers: [
      provideStore(),
      provideState(session),
      provideEffects({ leave, setUpFirst, stayOutside }),
      provideRouter([
        { path: 'sign-in', component: Room },
        { path: 'monitor', component: Room },
        { path: 'second-factor', component: Room },
      ]),
    ],
  });
  const router = TestBed.inject(Router);
  const store = TestBed.inject(Store);
  await router.navigateByUrl(url);
  return { router, store, hasExpired: store.selectSignal(session.selectHasExpired) };
}

it('leads to the door with the address to come back to, which a second word of the same end leaves as it is', async () => {
  const { router, store, hasExpired } = await openAt('/monitor?range=1h');
  const arrived = firstValueFrom(
    router.events.pipe(filter((event) => event instanceof NavigationEnd)),
  );
  store.dispatch(SessionEvents.expired());
  await arrived;
  expect(router.url).toBe('/sign-in?next=%2Fmonitor%3Frange%3D1h');
  expect(hasExpired()).toBe(true);
  const navigate = jest.spyOn(router, 'navigate');
  store.dispatch(SessionEvents.expired());
  expect(navigate).not.toHaveBeenCalled();
});

it('takes the end that was asked for here as no news: neither a sentence nor an address to come back to', async () => {
  const { router, store, hasExpired } = await openAt('/monitor');
  const navigate = jest.spyOn(router, 'navigate');
  store.dispatch(SessionEvents.signOutPressed());
  store.dispatch(SessionEvents.expired());
  expect(navigate).not.toHaveBeenCalled();
  expect(hasExpired()).toBe(false);
});

it('leads to where a second factor is set up when one comes to be wanted, and knows it from then on', async () => {
  const { router, store } = await openAt('/monitor?range=1h');
  store.dispatch(SessionEvents.found({ me }));
  const arrived = firstValueFrom(
    router.events.pipe(filter((event) => event instanceof NavigationEnd)),
  );
  store.dispatch(SessionEvents.secondFactorWanted());
  await arrived;
  expect(router.url).toBe('/second-factor?next=%2Fmonitor%3Frange%3D1h');
  expect(store.selectSignal(session.selectMe)()).toMatchObject({ mustSetUpSecondFactor: true });
});

it('leads to the door when the address is refused, which says why for as long as it is', async () => {
  const { router, store } = await openAt('/monitor?range=1h');
  store.dispatch(SessionEvents.found({ me }));
  const arrived = firstValueFrom(
    router.events.pipe(filter((event) => event instanceof NavigationEnd)),
  );
  const problem = { code: 'address_refused', detail: 'not from there' } as Problem;
  store.dispatch(SessionEvents.addressRefused({ problem }));
  await arrived;
  expect(router.url).toBe('/sign-in?next=%2Fmonitor%3Frange%3D1h');
  const state = () => store.selectSignal(session.selectSessionState)();
  expect(state()).toMatchObject({ status: 'refused', refusal: problem, me: null });
  const navigate = jest.spyOn(router, 'navigate');
  store.dispatch(SessionEvents.addressRefused({ problem }));
  expect(navigate).not.toHaveBeenCalled();
  store.dispatch(SessionEvents.found({ me }));
  expect(state()).toMatchObject({ status: 'signed-in', me });
});
