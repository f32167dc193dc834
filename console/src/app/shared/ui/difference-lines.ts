/** One line of a comparison: what stood there, what stands there now, and whether that is the same. */
export interface DifferenceRow {
  kind: 'same' | 'changed' | 'added' | 'removed';
  before: string | null;
  after: string | null;
}

const INDENT = '  ';
/** Past so many steps a finer comparison is not worth the wait: the middle is shown as replaced. */
const MOST_EDITS = 600;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A value as lines that a line comparison does well with: a key and its value on one, no commas (a new last key
 * would change the line before it), a text of several lines as several lines.
 */
export function linesOf(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value === 'string') return value.split('\n');
  return print('', value, '');
}

function print(head: string, value: unknown, indent: string): string[] {
  const at = head ? `${indent}${head} ` : indent;
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${at}[]`];
    const inner = head ? indent + INDENT : indent;
    return [...(head ? [indent + head] : []), ...value.flatMap((item) => print('-', item, inner))];
  }
  if (isObject(value)) {
    const keys = Object.keys(value);
    if (keys.length === 0) return [`${at}{}`];
    const inner = head ? indent + INDENT : indent;
    return [
      ...(head ? [indent + head] : []),
      ...keys.flatMap((key) => print(`${key}:`, value[key], inner)),
    ];
  }
  if (typeof value === 'string' && value.includes('\n'))
    return [`${at}|`, ...value.split('\n').map((line) => indent + INDENT + line)];
  return [`${at}${JSON.stringify(value) ?? 'null'}`];
}

/** The keys of `value` in the order of `model`: the order of keys says nothing, and must not show as a change. */
function inOrderOf(value: unknown, model: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown, index) =>
      inOrderOf(item, Array.isArray(model) ? model[index] : undefined),
    );
  if (!isObject(value)) return value;
  const known = isObject(model) ? Object.keys(model).filter((key) => key in value) : [];
  const keys = [...known, ...Object.keys(value).filter((key) => !known.includes(key))];
  return Object.fromEntries(
    keys.map((key) => [key, inOrderOf(value[key], isObject(model) ? model[key] : undefined)]),
  );
}

export function differenceOf(before: unknown, after: unknown): DifferenceRow[] {
  return compare(linesOf(inOrderOf(before, after)), linesOf(after));
}

/** Lines of both sides, matched by the shortest way from one to the other. */
export function compare(before: readonly string[], after: readonly string[]): DifferenceRow[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1;
  const same = (lines: readonly string[]): DifferenceRow[] =>
    lines.map((line) => ({ kind: 'same', before: line, after: line }));
  const rows = same(before.slice(0, head));
  let removed: string[] = [];
  let added: string[] = [];
  const settle = () => {
    rows.push(...pair(removed, added));
    removed = [];
    added = [];
  };
  const middle = [
    before.slice(head, before.length - tail),
    after.slice(head, after.length - tail),
  ] as const;
  for (const [kind, line] of shortestEdit(...middle)) {
    if (kind === 'removed') removed.push(line);
    else if (kind === 'added') added.push(line);
    else {
      settle();
      rows.push({ kind: 'same', before: line, after: line });
    }
  }
  settle();
  return [...rows, ...same(before.slice(before.length - tail))];
}

/** What went away and what came at the same place stand beside each other; lines of one key find each other. */
function pair(removed: string[], added: string[]): DifferenceRow[] {
  const keyOf = (line: string) => /^\s*(?:- )?[^\s:]+:(?= |$)/.exec(line)?.[0];
  const rows: DifferenceRow[] = [];
  let from = 0;
  for (const line of removed) {
    const key = keyOf(line);
    const at = key === undefined ? from : added.findIndex((a, n) => n >= from && keyOf(a) === key);
    if (at < 0 || at >= added.length) {
      rows.push({ kind: 'removed', before: line, after: null });
      continue;
    }
    for (const extra of added.slice(from, at))
      rows.push({ kind: 'added', before: null, after: extra });
    rows.push({ kind: 'changed', before: line, after: added[at] ?? '' });
    from = at + 1;
  }
  for (const line of added.slice(from)) rows.push({ kind: 'added', before: null, after: line });
  return rows;
}

type Edit = ['same' | 'added' | 'removed', string];

/**
 * Myers' greedy comparison. `furthest[k]` is how far into `before` one gets on diagonal `k` (x minus y) with the
 * edits so far; the way is read back from the states that were kept.
 */
function shortestEdit(before: readonly string[], after: readonly string[]): Edit[] {
  const replaced = (): Edit[] => [
    ...before.map((line): Edit => ['removed', line]),
    ...after.map((line): Edit => ['added', line]),
  ];
  if (before.length === 0 || after.length === 0) return replaced();
  const most = Math.min(before.length + after.length, MOST_EDITS);
  let furthest = new Map<number, number>([[1, 0]]);
  const history: Map<number, number>[] = [];
  const goesDown = (k: number, edits: number, at: Map<number, number>) =>
    k === -edits || (k !== edits && (at.get(k - 1) ?? -1) < (at.get(k + 1) ?? -1));
  for (let edits = 0; edits <= most; edits++) {
    history.push(furthest);
    const next = new Map(furthest);
    for (let k = -edits; k <= edits; k += 2) {
      let x = goesDown(k, edits, next) ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      while (x < before.length && x - k < after.length && before[x] === after[x - k]) x += 1;
      next.set(k, x);
      if (x >= before.length && x - k >= after.length)
        return readBack(before, after, history, goesDown);
    }
    furthest = next;
  }
  return replaced();
}

function readBack(
  before: readonly string[],
  after: readonly string[],
  history: Map<number, number>[],
  goesDown: (k: number, edits: number, at: Map<number, number>) => boolean,
): Edit[] {
  const way: Edit[] = [];
  let x = before.length;
  let y = after.length;
  for (let edits = history.length - 1; edits >= 0; edits--) {
    const at = history[edits]!;
    const k = x - y;
    const fromK = goesDown(k, edits, at) ? k + 1 : k - 1;
    const fromX = edits === 0 ? 0 : (at.get(fromK) ?? 0);
    const fromY = edits === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY) {
      way.push(['same', before[x - 1]!]);
      x -= 1;
      y -= 1;
    }
    if (edits === 0) break;
    if (x === fromX) way.push(['added', after[y - 1]!]);
    else way.push(['removed', before[x - 1]!]);
    x = fromX;
    y = fromY;
  }
  return way.reverse();
}

const depthOf = (line: string) => line.length - line.trimStart().length;

/**
 * The rows that differ, each below the lines it is nested in: `timeoutMs` alone does not say whose. `null` stands
 * where lines were left out.
 */
export function changedOnly(rows: readonly DifferenceRow[]): (DifferenceRow | null)[] {
  const kept = new Set<number>();
  rows.forEach((row, index) => {
    if (row.kind === 'same') return;
    kept.add(index);
    let depth = depthOf(row.after ?? row.before ?? '');
    for (let above = index - 1; above >= 0 && depth > 0; above--) {
      const line = rows[above]?.after ?? rows[above]?.before ?? '';
      if (line.trim() === '' || depthOf(line) >= depth) continue;
      kept.add(above);
      depth = depthOf(line);
    }
  });
  const shown: (DifferenceRow | null)[] = [];
  let last = -1;
  for (const index of [...kept].sort((a, b) => a - b)) {
    if (index !== last + 1) shown.push(null);
    shown.push(rows[index]!);
    last = index;
  }
  if (last >= 0 && last < rows.length - 1) shown.push(null);
  return shown;
}
