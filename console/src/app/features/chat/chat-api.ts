import { HttpClient, type HttpEvent, HttpXhrBackend } from '@angular/common/http';
import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import {
  deleteConversation,
  getArtifact,
  listConversations,
  listTools,
  renameConversation,
  uploadArtifact,
} from '@aos/api-client/functions';
import type { Artifact, Conversation, McpTool, Page, UploadedArtifact } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { EMPTY, type Observable, expand, reduce } from 'rxjs';
import { session } from '../../shared/state/session';

const PAGE = 50;
const LONGEST_PAGE = 200;

/** What only the Chat Hub asks of the server. */
@Injectable({ providedIn: 'root' })
export class ChatApi {
  private readonly api = inject(Api);
  private readonly me = inject(Store).selectSignal(session.selectMe);
  /** `fetch`, which all else goes by, does not tell how much of a file has left. */
  private readonly uploads = new HttpClient(inject(HttpXhrBackend));

  conversations(query: { q?: string; cursor?: string }): Observable<Page<Conversation>> {
    return this.api.invoke(listConversations, { limit: PAGE, ...query });
  }
  rename({ id, version }: Conversation, title: string): Observable<Conversation> {
    return this.api.invoke(renameConversation, { id, 'If-Match': `"${version}"`, body: { title } });
  }
  delete(id: string): Observable<unknown> {
    return this.api.invoke(deleteConversation, { id });
  }

  artifact(id: string): Observable<Artifact> {
    return this.api.invoke(getArtifact, { id });
  }

  /** All of them: completion and checks need to know every name. */
  tools(): Observable<McpTool[]> {
    const page = (cursor?: string): Observable<Page<McpTool>> =>
      this.api.invoke(listTools, { limit: LONGEST_PAGE, cursor });
    return page().pipe(
      expand(({ nextCursor }) => (nextCursor ? page(nextCursor) : EMPTY)),
      reduce((all, { items }) => [...all, ...items], [] as McpTool[]),
    );
  }

  /** `key` is the file's: sent again after a broken line, it is not stored twice. */
  upload(file: File, key: string): Observable<HttpEvent<UploadedArtifact>> {
    const body = new FormData();
    body.append('file', file);
    return this.uploads.post<UploadedArtifact>(uploadArtifact.PATH, body, {
      headers: { 'x-csrf-token': this.me()?.csrfToken ?? '', 'idempotency-key': key },
      observe: 'events',
      reportProgress: true,
    });
  }
}
