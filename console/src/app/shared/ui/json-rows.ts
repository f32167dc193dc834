/** A JSON value as the rows that are in sight while some of its nodes are open. */
export interface JsonRow {
  /** Where it stands: `` is the whole, then `steps[0].args`. Also what a step may refer to. */
  path: string;
  depth: number;
  /** Its key or index; null for the whole, and for the further lines of a long text. */
  key: string | null;
  kind: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' | 'line';
  value: unknown;
  /** How many it holds; null where it holds nothing that can be opened. */
  size: number | null;
  isOpen: boolean;
}

/** A text longer than this, or of several lines, opens into lines of its own. */
export const LONG_TEXT = 120;
const LINE = 100;

export type IsOpen = (path: string, depth: number, value: unknown) => boolean;

export function rowsOf(value: unknown, isOpen: IsOpen): JsonRow[] {
  const rows: JsonRow[] = [];
  // A stack and not recursion: what a tool answers may be nested deeper than the call stack is.
  const stack: { path: string; depth: number; key: string | null; value: unknown }[] = [
    { path: '', depth: 0, key: null, value },
  ];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { path, depth, key, value: held } = next;
    const size = sizeOf(held);
    const open = size !== null && isOpen(path, depth, held);
    rows.push({ path, depth, key, kind: kindOf(held), value: held, size, isOpen: open });
    if (!open) continue;
    if (typeof held === 'string') {
      for (const line of linesOf(held))
        rows.push({
          path,
          depth: depth + 1,
          key: null,
          kind: 'line',
          value: line,
          size: null,
          isOpen: false,
        });
      continue;
    }
    const children = Array.isArray(held)
      ? held.map((child: unknown, index) => ({
          path: `${path}[${index}]`,
          depth: depth + 1,
          key: String(index),
          value: child,
        }))
      : Object.entries(held as object).map(([name, child]: [string, unknown]) => ({
          path: pathTo(path, name),
          depth: depth + 1,
          key: name,
          value: child,
        }));
    for (const child of children.reverse()) stack.push(child);
  }
  return rows;
}

export function pathTo(path: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

function kindOf(value: unknown): JsonRow['kind'] {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'object';
}

function sizeOf(value: unknown): number | null {
  if (Array.isArray(value)) return value.length || null;
  if (typeof value === 'string')
    return value.length > LONG_TEXT || value.includes('\n') ? value.length : null;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length || null;
  return null;
}

const linesOf = (text: string): string[] =>
  text.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${LINE}}`, 'gsu')) ?? ['']);
