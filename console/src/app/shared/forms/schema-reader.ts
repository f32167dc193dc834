/** What a person fills in, as far as a form can show it. Whatever else a schema says is the server's to check. */
export type Shape = Titles & Kind;
interface Titles {
  readonly title: string | null;
  readonly description: string | null;
}
type Kind =
  | { readonly kind: 'object'; readonly fields: readonly FieldShape[]; readonly rest: Node | null }
  | { readonly kind: 'array'; readonly item: Node }
  | { readonly kind: 'choice'; readonly branches: readonly Branch[] }
  | { readonly kind: 'enum'; readonly options: readonly EnumOption[] }
  | { readonly kind: 'const'; readonly value: unknown }
  | { readonly kind: 'string'; readonly format: string | null; readonly isLong: boolean }
  | { readonly kind: 'number' | 'integer' | 'boolean' | 'null' | 'json' };
/** A schema as it stands in the document: an object, or `true` and `false`. */
export type Node = unknown;
export interface FieldShape {
  readonly key: string;
  readonly node: Node;
  readonly isRequired: boolean;
}
export interface Branch {
  readonly title: string | null;
  readonly node: Node;
}
export interface EnumOption {
  readonly value: unknown;
  readonly title: string | null;
}
type Words = Readonly<Record<string, unknown>>;

/** Of `$ref` to `$ref`: one that goes round in a circle ends as a field for JSON. */
const MAX_HOPS = 20;
/** Whoever takes more than this takes a text, and not a name or a path. */
const LONG_TEXT = 1000;
const longNames =
  /^(body|code|content|contents|css|diff|html|markdown|message|patch|prompt|query|script|sql|text)$/i;

export const isWords = (value: unknown): value is Words =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const keysOf = (value: unknown) => (isWords(value) ? Object.keys(value) : []);
const own = (value: Words, key: string): unknown =>
  Object.hasOwn(value, key) ? value[key] : undefined;

/**
 * Reads a JSON Schema (2020-12, and what older drafts share with it) as a form. It comes from a stranger: it is
 * looked at no further than the form is opened, circles end, and its regular expressions are never run here.
 */
export class SchemaReader {
  private readonly known = new Map<Node, Map<string, Shape>>();

  constructor(readonly root: Node) {}

  /** `key` is the name of the field, which tells a line of text from a page of it. */
  shape(node: Node, key = ''): Shape {
    const byKey = this.known.get(node) ?? new Map<string, Shape>();
    this.known.set(node, byKey);
    const known = byKey.get(key);
    if (known) return known;
    const words = this.resolve(node);
    const shape = { ...this.read(words, key), ...titles(words) };
    byKey.set(key, shape);
    return shape;
  }

  /** The schema with its references followed and its `allOf` taken together. */
  resolve(node: Node): Words {
    let words: Words = isWords(node) ? node : {};
    for (let hop = 0; hop < MAX_HOPS && text(own(words, '$ref')); hop += 1) {
      const { $ref: reference, ...besides } = words;
      const target = this.at(String(reference));
      if (!target) return { ...besides };
      words = { ...target, ...besides };
    }
    if ('$ref' in words) return {};
    const parts = list(own(words, 'allOf'));
    if (parts.length === 0) return words;
    const { allOf: _, ...base } = words;
    return parts.map((part) => this.resolve(part)).reduce(merge, base);
  }

  /** The default of the schema, where it has one. */
  standard(node: Node): unknown {
    return own(this.resolve(node), 'default');
  }

  /** What a fresh form holds: constants, defaults, and the containers that must be there. */
  start(node: Node, depth = 0): unknown {
    const standard = this.standard(node);
    if (standard !== undefined) return standard;
    const shape = this.shape(node);
    switch (shape.kind) {
      case 'const':
        return shape.value;
      case 'boolean':
        return false;
      case 'array':
        return [];
      case 'object':
        return Object.fromEntries(
          shape.fields
            .filter(({ isRequired }) => isRequired && depth < MAX_DEPTH)
            .map((field) => [field.key, this.start(field.node, depth + 1)] as const)
            .filter(([, value]) => value !== undefined),
        );
      default:
        return undefined;
    }
  }

  private read(words: Words, key: string): Kind {
    if ('const' in words) return { kind: 'const', value: words['const'] };
    const options = list(own(words, 'enum'));
    if (options.length > 0)
      return { kind: 'enum', options: options.map((value) => ({ value, title: null })) };
    const choice = this.choice(words);
    if (choice) return choice;
    const type: unknown = own(words, 'type') ?? impliedType(words);
    if (Array.isArray(type)) {
      if (type.length === 1) return this.read({ ...words, type: type[0] as unknown }, key);
      const branches = type.map((each: unknown) => ({
        title: text(each),
        node: { ...words, type: each, title: undefined, description: undefined },
      }));
      return branches.length ? { kind: 'choice', branches } : { kind: 'json' };
    }
    switch (type) {
      case 'object':
        return objectShape(words);
      case 'array':
        return 'prefixItems' in words || Array.isArray(words['items'])
          ? { kind: 'json' }
          : { kind: 'array', item: words['items'] ?? {} };
      case 'string':
        return { kind: 'string', format: text(words['format']), isLong: isLong(words, key) };
      case 'number':
        return { kind: 'number' };
      case 'integer':
        return { kind: 'integer' };
      case 'boolean':
        return { kind: 'boolean' };
      case 'null':
        return { kind: 'null' };
      default:
        return { kind: 'json' };
    }
  }

