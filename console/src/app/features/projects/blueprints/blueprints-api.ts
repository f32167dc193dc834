import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  changeBlueprint,
  createBlueprint,
  deleteBlueprint,
  getBlueprint,
  getBlueprintVersion,
  listBlueprintVersions,
  listBlueprints,
  listJobs,
  listTools,
  restoreBlueprint,
  runBlueprint,
  uploadArtifact,
} from '@aos/api-client/functions';
import type {
  Blueprint,
  BlueprintContent,
  BlueprintSummary,
  BlueprintVersion,
  BlueprintVersionSummary,
  Job,
  McpTool,
  Page,
  RunAccepted,
  RunBlueprint,
  UploadedArtifact,
} from '@aos/contracts';
import { EMPTY, type Observable, expand, reduce } from 'rxjs';

const PAGE = 50;
const LONGEST_PAGE = 200;
const MOST_PAGES = 25;

/** What the blueprints of a project ask of the server. A change names the version that the person saw. */
@Injectable({ providedIn: 'root' })
export class BlueprintsApi {
  private readonly api = inject(Api);

  list(projectId: string, cursor?: string): Observable<Page<BlueprintSummary>> {
    return this.api.invoke(listBlueprints, { id: projectId, limit: LONGEST_PAGE, cursor });
  }
  get(projectId: string, blueprint: string): Observable<Blueprint> {
    return this.api.invoke(getBlueprint, { id: projectId, blueprint });
  }
  create(projectId: string, content: BlueprintContent, comment: string): Observable<Blueprint> {
    return this.api.invoke(createBlueprint, { id: projectId, body: { ...content, comment } });
  }
  change(base: Blueprint, content: BlueprintContent, comment: string): Observable<Blueprint> {
    return this.api.invoke(changeBlueprint, {
      ...placeOf(base),
      body: { ...content, comment },
    });
  }
  restore(base: Blueprint, version: number, comment: string): Observable<Blueprint> {
    return this.api.invoke(restoreBlueprint, { ...placeOf(base), body: { version, comment } });
  }
  delete(base: Blueprint): Observable<unknown> {
    return this.api.invoke(deleteBlueprint, placeOf(base));
  }

  versions(base: Blueprint, cursor?: string): Observable<Page<BlueprintVersionSummary>> {
    const { id, blueprint } = placeOf(base);
    return this.api.invoke(listBlueprintVersions, { id, blueprint, limit: PAGE, cursor });
  }
  version(base: Blueprint, version: number): Observable<BlueprintVersion> {
    const { id, blueprint } = placeOf(base);
    return this.api.invoke(getBlueprintVersion, { id, blueprint, version: String(version) });
  }

  run(base: Blueprint, body: RunBlueprint): Observable<RunAccepted> {
    const { id, blueprint } = placeOf(base);
    return this.api.invoke(runBlueprint, { id, blueprint, body });
  }
  /** The last ones of the project, to take a file from. */
  runs(projectId: string): Observable<Page<Job>> {
    return this.api.invoke(listJobs, { projectId, limit: PAGE });
  }
  upload(projectId: string, file: File): Observable<UploadedArtifact> {
    return this.api.invoke(uploadArtifact, { projectId, body: { file } });
  }

  /** All of them: a step may name any. */
  tools(): Observable<McpTool[]> {
    const page = (cursor?: string): Observable<Page<McpTool>> =>
      this.api.invoke(listTools, { limit: LONGEST_PAGE, cursor });
    let pages = 1;
    return page().pipe(
      expand(({ nextCursor }) =>
        nextCursor && (pages += 1) <= MOST_PAGES ? page(nextCursor) : EMPTY,
      ),
      reduce((items: McpTool[], next) => items.concat(next.items), []),
    );
  }
}

const placeOf = ({ projectId, id, version }: Blueprint) => ({
  id: projectId,
  blueprint: id,
  'If-Match': `"${version}"`,
});
