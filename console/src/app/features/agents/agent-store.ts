import { Injectable, computed, inject, signal } from '@angular/core';
import type { Agent, AgentConfig, AgentVersion } from '@aos/contracts';
import type { Observable, Subscription } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { AgentsApi } from './agents-api';
import { readSop, tidy, writeSop } from './sop';

/** What is typed and not saved. The way of work is kept as its text, which may be half a list. */
export interface Draft extends Omit<AgentConfig, 'sop' | 'budget'> {
  sop: string;
  budget: AgentConfig['budget'];
}

export const draftOf = ({ sop, ...config }: AgentConfig): Draft => ({
  ...config,
  budget: config.budget,
  sop: writeSop(sop),
});

export function configOf({ sop, budget, model, ...draft }: Draft): AgentConfig | null {
  const { steps } = readSop(sop);
  if (!steps) return null;
  return {
    ...draft,
    sop: steps,
    ...(budget && Object.keys(budget).length > 0 && { budget }),
    ...(model?.trim() && { model: model.trim() }),
  };
}

/** What it says, in whatever order its keys stand. */
function said(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(said).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries
    .map(([key, inner]) => `${JSON.stringify(key)}:${said(inner)}`)
    .sort()
    .join()}}`;
}

const numberOf = (etag: string) => Number(/\d+/.exec(etag)?.[0] ?? 0);

/** One agent, the changes to it that are not saved yet, and its versions; for as long as its page is open. */
@Injectable()
export class AgentStore {
  private readonly api = inject(AgentsApi);
  private id = '';
  private etag = '';

  readonly agent = signal<Agent | null>(null);
  readonly call = signal<Call>(loading);
  readonly draft = signal<Draft | null>(null);
  readonly saving = signal<Call>(idle);
  readonly ordering = signal<Call>(idle);
  /** Replicas as pressed, until the server has told of them. */
  private readonly wanted = signal<number | null>(null);
  readonly replicas = computed(() => this.wanted() ?? this.agent()?.replicas ?? 0);
  readonly versions = signal<readonly AgentVersion[]>([]);
  readonly versionsCall = signal<Call>(loading);
  private readonly cursor = signal<string | null>(null);
  readonly hasMoreVersions = computed(() => this.cursor() !== null);

  readonly before = computed(() => {
    const config = this.agent()?.config;
    return config ? tidy(config) : null;
  });
  readonly after = computed(() => {
    const draft = this.draft();
    const config = draft && configOf(draft);
    return config && tidy(config);
  });
  readonly isChanged = computed(() => {
    const [draft, before] = [this.draft(), this.before()];
    if (!draft || !before) return false;
    const after = this.after();
    return after === null ? draft.sop !== writeSop(before.sop) : said(after) !== said(before);
  });

  show(id: string): void {
    this.id = id;
    this.etag = '';
    this.agent.set(null);
    this.draft.set(null);
    this.wanted.set(null);
    this.versions.set([]);
    this.call.set(loading);
    this.refresh();
    this.loadVersions();
  }

  /** What somebody else has saved comes in, unless there are changes here: those are refused when saved (412). */
  refresh(): Subscription {
    const { id } = this;
    return this.api.agent(id).subscribe({
      next: ({ agent, etag }) => {
        // The second: asked before a change and answered after it.
        if (id !== this.id || numberOf(etag) < numberOf(this.etag)) return;
        const isNew = this.agent()?.version !== agent.version;
        const keeps = this.isChanged();
        if (!keeps) this.etag = etag;
        this.agent.update((before) =>
          keeps && before ? { ...agent, config: before.config } : agent,
        );
        if (!keeps && (isNew || !this.draft())) this.draft.set(draftOf(agent.config));
        if (isNew && this.call().state === 'done') this.loadVersions();
        this.call.set(done);
      },
      error: (error: unknown) => {
        if (!this.agent()) this.call.set(failed(error));
      },
    });
  }

  set<K extends keyof Draft>(key: K, value: Draft[K]): void {
    this.draft.update((draft) => draft && { ...draft, [key]: value });
    this.saving.set(idle);
  }
  undo(): void {
    this.draft.set(null);
    this.saving.set(idle);
    this.refresh();
  }

  save(comment: string, then: () => void): void {
    const config = this.after();
    if (!config) return;
    this.saving.set(loading);
    this.api
      .change(this.id, this.etag, { config, ...(comment.trim() && { comment: comment.trim() }) })
      .subscribe({
        next: () => {
          this.saving.set(done);
          this.undo();
          then();
        },
        error: (error: unknown) => this.saving.set(failed(error)),
      });
  }

  release(version: string, comment: string, then: () => void): void {
    this.order(
      this.api.release(this.id, this.etag, {
        version,
        ...(comment.trim() && { comment: comment.trim() }),
      }),
      () => {
        this.undo();
        then();
      },
    );
  }
  start(): void {
    this.order(this.api.start(this.id));
  }
  stop(): void {
    this.order(this.api.stop(this.id));
  }
  /** One request at a time, with what was pressed by then: two under way could reach the server in either order. */
  scaleBy(more: number): void {
    const isUnderWay = this.wanted() !== null;
    this.wanted.set(this.replicas() + more);
    if (!isUnderWay) this.sendScale();
  }
  private sendScale(): void {
    const { id } = this;
    const replicas = this.replicas();
    this.order(
      this.api.scale(id, replicas),
      (read) =>
        read.add(() => {
          if (id !== this.id) return;
          if (this.wanted() === replicas) this.wanted.set(null);
          else this.sendScale();
        }),
      () => this.wanted.set(null),
    );
  }
  register(): void {
    this.order(this.api.register(this.id));
  }
  unregister(): void {
    this.order(this.api.unregister(this.id));
  }

  loadVersions(): void {
    const { id } = this;
    this.api.versions(id).subscribe({
      next: ({ items, nextCursor }) => {
        if (id !== this.id) return;
        this.versions.set(items);
        this.cursor.set(nextCursor);
        this.versionsCall.set(done);
      },
      error: (error: unknown) => this.versionsCall.set(failed(error)),
    });
  }
  moreVersions(): void {
    const cursor = this.cursor();
    if (!cursor) return;
    this.api.versions(this.id, cursor).subscribe({
      next: ({ items, nextCursor }) => {
        this.versions.update((all) => [...all, ...items]);
        this.cursor.set(nextCursor);
      },
      error: (error: unknown) => this.versionsCall.set(failed(error)),
    });
  }

  /** `then` is given the asking for the agent as it is now, `otherwise` is for an order that failed. */
  private order(
    order: Observable<unknown>,
    then?: (read: Subscription) => void,
    otherwise?: () => void,
  ): void {
    this.ordering.set(loading);
    order.subscribe({
      next: () => {
        this.ordering.set(done);
        const read = this.refresh();
        then?.(read);
      },
      error: (error: unknown) => {
        this.ordering.set(failed(error));
        otherwise?.();
        this.refresh();
      },
    });
  }
}
