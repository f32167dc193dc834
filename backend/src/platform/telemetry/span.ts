import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  TraceFlags,
  context,
  trace,
} from '@opentelemetry/api';

/** What the waterfall colours by; stored in `spans.kind`. */
export type SpanKindName = 'http' | 'job' | 'node' | 'tool' | 'model' | 'database' | 'internal';

const tracer = trace.getTracer('aos');

/**
 * Runs `work` in a span under the active one (or under `parent`). A throw marks the span as failed and
 * goes on. Attributes must not hold secrets: they are stored and exported.
 */
export async function inSpan<T>(
  kind: SpanKindName,
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
  parent: Context = context.active(),
): Promise<T> {
  return tracer.startActiveSpan(
    name,
    { attributes: { ...attributes, 'aos.kind': kind } },
    parent,
    async (span) => {
      try {
        return await work(span);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
        throw error;
      } finally {
        span.end();
      }
    },
  );
}

/** `00-<trace>-<span>-01` of the active span, or undefined outside any. */
export function activeTraceparent(): string | undefined {
  const at = trace.getActiveSpan()?.spanContext();
  return (
    at &&
    `00-${at.traceId}-${at.spanId}-${(at.traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')}`
  );
}

/** A context whose spans continue the given W3C traceparent; the root context when it is none. */
export function contextOf(traceparent: string | null | undefined): Context {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '');
  if (!match) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: match[1]!,
    spanId: match[2]!,
    traceFlags: Number.parseInt(match[3]!, 16),
    isRemote: true,
  });
}
