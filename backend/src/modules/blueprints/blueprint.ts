import {
  type BlueprintContent,
  type BlueprintInput,
  type FieldFault,
  type RunBlueprint,
  type Step,
  say,
} from '@aos/contracts';
import { faultAt } from '../../platform/http/problem.js';
import { inputsIn, referredSteps } from '../runs/index.js';

/** What a person still reads, and what the record keeps twice with every change. */
const MOST_CHARACTERS = 200_000;

/** Only what a version holds, of whatever holds that and more. */
export const contentOf = ({
  name,
  description,
  inputs,
  env,
  steps,
}: BlueprintContent): BlueprintContent => ({ name, description, inputs, env, steps });

/** What is wrong with it whatever its steps say: names that are there twice, and too much of it. */
export function formFaults(content: BlueprintContent): FieldFault[] {
  const twice = (names: readonly string[], path: (index: number) => string) =>
    names.flatMap((name, index) =>
      names.indexOf(name) < index ? [faultAt(path(index), say('given-twice', { name }))] : [],
    );
  const { length } = JSON.stringify(content);
  return [
    ...twice(
      content.inputs.map(({ name }) => name),
      (index) => `inputs.${index}.name`,
    ),
    ...twice(content.env, (index) => `env.${index}`),
    ...(length > MOST_CHARACTERS
      ? [faultAt('steps', say('blueprint-long', { length, most: MOST_CHARACTERS }))]
      : []),
  ];
}

const namedTools = new Set(['a-tool', 'a-variable']);

/**
 * Whether a fault says that something is not there today which may be tomorrow: a tool whose server has been removed, a
 * variable or a secret that nobody has made yet. A blueprint is kept with such, and says so; whatever else is wrong is
 * wrong whenever it runs, and is refused.
 */
export function isAbsence({ said }: FieldFault): boolean {
  if (said?.code === 'no-secret-named') return true;
  if (said?.code !== 'unknown-of' && said?.code !== 'unknown-of-near') return false;
  const what = said.params?.['what'];
  return (
    typeof what === 'object' && what !== null && 'code' in what && namedTools.has(String(what.code))
  );
}

interface GivenFile {
  artifactId: string;
  mediaType: string;
}

/** What speaks against running it with these inputs; a file that is not there has no media type and is told of elsewhere. */
export function inputFaults(
  { name: blueprint, inputs }: BlueprintContent,
  given: RunBlueprint['inputs'],
  files: readonly GivenFile[],
): FieldFault[] {
  const wanted = new Map(inputs.map((input) => [input.name, input]));
  const faults = given.flatMap(({ name, artifactId }, index) => {
    const input = wanted.get(name);
    if (!input)
      return [faultAt(`inputs.${index}.name`, say('input-not-taken', { blueprint, name }))];
    const file = files.find((each) => each.artifactId === artifactId.toLowerCase());
    if (!file || fits(input, file.mediaType)) return [];
    const kinds = { name, wanted: input.mediaType!, given: file.mediaType };
    return [faultAt(`inputs.${index}.artifactId`, say('input-other-kind', kinds))];
  });
  const names = new Set(given.map(({ name }) => name));
  const missing = inputs.filter(({ name, required }) => required && !names.has(name));
  return [
    ...faults,
    ...missing.map(({ name }) => faultAt('inputs', say('input-missing', { name }))),
  ];
}

function fits({ mediaType }: BlueprintInput, given: string): boolean {
  if (mediaType === undefined) return true;
  const [wanted, is] = [mediaType.toLowerCase(), given.toLowerCase().split(';', 1)[0]!.trim()];
  return wanted.endsWith('/*') ? is.startsWith(wanted.slice(0, -1)) : is === wanted;
}

/**
 * The steps of a run that is given these inputs: without those that use an input which is not there, and without those
 * that use the result of one left out. A step that only comes after one left out stays, and no longer waits for it.
 */
export function stepsWith(steps: readonly Step[], inputs: readonly string[]): Step[] {
  const given = new Set(inputs);
  const used = steps.map(({ id, args }) => ({
    id,
    isWithout: [...inputsIn(args)].some((name) => !given.has(name)),
    results: [...referredSteps(args)],
  }));
  const out = new Set<string>();
  for (let before = -1; before < out.size;) {
    before = out.size;
    for (const { id, isWithout, results } of used)
      if (isWithout || results.some((other) => out.has(other))) out.add(id);
  }
  if (out.size === 0) return [...steps];
  return steps
    .filter(({ id }) => !out.has(id))
    .map((step) =>
      step.needs ? { ...step, needs: step.needs.filter((id) => !out.has(id)) } : step,
    );
}

/** By what people know them by, so that a step which was moved is not a step that became another. */
export function comparable(content: BlueprintContent): Record<string, unknown> {
  const { inputs, steps, ...rest } = contentOf(content);
  return {
    ...rest,
    inputs: Object.fromEntries(inputs.map(({ name, ...input }) => [name, input])),
    steps: Object.fromEntries(steps.map(({ id, ...step }) => [id, step])),
    order: steps.map(({ id }) => id),
  };
}
