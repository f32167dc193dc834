import type { Artifact, Episode, StepState, ToolCall } from '@aos/contracts';

/** What of a step may be another in the other run, in the order in which it is told. */
export const aspects = ['state', 'tool', 'args', 'result', 'error', 'calls', 'took'] as const;
export type Aspect = (typeof aspects)[number];

export interface StepSide {
  step: StepState;
  calls: readonly ToolCall[];
  tookMs: number | null;
  /** With the files that the run made named by what they hold: each run gives them ids of its own. */
  args: unknown;
  result: unknown;
}
export interface StepPair {
  id: string;
  left: StepSide | null;
  right: StepSide | null;
  differs: readonly Aspect[];
}
export interface ArtifactPair {
  name: string;
  left: Artifact | null;
  right: Artifact | null;
  isSame: boolean;
}

/** No two runs take equally long: less than a fifth of the longer, or than this, is no news, nor is one still going on. */
const LEAST_MS = 250;
const LEAST_PART = 0.2;

export function isOtherLength(left: number | null, right: number | null): boolean {
  if (left === null || right === null) return false;
  const by = Math.abs(left - right);
  return by >= LEAST_MS && by >= LEAST_PART * Math.max(left, right);
}

export function tookMs(of: { startedAt: string | null; finishedAt: string | null }): number | null {
  if (!of.startedAt || !of.finishedAt) return null;
  return Date.parse(of.finishedAt) - Date.parse(of.startedAt);
}

/** The steps of both, lined up by their ids; one that the left run lacks stands behind what the right one has before it. */
export function pairSteps(left: Episode, right: Episode): StepPair[] {
  const [before, after] = [sidesOf(left), sidesOf(right)];
  return inOneOrder([...before.keys()], [...after.keys()]).map((id) => {
    const [one, other] = [before.get(id) ?? null, after.get(id) ?? null];
    return { id, left: one, right: other, differs: one && other ? differencesOf(one, other) : [] };
  });
}

export const differsAtAll = ({ left, right, differs }: StepPair) =>
  left === null || right === null || differs.length > 0;

/** By their names, and where several have one, in the order in which they were made. */
export function pairArtifacts(
  left: readonly Artifact[],
  right: readonly Artifact[],
): ArtifactPair[] {
  const byName = (all: readonly Artifact[]) => {
    const times = new Map<string, number>();
    return new Map(
      all.map((artifact) => {
        const nth = times.get(artifact.name) ?? 0;
        times.set(artifact.name, nth + 1);
        return [`${nth} ${artifact.name}`, artifact];
      }),
    );
  };
  const [before, after] = [byName(left), byName(right)];
  return inOneOrder([...before.keys()], [...after.keys()]).map((key) => {
    const [one, other] = [before.get(key) ?? null, after.get(key) ?? null];
    return {
      name: (one ?? other)!.name,
      left: one,
      right: other,
      isSame: one !== null && one.sha256 === other?.sha256,
    };
  });
}

function sidesOf({ steps, toolCalls, artifacts }: Episode): Map<string, StepSide> {
  const name = namingFiles(artifacts);
  return new Map(
    steps.map((step) => [
      step.id,
      {
        step,
        calls: toolCalls.filter(({ stepId }) => stepId === step.id),
        tookMs: tookMs(step),
        args: name(step.args),
        result: name(step.result ?? null),
      },
    ]),
  );
}

function differencesOf(left: StepSide, right: StepSide): Aspect[] {
  const isOther: Record<Aspect, boolean> = {
    state: left.step.state !== right.step.state,
    tool: left.step.tool !== right.step.tool,
    args: !isEqual(left.args, right.args),
    result: !isEqual(left.result, right.result),
    error: left.step.error !== right.step.error,
    calls: callsOf(left) !== callsOf(right),
    took: isOtherLength(left.tookMs, right.tookMs),
  };
  return aspects.filter((aspect) => isOther[aspect]);
}

const callsOf = ({ calls }: StepSide) =>
  calls.map(({ server, tool, status }) => `${server}.${tool} ${status}`).join('\n');

function inOneOrder(left: readonly string[], right: readonly string[]): string[] {
  const order = [...left];
  let behind = -1;
  for (const id of right) {
    const at = order.indexOf(id);
    if (at >= 0) behind = at;
    else order.splice((behind += 1), 0, id);
  }
  return order;
}

/** Two values that say the same, in whatever order their keys stand. */
export function isEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [before, after] = [left as Record<string, unknown>, right as Record<string, unknown>];
  const keys = Object.keys(before);
  return (
    keys.length === Object.keys(after).length &&
    keys.every((key) => Object.hasOwn(after, key) && isEqual(before[key], after[key]))
  );
}

const uuid = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi;

function namingFiles(artifacts: readonly Artifact[]): (value: unknown) => unknown {
  const names = new Map(
    artifacts.map(({ artifactId, name, sha256 }) => [
      artifactId,
      `${name} (sha256 ${sha256.slice(0, 12)})`,
    ]),
  );
  const rename = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(uuid, (id) => names.get(id) ?? id);
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rename(inner)]));
  };
  return rename;
}
