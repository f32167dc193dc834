import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterRenderEffect,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import type { Conversation, Message } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { Workspace } from '../../shared/artifacts/workspace';
import { approvals } from '../../shared/state/approvals';
import { type LiveJob, jobs } from '../../shared/state/jobs';
import { session } from '../../shared/state/session';
import { type StreamFilter, ValueStream, streamFilters } from '../../shared/stream/value-stream';
import { Icon } from '../../shared/ui/icon';
import { Markdown } from '../../shared/ui/markdown';
import { stored } from '../../shared/ui/preferences';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { ChatStore } from './chat-store';
import { Composer } from './composer';
import { ConversationList } from './conversation-list';
import { ConversationsStore } from './conversations-store';
import { TaskLine } from './task-line';
import { Sentences } from '../../shared/i18n/sentences';

const MIN_SHARE = 25;
const MAX_SHARE = 65;
type Pane = 'talk' | 'results' | 'stream';

/** Home: say what should be done, watch it happen, decide what waits for a person. */
@Component({
  selector: 'aos-chat-page',
  imports: [
    Age,
    Composer,
    ConversationList,
    Icon,
    Markdown,
    ProblemNote,
    RouterLink,
    TaskLine,
    TranslocoDirective,
    ValueStream,
    Workspace,
  ],
  providers: [ChatStore, ConversationsStore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './chat-page.html',
  styleUrl: './chat-page.css',
})
export class ChatPage {
  protected readonly sentences = inject(Sentences);
  /** From the address: the conversation, the open result, the filter of the stream, the pane on a small screen. */
  readonly id = input<string>();
  readonly artifact = input<string>();
  readonly stream = input<string>();
  readonly pane = input<string>();

  protected readonly chat = inject(ChatStore);
  protected readonly list = inject(ConversationsStore);
  private readonly router = inject(Router);
  private readonly store = inject(Store);
  private readonly jobs = this.store.selectSignal(jobs.selectByTrace);
  protected readonly mayCreate = this.store.selectSignal(session.selectMay('task.create'));
  protected readonly mayMakeAgents = this.store.selectSignal(session.selectMay('agent.write'));
  private readonly mayDecide = this.store.selectSignal(session.selectMay('approval.decide'));
  private readonly pending = this.store.selectSignal(approvals.selectMine);
  protected readonly waiting = computed(() => (this.mayDecide() ? this.pending() : []));

  private readonly conversations = viewChild(ConversationList);
  private readonly thread = viewChild<ElementRef<HTMLElement>>('thread');

  protected readonly filter = computed(
    () => streamFilters.find((name) => name === this.stream()) ?? 'all',
  );
  protected readonly panes: readonly Pane[] = ['talk', 'results', 'stream'];
  protected readonly shown = computed<Pane>(
    () => this.panes.find((name) => name === this.pane()) ?? 'talk',
  );
  protected readonly messages = computed(() => this.chat.conversation()?.messages ?? []);
  protected readonly isDropping = signal(false);
  protected readonly hasList = signal(false);

  /** Closed by hand, the workspace stays closed until something new arrives. */
  private readonly closedAt = signal(-1);
  protected readonly artifacts = computed(() => {
    const [results, peeked] = [this.chat.artifacts(), this.chat.peeked()];
    const isAsked = peeked && peeked.artifactId === this.artifact();
    return isAsked && !results.some(({ artifactId }) => artifactId === peeked.artifactId)
      ? [...results, peeked]
      : results;
  });
  protected readonly hasWorkspace = computed(() => this.artifacts().length > this.closedAt());
  protected readonly share = signal(clampShare(Number(stored.get('workspace.share')) || 50));

  constructor() {
    effect(() => {
      const id = this.id() ?? null;
      untracked(() => {
        this.closedAt.set(0);
        void this.chat.open(id);
      });
    });
    effect(() => {
      const id = this.artifact();
      const isResult = this.chat.artifacts().some(({ artifactId }) => artifactId === id);
      if (id && !isResult) untracked(() => void this.chat.peek(id));
    });
    // The newest message in sight, where the reader was at the end of the thread already.
    let last = 0;
    afterRenderEffect(() => {
      const count = this.messages().length;
      const thread = this.thread()?.nativeElement;
      if (!thread || count === last) return;
      last = count;
      thread.scrollTop = thread.scrollHeight;
    });
  }

  protected inputsOf({ role, traceId }: Message) {
    return (role === 'user' && traceId && this.chat.inputs().get(traceId)) || [];
  }
  protected look(artifactId: string): void {
    this.closedAt.set(0);
    this.show({ artifact: artifactId, pane: 'results' });
  }

  protected jobOf(message: Message): LiveJob | undefined {
    return message.role === 'user' && message.traceId
      ? this.jobs().get(message.traceId)
      : undefined;
  }

  protected async send(): Promise<void> {
    const accepted = await this.chat.send();
    if (!accepted) return;
    void this.list.load();
    if (this.id() !== accepted.conversationId) {
      await this.router.navigate(['/chat', accepted.conversationId], {
        queryParamsHandling: 'preserve',
      });
    }
  }

  protected async rename(change: { conversation: Conversation; title: string }): Promise<void> {
    const renamed = await this.list.rename(change.conversation, change.title);
    if (!renamed) return;
    this.conversations()?.done();
    if (renamed.id === this.chat.conversation()?.id)
      this.chat.named(renamed.title, renamed.version);
  }
  protected async delete(conversation: Conversation): Promise<void> {
    if (!(await this.list.delete(conversation))) return;
    this.conversations()?.done();
    if (conversation.id === this.id()) await this.router.navigate(['/chat']);
  }

  protected show(changes: { stream?: StreamFilter; artifact?: string; pane?: Pane }): void {
    void this.router.navigate([], {
      queryParams: {
        ...changes,
        ...('artifact' in changes && { artifact: changes.artifact ?? null }),
        ...(changes.stream === 'all' && { stream: null }),
        ...(changes.pane === 'talk' && { pane: null }),
      },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }

  protected closeWorkspace(): void {
    this.closedAt.set(this.artifacts().length);
    this.show({ artifact: undefined });
  }
  protected openWorkspace(): void {
    this.closedAt.set(0);
  }

  protected onDrag(event: DragEvent, isOver: boolean): void {
    if (!event.dataTransfer?.types.includes('Files') || !this.mayCreate()) return;
    event.preventDefault();
    this.isDropping.set(isOver);
  }
  protected onDrop(event: DragEvent): void {
    this.onDrag(event, false);
    this.chat.uploads.add([...(event.dataTransfer?.files ?? [])]);
  }

  protected drag(event: PointerEvent, area: HTMLElement): void {
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    const { left, width } = area.getBoundingClientRect();
    const move = ({ clientX }: PointerEvent) =>
      this.setShare(100 - (100 * (clientX - left)) / width);
    handle.addEventListener('pointermove', move);
    handle.addEventListener(
      'lostpointercapture',
      () => handle.removeEventListener('pointermove', move),
      { once: true },
    );
  }
  protected nudge(event: Event, by: number): void {
    event.preventDefault();
    this.setShare(this.share() + by);
  }
  private setShare(share: number): void {
    this.share.set(clampShare(share));
    stored.set('workspace.share', String(Math.round(this.share())));
  }
}

const clampShare = (share: number) => Math.min(MAX_SHARE, Math.max(MIN_SHARE, share));
