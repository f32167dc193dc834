/** A trace as numbers, so that it goes to a worker and back without being copied. One place per span, by index. */
export interface SpanNumbers {
  /** The index of the parent; -1 for a root and for a stray. */
  parent: Int32Array;
  startUs: Float64Array;
  durationUs: Float64Array;
}

export interface SpanOrder {
  /** Indexes of spans: parents before children, children by their start. */
  order: Int32Array;
  /** The rest is by row, not by span. */
  depth: Uint16Array;
  descendants: Int32Array;
  isCritical: Uint8Array;
}

/** Lays spans out as the rows of a tree, and marks those that the whole had to wait for. */
export function orderSpans({ parent, startUs, durationUs }: SpanNumbers): SpanOrder {
  const children = childrenOf(parent, startUs);
  const count = parent.length;
  const order = new Int32Array(count);
  const depth = new Uint16Array(count);
  // A stack of our own: a deep trace must not end in a call stack that is full.
  const toDo = [...children.roots].reverse().map((span) => ({ span, level: 0 }));
  let row = 0;
  for (let next = toDo.pop(); next; next = toDo.pop()) {
    order[row] = next.span;
    depth[row] = Math.min(next.level, 65_535);
    row += 1;
    const below = children.of[next.span] ?? [];
    for (let n = below.length - 1; n >= 0; n -= 1)
      toDo.push({ span: below[n]!, level: next.level + 1 });
  }
  const placed = order.subarray(0, row);
  return {
    order: placed,
    depth: depth.subarray(0, row),
    descendants: descendantsOf(depth.subarray(0, row)),
    isCritical: criticalPath(children, placed, startUs, durationUs),
  };
}

interface Children {
  roots: number[];
  of: (number[] | undefined)[];
}

function childrenOf(parent: Int32Array, startUs: Float64Array): Children {
  const roots: number[] = [];
  const of: (number[] | undefined)[] = new Array<number[] | undefined>(parent.length);
  parent.forEach((above, span) => {
    if (above < 0 || above === span) roots.push(span);
    else (of[above] ??= []).push(span);
  });
  const byStart = (a: number, b: number) => startUs[a]! - startUs[b]! || a - b;
  roots.sort(byStart);
  for (const below of of) below?.sort(byStart);
  return { roots, of };
}

function descendantsOf(depth: Uint16Array): Int32Array {
  const descendants = new Int32Array(depth.length);
  const open: number[] = [];
  depth.forEach((level, row) => {
    while (open.length > 0 && depth[open[open.length - 1]!]! >= level) close(row);
    open.push(row);
  });
  while (open.length > 0) close(depth.length);
  function close(at: number): void {
    const row = open.pop()!;
    descendants[row] = at - row - 1;
  }
  return descendants;
}

/**
 * From the end backwards: the root waited for its child that ended last, before that child began for the one that had
 * ended last by then, and so on down the tree. What runs beside them could take longer without anybody noticing. A
 * span ends here with all that is below it: a request that started a job is over when the job is.
 */
function criticalPath(
  children: Children,
  order: Int32Array,
  startUs: Float64Array,
  durationUs: Float64Array,
): Uint8Array {
  const isOn = new Uint8Array(startUs.length);
  const endUs = Float64Array.from(startUs, (start, span) => start + durationUs[span]!);
  for (let row = order.length - 1; row >= 0; row -= 1) {
    const span = order[row]!;
    for (const child of children.of[span] ?? [])
      endUs[span] = Math.max(endUs[span]!, endUs[child]!);
  }
  const last = children.roots.reduce(
    (latest, root) => (latest < 0 || endUs[root]! > endUs[latest]! ? root : latest),
    -1,
  );
  const toDo = last < 0 ? [] : [last];
  for (let span = toDo.pop(); span !== undefined; span = toDo.pop()) {
    isOn[span] = 1;
    let cursor = endUs[span]!;
    const below = [...(children.of[span] ?? [])].sort((a, b) => endUs[b]! - endUs[a]!);
    for (const child of below) {
      if (endUs[child]! > cursor || startUs[child]! >= cursor) continue;
      toDo.push(child);
      cursor = startUs[child]!;
    }
  }
  return Uint8Array.from(order, (span) => isOn[span]!);
}
