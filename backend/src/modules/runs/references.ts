/**
 * References of the Action DSL: `${inputs.name}`, `${steps.id.path.to[0].field}`, `${vars.name}` and
 * `${secret.NAME}`. Nothing else stands between the braces: there are no expressions, and only own
 * properties of plain values are read, so nothing a plan says can reach the process. `$${` writes a
 * literal `${`.
 *
 * A secret is not resolved here: its reference goes on to the gateway as it stands. For that reason
 * whatever is put in from outside the plan (a tool's result, a variable) and looks like one is escaped for
 * the gateway, also where it comes together from two values: a tool that answers with `${secret.NAME}`
 * must not be able to make the next call carry the secret. A variable may stand for a secret; its reference is
 * turned into the secret's before anything from outside is put in.
 */
import { type Said, inEnglish, say } from '@aos/contracts';

export type Reference =
  | { kind: 'inputs' | 'vars' | 'secret'; name: string }
  | { kind: 'steps'; name: string; path: (string | number)[] };

export interface FoundReference {
  /** Where in the arguments, as a JSON pointer. */
  path: string;
  reference: Reference;
  /** True when the reference is the whole string, so that its type is kept. */
  isWhole: boolean;
}

export interface ReferenceFault {
  path: string;
  /** What `said` says, in English. */
  message: string;
  said: Said;
}

export interface ReferenceValues {
  inputs: Readonly<Record<string, string>>;
  vars: Readonly<Record<string, unknown>>;
  /** Variables that stand for a secret, with the secret's name. */
  secretVars?: Readonly<Record<string, string>>;
  /** Results of the steps that are done, by step id. */
  steps: Readonly<Record<string, unknown>>;
}

/** A reference that cannot be resolved now that the values are there. `said` says which and why. */
export class UnresolvedReference extends Error {
  override name = 'UnresolvedReference';
  constructor(readonly said: Said) {
    super(inEnglish(said));
  }
}

const MAX_DEPTH = 64;
const token = /(\$?)\$\{([^}]*)\}?/g;
const refused = new Set(['__proto__', 'constructor', 'prototype']);

/** @returns the reference, or a sentence that says why it is none. */
export function parseReference(text: string): Reference | Said {
  const whole = `\${${text}}`;
  // A file's name may have dots; an input is a file and has no parts.
  const input = /^inputs\.([A-Za-z0-9_][A-Za-z0-9_.-]*)$/.exec(text)?.[1];
  if (input !== undefined && !refused.has(input)) return { kind: 'inputs', name: input };
  const head = /^(inputs|vars|secret|steps)\.([A-Za-z_][A-Za-z0-9_-]*)/.exec(text);
  if (!head)
    return say('reference-none', {
      text: whole,
      forms: '${inputs.name}, ${steps.id.field}, ${vars.name}',
      secret: '${secret.NAME}',
      escape: '$${',
      literal: '${',
    });
  const kind = head[1] as Reference['kind'];
  const name = head[2]!;
  const rest = text.slice(head[0].length);
  if (refused.has(name)) return say('reference-forbidden', { text: whole });
  if (kind !== 'steps')
    return rest === ''
      ? { kind, name }
      : say('reference-no-parts', { text: whole, name: `${kind}.${name}` });
  const path: (string | number)[] = [];
  const segment = /\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,9})\]/y;
  while (segment.lastIndex < rest.length) {
    const match = segment.exec(rest);
    if (!match) return say('reference-tail', { text: whole, name: `steps.${name}` });
    if (match[1] !== undefined && refused.has(match[1]))
      return say('reference-forbidden', { text: whole });
    path.push(match[1] ?? Number(match[2]));
  }
  return { kind, name, path };
}

