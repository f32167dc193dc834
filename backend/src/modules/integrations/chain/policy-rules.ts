import {
  type Approvers,
  type FieldFault,
  type PolicyCondition,
  type PolicyDocument,
  type PolicyEffect,
  type PolicyRule,
  type Said,
  say,
} from '@aos/contracts';
import { RE2JS } from 're2js';
import { faultAt } from '../../../platform/http/problem.js';
import { requirementOf } from './approvers.js';
import { fitsAny } from './name-pattern.js';

/** What a rule can look at. Nothing of it comes from the tool's server. */
export interface Question {
  server: string;
  tool: string;
  args: Record<string, unknown>;
  roles: readonly string[];
  /** Id and name of the agent that calls; empty for people. */
  agent: readonly string[];
  projectId: string | null;
}

export interface Decision {
  effect: PolicyEffect;
  /** Null when no rule matched and the default stands. */
  rule: string | null;
  /** Who has to say yes, where the rule says so. */
  approvers?: Approvers;
}

/** Rules with their patterns compiled once. */
export interface CompiledPolicy {
  decide(question: Question): Decision;
  /** Whether no arguments whatever would open the tool, not even by way of an approval. */
  isClosed(question: Omit<Question, 'args'>): boolean;
}

/**
 * In order, the first rule whose every part matches decides; a part that is not given matches all. Where no rule
 * does, the default decides.
 */
export function compile(document: PolicyDocument): CompiledPolicy {
  const rules = document.rules
    .filter((rule) => rule.enabled)
    .map((rule) => ({
      rule,
      decision: decisionOf(rule),
      conditions: rule.when.map((each) => compileCondition(each, rule.effect)),
    }));
  return {
    decide(question) {
      for (const { rule, decision, conditions } of rules)
        if (concerns(rule, question) && conditions.every((holds) => holds(question.args)))
          return decision;
      return { effect: document.default, rule: null };
    },
    isClosed(question) {
      for (const { rule, conditions } of rules) {
        if (!concerns(rule, question)) continue;
        // A rule with conditions may pass by; then the next one speaks.
        if (conditions.length === 0) return rule.effect === 'deny';
        if (rule.effect !== 'deny') return false;
      }
      return document.default === 'deny';
    },
  };
}

function decisionOf({ effect, id, approvers: wanted }: PolicyRule): Decision {
  const approvers = effect === 'approve' ? requirementOf(wanted) : undefined;
  return { effect, rule: id, ...(approvers ? { approvers } : {}) };
}

/** What a schema cannot say: ids are unique, patterns can be compiled, values fit their operators. */
export function faultsOf(document: PolicyDocument): FieldFault[] {
  const faults: FieldFault[] = [];
  const ids = new Set<string>();
  document.rules.forEach((rule, index) => {
    if (ids.has(rule.id)) faults.push(faultAt(`rules[${index}].id`, say('rule-id-twice')));
    ids.add(rule.id);
    if (rule.approvers && rule.effect !== 'approve')
      faults.push(faultAt(`rules[${index}].approvers`, say('approvers-only-approve')));
    rule.when.forEach((condition, at) => {
      const said = faultOf(condition);
      if (said) faults.push(faultAt(`rules[${index}].when[${at}].value`, said));
    });
  });
  return faults;
}

const expected: Record<PolicyCondition['op'], (value: unknown) => Said | undefined> = {
  exists: (value) => (value === undefined ? undefined : say('value-not-taken')),
  equals: (value) => (value === undefined ? say('field-missing') : undefined),
  'one-of': (value) => (Array.isArray(value) ? undefined : say('must-be-list')),
  'less-than': (value) => (typeof value === 'number' ? undefined : say('must-be-number')),
  'greater-than': (value) => (typeof value === 'number' ? undefined : say('must-be-number')),
  'starts-with': (value) => (typeof value === 'string' ? undefined : say('must-be-text')),
  contains: (value) => (typeof value === 'string' ? undefined : say('must-be-text')),
  matches: (value) => (typeof value === 'string' ? patternFault(value) : say('must-be-pattern')),
};

const faultOf = ({ op, value }: PolicyCondition) => expected[op](value);

/** RE2 takes time linear in the text, whatever the pattern; what it cannot express is refused, not run otherwise. */
function patternFault(pattern: string): Said | undefined {
  if (pattern.length > 500) return say('pattern-long', { most: 500 });
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return say('pattern-none', { why: (error as Error).message });
  }
}

function concerns(rule: PolicyRule, question: Omit<Question, 'args'>): boolean {
  return (
    (!rule.servers || fitsAny(question.server, rule.servers)) &&
    (!rule.tools || fitsAny(question.tool, rule.tools)) &&
    (!rule.roles || rule.roles.some((role) => question.roles.includes(role))) &&
    (!rule.agents || question.agent.some((agent) => fitsAny(agent, rule.agents!))) &&
    (!rule.projects || (question.projectId !== null && fitsAny(question.projectId, rule.projects)))
  );
}

type Holds = (args: Record<string, unknown>) => boolean;

/**
 * Where the pointer leads to several values, the one that is not like the others must not slip through: what is to open
 * a tool holds of all of them, what is to close it of any. `negate` of the one is the other.
 */
function compileCondition(
  { pointer, op, value, negate }: PolicyCondition,
  effect: PolicyEffect,
): Holds {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const test = testOf(op, value);
  const ofAll = (effect === 'allow') !== negate;
  return (args) => {
    const { values, isWhole } = valuesAt(args, parts);
    const holds = ofAll
      ? isWhole && values.length > 0 && values.every(test)
      : values.some((each) => test(each));
    return holds !== negate;
  };
}

function testOf(op: PolicyCondition['op'], value: unknown): (found: unknown) => boolean {
  switch (op) {
    case 'exists':
      return () => true;
    case 'equals':
      return (found) => isSame(found, value);
    case 'one-of':
      return (found) => (value as unknown[]).some((each) => isSame(found, each));
    case 'less-than':
      return (found) => typeof found === 'number' && found < (value as number);
    case 'greater-than':
      return (found) => typeof found === 'number' && found > (value as number);
    case 'starts-with':
      return (found) => typeof found === 'string' && found.startsWith(value as string);
    case 'contains':
      return (found) => typeof found === 'string' && found.includes(value as string);
    case 'matches': {
      const pattern = RE2JS.compile(value as string);
      return (found) => typeof found === 'string' && pattern.matcher(found).find();
    }
  }
}

/** Every value that the pointer leads to; `*` stands for each member of a list or an object. Whole: of no member it led to none. */
function valuesAt(
  value: unknown,
  parts: readonly string[],
): { values: unknown[]; isWhole: boolean } {
  let layer: unknown[] = [value];
  let isWhole = true;
  for (const part of parts)
    layer = layer.flatMap((each) => {
      const isHolder = each !== null && typeof each === 'object';
      if (isHolder && part === '*') return Object.values(each);
      if (isHolder && Object.hasOwn(each, part)) return [(each as Record<string, unknown>)[part]];
      isWhole = false;
      return [];
    });
  return { values: layer, isWhole };
}

/** JSON equality; the order of keys says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    )
  );
}
