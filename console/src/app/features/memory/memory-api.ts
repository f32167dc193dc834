import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  changeMemory,
  changeProjectVar,
  createMemory,
  createProjectVar,
  deleteMemory,
  deleteProjectVar,
  getMemory,
  getProfile,
  getRuntimeConfig,
  listMemory,
  listProjects,
  listProjectVars,
  putProfile,
  searchMemory,
} from '@aos/api-client/functions';
import type {
  CreateMemoryItem,
  CreateProjectVar,
  MemoryItem,
  MemoryItemQuery,
  MemorySearchAnswer,
  Page,
  PatchMemoryItem,
  PatchProjectVar,
  Profile,
  ProfileAnswer,
  Project,
  ProjectVar,
  RuntimeConfig,
} from '@aos/contracts';
import { type Observable, map } from 'rxjs';
import { projectsApart } from '../../shared/api/told-apart';

const PAGE = 50;
const LONGEST_PAGE = 200;
type Filters = Pick<Partial<MemoryItemQuery>, 'kind' | 'projectId' | 'scope' | 'cursor'>;

/** What this room asks of the server; as `shared/api/aos-api.ts`, typed by the contract. */
@Injectable({ providedIn: 'root' })
export class MemoryApi {
  private readonly api = inject(Api);

  items(query: Filters): Observable<Page<MemoryItem>> {
    return this.api.invoke(listMemory, { limit: PAGE, ...query });
  }
  search(q: string, query: Filters): Observable<MemorySearchAnswer> {
    return this.api.invoke(searchMemory, { limit: PAGE, q, ...query });
  }
  item(id: string): Observable<MemoryItem> {
    return this.api.invoke(getMemory, { id });
  }
  create(body: CreateMemoryItem): Observable<MemoryItem> {
    return this.api.invoke(createMemory, { body });
  }
  change(id: string, version: number, body: PatchMemoryItem): Observable<MemoryItem> {
    return this.api.invoke(changeMemory, { id, body, 'If-Match': `"${version}"` });
  }
  forget(id: string): Observable<unknown> {
    return this.api.invoke(deleteMemory, { id });
  }

  profile(): Observable<ProfileAnswer> {
    return this.api.invoke(getProfile, {});
  }
  saveProfile(body: Profile, version: number): Observable<ProfileAnswer> {
    return this.api.invoke(putProfile, { body, 'If-Match': `"${version}"` });
  }

  projects(): Observable<Page<Project>> {
    return this.api.invoke(listProjects, { limit: LONGEST_PAGE }).pipe(map(projectsApart));
  }
  vars(projectId: string, cursor?: string): Observable<Page<ProjectVar>> {
    return this.api.invoke(listProjectVars, { id: projectId, limit: LONGEST_PAGE, cursor });
  }
  createVar(projectId: string, body: CreateProjectVar): Observable<ProjectVar> {
    return this.api.invoke(createProjectVar, { id: projectId, body });
  }
  changeVar(
    projectId: string,
    { name, version }: ProjectVar,
    body: PatchProjectVar,
  ): Observable<ProjectVar> {
    return this.api.invoke(changeProjectVar, {
      id: projectId,
      name,
      body,
      'If-Match': `"${version}"`,
    });
  }
  deleteVar(projectId: string, name: string): Observable<unknown> {
    return this.api.invoke(deleteProjectVar, { id: projectId, name });
  }
  secrets(): Observable<RuntimeConfig> {
    return this.api.invoke(getRuntimeConfig, {});
  }
}
