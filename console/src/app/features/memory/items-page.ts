import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import type { MemoryItem, MemoryKind, MemorySearchAnswer, Page, Project } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { type Observable, firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { ConfirmDialog } from '../../shared/ui/confirm-dialog';
import { FilterBar } from '../../shared/ui/filter-bar';
import type { Filter } from '../../shared/ui/filters';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { Hits } from './hits';
import { ItemDialog } from './item-dialog';
import { MemoryApi } from './memory-api';

const kinds: readonly MemoryKind[] = ['fact', 'preference', 'lesson'];
/** In the address, for what belongs to no project. */
const EVERYWHERE = '*';

/** What is remembered, newest first, or what holds the words that were looked for. */
@Component({
  selector: 'aos-items-page',
  imports: [Age, ConfirmDialog, FilterBar, Hits, Icon, ItemDialog, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { '(document:keydown)': 'onKey($event)' },
  template: `
    <div class="section" *transloco="let t">
      <h1 class="sr-only">{{ t('memory.part.items') }}</h1>
      <div class="top">
        <p class="lead">{{ t('memory.item.lead') }}</p>
        @if (mayWrite()) {
          <button class="btn filled" type="button" (click)="editing.set('new')">
            <aos-icon name="plus" [size]="14" />{{ t('memory.item.add') }}
          </button>
        }
      </div>
      <aos-filter-bar
        class="tools"
        search="q"
        [filters]="filters()"
        [placeholder]="t('memory.item.search')"
        [label]="t('memory.item.filters')"
      />
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !items().length) {
          <div class="skeleton" aria-hidden="true"></div>
        } @else if (call.state === 'done' && !items().length) {
          <div class="card empty">
            <p>{{ t(isFiltered() ? 'memory.item.noneOfThese' : 'memory.item.none') }}</p>
            @if (!isFiltered() && mayWrite()) {
              <button class="btn" type="button" (click)="editing.set('new')">
                {{ t('memory.item.add') }}
              </button>
            }
          </div>
        }
      }
      @if (items().length) {
        <ul class="card" [attr.aria-label]="t('memory.part.items')">
          @for (item of items(); track item.id; let index = $index) {
            <li [class.active]="index === active()">
              <div class="line">
                <h2>
                  @if (mayWrite()) {
                    <button class="subject" type="button" (click)="editing.set(item)">
                      <aos-hits [text]="item.subject" [terms]="terms()" />
                    </button>
                  } @else {
                    <aos-hits [text]="item.subject" [terms]="terms()" />
                  }
                </h2>
                <span class="pill">{{ t('memory.kind.' + item.kind) }}</span>
                <span class="meta">{{
                  item.projectId ? nameOf(item.projectId) : t('memory.everywhere')
                }}</span>
                <span class="grow"></span>
                <aos-age class="meta" [at]="item.updatedAt" />
                @if (mayWrite()) {
                  <button
                    class="btn quiet icon small"
                    type="button"
                    [attr.aria-label]="t('memory.item.forgetOf', { name: item.subject })"
                    [title]="t('memory.item.forget')"
                    (click)="ask(item)"
                  >
                    <aos-icon name="close" [size]="13" />
                  </button>
                }
              </div>
              <p class="text"><aos-hits [text]="item.text" [terms]="terms()" /></p>
            </li>
          }
        </ul>
        @if (cursor()) {
          <button class="btn more" type="button" (click)="more()">{{ t('ui.more') }}</button>
        }
      }
      @if (found(); as found) {
        <p class="meta note" aria-live="polite">{{ t('memory.item.by.' + found) }}</p>
      }
      @if (editing(); as item) {
        <aos-item-dialog
          [item]="item === 'new' ? null : item"
          [projects]="projects()"
          [projectId]="projectId() === everywhere ? '' : (projectId() ?? '')"
          (saved)="onSaved()"
          (closed)="editing.set(null)"
        />
      }
      @if (forgetting(); as item) {
        <aos-confirm-dialog
          [title]="t('memory.item.forgetTitle')"
          [action]="t('memory.item.forget')"
          [call]="deed()"
          (confirmed)="forget(item)"
          (closed)="forgetting.set(null)"
        >
          <p>
            <strong>{{ item.subject }}</strong>
          </p>
          <p class="muted">{{ t('memory.item.forgetWhat') }}</p>
        </aos-confirm-dialog>
      }
    </div>
  `,
  styleUrls: ['../../shared/ui/section.css', './memory.css'],
  styles: `
    .tools {
      display: block;
    }
    ul {
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      padding: 10px 10px 12px 16px;
      border-bottom: 1px solid var(--line);
    }
    li:last-child {
      border-bottom: 0;
    }
    li.active {
      background: var(--chosen);
    }
    .line {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 10px;
      min-height: 26px;
    }
    h2 {
      overflow-wrap: anywhere;
    }
    .subject {
      padding: 0;
      border: 0;
      background: none;
      font-weight: 550;
      text-align: left;
      cursor: pointer;
    }
    .subject:hover {
      text-decoration: underline;
    }
    .text {
      max-width: 88ch;
      padding-right: 30px;
      white-space: pre-wrap;
      overflow-wrap: anywhere;
    }
    .more,
    .note {
      margin-top: 10px;
    }
  `,
})
export class ItemsPage {
  /** Of the address. */
  readonly q = input<string>();
  readonly kind = input<string>();
  readonly projectId = input<string>();

  private readonly api = inject(MemoryApi);
  private readonly transloco = inject(TranslocoService);
  protected readonly everywhere = EVERYWHERE;
  protected readonly mayWrite = inject(Store).selectSignal(session.selectMay('memory.write'));

  protected readonly call = signal<Call>(idle);
  protected readonly items = signal<readonly MemoryItem[]>([]);
  protected readonly terms = signal<readonly string[]>([]);
  /** How it was searched: by meaning, or why by words alone; null where nothing was looked for. */
  protected readonly found = signal<'meaning' | MemorySearchAnswer['whyText']>(null);
  protected readonly cursor = signal<string | null>(null);
  protected readonly projects = signal<readonly Project[]>([]);
  protected readonly editing = signal<MemoryItem | 'new' | null>(null);
  protected readonly forgetting = signal<MemoryItem | null>(null);
  protected readonly deed = signal<Call>(idle);
  protected readonly active = signal(-1);
  private asked = 0;

  protected readonly filters = computed((): Filter[] => {
    this.transloco.activeLang();
    const t = (key: string) => this.transloco.translate<string>(`memory.${key}`);
    return [
      {
        kind: 'choice',
        key: 'kind',
        label: t('item.kind'),
        options: kinds.map((value) => ({ value, label: t(`kind.${value}`) })),
      },
      {
        kind: 'choice',
        key: 'projectId',
        label: t('project'),
        options: [
          { value: EVERYWHERE, label: t('everywhere') },
          ...this.projects().map(({ id, name }) => ({ value: id, label: name })),
        ],
      },
    ];
  });
  private readonly query = computed(() => {
    const kind = kinds.find((each) => each === this.kind());
    const projectId = this.projectId();
    return {
      ...(kind && { kind }),
      ...(projectId === EVERYWHERE ? { scope: 'everywhere' as const } : projectId && { projectId }),
    };
  });
  protected readonly isFiltered = computed(
    () => Object.keys(this.query()).length > 0 || Boolean(this.q()),
  );

  constructor() {
    effect(() => {
      this.query();
      this.q();
      untracked(() => void this.load());
    });
    void this.loadProjects();
  }

  private async loadProjects(): Promise<void> {
    const { items } = await firstValueFrom(this.api.projects()).catch(() => ({ items: [] }));
    this.projects.set(items);
  }

  protected load(): Promise<void> {
    this.active.set(-1);
    return this.read();
  }
  protected more(): Promise<void> {
    return this.read(this.cursor() ?? undefined);
  }
  private async read(cursor?: string): Promise<void> {
    const asked = (this.asked += 1);
    const q = this.q();
    const query = { ...this.query(), ...(cursor && { cursor }) };
    this.call.set(loading);
    try {
      const answer: Observable<Page<MemoryItem> & Partial<MemorySearchAnswer>> = q
        ? this.api.search(q, query)
        : this.api.items(query);
      const { items, nextCursor, terms = [], by, whyText = null } = await firstValueFrom(answer);
      if (asked !== this.asked) return;
      // A later page goes by words because the first did; why, that one has said.
      if (!cursor) this.found.set(by === 'meaning' ? by : whyText);
      this.items.update((all) => (cursor ? [...all, ...items] : items));
      this.terms.set(terms);
      this.cursor.set(nextCursor);
      this.call.set(done);
    } catch (error) {
      if (asked === this.asked) this.call.set(failed(error));
    }
  }

  protected nameOf(projectId: string): string {
    return this.projects().find(({ id }) => id === projectId)?.name ?? projectId;
  }
  protected onSaved(): void {
    this.editing.set(null);
    void this.load();
  }
  protected ask(item: MemoryItem): void {
    this.deed.set(idle);
    this.forgetting.set(item);
  }
  protected async forget({ id }: MemoryItem): Promise<void> {
    this.deed.set(loading);
    try {
      await firstValueFrom(this.api.forget(id));
      this.forgetting.set(null);
      this.items.update((all) => all.filter((item) => item.id !== id));
    } catch (error) {
      this.deed.set(failed(error));
    }
  }

  protected onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target.closest('input, textarea, select, button, a, dialog, .cdk-overlay-container'))
      return;
    if (document.querySelector('dialog[open]')) return;
    const step = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
    const last = this.items().length - 1;
    if (step !== 0) this.active.update((index) => Math.max(0, Math.min(last, index + step)));
    else if (event.key === 'Enter' && this.mayWrite()) {
      const item = this.items()[this.active()];
      if (item) this.editing.set(item);
    } else return;
    event.preventDefault();
  }
}
