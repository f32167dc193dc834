import { DestroyRef, Injectable, computed, inject, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import type {
  Agent,
  ArtifactRef,
  Conversation,
  ConversationDetail,
  Job,
  Message,
  MessageAccepted,
  Problem,
  SendMessage,
} from '@aos/contracts';
import { Actions, ofType } from '@ngrx/effects';
import { Store } from '@ngrx/store';
import { Subject, debounceTime, firstValueFrom, groupBy, mergeMap } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading, toProblem } from '../../shared/api/problem';
import { StreamEvents } from '../../shared/state/connection';
import { JobsEvents } from '../../shared/state/jobs';
import { artifactsOf } from '../../shared/state/payloads';
import { session } from '../../shared/state/session';

export interface Attachment {
  key: string;
  /** How a step refers to it: `${inputs.<name>}`. */
  name: string;
  fileName: string;
  bytes: number;
  artifactId: string | null;
  problem: Problem | null;
}

/** Only the newest tasks of a conversation are asked for their results; older ones are one click away. */
const EPISODES_READ = 8;
const SETTLE_MS = 700;
const ANSWER_TRIES = 6;

/** What lives and dies with the Chat Hub's page. Jobs, approvals and events are in the shared store. */
@Injectable()
export class ChatStore {
  private readonly api = inject(AosApi);
  private readonly store = inject(Store);
  private readonly me = this.store.selectSignal(session.selectMe);

  readonly conversations = signal<Conversation[]>([]);
  readonly conversationsCall = signal<Call>(idle);
  private nextCursor: string | null = null;
  readonly hasMore = signal(false);

  readonly conversation = signal<ConversationDetail | null>(null);
  readonly conversationCall = signal<Call>(idle);

  readonly agents = signal<Agent[]>([]);
  readonly attachments = signal<Attachment[]>([]);
  readonly sendCall = signal<Call>(idle);
  private draftKey = crypto.randomUUID();
  /** Which conversation is wanted; an answer about another comes too late. */
  private wanted: string | null = null;

  private readonly byTrace = signal<ReadonlyMap<string, ArtifactRef[]>>(new Map());
  readonly artifacts = computed(() => {
    const messages = this.conversation()?.messages ?? [];
    const traces = [...new Set(messages.map(({ traceId }) => traceId))].reverse();
    const seen = new Map<string, ArtifactRef>();
    for (const trace of traces) {
      for (const ref of (trace && this.byTrace().get(trace)) || []) seen.set(ref.artifactId, ref);
    }
    return [...seen.values()];
  });

  private readonly moved = new Subject<string>();

  constructor() {
    const destroyed = inject(DestroyRef);
    inject(Actions)
      .pipe(ofType(StreamEvents.received), takeUntilDestroyed(destroyed))
      .subscribe(({ events }) => {
        for (const event of events) {
          if (!this.holds(event.traceId)) continue;
          this.keepArtifacts(event.traceId, artifactsOf(event.payload));
          this.moved.next(event.traceId);
          if (event.type === 'task.receipt') void this.awaitAnswer(event.traceId);
        }
      });
    // A task that moves may have made something. Ask once it has settled, not at every step.
    this.moved
      .pipe(
        groupBy((traceId) => traceId),
        mergeMap((moves) => moves.pipe(debounceTime(SETTLE_MS))),
        takeUntilDestroyed(destroyed),
      )
      .subscribe((traceId) => void this.readEpisode(traceId));

    void this.loadConversations();
    this.api.agents().subscribe({
      next: ({ items }) => this.agents.set(items),
      // Without the list the picker is not shown; the planner chooses by itself then.
      error: () => undefined,
    });
  }

  async loadConversations(more = false): Promise<void> {
    this.conversationsCall.set(loading);
    try {
      const page = await firstValueFrom(
        this.api.conversations(more ? (this.nextCursor ?? undefined) : undefined),
      );
      this.conversations.update((known) => (more ? [...known, ...page.items] : page.items));
      this.nextCursor = page.nextCursor;
      this.hasMore.set(page.nextCursor !== null);
      this.conversationsCall.set(done);
    } catch (error) {
      this.conversationsCall.set(failed(error));
    }
  }

  async open(id: string | null): Promise<void> {
    if (id === this.wanted && (id === null || this.conversation())) return;
    this.wanted = id;
    this.sendCall.set(idle);
    if (id === null) {
      this.conversation.set(null);
      this.conversationCall.set(idle);
      return;
    }
    if (this.conversation()?.id !== id) this.conversation.set(null);
    this.conversationCall.set(loading);
    await this.refresh();
    const traces = (this.conversation()?.messages ?? []).flatMap(({ traceId }) => traceId ?? []);
    for (const traceId of [...new Set(traces)].slice(-EPISODES_READ))
      void this.readEpisode(traceId);
  }

  async refresh(): Promise<void> {
    const id = this.wanted;
    if (!id) return;
    try {
      const conversation = await firstValueFrom(this.api.conversation(id));
      if (this.wanted !== id) return;
      this.conversation.set(conversation);
      this.conversationCall.set(done);
    } catch (error) {
      if (this.wanted === id) this.conversationCall.set(failed(error));
    }
  }

