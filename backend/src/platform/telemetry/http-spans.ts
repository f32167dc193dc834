import { SpanStatusCode, context, trace } from '@opentelemetry/api';
import type { NextFunction, Request, Response } from 'express';
import { activeTraceparent, contextOf } from './span.js';

const tracer = trace.getTracer('aos');
/** Probes, static files and open streams would drown what matters. */
const untraced = /^\/(health|metrics|console|agent\/events|api\/docs|api\/openapi)/;

/**
 * One span per request, continuing the caller's traceparent, and the span's own traceparent on the answer.
 * Everything that the request sets off, across the job and its tools, belongs to this trace.
 */
export function httpSpans(request: Request, response: Response, next: NextFunction): void {
  if (untraced.test(request.path)) return next();
  const header = request.headers['traceparent'];
  const parent = contextOf(typeof header === 'string' ? header : undefined);
  const span = tracer.startSpan(
    `${request.method} ${request.path}`,
    { attributes: { 'aos.kind': 'http', 'http.request.method': request.method, 'url.path': request.path } },
    parent,
  );
  context.with(trace.setSpan(parent, span), () => {
    const traceparent = activeTraceparent();
    if (traceparent) response.setHeader('traceparent', traceparent);
    response.once('close', () => {
      // Known only now: the pattern groups requests where the path holds an id.
      const pattern = (request.route as { path?: string } | undefined)?.path;
      if (pattern) span.updateName(`${request.method} ${pattern}`).setAttribute('http.route', pattern);
      span.setAttribute('http.response.status_code', response.statusCode);
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    next();
  });
}
