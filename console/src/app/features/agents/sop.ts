import type { AgentConfig, Problem } from '@aos/contracts';
import type { Sentences } from '../../shared/i18n/sentences';
import type { CodeFault } from '../../shared/ui/code-editor';

export type Sop = AgentConfig['sop'];
export type ParsedSop = { steps: Sop; reason?: never } | { steps?: never; reason: string };

/** As a person would write a step, whatever order the database keeps its keys in. */
const stepKeys = ['id', 'tool', 'needs', 'approval', 'onError', 'retries', 'args'] as const;
const configKeys = [
  'prompt',
  'model',
  'concurrency',
  'budget',
  'env',
  'tools',
  'sop',
] as const satisfies (keyof AgentConfig)[];

function inOrder<T extends object>(value: T, keys: readonly string[]): T {
  const place = (key: string) => (keys.indexOf(key) + keys.length + 1) % (keys.length + 1);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => place(a) - place(b)),
  ) as T;
}
export const tidySteps = (steps: Sop): Sop => steps.map((step) => inOrder(step, stepKeys));
/** One order for all, so that a difference shows what differs and nothing else. */
export const tidy = (config: AgentConfig): AgentConfig =>
  inOrder({ ...config, sop: tidySteps(config.sop) }, configKeys);

export const writeSop = (steps: Sop): string =>
  steps.length === 0 ? '' : JSON.stringify(tidySteps(steps), null, 2);

/** A list of steps; nothing is no steps. Whether the steps are right is the server's to say. */
export function readSop(text: string): ParsedSop {
  if (text.trim() === '') return { steps: [] };
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? { steps: value as Sop } : { reason: 'list' };
  } catch {
    return { reason: 'json' };
  }
}

/** What the server found wrong in the steps, at their places in the text, in the language of the console. */
export const sopFaults = (problem: Problem | null, sentences: Sentences): CodeFault[] =>
  (problem?.errors ?? []).flatMap(({ path, message, said }) => {
    const inner = /^config\.sop\.?(.*)$/.exec(path.replaceAll(/\[(\d+)\]/g, '.$1'));
    return inner ? [{ path: inner[1] ?? '', message: sentences.of(said, message) }] : [];
  });
