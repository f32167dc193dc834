import { ChangeDetectionStrategy, Component, computed, input, output, signal } from '@angular/core';
import { MatMenu, MatMenuContent, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import { RouterLink } from '@angular/router';
import type { Conversation } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Call, idle } from '../../shared/api/problem';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { Dialog } from '../../shared/ui/dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';

/** What was talked about before, to find again, to name, to take away. */
@Component({
  selector: 'aos-conversation-list',
  imports: [
    Age,
    ConfirmDialog,
    Dialog,
    Icon,
    MatMenu,
    MatMenuContent,
    MatMenuItem,
    MatMenuTrigger,
    ProblemNote,
    RouterLink,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './conversation-list.html',
  styleUrl: './conversation-list.css',
})
export class ConversationList {
  readonly conversations = input.required<readonly Conversation[]>();
  readonly call = input.required<Call>();
  readonly change = input<Call>(idle);
  readonly hereId = input<string | null>(null);
  readonly query = input('');
  readonly hasMore = input(false);
  readonly mayChange = input(false);
  readonly searched = output<string>();
  readonly more = output();
  readonly retried = output();
  readonly left = output();
  readonly renamed = output<{ conversation: Conversation; title: string }>();
  readonly deleted = output<Conversation>();

  protected readonly open = signal<{
    what: 'rename' | 'delete';
    conversation: Conversation;
  } | null>(null);
  protected readonly title = signal('');
  protected readonly isBusy = computed(() => this.change().state === 'loading');
  protected readonly problem = computed(() => {
    const call = this.change();
    return call.state === 'failed' ? call.problem : null;
  });

  protected ask(what: 'rename' | 'delete', conversation: Conversation): void {
    this.title.set(conversation.title);
    this.open.set({ what, conversation });
  }
  protected rename(conversation: Conversation): void {
    const title = this.title().trim();
    // The row may have been read anew since the dialog was opened; its version is the one to name.
    const now = this.conversations().find(({ id }) => id === conversation.id) ?? conversation;
    if (title !== '') this.renamed.emit({ conversation: now, title });
  }
  /** Called by the page when the change has come through. */
  done(): void {
    this.open.set(null);
  }

  /** j and k, as in any list, and the arrows. */
  protected step(event: KeyboardEvent, list: HTMLElement): void {
    const by = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...list.querySelectorAll<HTMLElement>('a')];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const next = links[at + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
