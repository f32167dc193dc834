/**
 * `${secret.NAME}` inside arguments. The reference is what is stored and shown; the value exists only in the
 * copy of the arguments that goes to the tool. `$${secret.NAME}` stands for the text itself, and one `$` is
 * taken off: whoever puts data of others (a tool's answer, a file) into arguments escapes it so
 * (`escapeSecretReferences`), or that data could ask for a secret.
 */
const reference = /(\$+)\{secret\.([A-Za-z_][A-Za-z0-9_]*)\}/g;

export function secretNames(value: unknown): string[] {
  const names = new Set<string>();
  mapStrings(value, (text) => {
    for (const [, dollars, name] of text.matchAll(reference)) if (dollars === '$') names.add(name!);
    return text;
  });
  return [...names];
}

/** A copy with the values in place of the references. The original is left as it is. */
export function resolveSecrets<T>(value: T, secrets: ReadonlyMap<string, string>): T {
  return mapStrings(value, (text) =>
    text.replace(reference, (whole, dollars: string, name: string) =>
      dollars === '$' ? secrets.get(name)! : whole.slice(1),
    ),
  );
}

/** For data that must not be read as a reference. */
export function escapeSecretReferences<T>(value: T): T {
  return mapStrings(value, (text) => text.replace(reference, (whole) => `$${whole}`));
}

/** The value with every string (keys apart) gone through `change`. What stays the same is not copied. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T;
  if (value === null || typeof value !== 'object') return value;
  const fields = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    const item = fields[key];
    const changed = mapStrings(item, change);
    if (changed === item) continue;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<
      string,
      unknown
    >;
    copy[key] = changed;
  }
  return (copy ?? value) as T;
}
