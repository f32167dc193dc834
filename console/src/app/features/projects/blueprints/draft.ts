import type { BlueprintContent, BlueprintInput, FieldFault, Step } from '@aos/contracts';

/**
 * What is typed and not saved. Each step and input has a key of its own, which stays with it when it is renamed or
 * moved; what the server found wrong finds its place by it.
 */
export interface Draft {
  name: string;
  description: string;
  inputs: DraftInput[];
  env: string;
  steps: DraftStep[];
}
export interface DraftInput extends Required<Omit<BlueprintInput, 'required'>> {
  key: string;
  required: boolean;
}
export interface DraftStep {
  key: string;
  id: string;
  tool: string;
  args: unknown;
  needs: string;
  asksFirst: boolean;
  onError: '' | NonNullable<Step['onError']>;
  retries: string;
}

/** A fault of a step: `key` is that of the step, `path` the place within it. */
export interface PlacedFault extends FieldFault {
  key: string | null;
}

let keys = 0;
const newKey = () => `k${(keys += 1)}`;

const words = (text: string) => text.split(/[\s,]+/).filter((word) => word !== '');

export const stepDraft = (step: Partial<Step> = {}): DraftStep => ({
  key: newKey(),
  id: step.id ?? '',
  tool: step.tool ?? '',
  args: step.args ?? {},
  needs: (step.needs ?? []).join(', '),
  asksFirst: step.approval === 'required',
  onError: step.onError ?? '',
  retries: step.retries === undefined ? '' : String(step.retries),
});
export const inputDraft = (input: Partial<BlueprintInput> = {}): DraftInput => ({
  key: newKey(),
  name: input.name ?? '',
  required: input.required ?? true,
  mediaType: input.mediaType ?? '',
  description: input.description ?? '',
});

export const draftOf = (content: BlueprintContent): Draft => ({
  name: content.name,
  description: content.description,
  inputs: content.inputs.map(inputDraft),
  env: content.env.join(', '),
  steps: content.steps.map(stepDraft),
});

export const emptyDraft = (): Draft => ({
  ...{ name: '', description: '', inputs: [], env: '' },
  steps: [stepDraft({ id: 'first' })],
});

/** As it is sent, and as it is compared: what says nothing is left out. */
export const contentOf = (draft: Draft): BlueprintContent => ({
  name: draft.name.trim(),
  description: draft.description.trim(),
  inputs: draft.inputs.map(({ name, required, mediaType, description }) => ({
    name: name.trim(),
    required,
    ...(mediaType.trim() && { mediaType: mediaType.trim() }),
    ...(description.trim() && { description: description.trim() }),
  })),
  env: words(draft.env),
  steps: draft.steps.map(stepOf),
});

export function stepOf(step: DraftStep): Step {
  const needs = words(step.needs);
  const retries = step.retries.trim();
  return {
    id: step.id.trim(),
    tool: step.tool.trim(),
    ...(needs.length > 0 && { needs }),
    ...(step.asksFirst && { approval: 'required' as const }),
    ...(step.onError && { onError: step.onError }),
    ...(retries && { retries: Number(retries) }),
    args: (step.args ?? {}) as Step['args'],
  };
}

/** One order of keys for both sides, so that a difference shows what differs and nothing else. */
export const tidy = (content: BlueprintContent): BlueprintContent => contentOf(draftOf(content));

/** What each step waits for: what it says, and what it refers to. */
export function needsOf({ needs, args }: Step): string[] {
  const referred = [
    ...(JSON.stringify(args) ?? '').matchAll(/(\$?)\$\{steps\.([A-Za-z_][\w-]*)/g),
  ].flatMap(([, escape, id]) => (escape ? [] : [id!]));
  return [...new Set([...(needs ?? []), ...referred])];
}

/** The faults at the steps they are in; `steps.2.args.file` becomes `args.file` of the third. */
export const placed = (faults: readonly FieldFault[], draft: Draft): PlacedFault[] =>
  faults.map((fault) => {
    const [, list, index, path = ''] =
      /^(steps|inputs)\.(\d+)\.?(.*)$/.exec(fault.path.replaceAll(/\[(\d+)\]/g, '.$1')) ?? [];
    const row = list && draft[list as 'steps' | 'inputs'][Number(index)];
    return row ? { ...fault, key: row.key, path } : { ...fault, key: null };
  });

export function moved<T>(list: readonly T[], from: number, by: -1 | 1): T[] {
  const to = from + by;
  if (to < 0 || to >= list.length) return [...list];
  const next = [...list];
  [next[from], next[to]] = [next[to]!, next[from]!];
  return next;
}

/** A name that no other has: `first`, `first-2`. */
export function freeId(wanted: string, taken: readonly string[]): string {
  const stem = wanted.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[^A-Za-z]+/, '') || 'step';
  let id = stem.slice(0, 60);
  for (let n = 2; taken.includes(id); n += 1) id = `${stem.slice(0, 56)}-${n}`;
  return id;
}
