import type { PolicyCondition, PolicyDocument, PolicyEffect, PolicyRule } from '@aos/contracts';

export const effects: readonly PolicyEffect[] = ['allow', 'deny', 'approve'];
export const operators: readonly PolicyCondition['op'][] = [
  'exists',
  'equals',
  'one-of',
  'less-than',
  'greater-than',
  'starts-with',
  'contains',
  'matches',
];
/** What a rule can be narrowed to, besides the arguments. */
export const scopes = ['servers', 'tools', 'roles', 'agents', 'projects'] as const;
export type Scope = (typeof scopes)[number];

export const freshRule: PolicyRule = {
  id: '',
  effect: 'deny',
  description: '',
  enabled: true,
  when: [],
};

/** Whether two documents say the same. The server writes keys in an order of its own. */
export const isSame = (a: unknown, b: unknown): boolean => sorted(a) === sorted(b);

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

/**
 * A document as it is compared: rules by their ids, and their order as a list of its own. Side by side as they are,
 * one new rule at the top would seem to change all that follow.
 */
export const asCompared = ({ default: otherwise, rules }: PolicyDocument) => ({
  order: rules.map(({ id }) => id),
  rules: Object.fromEntries(
    [...rules]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, effect, description, enabled, when, approvers, ...scope }) => [
        id,
        {
          effect,
          ...(description && { description }),
          enabled,
          ...Object.fromEntries(scopes.flatMap((key) => (scope[key] ? [[key, scope[key]]] : []))),
          ...(when.length > 0 && { when }),
          ...(approvers && { approvers }),
        },
      ]),
  ),
  otherwise,
});

/** The rule one place up (-1) or down (1); the same rules where there is no such place. */
export function moved(rules: readonly PolicyRule[], id: string, by: -1 | 1): readonly PolicyRule[] {
  const from = rules.findIndex((rule) => rule.id === id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= rules.length) return rules;
  const next = [...rules];
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

export interface Rebased {
  document: PolicyDocument;
  /** Ids of rules that both have changed, otherwise than each other: ours stands in the document. */
  both: string[];
}

/**
 * The changes from `base` to `mine` made upon `theirs`, which somebody saved meanwhile. Rules are told apart by
 * their ids. Their order is theirs, unless it was changed here: then it is ours, with what they added behind the
 * rule that it stands behind with them.
 */
export function rebased(
  base: PolicyDocument,
  mine: PolicyDocument,
  theirs: PolicyDocument,
): Rebased {
  const [was, my, their] = [byId(base), byId(mine), byId(theirs)];
  const both: string[] = [];
  const rules = new Map<string, PolicyRule>();
  for (const id of new Set([...their.keys(), ...my.keys(), ...was.keys()])) {
    const [before, ours, others] = [was.get(id), my.get(id), their.get(id)];
    const [isOurs, isTheirs] = [!isSame(before, ours), !isSame(before, others)];
    if (isOurs && isTheirs && !isSame(ours, others)) both.push(id);
    const rule = isOurs ? ours : others;
    if (rule) rules.set(id, rule);
  }
  const isReordered = !isSame(orderOf(base, my), orderOf(mine, was));
  const [first, second] = isReordered ? [mine, theirs] : [theirs, mine];
  const ids = merged(
    first.rules.map(({ id }) => id),
    second.rules.map(({ id }) => id),
  );
  return {
    document: {
      default: mine.default === base.default ? theirs.default : mine.default,
      rules: ids.flatMap((id) => rules.get(id) ?? []),
    },
    both,
  };
}

const byId = ({ rules }: PolicyDocument) => new Map(rules.map((rule) => [rule.id, rule]));
const orderOf = ({ rules }: PolicyDocument, others: ReadonlyMap<string, unknown>) =>
  rules.map(({ id }) => id).filter((id) => others.has(id));

/** The first list, with what only the second has behind what stands before it there. */
function merged(first: readonly string[], second: readonly string[]): string[] {
  const result = [...first];
  second.forEach((id, index) => {
    if (result.includes(id)) return;
    const before = second.slice(0, index).reverse();
    const anchor = before.find((each) => result.includes(each));
    result.splice(anchor === undefined ? 0 : result.indexOf(anchor) + 1, 0, id);
  });
  return result;
}

/** Of a rule that is being written: keys of words by field; conditions by their index. */
export interface RuleFaults {
  id?: string;
  when: Readonly<Record<number, { pointer?: string; value?: string }>>;
}

export function ruleFaults(rule: PolicyRule, taken: readonly string[]): RuleFaults {
  const when: Record<number, { pointer?: string; value?: string }> = {};
  rule.when.forEach((condition, index) => {
    const pointer = /^(\/.*)?$/.test(condition.pointer) ? undefined : 'pointerFault';
    const value = valueFault(condition);
    if (pointer || value) when[index] = { ...(pointer && { pointer }), ...(value && { value }) };
  });
  const id = !/^[a-z0-9][a-z0-9._-]{0,79}$/.test(rule.id)
    ? 'idFault'
    : taken.includes(rule.id)
      ? 'idTaken'
      : undefined;
  return { when, ...(id && { id }) };
}

export const hasFaults = ({ id, when }: RuleFaults): boolean =>
  id !== undefined || Object.keys(when).length > 0;

function valueFault({ op, value }: PolicyCondition): string | undefined {
  switch (op) {
    case 'exists':
      return undefined;
    case 'equals':
      return value === undefined ? 'valueMissing' : undefined;
    case 'one-of':
      return Array.isArray(value) && value.length > 0 ? undefined : 'valueList';
    case 'less-than':
    case 'greater-than':
      return typeof value === 'number' ? undefined : 'valueNumber';
    case 'starts-with':
    case 'contains':
    case 'matches':
      return typeof value === 'string' && value !== '' ? undefined : 'valueMissing';
  }
}

/** What a person typed as the value that the operator takes; what is no JSON is text. */
export function valueOf(op: PolicyCondition['op'], typed: string): unknown {
  const text = typed.trim();
  switch (op) {
    case 'exists':
      return undefined;
    case 'one-of':
      return text === '' ? [] : text.split('\n').map((line) => json(line.trim()));
    case 'less-than':
    case 'greater-than':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'equals':
      return text === '' ? undefined : json(text);
    default:
      return typed;
  }
}

/** The other way round. Text that would be read as something else stands in quotes. */
export function typedOf({ op, value }: PolicyCondition): string {
  if (value === undefined) return '';
  if (op === 'one-of' && Array.isArray(value)) return value.map(asTyped).join('\n');
  return op === 'equals' ? asTyped(value) : typeof value === 'string' ? value : asTyped(value);
}

const asTyped = (value: unknown): string =>
  typeof value === 'string' && json(value) === value ? value : JSON.stringify(value);

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // words of one's own need no quotes
  }
}
