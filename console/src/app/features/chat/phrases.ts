import type { McpTool } from '@aos/contracts';
import { SchemaReader } from '../../shared/forms/schema-reader';

/**
 * What to say so that the planner understands it without a language model; the grammar is the server's
 * (backend/src/modules/runs/goal-grammar.ts). `‸` is where the cursor comes to stand.
 */
const phrases: Record<string, (file: string) => string> = {
  'skills.csv.profile': (file) => `profile ${file}‸`,
  'skills.csv.clean': (file) => `clean ${file}‸`,
  'skills.viz.plot': (file) => `plot ${file} by ‸`,
  'skills.text.report': () => `write a report‸`,
};

/** A phrase for the tool, or null where only a step can say all that it must be told. */
export function phraseFor({ tool, inputSchema }: McpTool, file: string | null): string | null {
  const phrase = phrases[tool];
  // One file that is attached need not be named, but it reads better.
  if (phrase) return phrase(file ? quoted(file) : '').replace(/ {2,}/g, ' ');
  const shape = new SchemaReader(inputSchema).shape(inputSchema);
  const must = shape.kind === 'object' ? shape.fields.filter((field) => field.isRequired) : [];
  if (must.length === 0) return `${tool}‸`;
  return must.length === 1 && must[0]!.key === 'file'
    ? `${tool} ${file ? quoted(file) : ''}‸`
    : null;
}

const quoted = (file: string) => (/\s/.test(file) ? `"${file}"` : file);

/** Puts a phrase in place of `from`..`to`, joined to what stands before it as the grammar wants it. */
export function insertPhrase(
  text: string,
  from: number,
  to: number,
  phrase: string,
): { text: string; cursor: number } {
  const before = text.slice(0, from).replace(/\s+$/, '');
  const joint = before === '' ? '' : /(?:[,;.\n]|\b(?:and|then))$/i.test(before) ? ' ' : ' and ';
  const cursor = before.length + joint.length + phrase.indexOf('‸');
  return { text: before + joint + phrase.replace('‸', '') + text.slice(to), cursor };
}
