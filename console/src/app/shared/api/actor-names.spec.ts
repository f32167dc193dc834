import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Permission } from '@aos/contracts';
import { me } from '../../../testing/factories';
import { provideSession } from '../../../testing/session';
import { ActorNames } from './actor-names';

function setup(...permissions: Permission[]) {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideSession(...permissions),
      ActorNames,
    ],
  });
  const names = TestBed.inject(ActorNames);
  return { names, http: TestBed.inject(HttpTestingController) };
}

describe('who an actor is', () => {
  it('is said by name, and by id where nobody knows the name any more', () => {
    const { names, http } = setup('user.read', 'agent.read');
    http
      .expectOne(({ url }) => url.includes('/rbac/users'))
      .flush({ items: [{ id: 'u-2', name: 'Ben' }], nextCursor: null });
    http
      .expectOne(({ url }) => url.includes('/agents'))
      .flush({ items: [{ id: '7', name: 'strike-analyst' }], nextCursor: null });
    const said = ['system', `user:${me.user.id}`, 'user:u-2', 'agent:7', 'agent:8'];
    expect(said.map((actor) => names.of(actor))).toEqual([
      'AOS',
      me.user.name,
      'Ben',
      'strike-analyst',
      'agent:8',
    ]);
  });

  it('stays an id where it cannot be asked for, and nothing is asked that is not allowed', () => {
    const { names, http } = setup('agent.read');
    http
      .expectOne(({ url }) => url.includes('/agents'))
      .flush({ code: 'unavailable', status: 503 }, { status: 503, statusText: 'no' });
    expect(names.of('agent:7')).toBe('agent:7');
    http.verify();
  });
});
