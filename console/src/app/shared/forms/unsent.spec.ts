import {
  EnvironmentInjector,
  createEnvironmentInjector,
  runInInjectionContext,
} from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Store } from '@ngrx/store';
import { me } from '../../../testing/factories';
import { provideSession } from '../../../testing/session';
import { SessionEvents } from '../state/session';
import { Unsent } from './unsent';

function setup() {
  TestBed.configureTestingModule({ providers: [provideSession()] });
  const store = TestBed.inject(Store);
  const unsent = TestBed.inject(Unsent);
  /** A form at this place, in which this is typed. */
  const form = (place: string, value: unknown) => {
    const page = createEnvironmentInjector([], TestBed.inject(EnvironmentInjector));
    runInInjectionContext(page, () => unsent.keep(() => ({ place, value })));
    return { leave: () => page.destroy() };
  };
  const signIn = (id = me.user.id) =>
    store.dispatch(
      SessionEvents.signedIn({ me: { ...me, user: { ...me.user, id } }, next: '/chat' }),
    );
  const expire = () => store.dispatch(SessionEvents.expired());
  return { unsent, form, signIn, expire };
}

describe('what was typed when the session ended', () => {
  it('waits for the same person, and is given out once', () => {
    const { unsent, form, expire, signIn } = setup();
    const { leave } = form('register', 'typed with care');
    expire();
    leave();
    signIn();
    expect([unsent.has('register'), unsent.has('import')]).toEqual([true, false]);
    expect([unsent.take('register'), unsent.take('register')]).toEqual([
      ...['typed with care', undefined],
    ]);
    expect(unsent.has('register')).toBe(false);
  });

  it('is not for somebody else', () => {
    const { unsent, form, expire, signIn } = setup();
    const { leave } = form('register', 'mine');
    expire();
    leave();
    signIn('somebody-else');
    expect([unsent.has('register'), unsent.take('register')]).toEqual([false, undefined]);
  });

  it('is not kept of a form that the person has left by themselves', () => {
    const { unsent, form } = setup();
    form('register', 'thought better of').leave();
    expect(unsent.has('register')).toBe(false);
  });
});
