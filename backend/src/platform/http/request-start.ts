import {
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api';
import type { NextFunction, Response } from 'express';
import { randomBytes } from 'node:crypto';
import type { LogEntry, LogStore } from '../telemetry/log-store.js';
import { contextOf } from '../telemetry/span.js';
import type { AosRequest } from './access.js';
import type { ClientAddress } from './client-address.js';
import type { Principal } from './context.js';
import type { HttpMetrics } from './http-metrics.js';

/** Whoever has not been identified (yet). May do nothing. */
const anonymous: Principal = {
  kind: 'user',
  id: 'anonymous',
  name: 'anonymous',
  userId: null,
  grants: [],
};

/** Probes, static files and open streams: spans of these would drown what matters. */
const untraced = /^\/(health|metrics|console|agent\/events|monitor\/(metrics|logs)\/live)(\/|$)/;

/**
 * The first thing that happens to a request: it gets its place in a trace (the caller's, when a valid
 * traceparent came along) and a context that names nobody yet. Every answer says its trace, also those that later
 * layers refuse.
 */
export function requestStart(metrics: HttpMetrics, log: LogStore, client: ClientAddress) {
  const tracer = trace.getTracer('aos');
  return (request: AosRequest, response: Response, next: NextFunction): void => {
    const startedAt = performance.now();
    // A process with HTTP instrumentation has opened the span already; otherwise it is opened here.
    const isOpen = trace.getActiveSpan() !== undefined;
    const parent = isOpen
      ? context.active()
      : contextOf(request.headers.traceparent as string | undefined);
    const span =
      isOpen || untraced.test(request.path)
        ? undefined
        : tracer.startSpan(
            request.method,
            {
              kind: SpanKind.SERVER,
              attributes: { 'aos.kind': 'http', 'http.request.method': request.method },
            },
            parent,
          );
    response.once('close', () => {
      const route = routeOf(request);
      const durationMs = performance.now() - startedAt;
      metrics.observe(request.method, route, response.statusCode, durationMs / 1000);
      if (isWorthALine(request, route, response.statusCode))
        log.add(lineOf(request, route, response.statusCode, Math.round(durationMs)));
      if (!span) return;
      span.updateName(`${request.method} ${route}`);
      span.setAttributes({ 'http.route': route, 'http.response.status_code': response.statusCode });
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(span ? trace.setSpan(parent, span) : parent, () => {
      const traceparent = traceparentOf(span ?? trace.getSpan(parent)) ?? madeUp();
      response.setHeader('traceparent', traceparent);
      request.ctx = { actor: anonymous, traceId: traceparent.slice(3, 35), ip: client.of(request) };
      next();
    });
  };
}

/**
 * Writes and failures. Reads that went well would drown them, and so would what programs say to the gateway, whose
 * calls are in its ledger. A stranger must not be able to fill the log: what nobody signed in for is counted, and in
 * the audit where it matters.
 */
function isWorthALine(request: AosRequest, route: string, status: number): boolean {
  if (status >= 500) return true;
  if (request.ctx.actor.id === anonymous.id || (route === '/mcp' && status < 400)) return false;
  return status >= 400 || (request.method !== 'GET' && request.method !== 'HEAD');
}

const lineOf = (
  request: AosRequest,
  route: string,
  status: number,
  durationMs: number,
): LogEntry => ({
  level: status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info',
  logger: 'http',
  message: `${request.method} ${route} ${status} in ${durationMs} ms`,
  attributes: { method: request.method, route, status, durationMs, actor: request.ctx.actor.name },
  traceId: request.ctx.traceId,
});

/** The route's pattern, never the path itself: ids would make a metric of their own each. */
function routeOf(request: AosRequest): string {
  const path: unknown = (request.route as { path?: unknown } | undefined)?.path;
  return typeof path === 'string' ? path : 'unmatched';
}

/** Asked of the span itself: without an SDK there is no active context, and perhaps a span of zeroes. */
function traceparentOf(span: Span | undefined): string | undefined {
  const at = span?.spanContext();
  if (!at || !isSpanContextValid(at)) return undefined;
  return `00-${at.traceId}-${at.spanId}-${(at.traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`;
}

const madeUp = () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
