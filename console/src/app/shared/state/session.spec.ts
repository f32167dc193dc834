import { jest } from '@jest/globals';
import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { NavigationEnd, Router, provideRouter } from '@angular/router';
import { Actions } from '@ngrx/effects';
import type { Action } from '@ngrx/store';
import { Subject, filter, firstValueFrom } from 'rxjs';
import { SessionEvents, leave } from './session';

@Component({ template: '' })
class Room {}

it('leads to the door with the address to come back to, which a second word of the same end leaves as it is', async () => {
  TestBed.configureTestingModule({
    providers: [
      provideRouter([
        { path: 'sign-in', component: Room },
        { path: 'monitor', component: Room },
      ]),
    ],
  });
  const router = TestBed.inject(Router);
  const actions = new Subject<Action>();
  leave(new Actions(actions), router).subscribe();
  await router.navigateByUrl('/monitor?range=1h');
  const arrived = firstValueFrom(
    router.events.pipe(filter((event) => event instanceof NavigationEnd)),
  );
  actions.next(SessionEvents.expired());
  await arrived;
  expect(router.url).toBe('/sign-in?next=%2Fmonitor%3Frange%3D1h');
  const navigate = jest.spyOn(router, 'navigate');
  actions.next(SessionEvents.expired());
  expect(navigate).not.toHaveBeenCalled();
});
