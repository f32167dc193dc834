import { Injectable, inject, signal } from '@angular/core';
import { takeUntilDestroyed, toObservable } from '@angular/core/rxjs-interop';
import type { Conversation, Page } from '@aos/contracts';
import { Actions, ofType } from '@ngrx/effects';
import {
  debounceTime,
  distinctUntilChanged,
  filter,
  firstValueFrom,
  merge,
  skip,
  throttleTime,
} from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { StreamEvents } from '../../shared/state/connection';
import { ChatApi } from './chat-api';

const TYPING_MS = 250;
const AT_MOST_EVERY_MS = 1_000;

/**
 * The conversations, those last written to first: looked through, renamed, deleted. One that is begun or gone on with
 * elsewhere, in another tab or by a program, comes to the top here too: every message that becomes a task is told of
 * in the stream.
 */
@Injectable()
export class ConversationsStore {
  private readonly api = inject(ChatApi);

  readonly items = signal<readonly Conversation[]>([]);
  readonly call = signal<Call>(idle);
  readonly query = signal('');
  readonly hasMore = signal(false);
  /** Of a new name or a deletion. */
  readonly change = signal<Call>(idle);
  private nextCursor: string | null = null;
  private asked = 0;

  constructor() {
    toObservable(this.query)
      .pipe(skip(1), debounceTime(TYPING_MS), distinctUntilChanged(), takeUntilDestroyed())
      .subscribe(() => void this.load());
    const actions = inject(Actions);
    const written = actions.pipe(
      ofType(StreamEvents.received),
      filter(({ events }) => events.some(({ type }) => type === 'task.acceptance')),
    );
    merge(written, actions.pipe(ofType(StreamEvents.resyncDemanded)))
      .pipe(
        throttleTime(AT_MOST_EVERY_MS, undefined, { leading: true, trailing: true }),
        takeUntilDestroyed(),
      )
      .subscribe(() => void this.lookAgain());
    void this.load();
  }

  /** The newest as they are now, in front of the older ones that were asked for already. */
  private async lookAgain(): Promise<void> {
    if (this.call().state !== 'done') return;
    const { asked } = this;
    const q = this.query().trim();
    const page = await firstValueFrom(this.api.conversations({ ...(q && { q }) })).catch(
      // Nobody asked for it: the list stands as it is, and the next message looks again.
      () => null,
    );
    if (page && asked === this.asked) this.putInFront(page);
  }

  private putInFront({ items, nextCursor }: Page<Conversation>): void {
    // Nothing in the newest part of them holds the words: what was found further back stands.
    if (items.length === 0 && nextCursor !== null) return;
    const oldest = items.at(-1)?.updatedAt;
    const older =
      nextCursor === null || oldest === undefined
        ? []
        : this.items().filter(
            ({ id, updatedAt }) => updatedAt < oldest && items.every((one) => one.id !== id),
          );
    this.items.set([...items, ...older]);
    if (older.length > 0) return;
    this.nextCursor = nextCursor;
    this.hasMore.set(nextCursor !== null);
  }

  async load(more = false): Promise<void> {
    const asked = (this.asked += 1);
    const q = this.query().trim();
    this.call.set(loading);
    try {
      let cursor = more ? this.nextCursor : null;
      let page: Page<Conversation>;
      do {
        page = await firstValueFrom(
          this.api.conversations({ ...(q && { q }), ...(cursor && { cursor }) }),
        );
        // Another word was typed meanwhile: its answer is the one that counts.
        if (asked !== this.asked) return;
        // The server looks through a part of them at a time; that there is nothing in one is no answer yet.
        cursor = page.nextCursor;
      } while (page.items.length === 0 && cursor !== null);
      this.items.update((known) => (more ? [...known, ...page.items] : page.items));
      this.nextCursor = page.nextCursor;
      this.hasMore.set(page.nextCursor !== null);
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked) this.call.set(failed(error));
    }
  }

  async rename(conversation: Conversation, title: string): Promise<Conversation | null> {
    this.change.set(loading);
    try {
      const renamed = await firstValueFrom(this.api.rename(conversation, title));
      this.items.update((all) => all.map((one) => (one.id === renamed.id ? renamed : one)));
      this.change.set(done);
      return renamed;
    } catch (error) {
      this.change.set(failed(error));
      // The name that somebody else gave it meanwhile is what a second try starts from.
      void this.load();
      return null;
    }
  }

  async delete({ id }: Conversation): Promise<boolean> {
    this.change.set(loading);
    try {
      await firstValueFrom(this.api.delete(id));
      this.items.update((all) => all.filter((one) => one.id !== id));
      this.change.set(done);
      return true;
    } catch (error) {
      this.change.set(failed(error));
      return false;
    }
  }
}
