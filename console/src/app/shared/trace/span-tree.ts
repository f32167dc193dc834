import type { Span } from '@aos/contracts';

export interface SpanRow {
  span: Span;
  depth: number;
  /** From the start of the trace. */
  offsetUs: number;
  /** How many rows hang below this one. */
  descendants: number;
}

/** Lays the spans out as rows, parents before children, children by their start. Strays become roots. */
export function layOut(spans: readonly Span[]): { rows: SpanRow[]; lengthUs: number } {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string | null, Span[]>();
  for (const span of spans) {
    const parent =
      span.parentSpanId !== null && known.has(span.parentSpanId) ? span.parentSpanId : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(span);
    else children.set(parent, [span]);
  }
  const startUs = (span: Span) => Date.parse(span.startedAt) * 1000;
  const first = spans.reduce((least, span) => Math.min(least, startUs(span)), Infinity);
  const last = spans.reduce((most, span) => Math.max(most, startUs(span) + span.durationUs), 0);
  for (const siblings of children.values()) siblings.sort((a, b) => startUs(a) - startUs(b));

  const rows: SpanRow[] = [];
  // A stack of our own: a deep trace must not end in a call stack that is full.
  const toDo = [...(children.get(null) ?? [])].reverse().map((span) => ({ span, depth: 0 }));
  const placed = new Set<string>();
  for (let next = toDo.pop(); next; next = toDo.pop()) {
    const { span, depth } = next;
    if (placed.has(span.spanId)) continue;
    placed.add(span.spanId);
    rows.push({ span, depth, offsetUs: startUs(span) - first, descendants: 0 });
    for (const child of [...(children.get(span.spanId) ?? [])].reverse()) {
      toDo.push({ span: child, depth: depth + 1 });
    }
  }
  const open: SpanRow[] = [];
  for (const row of rows) {
    while (open.length > 0 && open[open.length - 1]!.depth >= row.depth) open.pop();
    for (const ancestor of open) ancestor.descendants += 1;
    open.push(row);
  }
  return { rows, lengthUs: Math.max(1, last - first) };
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
