import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  Injector,
  afterNextRender,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { Proposal, ProposalKind } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom, from } from 'rxjs';
import { type Call, done, failed, idle, loading, toProblem } from '../api/problem';
import { keepFresh } from '../realtime/keep-fresh';
import { ProblemNote } from '../ui/problem-note';
import { ProposalCard } from './proposal-card';
import { proposalWords } from './proposal-words';
import { ProposalsApi } from './proposals-api';

/**
 * Changes that wait for a second person. Above a document: those of it, and nothing while there are none. As a page: all
 * of them, and what became of others.
 */
@Component({
  selector: 'aos-proposals',
  imports: [ProblemNote, ProposalCard, TranslocoDirective],
  providers: [proposalWords],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (isPage()) {
        <div class="tabs" role="group" [attr.aria-label]="t('inbox.show')">
          <button class="chip" type="button" [attr.aria-pressed]="!isPast()" (click)="show(false)">
            {{ t('proposals.open') }}
            @if (waiting().length) {
              <span class="num">{{ waiting().length }}</span>
            }
          </button>
          <button class="chip" type="button" [attr.aria-pressed]="isPast()" (click)="show(true)">
            {{ t('proposals.past') }}
          </button>
        </div>
      }
      <p class="said" role="status">
        @if (said(); as said) {
          {{ t('proposals.done.' + said) }}
        }
      </p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem
            [problem]="call.problem"
            [what]="isPage() ? '' : t('proposals.waits')"
            [canRetry]="true"
            (retry)="again()"
          />
        } @else if (call.state === 'loading' && isPage() && shown().length === 0) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @if (shown().length) {
        <section class="list" [attr.aria-label]="t('proposals.waits')">
          @if (!isPage()) {
            <h2>{{ t('proposals.waits') }}</h2>
          }
          @for (each of shown(); track each.id) {
            <aos-proposal-card [proposal]="each" (decided)="onDecided(each, $event)" />
          }
        </section>
        @if (isPast() && cursor()) {
          <button class="btn" type="button" (click)="more()">{{ t('ui.more') }}</button>
        }
      } @else if (isPage() && call().state === 'done') {
        <p class="empty">{{ t(isPast() ? 'proposals.nonePast' : 'proposals.none') }}</p>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: block;
    }
    .tabs {
      display: flex;
      gap: 4px;
      margin-bottom: 12px;
    }
    .said:empty {
      display: none;
    }
    .said {
      margin-bottom: 8px;
      color: var(--done);
    }
    .list {
      margin-bottom: 16px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      overflow: hidden;
    }
    .list h2 {
      margin: 0;
      padding: 10px 16px;
      border-bottom: 1px solid var(--line);
      background: var(--sunken);
      font-size: 13px;
    }
    aos-proposal-card {
      display: block;
    }
    aos-proposal-card + aos-proposal-card {
      border-top: 1px solid var(--line);
    }
    .skeleton {
      height: 160px;
      border-radius: var(--radius-card);
      background: var(--skeleton);
    }
    .empty {
      padding: 32px 16px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      color: var(--muted);
      text-align: center;
    }
  `,
})
export class Proposals {
  readonly kind = input<ProposalKind>();
  /** Of the tool servers: only those of this one and its tools. */
  readonly about = input<string>();
  readonly isPage = input(false);
  /** One that a link named: it stands on top, whatever became of it. */
  readonly named = input<string>();
  /** A change was applied: what is shown beside is older than what holds. */
  readonly applied = output();

  private readonly api = inject(ProposalsApi);
  private readonly injector = inject(Injector);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  protected readonly call = signal<Call>(idle);
  protected readonly waiting = signal<readonly Proposal[]>([]);
  protected readonly past = signal<readonly Proposal[]>([]);
  /** Named by the link, or looked at when it turned out to be over: it stays in sight until one goes elsewhere. */
  private readonly link = signal<Proposal | null>(null);
  private readonly pinned = signal<string | undefined>(undefined);
  protected readonly cursor = signal<string | null>(null);
  protected readonly isPast = signal(false);
  protected readonly said = signal<'pending' | 'applied' | 'refused' | 'withdrawn' | null>(null);
  protected readonly shown = computed(() => {
    const all = this.isPast() ? this.past() : this.waiting();
    const link = this.link();
    if (!link || this.isPast()) return all;
    return [link, ...all.filter(({ id }) => id !== link.id)];
  });

  constructor() {
    effect(() => {
      this.kind();
      this.about();
      this.named();
      untracked(() => void this.load());
    });
    keepFresh(() => (this.isPast() ? [] : [from(this.load()).subscribe()]));
  }

  protected async load(): Promise<void> {
    const isFirst = this.call().state !== 'done';
    if (isFirst) this.call.set(loading);
    const kind = this.kind();
    try {
      const [{ items: listed }, link] = await Promise.all([
        firstValueFrom(this.api.list({ state: 'pending', ...(kind && { kind }) })),
        this.linked(),
      ]);
      const items = await Promise.all(
        listed.filter((each) => this.isAbout(each)).map((each) => this.whole(each)),
      );
      // Somebody else has confirmed one, in another tab or in another room.
      const gone = this.waiting().filter(({ id }) => !items.some((each) => each.id === id));
      const known = new Set(this.waiting().map(({ id }) => id));
      const isProposed = items.some(({ id, you }) => you.obstacle === 'own' && !known.has(id));
      this.waiting.set(items);
      this.link.set(link);
      this.call.set(done);
      if (gone.length > 0) this.applied.emit();
      // What one has just saved is not there below: it is led to, where it waits.
      if (!isFirst && isProposed) {
        this.said.set('pending');
        afterNextRender(() => this.host.nativeElement.scrollIntoView({ block: 'center' }), {
          injector: this.injector,
        });
      }
    } catch (error) {
      this.call.set(failed(error));
    }
  }
  private isAbout({ target }: Proposal): boolean {
    const server = this.about();
    return !server || target === `mcp-server:${server}` || target.startsWith(`tool:${server}.`);
  }
  /** A list leaves out long definitions, and nobody confirms what they have not seen. */
  private async whole(listed: Proposal): Promise<Proposal> {
    const known = this.waiting().find(({ id }) => id === listed.id);
    if (!listed.isPartial) return listed;
    const { before, after, changes } = known ?? (await firstValueFrom(this.api.one(listed.id)));
    return { ...listed, before, after, changes };
  }
  private async linked(): Promise<Proposal | null> {
    const id = this.pinned() ?? this.named();
    if (!id) return null;
    try {
      return await firstValueFrom(this.api.one(id));
    } catch (error) {
      // Pruned since, or not for these eyes: the others are shown all the same.
      if ([400, 404].includes(toProblem(error).status)) return null;
      throw error;
    }
  }

  protected show(isPast: boolean): void {
    this.isPast.set(isPast);
    this.pinned.set(undefined);
    this.said.set(null);
    this.past.set([]);
    this.cursor.set(null);
    this.again();
  }
  protected again(): void {
    void (this.isPast() ? this.more() : this.load());
  }
  protected async more(): Promise<void> {
    this.call.set(loading);
    const [kind, cursor] = [this.kind(), this.cursor()];
    try {
      const page = await firstValueFrom(
        this.api.list({ ...(kind && { kind }), ...(cursor && { cursor }) }),
      );
      this.past.update((past) => [
        ...past,
        ...page.items.filter(({ state }) => state !== 'pending'),
      ]);
      this.cursor.set(page.nextCursor);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected async onDecided({ id }: Proposal, decided: Proposal | null): Promise<void> {
    const state = decided?.state;
    this.said.set(
      state === 'applied' || state === 'refused' || state === 'withdrawn' ? state : null,
    );
    if (!decided) this.pinned.set(id);
    await this.load();
  }
}
