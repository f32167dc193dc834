import { Injectable, inject, signal } from '@angular/core';
import { Api } from '@aos/api-client';
import { listConversations, listJobs, listServers } from '@aos/api-client/functions';
import { type Observable, catchError, forkJoin, map, of, shareReplay } from 'rxjs';
import { AosApi } from '../shared/api/aos-api';
import type { IconName } from '../shared/ui/icon';
import { stored } from '../shared/ui/preferences';

/** A place that has a name of its own: a run, a conversation, an agent, a server. */
export interface Place {
  id: string;
  group: 'runs' | 'conversations' | 'agents' | 'servers';
  icon: IconName;
  name: string;
  url: string;
}

const EACH = 6;
const KEPT = 6;

/** What the palette finds beside its commands, and what was gone to last. */
@Injectable({ providedIn: 'root' })
export class PaletteSearch {
  private readonly api = inject(AosApi);
  private readonly client = inject(Api);
  readonly recent = signal<readonly string[]>(read<string[]>('palette.recent') ?? []);
  readonly recentPlaces = signal<readonly Place[]>(read<Place[]>('palette.places') ?? []);

  /** Few enough to be asked for once, while the palette is open. */
  lists(): Observable<Place[]> {
    return forkJoin([this.agents(), this.servers()]).pipe(
      map((lists) => lists.flat()),
      shareReplay(1),
    );
  }

  find(words: string): Observable<Place[]> {
    return forkJoin([this.runs(words), this.conversations(words)]).pipe(
      map((lists) => lists.flat()),
    );
  }

  /** The last used stands first. Names of places are kept, so that they show before the server has answered. */
  remember(id: string, place?: Place): void {
    this.recent.update((ids) => [id, ...ids.filter((one) => one !== id)].slice(0, KEPT));
    stored.set('palette.recent', JSON.stringify(this.recent()));
    if (!place) return;
    this.recentPlaces.update((all) =>
      [place, ...all.filter((one) => one.id !== id)].slice(0, KEPT),
    );
    stored.set('palette.places', JSON.stringify(this.recentPlaces()));
  }

  private runs(text: string): Observable<Place[]> {
    return this.client.invoke(listJobs, { limit: EACH, text }).pipe(
      map(({ items }) =>
        items.map(({ traceId, goal }): Place => ({
          ...{ id: `run:${traceId}`, group: 'runs', icon: 'play', name: goal },
          url: `/projects/runs/${encodeURIComponent(traceId)}`,
        })),
      ),
      catchError(nothing),
    );
  }
  private conversations(q: string): Observable<Place[]> {
    return this.client.invoke(listConversations, { limit: EACH, q }).pipe(
      map(({ items }) =>
        items.map(({ id, title }): Place => ({
          ...{ id: `chat:${id}`, group: 'conversations', icon: 'chat', name: title },
          url: `/chat/${encodeURIComponent(id)}`,
        })),
      ),
      catchError(nothing),
    );
  }
  private agents(): Observable<Place[]> {
    return this.api.agents().pipe(
      map(({ items }) =>
        items.map(({ id, name }): Place => ({
          ...{ id: `agent:${id}`, group: 'agents', icon: 'agents', name },
          url: `/agents/${encodeURIComponent(id)}`,
        })),
      ),
      catchError(nothing),
    );
  }
  private servers(): Observable<Place[]> {
    return this.client.invoke(listServers, { limit: 200 }).pipe(
      map(({ items }) =>
        items.map(({ name }): Place => ({
          ...{ id: `server:${name}`, group: 'servers', icon: 'integrations', name },
          url: `/integrations/${encodeURIComponent(name)}`,
        })),
      ),
      catchError(nothing),
    );
  }
}

/** What somebody may not read, or what did not come, is not found; the commands stand without it. */
const nothing = () => of<Place[]>([]);

function read<T>(key: string): T | null {
  try {
    return JSON.parse(stored.get(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}