/** Every reference in the arguments, and every string that only looks like one. */
export function findReferences(args: unknown): {
  found: FoundReference[];
  faults: ReferenceFault[];
} {
  const found: FoundReference[] = [];
  const faults: ReferenceFault[] = [];
  const fault = (path: string, said: Said) => faults.push({ path, message: inEnglish(said), said });
  const visit = (value: unknown, path: string, depth: number): void => {
    if (depth > MAX_DEPTH) {
      fault(path, say('nested-deep', { most: MAX_DEPTH }));
    } else if (typeof value === 'string') {
      for (const match of value.matchAll(token)) {
        if (match[1]) continue;
        const reference = match[0].endsWith('}')
          ? parseReference(match[2]!)
          : say('reference-open', { opening: '${' });
        if ('code' in reference) fault(path, reference);
        else found.push({ path, reference, isWhole: match[0] === value });
      }
    } else if (value !== null && typeof value === 'object') {
      for (const [key, item] of Object.entries(value)) {
        const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        if (key === '__proto__') fault(at, say('key-forbidden', { key: '__proto__' }));
        else visit(item, at, depth + 1);
      }
    }
  };
  visit(args, '', 0);
  return { found, faults };
}

/**
 * The arguments with every reference but secrets replaced by its value.
 * @throws UnresolvedReference when a value is missing.
 */
export function resolveReferences<T>(args: T, values: ReferenceValues): T {
  const visit = (value: unknown): unknown => {
    if (typeof value === 'string')
      return resolveText(nameSecrets(value, values.secretVars ?? {}), values);
    if (Array.isArray(value)) return value.map(visit);
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item)]));
    return value;
  };
  return visit(args) as T;
}

/** `${vars.x}` as `${secret.NAME}` where the variable stands for a secret. The text is the plan's own. */
function nameSecrets(text: string, secretVars: Readonly<Record<string, string>>): string {
  return text.replaceAll(token, (whole, escape: string, inner: string) => {
    if (escape) return whole;
    const reference = parseReference(inner);
    if ('code' in reference || reference.kind !== 'vars') return whole;
    return Object.hasOwn(secretVars, reference.name)
      ? `\${secret.${secretVars[reference.name]}}`
      : whole;
  });
}

function resolveText(text: string, values: ReferenceValues): unknown {
  const [only, escape, inner] = /^(\$?)\$\{([^}]*)\}$/.exec(text) ?? [];
  if (only !== undefined && !escape) {
    const value = lookUp(inner!, only, values);
    return isSecret(inner!) ? value : escapeDeep(value);
  }
  // Between two secrets of the plan's own everything is data, escaped as one piece.
  let done = '';
  let data = '';
  let end = 0;
  for (const match of text.matchAll(token)) {
    data += text.slice(end, match.index);
    end = match.index + match[0].length;
    if (match[1]) {
      data += match[0].slice(1);
    } else if (isSecret(match[2]!)) {
      done += escapeSecrets(data) + match[0];
      data = '';
    } else {
      const value = lookUp(match[2]!, match[0], values);
      data += typeof value === 'string' ? value : JSON.stringify(value);
    }
  }
  return done + escapeSecrets(data + text.slice(end));
}

const isSecret = (inner: string) => inner.startsWith('secret.');

/** `$${secret.NAME}` is how the gateway reads the text itself. */
const escapeSecrets = (text: string) => text.replaceAll(/\$*\$\{secret\./g, '$$$${secret.');

function escapeDeep(value: unknown): unknown {
  if (typeof value === 'string') return escapeSecrets(value);
  if (Array.isArray(value)) return value.map(escapeDeep);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escapeDeep(item)]));
}

function lookUp(inner: string, whole: string, values: ReferenceValues): unknown {
  const reference = parseReference(inner);
  if ('code' in reference) throw new UnresolvedReference(reference);
  if (reference.kind === 'secret') return whole;
  const source: Readonly<Record<string, unknown>> = values[reference.kind];
  if (!Object.hasOwn(source, reference.name))
    throw new UnresolvedReference(
      say('reference-no-value', { text: whole, name: `${reference.kind}.${reference.name}` }),
    );
  let value = source[reference.name];
  if (reference.kind === 'steps') {
    let at = `steps.${reference.name}`;
    for (const part of reference.path) {
      if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part))
        throw new UnresolvedReference(
          typeof part === 'number'
            ? say('reference-no-item', { text: whole, at, item: String(part) })
            : say('reference-no-field', { text: whole, at, field: part }),
        );
      value = (value as Record<string | number, unknown>)[part];
      at += typeof part === 'number' ? `[${part}]` : `.${part}`;
    }
  }
  return value;
}
