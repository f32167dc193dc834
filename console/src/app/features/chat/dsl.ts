import type { McpTool } from '@aos/contracts';
import type { CodeFault } from '../../shared/ui/code-editor';
import { schemaFaults } from '../../shared/forms/schema-faults';
import { SchemaReader } from '../../shared/forms/schema-reader';

type Bag = Record<string, unknown>;
/** A fault as a word of ours with what belongs in it, at a path such as `steps.0.tool`. */
export interface DslFault {
  path: string;
  word: string;
  values?: Record<string, unknown>;
}

export const stepKeys = ['id', 'tool', 'args', 'needs', 'approval', 'onError', 'retries'] as const;
export const choices: Record<string, readonly string[]> = {
  approval: ['auto', 'required'],
  onError: ['revise', 'skip', 'abort'],
};
const isBag = (value: unknown): value is Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown) => (typeof value === 'string' ? value : '');
const idForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** The steps in the text: a list, or an object that holds one. Null where it is no JSON or holds none. */
export function stepsIn(text: string): unknown[] | null {
  try {
    const whole: unknown = JSON.parse(text);
    const steps = isBag(whole) ? whole['steps'] : whole;
    return Array.isArray(steps) ? steps : null;
  } catch {
    return null;
  }
}

/** Every reference in the text of an argument; `$${` is no reference. */
export function referencesIn(text: string): string[] {
  return [...text.matchAll(/(\$?)\$\{([^}]*)\}/g)]
    .filter(([, escape]) => !escape)
    .map(([, , inner]) => inner ?? '');
}

/**
 * What can be said of a plan while it is written. The server has the last word, and says it about the same paths;
 * this is here so that nobody has to send a plan to learn of a slip.
 */
export function planFaults(
  text: string,
  tools: readonly McpTool[],
  inputs: readonly string[],
): DslFault[] {
  if (text.trim() === '') return [];
  const steps = stepsIn(text);
  if (!steps) return isJson(text) ? [{ path: '', word: 'noSteps' }] : [];
  const byName = new Map(tools.map((tool) => [tool.tool, tool]));
  const ids = steps.map((step) => (isBag(step) ? textOf(step['id']) : ''));
  const faults = steps.flatMap((step, index) =>
    new StepCheck(index, ids, byName, inputs).faults(step),
  );
  const circle = circleIn(steps);
  if (circle)
    faults.push({
      path: `steps.${ids.indexOf(circle[0]!)}.needs`,
      word: 'circle',
      values: { circle: circle.join(' → ') },
    });
  return faults;
}

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

class StepCheck {
  private readonly at: string;
  constructor(
    private readonly index: number,
    private readonly ids: readonly string[],
    private readonly tools: ReadonlyMap<string, McpTool>,
    private readonly inputs: readonly string[],
  ) {
    this.at = `steps.${index}`;
  }

  faults(step: unknown): DslFault[] {
    if (!isBag(step)) return [{ path: this.at, word: 'noStep' }];
    return [
      ...this.keys(step),
      ...this.id(step),
      ...this.needs(step),
      ...this.choices(step),
      ...this.tool(step),
    ];
  }

  private keys(step: Bag): DslFault[] {
    return Object.keys(step)
      .filter((key) => !(stepKeys as readonly string[]).includes(key))
      .map((key) => ({ path: `${this.at}.${key}`, word: 'unknownKey', values: { key } }));
  }

  private id({ id }: Bag): DslFault[] {
    const path = `${this.at}.id`;
    if (typeof id !== 'string' || !idForm.test(id)) return [{ path, word: 'id' }];
    return this.ids.indexOf(id) < this.index ? [{ path, word: 'idTaken', values: { id } }] : [];
  }

  private needs({ needs }: Bag): DslFault[] {
    if (needs === undefined) return [];
    const path = `${this.at}.needs`;
    if (!Array.isArray(needs)) return [{ path, word: 'needs' }];
    return needs
      .map((need: unknown, at) => ({ need: String(need), path: `${path}.${at}` }))
      .filter(({ need }) => !this.ids.includes(need))
      .map(({ need, path: place }) => ({ path: place, word: 'noNeed', values: { id: need } }));
  }

  private choices(step: Bag): DslFault[] {
    return Object.entries(choices)
      .filter(([key, all]) => step[key] !== undefined && !all.includes(textOf(step[key])))
      .map(([key, all]) => ({
        path: `${this.at}.${key}`,
        word: 'choice',
        values: { all: all.join(', ') },
      }));
  }

