import { MAX_DEPTH, type Node, type SchemaReader, isWords } from './schema-reader';

/** What is wrong where: in words of the server, or as a word of ours with what belongs in it. */
export type FormFault = { readonly path: string } & (
  | { readonly message: string }
  | { readonly word: string; readonly values?: Record<string, unknown> }
);

/** A schema and a value may both be a stranger's; past this many looks the server has the say alone. */
const MAX_LOOKS = 20_000;

export const pointer = (path: string, key: string | number) =>
  `${path}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** `a.b[0]`, as the server names a place, as `/a/b/0`. The schema's own names may hold dots: the longest one fits first. */
export function toPointer(path: string, value: unknown): string {
  if (path === '' || path.startsWith('/')) return path;
  const index = /^\[(\d+)\]\.?/.exec(path);
  if (index) {
    const at = Number(index[1]);
    const inner = Array.isArray(value) ? (value as unknown[])[at] : undefined;
    return `/${at}${toPointer(path.slice(index[0].length), inner)}`;
  }
  const names = isWords(value) ? Object.keys(value) : [];
  const known = names
    .filter((name) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`))
    .sort((a, b) => b.length - a.length)[0];
  const name = known ?? /^[^.[]*/.exec(path)?.[0] ?? path;
  if (name === '') return pointer('', path);
  const rest = path.slice(name.length).replace(/^\./, '');
  return pointer('', name) + toPointer(rest, isWords(value) ? value[name] : undefined);
}

/**
 * What can be said before the server is asked: what is missing, of the wrong type, too long or too short, too large
 * or too small, not among the choices. Patterns are left to the server, which runs them in linear time.
 */
export function schemaFaults(
  reader: SchemaReader,
  value: unknown,
  node: Node = reader.root,
): FormFault[] {
  return new Check(reader).at(node, value, '', 0);
}

class Check {
  private looks = 0;
  constructor(private readonly reader: SchemaReader) {}

  at(node: Node, value: unknown, path: string, depth: number): FormFault[] {
    this.looks += 1;
    if (value === undefined || depth > MAX_DEPTH || this.looks > MAX_LOOKS) return [];
    const shape = this.reader.shape(node);
    const fault = (word: string, values?: Record<string, unknown>): FormFault[] => [
      { path, word, ...(values && { values }) },
    ];
    switch (shape.kind) {
      case 'json':
        return [];
      case 'const':
        return same(value, shape.value)
          ? []
          : fault('const', { value: JSON.stringify(shape.value) });
      case 'enum':
        return shape.options.some((option) => same(option.value, value)) ? [] : fault('enum');
      case 'null':
        return value === null ? [] : fault('null');
      case 'boolean':
        return typeof value === 'boolean' ? [] : fault('boolean');
      case 'integer':
      case 'number':
        if (typeof value !== 'number') return fault(shape.kind);
        if (shape.kind === 'integer' && !Number.isInteger(value)) return fault('integer');
        return this.bounds(node, value, path);
      case 'string':
        return typeof value === 'string' ? this.lengths(node, value, path) : fault('string');
      case 'array':
        if (!Array.isArray(value)) return fault('array');
        return [
          ...this.counts(node, value.length, path),
          ...value.flatMap((item, index) =>
            this.at(shape.item, item, pointer(path, index), depth + 1),
          ),
        ];
      case 'object':
        return isWords(value) ? this.object(node, value, path, depth) : fault('object');
      case 'choice': {
        const tries = shape.branches.map((branch) => this.at(branch.node, value, path, depth + 1));
        return tries.sort((a, b) => a.length - b.length)[0] ?? [];
      }
    }
  }

  private object(
    node: Node,
    value: Readonly<Record<string, unknown>>,
    path: string,
    depth: number,
  ): FormFault[] {
    const shape = this.reader.shape(node);
    if (shape.kind !== 'object') return [];
    const isClosed = this.reader.resolve(node)['additionalProperties'] === false;
    const known = new Set(shape.fields.map(({ key }) => key));
    return [
      ...shape.fields.flatMap((field): FormFault[] => {
        const inner = Object.hasOwn(value, field.key) ? value[field.key] : undefined;
        const at = pointer(path, field.key);
        if (inner === undefined) return field.isRequired ? [{ path: at, word: 'required' }] : [];
        return this.at(field.node, inner, at, depth + 1);
      }),
      ...Object.keys(value)
        .filter((key) => !known.has(key))
        .flatMap((key): FormFault[] => {
          const at = pointer(path, key);
          if (shape.rest) return this.at(shape.rest, value[key], at, depth + 1);
          return isClosed ? [{ path: at, word: 'unknown' }] : [];
        }),
    ];
  }

  private bounds(node: Node, value: number, path: string): FormFault[] {
    const say = this.reader.resolve(node);
    const limit = (word: string) => (typeof say[word] === 'number' ? say[word] : undefined);
    const [least, most] = [limit('minimum'), limit('maximum')];
    const [above, below] = [limit('exclusiveMinimum'), limit('exclusiveMaximum')];
    if (least !== undefined && value < least) return [{ path, word: 'least', values: { least } }];
    if (most !== undefined && value > most) return [{ path, word: 'most', values: { most } }];
    if (above !== undefined && value <= above) return [{ path, word: 'above', values: { above } }];
    if (below !== undefined && value >= below) return [{ path, word: 'below', values: { below } }];
    return [];
  }

  private lengths(node: Node, value: string, path: string): FormFault[] {
    const { minLength: least, maxLength: most } = this.reader.resolve(node);
    const length = [...value].length;
    if (typeof least === 'number' && length < least)
      return [
        length === 0 ? { path, word: 'required' } : { path, word: 'short', values: { least } },
      ];
    if (typeof most === 'number' && length > most)
      return [{ path, word: 'long', values: { most } }];
    return [];
  }

  private counts(node: Node, count: number, path: string): FormFault[] {
    const { minItems: least, maxItems: most } = this.reader.resolve(node);
    if (typeof least === 'number' && count < least)
      return [{ path, word: 'few', values: { least } }];
    if (typeof most === 'number' && count > most) return [{ path, word: 'many', values: { most } }];
    return [];
  }
}

/** By what they say, not by which object they are. */
export const same = (a: unknown, b: unknown): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);
