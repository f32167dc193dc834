import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  changeAgent,
  createAgent,
  getAgent,
  getAgentStats,
  listAgentStandings,
  listAgentTemplates,
  listAgentVersions,
  listAgents,
  listJobs,
  listTools,
  registerAgent,
  releaseAgent,
  scaleAgent,
  startAgent,
  stopAgent,
  unregisterAgent,
} from '@aos/api-client/functions';
import type {
  Agent,
  AgentStanding,
  AgentStats,
  AgentTemplate,
  AgentVersion,
  CreateAgent,
  Job,
  McpTool,
  Page,
  PatchAgent,
  Proposal,
  ReleaseAgent,
} from '@aos/contracts';
import { EMPTY, type Observable, expand, map, reduce } from 'rxjs';

const LONGEST_PAGE = 200;
const PAGE = 50;
const MOST_PAGES = 25;

/** An agent with the tag that a change to it has to name. */
export interface TaggedAgent {
  agent: Agent;
  etag: string;
}

/** What this room asks of the server; typed by the contract, as in `shared/api/aos-api.ts`. */
/** A proxy that compresses weakens the tag that it passes on; a version is only asked for by the strong one. */
const strong = (etag: string | null) => (etag ?? '').replace(/^W\//, '');

@Injectable({ providedIn: 'root' })
export class AgentsApi {
  private readonly api = inject(Api);

  agents(): Observable<Agent[]> {
    return this.all((cursor): Observable<Page<Agent>> =>
      this.api.invoke(listAgents, { limit: LONGEST_PAGE, cursor }),
    );
  }
  /** For who has `agents()`: those with what each is made of, which is most of them. */
  standings(): Observable<AgentStanding[]> {
    return this.all((cursor): Observable<Page<AgentStanding>> =>
      this.api.invoke(listAgentStandings, { limit: LONGEST_PAGE, cursor }),
    );
  }
  agent(id: string): Observable<TaggedAgent> {
    return this.api
      .invoke$Response(getAgent, { id })
      .pipe(map(({ body, headers }) => ({ agent: body, etag: strong(headers.get('etag')) })));
  }
  templates(): Observable<AgentTemplate[]> {
    return this.api
      .invoke(listAgentTemplates, { limit: LONGEST_PAGE })
      .pipe(map(({ items }: Page<AgentTemplate>) => items));
  }
  tools(): Observable<McpTool[]> {
    return this.all((cursor): Observable<Page<McpTool>> =>
      this.api.invoke(listTools, { limit: LONGEST_PAGE, cursor }),
    );
  }
  stats(id: string): Observable<AgentStats> {
    return this.api.invoke(getAgentStats, { id });
  }
  runs(agentId: string): Observable<Job[]> {
    return this.api
      .invoke(listJobs, { agentId, limit: PAGE })
      .pipe(map(({ items }: Page<Job>) => items));
  }
  versions(id: string, cursor?: string): Observable<Page<AgentVersion>> {
    return this.api.invoke(listAgentVersions, { id, cursor, limit: PAGE });
  }

  create(agent: CreateAgent): Observable<Agent> {
    return this.api.invoke(createAgent, { body: agent });
  }
  change(id: string, etag: string, body: PatchAgent): Observable<Agent> {
    return this.api.invoke(changeAgent, { id, body, 'If-Match': etag });
  }
  release(id: string, etag: string, body: ReleaseAgent): Observable<Agent> {
    return this.api.invoke(releaseAgent, { id, body, 'If-Match': etag });
  }
  start(id: string): Observable<Agent> {
    return this.api.invoke(startAgent, { id });
  }
  stop(id: string): Observable<Agent> {
    return this.api.invoke(stopAgent, { id });
  }
  scale(id: string, replicas: number): Observable<Agent> {
    return this.api.invoke(scaleAgent, { id, body: { replicas } });
  }
  /** Where a second person is wanted the answer is a proposal. */
  register(id: string): Observable<Agent | Proposal> {
    return this.api.invoke(registerAgent, { id });
  }
  unregister(id: string): Observable<Agent | Proposal> {
    return this.api.invoke(unregisterAgent, { id });
  }
  /** Lines as they are written, oldest first; the browser reconnects by itself. */
  logUrl(id: string): string {
    return `/agents/${encodeURIComponent(id)}/logs?tail=1`;
  }

  private all<T>(page: (cursor?: string) => Observable<Page<T>>): Observable<T[]> {
    let pages = 1;
    return page().pipe(
      expand(({ nextCursor }) =>
        nextCursor && (pages += 1) <= MOST_PAGES ? page(nextCursor) : EMPTY,
      ),
      reduce((items: T[], next) => items.concat(next.items), []),
    );
  }
}
