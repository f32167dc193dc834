import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { type Action, provideState, provideStore, Store } from '@ngrx/store';
import { provideWords } from '../../../testing/transloco';
import { SessionEvents, session } from '../../shared/state/session';
import { SignInPage } from './sign-in-page';

const refusal = {
  ...{ type: 'about:blank', code: 'address_refused', status: 403, title: 'Not from here' },
  ...{ detail: '', traceId: '' },
};
const unreachable = { ...refusal, code: 'offline', status: 0 };

async function atTheDoor() {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideRouter([]),
      provideStore(),
      provideState(session),
      provideWords(),
    ],
  });
  const store = TestBed.inject(Store);
  const http = TestBed.inject(HttpTestingController);
  const fixture = TestBed.createComponent(SignInPage);
  await fixture.whenStable();
  const asked = () => http.match(({ url }) => url.endsWith('/auth/providers'));
  return {
    asked,
    async told(event: Action) {
      store.dispatch(event);
      await fixture.whenStable();
    },
    async answer() {
      for (const request of asked().filter(({ cancelled }) => !cancelled))
        request.flush({ password: 'everyone', providers: [{ name: 'corp', title: 'Corp' }] });
      await fixture.whenStable();
    },
    providers: () =>
      (fixture.nativeElement as HTMLElement).querySelectorAll('.providers .btn').length,
  };
}

describe('the door', () => {
  it.each([
    ['is let in again', SessionEvents.addressRefused({ problem: refusal })],
    ['has an answer again', SessionEvents.unreachable({ problem: unreachable })],
  ])('shows the ways in to whoever %s, without a reload', async (_, before) => {
    const { told, asked, answer, providers } = await atTheDoor();
    for (const request of asked()) request.flush(refusal, { status: 403, statusText: 'No' });
    await told(before);
    expect(providers()).toBe(0);
    await told(SessionEvents.notFound());
    await answer();
    expect(providers()).toBe(1);
  });

  it('asks for them once where nothing was in the way', async () => {
    const { told, asked } = await atTheDoor();
    expect(asked()).toHaveLength(1);
    await told(SessionEvents.notFound());
    expect(asked()).toHaveLength(0);
  });
});
