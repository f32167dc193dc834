/** Which part of the settings a person edits: a key of the document. */
export type Words = Readonly<Record<string, unknown>>;

export const isWords = (value: unknown): value is Words =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Leaf {
  path: readonly string[];
  /** Undefined where the key is taken away. */
  value: unknown;
}

/** What `after` says otherwise than `before`, leaf by leaf. Lists are one leaf. */
export function leavesChanged(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): Leaf[] {
  if (isWords(before) && isWords(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      leavesChanged(before[key], after[key], [...path, key]),
    );
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, value: after }];
}

/** The changes of one person put upon what another has saved meanwhile. */
export function withLeaves<T>(value: T, leaves: readonly Leaf[]): T {
  return leaves.reduce((result, { path, value: leaf }) => set(result, path, leaf) as T, value);
}

function set(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  const words = isWords(value) ? value : {};
  const next = set(words[key], rest, leaf);
  if (next !== undefined) return { ...words, [key]: next };
  const { [key]: _, ...others } = words;
  return others;
}

/** The schema with our words for its keys, where we have them: it comes from the server without any. */
export function withTitles(
  schema: unknown,
  word: (key: string) => string | null,
  path = '',
): unknown {
  if (!isWords(schema)) return schema;
  // What is in a list has its words without a number.
  if (isWords(schema['items']))
    return { ...schema, items: withTitles(schema['items'], word, path) };
  if (!isWords(schema['properties'])) return schema;
  const entries = Object.entries(schema['properties']).map(([key, inner]) => {
    const at = path ? `${path}.${key}` : key;
    const [title, description] = [word(`${at}.title`), word(`${at}.help`)];
    const named = withChoices(withTitles(inner, word, at), (value) =>
      word(`${at}.values.${value}`),
    );
    return [
      key,
      isWords(named)
        ? { ...named, ...(title && { title }), ...(description && { description }) }
        : named,
    ] as const;
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}

/** A list of values of which one has a word of ours is a choice between words. */
function withChoices(schema: unknown, word: (value: string) => string | null): unknown {
  if (!isWords(schema) || !Array.isArray(schema['enum'])) return schema;
  const { enum: values, type: _, ...rest } = schema;
  const choices = (values as unknown[]).map((value) => ({
    const: value,
    title: word(String(value)) ?? String(value),
  }));
  return { ...rest, oneOf: choices };
}
