import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { McpTool } from '@aos/contracts';
import type { SyntaxNode } from '@lezer/common';
import { syntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import { SchemaReader } from '../../shared/forms/schema-reader';
import { nameOf, valuesIn, valueOf, wholeOf } from '../../shared/ui/json-places';
import { choices, stepKeys } from './dsl';

export interface Known {
  tools: readonly McpTool[];
  /** Names of the files that are attached. */
  inputs: readonly string[];
  say: (key: string) => string;
}

/** What fits where the cursor stands: a tool, a key, a step that is there already, a reference. */
export function completeDsl(context: CompletionContext, known: Known): CompletionResult | null {
  const { state, pos } = context;
  const node = syntaxTree(state).resolveInner(pos, -1);
  const steps = stepsOf(state);
  const step = steps.find(({ from, to }) => from < pos && pos < to);
  if (node.name === 'PropertyName') {
    const keys = keysAt(node.parent?.parent ?? null, step, state, known);
    return keys && inside(node, keys);
  }
  if (node.name === 'String') return valuesAt(node, step, steps, context, known);
  if (!context.explicit) return null;
  // Nothing is there yet: offer what could be written, with its quotes.
  if (node.name === 'Object' || node.name === '{' || node.name === ',') {
    const around = node.name === 'Object' ? node : node.parent;
    const keys = keysAt(around, step, state, known);
    return (
      keys && { from: pos, options: keys.map((one) => ({ ...one, apply: `"${one.label}": ` })) }
    );
  }
  return null;
}

function inside(node: SyntaxNode, options: Completion[]): CompletionResult {
  return {
    from: node.from + 1,
    to: Math.max(node.from + 1, node.to - 1),
    options,
    validFor: /^[^"]*$/,
  };
}

function stepsOf(state: EditorState): SyntaxNode[] {
  const whole = wholeOf(state);
  if (whole?.name === 'Array') return valuesIn(whole);
  const property = whole?.getChildren('Property').find((one) => nameOf(one, state) === 'steps');
  const list = property && valueOf(property);
  return list?.name === 'Array' ? valuesIn(list) : [];
}

function propertyIn(step: SyntaxNode | undefined, key: string, state: EditorState) {
  const property = step?.getChildren('Property').find((one) => nameOf(one, state) === key);
  return property ? valueOf(property) : null;
}

function textIn(step: SyntaxNode | undefined, key: string, state: EditorState): string {
  const node = propertyIn(step, key, state);
  return node?.name === 'String' ? state.sliceDoc(node.from + 1, node.to - 1) : '';
}

const toolOf = (step: SyntaxNode | undefined, state: EditorState, { tools }: Known) =>
  tools.find(({ tool }) => tool === textIn(step, 'tool', state));

/** The keys of a step, or the arguments of its tool. Those that are there already are left out. */
function keysAt(
  object: SyntaxNode | null,
  step: SyntaxNode | undefined,
  state: EditorState,
  known: Known,
): Completion[] | null {
  if (!object || !step) return null;
  const here = new Set(object.getChildren('Property').map((one) => nameOf(one, state)));
  const isFree = ({ label }: Completion) => !here.has(label);
  if (object.from === step.from)
    return stepKeys
      .map((key): Completion => ({ label: key, detail: known.say(`chat.dsl.key.${key}`) }))
      .filter(isFree);
  const args = propertyIn(step, 'args', state);
  if (!args || object.from !== args.from) return null;
  const tool = toolOf(step, state, known);
  if (!tool) return null;
  const reader = new SchemaReader(tool.inputSchema);
  const shape = reader.shape(tool.inputSchema);
  if (shape.kind !== 'object') return null;
  return shape.fields
    .map(({ key, node, isRequired }): Completion => {
      const { description, kind } = reader.shape(node);
      return {
        label: key,
        detail: isRequired ? `${kind} · ${known.say('chat.dsl.must')}` : kind,
        ...(description && { info: description }),
        boost: isRequired ? 1 : 0,
      };
    })
    .filter(isFree);
}

function valuesAt(
  node: SyntaxNode,
  step: SyntaxNode | undefined,
  steps: readonly SyntaxNode[],
  { state, pos }: CompletionContext,
  known: Known,
): CompletionResult | null {
  const before = state.sliceDoc(node.from + 1, pos);
  const open = /(?:^|[^$])\$\{([^}]*)$/.exec(before);
  const ids = steps
    .filter((one) => one.from !== step?.from)
    .map((one) => textIn(one, 'id', state))
    .filter(Boolean);
  if (open) {
    const after = state.sliceDoc(pos, node.to - 1);
    return {
      from: pos - (open[1] ?? '').length,
      options: references(ids, known).map((one) => ({
        ...one,
        apply: after.startsWith('}') ? one.label : `${one.label}}`,
      })),
      validFor: /^[^}"]*$/,
    };
  }
  const parent = node.parent;
  if (parent?.name === 'Array' && parent.parent && nameOf(parent.parent, state) === 'needs')
    return inside(
      node,
      ids.map((label) => ({ label })),
    );
  if (parent?.name !== 'Property') return null;
  const key = nameOf(parent, state);
  if (parent.parent?.from === step?.from) {
    if (key === 'tool') return inside(node, tools(known));
    const all = choices[key];
    return all
      ? inside(
          node,
          all.map((label) => ({ label, detail: known.say(`chat.dsl.choice.${label}`) })),
        )
      : null;
  }
  return argument(key, node, step, state, known);
}

function argument(
  key: string,
  node: SyntaxNode,
  step: SyntaxNode | undefined,
  state: EditorState,
  known: Known,
): CompletionResult | null {
  const tool = toolOf(step, state, known);
  if (!tool) return null;
  const reader = new SchemaReader(tool.inputSchema);
  const shape = reader.shape(tool.inputSchema);
  const field = shape.kind === 'object' ? shape.fields.find((one) => one.key === key) : undefined;
  const inner = field && reader.shape(field.node);
  if (inner?.kind === 'enum')
    return inside(
      node,
      inner.options.map(({ value }) => ({ label: String(value) })),
    );
  // Most texts are free; a file is one of those that are attached.
  if (key !== 'file' || known.inputs.length === 0) return null;
  return inside(
    node,
    known.inputs.map((name) => ({ label: `\${inputs.${name}}` })),
  );
}

const tools = ({ tools: all }: Known): Completion[] =>
  all.map(({ tool, title, description }) => ({
    label: tool,
    detail: title ?? '',
    info: description,
    // What ships with AOS comes first; the rest in the order of its names.
    boost: tool.startsWith('skills.') ? 1 : 0,
  }));

const references = (ids: readonly string[], { inputs, say }: Known): Completion[] => [
  ...inputs.map((name): Completion => ({
    label: `inputs.${name}`,
    detail: say('chat.dsl.ref.inputs'),
  })),
  ...ids.map((id): Completion => ({
    label: `steps.${id}.artifactId`,
    detail: say('chat.dsl.ref.file'),
  })),
  ...ids.map((id): Completion => ({ label: `steps.${id}.`, detail: say('chat.dsl.ref.steps') })),
  { label: 'vars.', detail: say('chat.dsl.ref.vars') },
  { label: 'secret.', detail: say('chat.dsl.ref.secret') },
];
