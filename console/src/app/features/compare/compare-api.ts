import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import { getJob, listJobs } from '@aos/api-client/functions';
import type { Job } from '@aos/contracts';
import { type Observable, catchError, forkJoin, map, of, throwError } from 'rxjs';
import { toProblem } from '../../shared/api/problem';

/** Why a run is offered, the nearest kin first. */
export const kinships = ['rerun', 'blueprint', 'agent', 'goal', 'project'] as const;
export type Kinship = (typeof kinships)[number];
export interface Candidate {
  job: Job;
  kinship: Kinship;
}

const MOST_OF_A_KIND = 12;
const LONGEST_TEXT = 200;

/** What the comparison asks of the server besides the runs themselves. */
@Injectable({ providedIn: 'root' })
export class CompareApi {
  private readonly api = inject(Api);

  job(id: string): Observable<Job> {
    return this.api.invoke(getJob, { id });
  }

  search(text: string): Observable<Job[]> {
    return this.list({ text: text.trim().slice(0, LONGEST_TEXT) });
  }

  /** Those that are worth a comparison with this one, each once, for the nearest of its reasons. */
  kinOf({ id, rerunOf, goal, agentId, projectId, spec }: Job): Observable<Candidate[]> {
    const blueprintId = spec?.blueprint?.id;
    const asked: Partial<Record<Kinship, Observable<Job[]>>> = {
      ...(rerunOf !== null && { rerun: this.orNone(rerunOf) }),
      ...(blueprintId !== undefined && { blueprint: this.list({ blueprintId }) }),
      ...(agentId !== null && { agent: this.list({ agentId }) }),
      ...(goal.trim() && { goal: this.search(goal) }),
      ...(projectId !== null && { project: this.list({ projectId }) }),
    };
    if (Object.keys(asked).length === 0) return of([]);
    return forkJoin(asked).pipe(
      map((answers) => {
        const met = new Set([id]);
        const found: Candidate[] = [];
        for (const kinship of kinships)
          for (const job of answers[kinship] ?? []) {
            if (met.has(job.id)) continue;
            met.add(job.id);
            found.push({ job, kinship });
          }
        return found;
      }),
    );
  }

  private list(query: {
    text?: string;
    agentId?: string;
    projectId?: string;
    blueprintId?: string;
  }): Observable<Job[]> {
    return this.api
      .invoke(listJobs, { limit: MOST_OF_A_KIND, ...query })
      .pipe(map(({ items }) => items));
  }

  /** The run that this one repeats may be gone, or in a project that the person may not see. */
  private orNone(id: string): Observable<Job[]> {
    return this.job(id).pipe(
      map((job) => [job]),
      catchError((error: unknown) =>
        toProblem(error).status === 404 ? of([]) : throwError(() => error),
      ),
    );
  }
}
