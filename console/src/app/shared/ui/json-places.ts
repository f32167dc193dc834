import { ensureSyntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import type { SyntaxNode } from '@lezer/common';

const valueNodes = new Set(['Object', 'Array', 'String', 'Number', 'True', 'False', 'Null']);
const PARSE_MS = 200;

const isValue = (node: SyntaxNode) => valueNodes.has(node.name);

export function valueOf(property: SyntaxNode): SyntaxNode | null {
  const last = property.lastChild;
  return last && isValue(last) ? last : null;
}

export function valuesIn(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling)
    if (isValue(child)) found.push(child);
  return found;
}

export function nameOf(property: SyntaxNode, state: EditorState): string {
  const name = property.getChild('PropertyName');
  const text = name ? state.sliceDoc(name.from, name.to) : '""';
  try {
    return String(JSON.parse(text));
  } catch {
    return text.replaceAll('"', '');
  }
}

/** The outermost value of the document. */
export function wholeOf(state: EditorState): SyntaxNode | null {
  const tree = ensureSyntaxTree(state, state.doc.length, PARSE_MS);
  return tree ? (valuesIn(tree.topNode)[0] ?? null) : null;
}

/**
 * Where the value stands that a path such as `steps.0.args.file` or `/steps/0/args` names. What is not there is
 * placed at the name of the nearest thing around it that is. A document that is a bare list of steps is as good as
 * the steps of a message, so a leading `steps` that is not found is passed over.
 */
export function placeOf(state: EditorState, path: string): { from: number; to: number } {
  const parts = path
    .replace(/\[(\d+)\]/g, '.$1')
    .split(/[./]/)
    .filter((part) => part !== '' && part !== '$');
  let node = wholeOf(state);
  if (!node) return { from: 0, to: 0 };
  if (parts[0] === 'steps' && node.name === 'Array') parts.shift();
  // The whole of a document is no place to look at; its first character says enough.
  let place = { from: node.from, to: node.from + 1 };
  for (const part of parts) {
    if (node?.name === 'Array') {
      node = valuesIn(node)[Number(part)] ?? null;
      if (!node) break;
      place = node.name === 'Object' || node.name === 'Array' ? mouth(node) : span(node);
    } else if (node?.name === 'Object') {
      const property: SyntaxNode | undefined = node
        .getChildren('Property')
        .find((one) => nameOf(one, state) === part);
      if (!property) break;
      node = valueOf(property);
      const name: SyntaxNode | null = property.getChild('PropertyName');
      place =
        node && node.name !== 'Object' && node.name !== 'Array'
          ? span(node)
          : span(name ?? property);
    } else break;
  }
  return place;
}

const span = ({ from, to }: SyntaxNode) => ({ from, to });
const mouth = ({ from }: SyntaxNode) => ({ from, to: from + 1 });
