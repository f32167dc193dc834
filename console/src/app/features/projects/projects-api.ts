import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  changeProject,
  createProject,
  deleteView,
  getProject,
  listAudit,
  listEpisodeEvents,
  listEpisodeLogs,
  listJobs,
  listProjects,
  listViews,
  saveView,
} from '@aos/api-client/functions';
import type {
  AosEvent,
  AuditRow,
  CreateProject,
  Job,
  LogLine,
  Page,
  PatchProject,
  Project,
  SaveView,
  SavedView,
} from '@aos/contracts';
import type { Observable } from 'rxjs';
import type { TasksRequest } from './task-filter';

const PAGE = 100;
const LONGEST_PAGE = 200;

/** What this room asks of the server. */
@Injectable({ providedIn: 'root' })
export class ProjectsApi {
  private readonly api = inject(Api);

  tasks(request: TasksRequest, cursor?: string): Observable<Page<Job>> {
    return this.api.invoke(listJobs, { limit: PAGE, ...request, cursor });
  }

  projects(archived: '0' | '1', cursor?: string): Observable<Page<Project>> {
    return this.api.invoke(listProjects, { limit: LONGEST_PAGE, archived, cursor });
  }
  project(id: string): Observable<Project> {
    return this.api.invoke(getProject, { id });
  }
  createProject(body: CreateProject): Observable<Project> {
    return this.api.invoke(createProject, { body });
  }
  /** Made against the version that the person saw: a change of somebody else meanwhile is not overwritten. */
  changeProject({ id, version }: Project, body: PatchProject): Observable<Project> {
    return this.api.invoke(changeProject, { id, 'If-Match': `"${version}"`, body });
  }

  views(): Observable<Page<SavedView>> {
    return this.api.invoke(listViews, { room: 'tasks', limit: LONGEST_PAGE });
  }
  saveView(body: SaveView): Observable<SavedView> {
    return this.api.invoke(saveView, { body });
  }
  deleteView(id: string): Observable<unknown> {
    return this.api.invoke(deleteView, { id });
  }

  events(traceId: string, cursor?: string): Observable<Page<AosEvent>> {
    return this.api.invoke(listEpisodeEvents, { traceId, limit: LONGEST_PAGE, cursor });
  }
  /** Where every event of the run after this one is told, as it happens. */
  liveEvents(traceId: string, since: number): string {
    return `/api/episodes/${encodeURIComponent(traceId)}/events?tail=1&since=${since}`;
  }
  logs(traceId: string, cursor?: string): Observable<Page<LogLine>> {
    return this.api.invoke(listEpisodeLogs, { traceId, limit: LONGEST_PAGE, cursor });
  }
  audit(about: { traceId: string } | { resource: string }): Observable<Page<AuditRow>> {
    return this.api.invoke(listAudit, { limit: LONGEST_PAGE, ...about });
  }
}
