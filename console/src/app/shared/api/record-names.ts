import { Injectable, computed, inject, signal } from '@angular/core';
import { Api } from '@aos/api-client';
import { listAgents, listUsers } from '@aos/api-client/functions';
import type { Agent, AuditRow, Page, Person } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { toldApart } from './told-apart';
import { session } from '../state/session';

const LONGEST_PAGE = 200;

/** An id without a name: the first signs of it are enough to tell two apart, and the whole is one click away. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Who `agent:7` and `user:…` are, and what `job:…` is: a record names everything by what cannot change, and a person
 * reads names. Whoever has gone, or may not be asked for by this person, keeps the id.
 */
@Injectable()
export class RecordNames {
  private readonly api = inject(Api);
  private readonly store = inject(Store);
  private readonly transloco = inject(TranslocoService);
  private readonly me = this.store.selectSignal(session.selectMe);
  private readonly mayReadPeople = this.store.selectSignal(session.selectMay('user.read'));
  private readonly mayReadAgents = this.store.selectSignal(session.selectMay('agent.read'));

  readonly people = signal<readonly Person[]>([]);
  private readonly agents = signal<readonly Agent[]>([]);
  private readonly names = computed(() => {
    const user = this.me()?.user;
    const others = this.people().filter(({ id }) => id !== user?.id);
    return new Map([
      ['system', 'AOS'],
      ...toldApart(user ? [user, ...others] : others, ({ email }) => email).map(
        ({ id, name }) => [`user:${id}`, name] as const,
      ),
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

  /** `user:…`, `agent:…`, `system` or `anonymous` as a person calls them. */
  who(actor: string): string {
    return actor === 'anonymous'
      ? this.transloco.translate('record.anonymous')
      : (this.names().get(actor) ?? actor);
  }

  /**
   * `job:3f2a…` as "Task 3f2a1b0c", `agent:7` as "Agent analyst"; a kind without a word stays as it is. What is gone or
   * is in no list here is called as the row itself calls it.
   */
  what({ resource, diff }: Pick<AuditRow, 'resource' | 'diff'>): string {
    const at = resource.indexOf(':');
    const key = `record.kind.${resource.slice(0, at)}`;
    const kind = this.transloco.translate<string>(key);
    if (at < 1 || kind === key) return resource;
    const id = resource.slice(at + 1);
    const known = this.names().get(resource);
    const name = known ?? (UUID.test(id) ? (nameIn(diff) ?? id.slice(0, 8)) : id);
    return this.transloco.translate('record.named', { kind, name });
  }
}

/** Of what was changed: its name afterwards, or before; or of what was used. */
function nameIn(diff: unknown): string | undefined {
  const { name, before, after } = (diff ?? {}) as Record<string, unknown>;
  const found = [after, before].map((side) => (side as { name?: unknown } | null)?.name);
  return [...found, name].find((each): each is string => typeof each === 'string');
}
