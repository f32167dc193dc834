import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  getMetrics,
  getTopology,
  listLogs,
  listProjects,
  listTraces,
} from '@aos/api-client/functions';
import type {
  HistoryState,
  Metrics,
  MetricRange,
  MonitorLogLine,
  Page,
  Project,
  Topology,
  TopologyRange,
  TraceSummary,
} from '@aos/contracts';
import { type Observable, map } from 'rxjs';
import { projectsApart } from '../../shared/api/told-apart';

const PAGE = 100;

export interface TraceFilter {
  status?: string;
  text?: string;
  agentId?: string;
  projectId?: string;
  minMs?: number;
  hasError?: 'true' | 'false';
  from?: string;
  to?: string;
}

export interface LogFilter {
  level?: string;
  logger?: string;
  traceId?: string;
  jobId?: string;
  agentId?: string;
  text?: string;
}

export interface LogPage extends Page<MonitorLogLine> {
  history: HistoryState;
}

/** What only Monitor asks of the server. */
@Injectable({ providedIn: 'root' })
export class MonitorApi {
  private readonly api = inject(Api);

  metrics(range: MetricRange): Observable<Metrics> {
    return this.api.invoke(getMetrics, { range });
  }
  traces(filter: TraceFilter, cursor?: string): Observable<Page<TraceSummary>> {
    return this.api.invoke(listTraces, { ...filter, limit: PAGE, cursor });
  }
  logs(
    filter: LogFilter & { from?: string; to?: string; order?: 'newest' | 'oldest' },
    cursor?: string,
  ): Observable<LogPage> {
    return this.api.invoke(listLogs, { ...filter, limit: PAGE, cursor });
  }
  /** For the filter: as many as one page holds. */
  projects(): Observable<Page<Project>> {
    return this.api.invoke(listProjects, { limit: 200 }).pipe(map(projectsApart));
  }
  topology(range: TopologyRange): Observable<Topology> {
    return this.api.invoke(getTopology, { range });
  }

  /** Where the numbers of now, and the new lines, come as they are made. */
  readonly liveMetrics = '/monitor/metrics/live';
  liveLogs(filter: LogFilter): string {
    const query = new URLSearchParams(
      Object.entries(filter).filter((entry): entry is [string, string] => Boolean(entry[1])),
    ).toString();
    return `/monitor/logs/live${query && `?${query}`}`;
  }
}