  /** `oneOf` and `anyOf`. Branches that only narrow (`required` and the like) ask the person nothing. */
  private choice(words: Words): Kind | null {
    const { oneOf, anyOf, ...base } = words;
    const branches = [...list(oneOf), ...list(anyOf)].filter((branch) =>
      asksSomething(this.resolve(branch)),
    );
    if (branches.length === 0) return null;
    const { title: _, description: __, default: ___, ...bare } = base;
    const merged = branches.map((branch) => merge(bare, this.resolve(branch)));
    if (merged.every((each) => 'const' in each))
      return {
        kind: 'enum',
        options: merged.map((each) => ({ value: each['const'], title: text(each['title']) })),
      };
    if (merged.length === 1) return this.read(merged[0] ?? {}, '');
    return {
      kind: 'choice',
      branches: merged.map((each) => ({ title: branchTitle(each), node: each })),
    };
  }

  /** Follows `#` and `#/a/b` within the document; what lies elsewhere is not fetched. */
  private at(reference: string): Words | null {
    if (!reference.startsWith('#')) return null;
    let found: unknown = this.root;
    for (const part of reference.slice(1).split('/').slice(1)) {
      const key = unescape(part);
      found = Array.isArray(found)
        ? (found as unknown[])[Number(key)]
        : isWords(found)
          ? own(found, key)
          : undefined;
    }
    return isWords(found) && (reference === '#' || reference.startsWith('#/')) ? found : null;
  }
}

/** Deeper than this a form helps nobody: what lies there is a field for JSON. */
export const MAX_DEPTH = 12;

function unescape(part: string): string {
  try {
    return decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return part; // not an encoded URI: then it is the name itself
  }
}

const titles = (words: Words): Titles => ({
  title: text(own(words, 'title')),
  description: text(own(words, 'description')),
});

function merge(base: Words, part: Words): Words {
  const { properties: left, required: before } = base;
  const { properties: right, required: after } = part;
  const both = { ...base, ...part };
  return {
    ...both,
    ...(isWords(left) && isWords(right) && { properties: { ...left, ...right } }),
    ...(Array.isArray(before) &&
      Array.isArray(after) && { required: [...(before as unknown[]), ...(after as unknown[])] }),
  };
}

function objectShape(words: Words): Kind {
  const properties = own(words, 'properties');
  const required = new Set(list(words['required']));
  const all = keysOf(properties).map((key) => ({
    key,
    node: (properties as Words)[key],
    isRequired: required.has(key),
  }));
  // A definition comes from the database with its keys by their length: what must be filled in would stand anywhere.
  const fields = [
    ...all.filter(({ isRequired }) => isRequired),
    ...all.filter(({ isRequired }) => !isRequired),
  ];
  const additional = own(words, 'additionalProperties');
  const rest = isWords(additional) || additional === true ? additional : null;
  // An object of which nothing is said is JSON to fill in; one that is said to have no fields has none.
  const isOpen = fields.length === 0 && !isWords(additional) && additional !== false;
  if (isOpen && (properties === undefined || 'patternProperties' in words)) return { kind: 'json' };
  return { kind: 'object', fields, rest };
}

function impliedType(words: Words): string | undefined {
  if ('properties' in words || isWords(own(words, 'additionalProperties'))) return 'object';
  return 'items' in words ? 'array' : undefined;
}

const asksSomething = (words: Words) =>
  ['type', 'properties', 'enum', 'const', 'items', 'oneOf', 'anyOf'].some((word) => word in words);

/** Its title; else the constant that tells it from the others; else its type. */
function branchTitle(words: Words): string | null {
  const properties = own(words, 'properties');
  const constant = keysOf(properties)
    .map((key) => (properties as Words)[key])
    .find((property) => isWords(property) && 'const' in property);
  if (text(words['title'])) return text(words['title']);
  if ('const' in words) return JSON.stringify(words['const']);
  if (isWords(constant)) return String(constant['const']);
  return text(words['type']);
}

function isLong(words: Words, key: string): boolean {
  if ('enum' in words || text(words['format'])) return words['format'] === 'textarea';
  const most = words['maxLength'];
  if (typeof most === 'number') return most > LONG_TEXT;
  return 'contentMediaType' in words || longNames.test(key);
}