  /** The agent's answer is written because of the receipt, and so a moment after it. */
  private async awaitAnswer(traceId: string): Promise<void> {
    for (let tries = 0; tries < ANSWER_TRIES; tries += 1) {
      await this.refresh();
      const messages = this.conversation()?.messages ?? [];
      const isHere = messages.some((m) => m.role === 'assistant' && m.traceId === traceId);
      if (isHere || !this.holds(traceId)) return;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
  }

  async attach(files: readonly File[]): Promise<void> {
    await Promise.all([...files].map((file) => this.upload(file)));
  }

  private async upload(file: File): Promise<void> {
    const key = crypto.randomUUID();
    const name = inputName(
      file.name,
      this.attachments().map((other) => other.name),
    );
    const attachment: Attachment = {
      key,
      name,
      fileName: file.name,
      bytes: file.size,
      artifactId: null,
      problem: null,
    };
    this.attachments.update((all) => [...all, attachment]);
    const change = (changes: Partial<Attachment>) =>
      this.attachments.update((all) => all.map((a) => (a.key === key ? { ...a, ...changes } : a)));
    try {
      change({ artifactId: (await firstValueFrom(this.api.upload(file))).artifactId });
    } catch (error) {
      change({ problem: toProblem(error) });
    }
  }

  detach(key: string): void {
    this.attachments.update((all) => all.filter((attachment) => attachment.key !== key));
  }

  /** Gives the answer of the server, or nothing where `sendCall` says why. */
  async send(text: string, agentId: string | null): Promise<MessageAccepted | null> {
    const inputs = this.attachments().flatMap(({ name, artifactId }) =>
      artifactId ? { name, artifactId } : [],
    );
    const conversationId = this.conversation()?.id;
    const message: SendMessage = {
      text,
      ...(conversationId && { conversationId }),
      ...(inputs.length > 0 && { inputs }),
      ...(agentId && { agentId }),
    };
    this.sendCall.set(loading);
    try {
      const accepted = await firstValueFrom(this.api.send(message, this.draftKey));
      this.draftKey = crypto.randomUUID();
      this.attachments.set([]);
      this.sendCall.set(done);
      this.store.dispatch(
        JobsEvents.accepted({
          id: accepted.jobId,
          traceId: accepted.traceId,
          goal: text,
          conversationId: accepted.conversationId,
        }),
      );
      this.say(accepted, text);
      return accepted;
    } catch (error) {
      this.sendCall.set(failed(error));
      // Another body under the same key would be refused; a changed draft is another message.
      if (toProblem(error).status !== 0) this.draftKey = crypto.randomUUID();
      return null;
    }
  }

  private say(accepted: MessageAccepted, text: string): void {
    const now = new Date().toISOString();
    const message: Message = {
      id: accepted.messageId,
      role: 'user',
      author: this.me()?.user.name ?? '',
      text,
      jobId: accepted.jobId,
      traceId: accepted.traceId,
      createdAt: now,
    };
    const before = this.conversation();
    this.wanted = accepted.conversationId;
    this.conversation.set({
      id: accepted.conversationId,
      title: before?.title ?? text.slice(0, 80),
      projectId: before?.projectId ?? null,
      createdBy: before?.createdBy ?? '',
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
      messages: [...(before?.messages ?? []), message],
    });
    this.conversationCall.set(done);
    void this.loadConversations();
  }

  private holds(traceId: string): boolean {
    return this.conversation()?.messages.some((message) => message.traceId === traceId) ?? false;
  }

  private async readEpisode(traceId: string): Promise<void> {
    try {
      const episode = await firstValueFrom(this.api.episode(traceId));
      this.store.dispatch(JobsEvents.loaded({ job: episode.job satisfies Job }));
      // What the person brought in is no result.
      const inputs = new Set(episode.task.inputs?.map(({ artifactId }) => artifactId));
      this.keepArtifacts(
        traceId,
        [...episode.artifacts, ...(episode.receipt?.artifacts ?? [])].filter(
          ({ artifactId }) => !inputs.has(artifactId),
        ),
      );
    } catch {
      // The conversation stands without it; the run's page says what is wrong with the run.
    }
  }

  private keepArtifacts(traceId: string, refs: readonly ArtifactRef[]): void {
    if (refs.length === 0) return;
    this.byTrace.update((known) => {
      const kept = new Map((known.get(traceId) ?? []).map((ref) => [ref.artifactId, ref]));
      for (const { artifactId, name, mediaType } of refs) {
        kept.set(artifactId, { artifactId, name, mediaType });
      }
      return new Map(known).set(traceId, [...kept.values()]);
    });
  }
}

/** `Bird strikes (2).csv` -> `Bird_strikes_2`, told apart from those that are taken. */
export function inputName(fileName: string, taken: readonly string[]): string {
  const stem = fileName
    .replace(/\.[^.]*$/, '')
    .replace(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^[^A-Za-z]+|_+$/g, '')
    .slice(0, 56);
  const name = stem || 'file';
  let unique = name;
  for (let n = 2; taken.includes(unique); n += 1) unique = `${name}_${n}`;
  return unique;
}
