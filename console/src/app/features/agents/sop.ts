import type { AgentConfig, Problem } from '@aos/contracts';
import type { CodeFault } from '../../shared/ui/code-editor';

export type Sop = AgentConfig['sop'];
export type ParsedSop = { steps: Sop; reason?: never } | { steps?: never; reason: string };

export const writeSop = (steps: Sop): string =>
  steps.length === 0 ? '' : JSON.stringify(steps, null, 2);

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

/** What the server found wrong in the steps, at their places in the text. */
export const sopFaults = (problem: Problem | null): CodeFault[] =>
  (problem?.errors ?? []).flatMap(({ path, message }) => {
    const inner = /^config\.sop\.?(.*)$/.exec(path.replaceAll(/\[(\d+)\]/g, '.$1'));
    return inner ? [{ path: inner[1] ?? '', message }] : [];
  });
