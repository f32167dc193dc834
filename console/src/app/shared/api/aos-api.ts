import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  beginProviderSignIn,
  cancelJob,
  decideApproval,
  getConversation,
  getEpisode,
  getJob,
  getRuntimeConfig,
  getTrace,
  listAgents,
  listApprovals,
  listJobs,
  listProjects,
  listPastEvents,
  listTraces,
  listWaysIn,
  login,
  logout,
  me,
  rerunJob,
  sendMessage,
  showSignInCode,
} from '@aos/api-client/functions';
import type {
  Agent,
  AosEvent,
  Approval,
  ConversationDetail,
  DecideRequest,
  Episode,
  Job,
  JobStatus,
  LoginAnswer,
  Me,
  MessageAccepted,
  Page,
  Project,
  ProviderSignIn,
  RunAccepted,
  RuntimeConfig,
  SendMessage,
  TraceDetail,
  TraceSummary,
  ValueEventType,
  WaysIn,
} from '@aos/contracts';
import { type Observable, map } from 'rxjs';

import { projectsApart } from './told-apart';

const PAGE = 50;
const LONGEST_PAGE = 200;

/**
 * What the console asks of the server, in its own words, through the client that is generated from the server's
 * OpenAPI document. The answers are typed by the contract: should the two ever differ, this file does not compile.
 * The session travels in an HttpOnly cookie that no script can read; `csrf.ts` adds what proves a write came from
 * here.
 */
@Injectable({ providedIn: 'root' })
export class AosApi {
  private readonly api = inject(Api);

  login(email: string, password: string, code?: string): Observable<LoginAnswer> {
    return this.api.invoke(login, { body: { email, password, ...(code && { code }) } });
  }
  waysIn(): Observable<WaysIn> {
    return this.api.invoke(listWaysIn, {});
  }
  /** The answer says where the browser has to go. */
  beginSignIn(provider: string, returnTo: string): Observable<ProviderSignIn> {
    return this.api.invoke(beginProviderSignIn, { name: provider, body: { returnTo } });
  }
  showCode(code: string): Observable<LoginAnswer> {
    return this.api.invoke(showSignInCode, { body: { code } });
  }
  logout(): Observable<unknown> {
    return this.api.invoke(logout, {});
  }
  me(): Observable<Me> {
    return this.api.invoke(me, {});
  }

  conversation(id: string): Observable<ConversationDetail> {
    return this.api.invoke(getConversation, { id });
  }
  /** `key` belongs to what the person meant to send: a retry of the same draft brings the same key. */
  send(message: SendMessage, key: string): Observable<MessageAccepted> {
    return this.api.invoke(sendMessage, { body: message, 'Idempotency-Key': key });
  }

  /** What the value stream told, the latest first; `before` is a seq. */
  pastEvents(query: {
    before?: number;
    cursor?: string;
    traceId?: string;
    types?: readonly ValueEventType[];
  }): Observable<Page<AosEvent>> {
    const { types, ...rest } = query;
    return this.api.invoke(listPastEvents, {
      limit: PAGE,
      ...rest,
      ...(types?.length && { types: types.join(',') }),
    });
  }

  approvals(query: { status?: Approval['status']; cursor?: string }): Observable<Page<Approval>> {
    return this.api.invoke(listApprovals, { limit: LONGEST_PAGE, ...query });
  }
  decide(decision: DecideRequest): Observable<Approval> {
    return this.api.invoke(decideApproval, { body: decision });
  }

  jobs(query: { status?: JobStatus; cursor?: string } = {}): Observable<Page<Job>> {
    return this.api.invoke(listJobs, { limit: PAGE, ...query });
  }
  job(id: string): Observable<Job> {
    return this.api.invoke(getJob, { id });
  }
  cancelJob(id: string): Observable<Job> {
    return this.api.invoke(cancelJob, { id, body: {} });
  }
  rerunJob(id: string): Observable<RunAccepted> {
    return this.api.invoke(rerunJob, { id, body: {} });
  }
  episode(traceId: string): Observable<Episode> {
    return this.api.invoke(getEpisode, { traceId });
  }

  /** Those in use, by id. */
  projects(): Observable<Page<Project>> {
    return this.api.invoke(listProjects, { limit: LONGEST_PAGE }).pipe(map(projectsApart));
  }

  /** Where the bytes of an artifact are; fit for `<img src>` and `<a download>` alike. */
  contentUrl(id: string): string {
    return `/api/artifacts/${encodeURIComponent(id)}/content`;
  }

  agents(): Observable<Page<Agent>> {
    return this.api.invoke(listAgents, { limit: LONGEST_PAGE });
  }

  /** Names of the secrets outside the projects, for whoever may read names. Never a value. */
  secretNames(): Observable<string[]> {
    return this.api
      .invoke(getRuntimeConfig, {})
      .pipe(
        map(({ secrets }: RuntimeConfig) =>
          secrets.filter(({ projectId }) => projectId === null).map(({ name }) => name),
        ),
      );
  }

  traces(cursor?: string): Observable<Page<TraceSummary>> {
    return this.api.invoke(listTraces, { limit: PAGE, cursor });
  }
  trace(traceId: string): Observable<TraceDetail> {
    return this.api.invoke(getTrace, { id: traceId });
  }
}
