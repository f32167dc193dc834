import { Injectable, computed, inject, signal } from '@angular/core';
import { Api } from '@aos/api-client';
import { listAgents, listUsers } from '@aos/api-client/functions';
import type { Agent, Page, Person } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { session } from '../state/session';

const LONGEST_PAGE = 200;

/**
 * Who `agent:7` and `user:…` are: a record names them by what cannot change, and a person reads names. Whoever has gone,
 * or may not be asked for by this person, keeps the id.
 */
@Injectable()
export class ActorNames {
  private readonly api = inject(Api);
  private readonly store = inject(Store);
  private readonly me = this.store.selectSignal(session.selectMe);
  private readonly mayReadPeople = this.store.selectSignal(session.selectMay('user.read'));
  private readonly mayReadAgents = this.store.selectSignal(session.selectMay('agent.read'));

  readonly people = signal<readonly Person[]>([]);
  private readonly agents = signal<readonly Agent[]>([]);
  private readonly names = computed(() => {
    const user = this.me()?.user;
    return new Map([
      ['system', 'AOS'],
      ...(user ? [[`user:${user.id}`, user.name] as const] : []),
      ...this.people().map(({ id, name }) => [`user:${id}`, name] as const),
      ...this.agents().map(({ id, name }) => [`agent:${id}`, name] as const),
    ]);
  });

  constructor() {
    // Without an answer the ids stand: the record is whole all the same.
    if (this.mayReadPeople())
      this.api.invoke(listUsers, { limit: LONGEST_PAGE }).subscribe({
        next: ({ items }: Page<Person>) => this.people.set(items),
        error: () => undefined,
      });
    if (this.mayReadAgents())
      this.api.invoke(listAgents, { limit: LONGEST_PAGE }).subscribe({
        next: ({ items }: Page<Agent>) => this.agents.set(items),
        error: () => undefined,
      });
  }

  of(actor: string): string {
    return this.names().get(actor) ?? actor;
  }
}
