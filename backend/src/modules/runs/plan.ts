import { type Said, type Step, inEnglish, say } from '@aos/contracts';
import type { KnownTool } from '../integrations/index.js';
import { checkAgainstSchema } from './args-schema.js';
import { type FoundReference, type Reference, findReferences } from './references.js';

/** One thing that is wrong with a plan. `path` is where: `steps.2.args.file`. */
export interface PlanFault {
  path: string;
  /** What `said` says, in English. */
  message: string;
  said: Said;
}

const faultAt = (path: string, said: Said): PlanFault => ({
  path,
  message: inEnglish(said),
  said,
});

/** What the steps of a plan may refer to. */
export interface PlanGivens {
  inputs: readonly string[];
  vars: readonly string[];
  /** Those of the variables that stand for a secret, with the secret's name. */
  secretVars?: Readonly<Record<string, string>>;
  /** Names of the secrets that the task was given (TaskSpec.env). */
  secrets: readonly string[];
  /** `server.tool` or `server.*`; undefined when the task is not an agent's and every tool may be named. */
  allowedTools?: readonly string[];
}

/** More than anyone mends at once; an answer must not grow with whatever was sent. */
const MOST_FAULTS = 500;
/** A suggestion compares with every name that there is, and the first few of them help as much as all. */
const MOST_SUGGESTIONS = 50;

/**
 * Checks a plan as a whole, before its first step runs. Every fault is listed, so that nobody mends a plan
 * one run at a time; past MOST_FAULTS the rest is counted. References to earlier steps count as `needs`; their values are unknown here and pass
 * every schema. An empty list means that the plan can start.
 */
export function validatePlan(
  steps: readonly Step[],
  tools: readonly KnownTool[],
  given: PlanGivens,
): PlanFault[] {
  const faults: PlanFault[] = [];
  const byName = new Map(tools.map((tool) => [tool.tool, tool]));
  const ids = new Set(steps.map((step) => step.id));
  let suggestions = 0;
  const unknown: Unknown = (what, wrong, names) => {
    const near = ++suggestions > MOST_SUGGESTIONS ? undefined : nearest(wrong, [...names]);
    return near === undefined
      ? say('unknown-of', { what })
      : say('unknown-of-near', { what, near });
  };
  const seen = new Map<string, number>();
  steps.forEach((step, index) => {
    const at = `steps.${index}`;
    const first = seen.get(step.id);
    if (first === undefined) seen.set(step.id, index);
    else
      faults.push(
        faultAt(`${at}.id`, say('step-id-twice', { step: step.id, other: `steps.${first}` })),
      );
    for (const need of step.needs ?? []) {
      if (!ids.has(need))
        faults.push(faultAt(`${at}.needs`, unknown(say('a-step', { name: need }), need, ids)));
    }
    const { found, faults: broken } = findReferences(step.args);
    for (const fault of broken) faults.push(faultAt(`${at}.args${dotted(fault.path)}`, fault.said));
    for (const each of found)
      faults.push(...checkReference(each, `${at}.args${dotted(each.path)}`, ids, given, unknown));

    const tool = byName.get(step.tool);
    if (!tool) {
      const name = say('a-tool', { name: step.tool });
      faults.push(faultAt(`${at}.tool`, unknown(name, step.tool, byName.keys())));
      return;
    }
    if (given.allowedTools && !isToolAllowed(step.tool, given.allowedTools))
      faults.push(faultAt(`${at}.tool`, say('tool-not-of-agent', { tool: step.tool })));
    const placeholders = found.map((each) => each.path);
    for (const fault of checkAgainstSchema(tool.inputSchema, step.args, placeholders))
      faults.push(faultAt(`${at}.args${dotted(fault.path)}`, fault.said));
  });
  for (const circle of findCircles(steps))
    faults.push(faultAt('steps', say('steps-in-circle', { circle: circle.join(' → ') })));
  const more = faults.length - MOST_FAULTS;
  return more > 0
    ? [...faults.slice(0, MOST_FAULTS), faultAt('steps', say('more-left-out', { count: more }))]
    : faults;
}

/** The plan with what its references imply written out: a step needs every step that it refers to. */
export function completePlan(steps: readonly Step[]): (Step & { needs: string[] })[] {
  return steps.map((step) => ({ ...step, needs: [...needsOf(step)] }));
}

/** Steps whose results this step refers to: without them it cannot run, however its `needs` ended. */
export const referredSteps = (args: unknown): Set<string> => referredOf(args, 'steps');

/** Inputs that this step is to be given. */
export const inputsIn = (args: unknown): Set<string> => referredOf(args, 'inputs');

const referredOf = (args: unknown, kind: Reference['kind']): Set<string> =>
  new Set(
    findReferences(args).found.flatMap(({ reference }) =>
      reference.kind === kind ? [reference.name] : [],
    ),
  );

