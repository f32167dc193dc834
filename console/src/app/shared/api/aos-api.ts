import { HttpClient, HttpHeaders } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import type {
  Agent,
  Approval,
  Artifact,
  Conversation,
  ConversationDetail,
  DecideRequest,
  Episode,
  Job,
  LoginAnswer,
  Me,
  MessageAccepted,
  Page,
  RunAccepted,
  SendMessage,
  TraceDetail,
  TraceSummary,
} from '@aos/contracts';
import type { Observable } from 'rxjs';

const withKey = (key: string) => ({ headers: new HttpHeaders({ 'idempotency-key': key }) });

/**
 * The one place of the console that knows a path of the server. The session travels in an HttpOnly cookie that
 * no script can read; `csrf.ts` adds the header that proves a write came from here.
 */
@Injectable({ providedIn: 'root' })
export class AosApi {
  private readonly http = inject(HttpClient);

  login(email: string, password: string): Observable<LoginAnswer> {
    return this.http.post<LoginAnswer>('/auth/login', { email, password });
  }
  logout(): Observable<void> {
    return this.http.post<void>('/auth/logout', {});
  }
  me(): Observable<Me> {
    return this.http.get<Me>('/auth/me');
  }

  conversations(cursor?: string): Observable<Page<Conversation>> {
    return this.http.get<Page<Conversation>>('/api/chat/conversations', {
      params: page(50, cursor),
    });
  }
  conversation(id: string): Observable<ConversationDetail> {
    return this.http.get<ConversationDetail>(`/api/chat/conversations/${encodeURIComponent(id)}`);
  }
  /** `key` belongs to what the person meant to send: a retry of the same draft brings the same key. */
  send(message: SendMessage, key: string): Observable<MessageAccepted> {
    return this.http.post<MessageAccepted>('/api/chat/send', message, withKey(key));
  }

  approvals(query: { status?: string }): Observable<Page<Approval>> {
    return this.http.get<Page<Approval>>('/agent/approvals', { params: { limit: 200, ...query } });
  }
  decide(decision: DecideRequest): Observable<Approval> {
    return this.http.post<Approval>('/agent/approve', decision);
  }

  jobs(query: { status?: string; cursor?: string; limit?: number } = {}): Observable<Page<Job>> {
    return this.http.get<Page<Job>>('/jobs', {
      params: {
        ...page(query.limit ?? 50, query.cursor),
        ...(query.status && { status: query.status }),
      },
    });
  }
  cancelJob(id: string): Observable<Job> {
    return this.http.post<Job>(`/jobs/${encodeURIComponent(id)}/cancel`, {});
  }
  rerunJob(id: string): Observable<RunAccepted> {
    return this.http.post<RunAccepted>(`/jobs/${encodeURIComponent(id)}/rerun`, {});
  }
  episode(traceId: string): Observable<Episode> {
    return this.http.get<Episode>(`/api/episodes/${encodeURIComponent(traceId)}`);
  }

  upload(file: File): Observable<Artifact> {
    const form = new FormData();
    form.append('file', file, file.name);
    return this.http.post<Artifact>('/api/artifacts', form);
  }
  artifact(id: string): Observable<Artifact> {
    return this.http.get<Artifact>(`/api/artifacts/${encodeURIComponent(id)}`);
  }
  /** Where the bytes of an artifact are; fit for `<img src>` and `<a download>` alike. */
  contentUrl(id: string): string {
    return `/api/artifacts/${encodeURIComponent(id)}/content`;
  }

  agents(): Observable<Page<Agent>> {
    return this.http.get<Page<Agent>>('/agents', { params: { limit: 200 } });
  }
  startAgent(id: string): Observable<Agent> {
    return this.http.post<Agent>(`/agents/${encodeURIComponent(id)}/start`, {});
  }
  stopAgent(id: string): Observable<Agent> {
    return this.http.post<Agent>(`/agents/${encodeURIComponent(id)}/stop`, {});
  }

  traces(cursor?: string): Observable<Page<TraceSummary>> {
    return this.http.get<Page<TraceSummary>>('/monitor/traces', { params: page(50, cursor) });
  }
  trace(traceId: string): Observable<TraceDetail> {
    return this.http.get<TraceDetail>(`/monitor/traces/${encodeURIComponent(traceId)}`);
  }
}

const page = (limit: number, cursor?: string): Record<string, string | number> =>
  cursor ? { limit, cursor } : { limit };
