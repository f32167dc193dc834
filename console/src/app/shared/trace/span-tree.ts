import type { Span } from '@aos/contracts';
import { type SpanNumbers, type SpanOrder, orderSpans } from './span-layout';

export interface SpanRow {
  span: Span;
  depth: number;
  /** From the start of the trace. */
  offsetUs: number;
  /** How many rows hang below this one. */
  descendants: number;
  isCritical: boolean;
}

export interface TraceLayout {
  rows: SpanRow[];
  lengthUs: number;
}

/** A layout this long would be felt; it is made in a worker. */
export const WORKER_FROM = 5_000;

/** Microseconds since 1970: `Date` would drop the last three digits of what the server gives. */
export function startOf({ startedAt }: Span): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(startedAt)?.[1] ?? '0';
  return Date.parse(startedAt) * 1000 + Number(micros.padEnd(3, '0'));
}

export function toNumbers(spans: readonly Span[]): SpanNumbers {
  const places = new Map(spans.map(({ spanId }, index) => [spanId, index]));
  return {
    parent: Int32Array.from(spans, ({ parentSpanId }) =>
      parentSpanId === null ? -1 : (places.get(parentSpanId) ?? -1),
    ),
    startUs: Float64Array.from(spans, startOf),
    durationUs: Float64Array.from(spans, ({ durationUs }) => durationUs),
  };
}

function toLayout(
  spans: readonly Span[],
  ends: { firstUs: number; lastUs: number; startUs: Float64Array },
  made: SpanOrder,
): TraceLayout {
  return {
    rows: Array.from(made.order, (index, row) => ({
      span: spans[index]!,
      depth: made.depth[row]!,
      offsetUs: ends.startUs[index]! - ends.firstUs,
      descendants: made.descendants[row]!,
      isCritical: made.isCritical[row] === 1,
    })),
    lengthUs: Math.max(1, ends.lastUs - ends.firstUs),
  };
}

function endsOf({ startUs, durationUs }: SpanNumbers) {
  let firstUs = Infinity;
  let lastUs = 0;
  startUs.forEach((start, index) => {
    firstUs = Math.min(firstUs, start);
    lastUs = Math.max(lastUs, start + durationUs[index]!);
  });
  return { firstUs, lastUs, startUs: startUs.slice() };
}

/** Lays the spans out as rows, parents before children, children by their start. Strays become roots. */
export function layOut(spans: readonly Span[]): TraceLayout {
  const numbers = toNumbers(spans);
  return toLayout(spans, endsOf(numbers), orderSpans(numbers));
}

/** The same, beside the page when it is long. */
export function layOutAside(spans: readonly Span[], signal: AbortSignal): Promise<TraceLayout> {
  if (spans.length <= WORKER_FROM || typeof Worker === 'undefined')
    return Promise.resolve(layOut(spans));
  const numbers = toNumbers(spans);
  const ends = endsOf(numbers);
  return new Promise((done, fail) => {
    const worker = new Worker(new URL('./span-layout.worker', import.meta.url), { type: 'module' });
    const end = () => worker.terminate();
    signal.addEventListener('abort', end, { once: true });
    worker.onmessage = ({ data }: MessageEvent<SpanOrder>) => {
      end();
      done(toLayout(spans, ends, data));
    };
    worker.onerror = (event) => {
      end();
      fail(new Error(event.message));
    };
    worker.postMessage(numbers, [
      numbers.parent.buffer,
      numbers.startUs.buffer,
      numbers.durationUs.buffer,
    ]);
  });
}

export function visible(rows: readonly SpanRow[], folded: ReadonlySet<string>): SpanRow[] {
  const shown: SpanRow[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index]!;
    shown.push(row);
    if (folded.has(row.span.spanId)) index += row.descendants;
  }
  return shown;
}

/** The row above that a row hangs on; -1 for a root. */
export function parentRow(rows: readonly SpanRow[], index: number): number {
  const depth = rows[index]?.depth ?? 0;
  for (let above = index - 1; above >= 0; above -= 1) if (rows[above]!.depth < depth) return above;
  return -1;
}
