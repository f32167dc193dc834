import { Injectable, inject } from '@angular/core';
import { Api } from '@aos/api-client';
import { getSpanCall, getTrace } from '@aos/api-client/functions';
import type { SpanCall, TraceDetail } from '@aos/contracts';
import type { Observable } from 'rxjs';

/** What the waterfall asks of the server, in whichever room it stands. */
@Injectable({ providedIn: 'root' })
export class TraceApi {
  private readonly api = inject(Api);

  trace(traceId: string): Observable<TraceDetail> {
    return this.api.invoke(getTrace, { id: traceId });
  }
  /** What the ledger has of the tool call behind a span. */
  callOfSpan(traceId: string, spanId: string): Observable<SpanCall> {
    return this.api.invoke(getSpanCall, { id: traceId, spanId });
  }
}