export function isToolAllowed(tool: string, allowed: readonly string[]): boolean {
  return allowed.some(
    (pattern) =>
      pattern === tool || (pattern.endsWith('.*') && tool.startsWith(pattern.slice(0, -1))),
  );
}

/** The name that it is the end of, else the one that is spelt most like it; nothing when none is near. */
function nearest(wrong: string, names: readonly string[]): string | undefined {
  const whole = names.find((name) => name.endsWith(`.${wrong}`)); // without its server
  if (whole !== undefined) return whole;
  let best: string | undefined;
  let bestDistance = Math.floor(wrong.length / 3) + 1;
  for (const name of names.slice(0, 2000)) {
    const distance = editDistance(wrong.slice(0, 200), name.slice(0, 200), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** That there is no such thing, with the name that was likely to be meant. */
type Unknown = (what: Said, wrong: string, names: Iterable<string>) => Said;

/** A JSON pointer in the way that the API names fields: `/a/0` as `.a.0`. */
const dotted = (pointer: string) =>
  pointer.replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');

function checkReference(
  { reference }: FoundReference,
  path: string,
  ids: ReadonlySet<string>,
  given: PlanGivens,
  unknown: Unknown,
): PlanFault[] {
  const { kind, name } = reference;
  const among = (names: readonly string[], what: Said): PlanFault[] =>
    names.includes(name) ? [] : [faultAt(path, unknown(what, name, names))];
  switch (kind) {
    case 'inputs':
      return among(given.inputs, say('an-input', { name }));
    case 'vars': {
      const secret = given.secretVars?.[name];
      return secret === undefined || given.secrets.includes(secret)
        ? among(given.vars, say('a-variable', { name }))
        : [faultAt(path, say('variable-secret', { name, secret }))];
    }
    case 'secret':
      return among(given.secrets, say('a-secret', { name }));
    case 'steps':
      return among([...ids], say('a-step', { name }));
  }
}

function needsOf(step: Step): Set<string> {
  return new Set([...(step.needs ?? []), ...referredSteps(step.args)]);
}

/**
 * One circle for each knot of steps that wait for each other, named in full: [a, b, a]. A knot may hold more circles
 * than could ever be listed, so one is enough, and a short one at that.
 */
function findCircles(steps: readonly Step[]): string[][] {
  const needs = new Map(steps.map((step) => [step.id, [...needsOf(step)]]));
  const knotOf = findKnots(needs);
  const told = new Set<number>();
  return [...needs.keys()].flatMap((id) => {
    const knot = knotOf.get(id)!;
    if (told.has(knot)) return [];
    const circle = shortestCircle(id, needs, (other) => knotOf.get(other) === knot);
    if (circle) told.add(knot);
    return circle ? [circle] : [];
  });
}

/** Which steps reach each other: Tarjan's strongly connected components, each step with the number of its own. */
function findKnots(needs: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const knotOf = new Map<string, number>();
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const pending: string[] = [];
  for (const root of needs.keys()) {
    if (order.has(root)) continue;
    // Iterative: a chain of 500 steps must not need 500 frames.
    const path: { id: string; next: number }[] = [];
    const enter = (id: string) => {
      lowest.set(id, order.size);
      order.set(id, order.size);
      pending.push(id);
      path.push({ id, next: 0 });
    };
    const lower = (id: string, to: number) => lowest.set(id, Math.min(lowest.get(id)!, to));
    enter(root);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const need = needs.get(top.id)![top.next++];
      if (need !== undefined) {
        if (!needs.has(need)) continue;
        if (!order.has(need)) enter(need);
        else if (!knotOf.has(need)) lower(top.id, order.get(need)!);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above) lower(above.id, lowest.get(top.id)!);
      if (lowest.get(top.id) === order.get(top.id))
        for (let id = ''; id !== top.id;) {
          id = pending.pop()!;
          knotOf.set(id, order.get(top.id)!);
        }
    }
  }
  return knotOf;
}

/** From the step to itself over steps of its knot; undefined when no way leads back. */
function shortestCircle(
  start: string,
  needs: ReadonlyMap<string, readonly string[]>,
  isInKnot: (id: string) => boolean,
): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const id of queue)
    for (const need of needs.get(id)!) {
      if (need === start) {
        const circle = [start];
        for (let at = id; at !== start; at = cameFrom.get(at)!) circle.unshift(at);
        return [start, ...circle];
      }
      if (cameFrom.has(need) || !needs.has(need) || !isInKnot(need)) continue;
      cameFrom.set(need, id);
      queue.push(need);
    }
  return undefined;
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    if (Math.min(...next) >= limit) return limit; // it only grows
    row = next;
  }
  return row[b.length]!;
}
