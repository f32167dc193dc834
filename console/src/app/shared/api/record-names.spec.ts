import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Permission } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';
import { me } from '../../../testing/factories';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { RecordNames } from './record-names';

function setup(...permissions: Permission[]) {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(),
      provideHttpClientTesting(),
      provideSession(...permissions),
      provideWords({}),
      RecordNames,
    ],
  });
  TestBed.inject(TranslocoService).load('en').subscribe();
  const names = TestBed.inject(RecordNames);
  return { names, http: TestBed.inject(HttpTestingController) };
}

describe('who an actor is', () => {
  it('is said with the e-mail where two have one name, one of them whoever looks', () => {
    const { names, http } = setup('user.read');
    const items = [
      { id: me.user.id, name: me.user.name, email: me.user.email },
      { id: 'u-2', name: me.user.name, email: 'other@example.com' },
      { id: 'u-3', name: 'Ben', email: 'ben@example.com' },
    ];
    http.expectOne(({ url }) => url.includes('/rbac/users')).flush({ items, nextCursor: null });
    expect([`user:${me.user.id}`, 'user:u-2', 'user:u-3'].map((who) => names.who(who))).toEqual([
      `${me.user.name} (${me.user.email})`,
      `${me.user.name} (other@example.com)`,
      'Ben',
    ]);
  });

  it('is said by name, and by id where nobody knows the name any more', () => {
    const { names, http } = setup('user.read', 'agent.read');
    http
      .expectOne(({ url }) => url.includes('/rbac/users'))
      .flush({ items: [{ id: 'u-2', name: 'Ben' }], nextCursor: null });
    http
      .expectOne(({ url }) => url.includes('/agents'))
      .flush({ items: [{ id: '7', name: 'strike-analyst' }], nextCursor: null });
    const said = ['system', `user:${me.user.id}`, 'user:u-2', 'agent:7', 'agent:8', 'anonymous'];
    expect(said.map((actor) => names.who(actor))).toEqual([
      'AOS',
      me.user.name,
      'Ben',
      'strike-analyst',
      'agent:8',
      'Not signed in',
    ]);
  });

  it('stays an id where it cannot be asked for, and nothing is asked that is not allowed', () => {
    const { names, http } = setup('agent.read');
    http
      .expectOne(({ url }) => url.includes('/agents'))
      .flush({ code: 'unavailable', status: 503 }, { status: 503, statusText: 'no' });
    expect(names.who('agent:7')).toBe('agent:7');
    http.verify();
  });
});

describe('what a record is about', () => {
  it('is said by its kind and its name, by the first signs of an id, and whole where it is neither', () => {
    const { names, http } = setup('agent.read');
    http
      .expectOne(({ url }) => url.includes('/agents'))
      .flush({ items: [{ id: '7', name: 'strike-analyst' }], nextCursor: null });
    const id = '3f2a1b0c-1111-4222-8333-444455556666';
    const said = ['agent:7', `job:${id}`, 'mcp-server:git', `user:${me.user.id}`, 'new:7', 'bare'];
    expect(said.map((resource) => names.what({ resource, diff: null }))).toEqual([
      'Agent strike-analyst',
      'Task 3f2a1b0c',
      'Server git',
      `Person ${me.user.name}`,
      'new:7',
      'bare',
    ]);
  });

  it('is called as the row calls it where nothing else here knows its name', () => {
    const { names } = setup();
    const resource = 'secret:3f2a1b0c-1111-4222-8333-444455556666';
    const diffs = [
      { name: 'MAIL_KEY', version: 2 },
      { before: { name: 'old' }, after: { name: 'new' } },
      { before: { name: 'old' }, after: null },
      { before: null, after: { purpose: 'x' } },
      'text',
    ];
    expect(diffs.map((diff) => names.what({ resource, diff }))).toEqual([
      'Secret MAIL_KEY',
      'Secret new',
      'Secret old',
      'Secret 3f2a1b0c',
      'Secret 3f2a1b0c',
    ]);
  });
});