  private tool({ tool: name, args = {} }: Bag): DslFault[] {
    const path = `${this.at}.tool`;
    if (typeof name !== 'string' || name === '') return [{ path, word: 'noTool' }];
    if (this.tools.size === 0) return this.references(args, `${this.at}.args`);
    const tool = this.tools.get(name);
    if (!tool)
      return [
        { path, word: 'unknownTool', values: { tool: name } },
        ...this.references(args, `${this.at}.args`),
      ];
    if (!isBag(args)) return [{ path: `${this.at}.args`, word: 'args' }];
    return [
      ...this.references(args, `${this.at}.args`),
      ...schemaFaults(new SchemaReader(tool.inputSchema), args)
        .filter(({ path: pointer }) => !isOpen(args, pointer))
        .map((fault) => ({
          path: `${this.at}.args${fault.path.replaceAll('/', '.')}`,
          ...('word' in fault
            ? { word: `form.fault.${fault.word}`, values: fault.values }
            : { word: fault.message }),
        })),
    ];
  }

  private references(value: unknown, path: string): DslFault[] {
    if (Array.isArray(value))
      return value.flatMap((one: unknown, at) => this.references(one, `${path}.${at}`));
    if (isBag(value))
      return Object.entries(value).flatMap(([key, one]) => this.references(one, `${path}.${key}`));
    if (typeof value !== 'string') return [];
    return referencesIn(value).flatMap((inner): DslFault[] => {
      const [kind, name = ''] = inner.split(/[.[]/);
      const values = { reference: `\${${inner}}`, name };
      if (!['inputs', 'steps', 'vars', 'secret'].includes(kind ?? '') || name === '')
        return [{ path, word: 'reference', values }];
      if (kind === 'inputs' && !this.inputs.includes(name))
        return [{ path, word: 'noInput', values }];
      if (kind === 'steps' && !this.ids.includes(name))
        return [{ path, word: 'noNeed', values: { id: name } }];
      return [];
    });
  }
}

/** A value that a reference fills in later has no type yet, and neither has anything around a missing one. */
function isOpen(args: Bag, pointer: string): boolean {
  let held: unknown = args;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof held === 'string' && referencesIn(held).length > 0) return true;
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    held = isBag(held) || Array.isArray(held) ? (held as Bag)[key] : undefined;
  }
  return typeof held === 'string' && referencesIn(held).length > 0;
}

/** What a step waits for: what it says, and what it refers to. */
function waitsFor(step: unknown): string[] {
  if (!isBag(step)) return [];
  const said = Array.isArray(step['needs']) ? step['needs'].map(String) : [];
  const referred = referencesIn(JSON.stringify(step['args'] ?? {}))
    .filter((inner) => inner.startsWith('steps.'))
    .map((inner) => inner.split(/[.[]/)[1] ?? '');
  return [...new Set([...said, ...referred])];
}

/** One round of steps that wait for each other, from its first step back to it; null where there is none. */
function circleIn(steps: readonly unknown[]): string[] | null {
  const needs = new Map(steps.filter(isBag).map((step) => [textOf(step['id']), waitsFor(step)]));
  const done = new Set<string>();
  const walk = (id: string, way: readonly string[]): string[] | null => {
    const at = way.indexOf(id);
    if (at >= 0) return [...way.slice(at), id];
    if (done.has(id)) return null;
    for (const need of needs.get(id) ?? []) {
      const found = walk(need, [...way, id]);
      if (found) return found;
    }
    done.add(id);
    return null;
  };
  for (const id of needs.keys()) {
    const found = walk(id, []);
    if (found) return found;
  }
  return null;
}

/** A step for a tool, with a value or a gap for each argument that it must have. */
export function stepFor(tool: McpTool, taken: readonly string[], file: string | null) {
  const reader = new SchemaReader(tool.inputSchema);
  const start = reader.start(tool.inputSchema);
  const args: Bag = isBag(start) ? { ...start } : {};
  const shape = reader.shape(tool.inputSchema);
  if (shape.kind === 'object')
    for (const { key, isRequired, node } of shape.fields) {
      if (!isRequired || args[key] !== undefined) continue;
      const inner = reader.shape(node);
      args[key] =
        key === 'file' && file
          ? `\${inputs.${file}}`
          : inner.kind === 'enum'
            ? inner.options[0]?.value
            : inner.kind === 'number' || inner.kind === 'integer'
              ? 0
              : '';
    }
  const stem =
    tool.name
      .split(/[./]/)
      .at(-1)!
      .replace(/[^A-Za-z0-9_-]/g, '_')
      .replace(/^[^A-Za-z]+/, '') || 'step';
  let id = stem;
  for (let n = 2; taken.includes(id); n += 1) id = `${stem}-${n}`;
  return { id, tool: tool.tool, args };
}

/** The text of a plan with one more step at its end; a text that is no plan is left as it is. */
export function withStep(text: string, step: object): string {
  const steps = text.trim() === '' ? [] : stepsIn(text);
  return steps ? JSON.stringify([...steps, step], null, 2) : text;
}

export const toCodeFaults = (
  faults: readonly DslFault[],
  say: (word: string, values?: Record<string, unknown>) => string,
): CodeFault[] =>
  faults.map(({ path, word, values }) => ({
    path,
    message: say(word.includes('.') ? word : `chat.dsl.fault.${word}`, values),
  }));
