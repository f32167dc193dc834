import { DestroyRef, Injectable, computed, effect, inject, signal, untracked } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import type {
  Agent,
  ArtifactRef,
  ConversationDetail,
  Job,
  McpTool,
  Message,
  MessageAccepted,
  SendMessage,
  Step,
  TaskSpec,
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
import { ChatApi } from './chat-api';
import { type Draft, Drafts, emptyDraft } from './drafts';
import { stepsIn } from './dsl';
import { Uploads } from './uploads';

type TaskInput = NonNullable<TaskSpec['inputs']>[number];

/** Only the newest tasks of a conversation are asked for their results; older ones are one click away. */
const EPISODES_READ = 8;
const SETTLE_MS = 700;
const ANSWER_TRIES = 6;

/** What lives and dies with the Chat Hub's page. Jobs, approvals and events are in the shared store. */
@Injectable()
export class ChatStore {
  private readonly api = inject(AosApi);
  private readonly chatApi = inject(ChatApi);
  private readonly store = inject(Store);
  private readonly me = this.store.selectSignal(session.selectMe);

  readonly conversation = signal<ConversationDetail | null>(null);
  readonly conversationCall = signal<Call>(idle);

  readonly agents = signal<Agent[]>([]);
  /** Known for sure: a first start, where nobody is there yet to be given a task. */
  readonly hasNoAgents = signal(false);
  readonly tools = signal<McpTool[]>([]);
  readonly uploads = new Uploads(this.chatApi);
  readonly draft = signal<Draft>(emptyDraft);
  private readonly drafts = new Drafts(() => this.me()?.user.id ?? '');
  private readonly saidBefore = signal(this.drafts.said());
  /** What one may want to say again: this conversation's and this tab's, the newest last. */
  readonly said = computed(() => {
    const here = (this.conversation()?.messages ?? [])
      .filter(({ role }) => role === 'user')
      .map(({ text }) => text);
    return [...new Set([...here, ...this.saidBefore()].reverse())].reverse();
  });
  readonly sendCall = signal<Call>(idle);
  private draftKey = crypto.randomUUID();
  /** Which conversation is wanted; an answer about another comes too late. */
  private wanted: string | null = null;
  /** Whose draft is in the composer; undefined until the first conversation was opened. */
  private readonly draftOf = signal<string | null | undefined>(undefined);

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

  /** What a person brought in, by the trace of the task that it was for. */
  readonly inputs = signal<ReadonlyMap<string, readonly TaskInput[]>>(new Map());
  /** One that is looked at and is no result of this conversation: an input, or one that a link names. */
  readonly peeked = signal<ArtifactRef | null>(null);

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

    this.readOffers();
    effect(() => {
      const of = this.draftOf();
      const draft = { ...this.draft(), files: this.uploads.all() };
      if (of !== undefined) untracked(() => this.drafts.write(of, draft));
    });
  }

  /** What can be chosen from, as it is now: an agent may have been made in another tab meanwhile. */
  readOffers(): void {
    this.api.agents().subscribe({
      next: ({ items }) => {
        this.agents.set(items);
        this.hasNoAgents.set(items.length === 0);
      },
      // Without the list the picker is not shown; the planner chooses by itself then.
      error: () => undefined,
    });
    this.chatApi.tools().subscribe({
      next: (tools) => this.tools.set(tools),
      // Without them nothing is offered and nothing is said beforehand; the server checks all the same.
      error: () => undefined,
    });
  }

  async open(id: string | null): Promise<void> {
    this.takeUpDraft(id);
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

  async peek(id: string): Promise<void> {
    if (this.peeked()?.artifactId === id) return;
    try {
      const { artifactId, name, mediaType } = await firstValueFrom(this.chatApi.artifact(id));
      this.peeked.set({ artifactId, name, mediaType });
    } catch {
      // A link to what is gone, or not for this person: the results stand as they are.
      this.peeked.set(null);
    }
  }

  private takeUpDraft(id: string | null): void {
    if (id === this.draftOf()) return;
    const { files, ...draft } = this.drafts.read(id);
    this.draftOf.set(id);
    this.draft.set(draft);
    this.uploads.replace(files);
  }

  /** The next message goes to the same agent, in the same manner. */
  private clearDraft(conversationId: string): void {
    this.drafts.write(this.draftOf() ?? null, { ...emptyDraft, files: [] });
    this.draftOf.set(conversationId);
    this.uploads.replace([]);
    this.draft.update(({ mode, agentId }) => ({ ...emptyDraft, mode, agentId }));
  }

  private get message(): SendMessage {
    const { mode, text, dsl, agentId } = this.draft();
    const inputs = this.uploads
      .all()
      .flatMap(({ name, artifactId }) => (artifactId ? { name, artifactId } : []));
    const conversationId = this.conversation()?.id;
    const words = text.trim();
    return {
      ...(words && { text: words }),
      // What is wrong with a step is the server's to say, at the path where it stands.
      ...(mode === 'dsl' && { steps: (stepsIn(dsl) ?? []) as Step[] }),
      ...(conversationId && { conversationId }),
      ...(inputs.length > 0 && { inputs }),
      ...(agentId && { agentId }),
    };
  }

  /** Gives the answer of the server, or nothing where `sendCall` says why. The draft stays until it is taken. */
  async send(): Promise<MessageAccepted | null> {
    const message = this.message;
    this.sendCall.set(loading);
    try {
      const accepted = await firstValueFrom(this.api.send(message, this.draftKey));
      this.draftKey = crypto.randomUUID();
      const text = message.text ?? goalIn(accepted) ?? '';
      if (message.text) this.drafts.say(message.text);
      this.saidBefore.set(this.drafts.said());
      this.clearDraft(accepted.conversationId);
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
      // As the server writes it, so that nothing changes under the eye when its answer comes.
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
      version: before?.version ?? 1,
      messages: [...(before?.messages ?? []), message],
    });
    this.conversationCall.set(done);
  }

  /** As the list has it now. */
  named(title: string, version: number): void {
    this.conversation.update((one) => one && { ...one, title, version });
  }

  private holds(traceId: string): boolean {
    return this.conversation()?.messages.some((message) => message.traceId === traceId) ?? false;
  }

  private async readEpisode(traceId: string): Promise<void> {
    try {
      const episode = await firstValueFrom(this.api.episode(traceId));
      this.store.dispatch(JobsEvents.loaded({ job: episode.job satisfies Job }));
      const brought = episode.task.inputs ?? [];
      this.inputs.update((known) => new Map(known).set(traceId, brought));
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

/** Steps without words get their goal from the server; its first event names it. */
function goalIn({ events }: MessageAccepted): string | null {
  const goal = events.find(({ type }) => type === 'task.acceptance')?.payload['goal'];
  return typeof goal === 'string' ? goal : null;
}
