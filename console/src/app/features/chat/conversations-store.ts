import { Injectable, inject, signal } from '@angular/core';
import { takeUntilDestroyed, toObservable } from '@angular/core/rxjs-interop';
import type { Conversation } from '@aos/contracts';
import { debounceTime, distinctUntilChanged, firstValueFrom, skip } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { ChatApi } from './chat-api';

const TYPING_MS = 250;

/** The conversations, those last written to first: looked through, renamed, deleted. */
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
    void this.load();
  }

  async load(more = false): Promise<void> {
    const asked = (this.asked += 1);
    const q = this.query().trim();
    this.call.set(loading);
    try {
      const page = await firstValueFrom(
        this.api.conversations({
          ...(q && { q }),
          ...(more && this.nextCursor && { cursor: this.nextCursor }),
        }),
      );
      // Another word was typed meanwhile: its answer is the one that counts.
      if (asked !== this.asked) return;
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
