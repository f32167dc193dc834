/** Something in a definition that a person does not see, or that a terminal obeys. */
export interface HiddenText {
  /** Where, as `description` or `inputSchema.properties.q.description`. */
  path: string;
  kind: 'zero-width' | 'bidirectional' | 'tag' | 'control' | 'ansi' | 'variation' | 'private-use';
  /** The code points, as `U+200B`. */
  characters: string[];
}

/**
 * Kinds of characters that carry text past a reader and to a model. Zero-width joiners are part of ordinary
 * emoji and of some scripts, so those two count only where no letter or emoji stands before them.
 */
const kinds: [HiddenText['kind'], RegExp][] = [
  ['ansi', /\u001b|\u009b/gu],
  ['control', /[\u0000-\u0008\u000b\u000c\u000e-\u001a\u001c-\u001f\u007f-\u009a\u009c-\u009f]/gu],
  [
    'zero-width',
    /[\u200b\u2060-\u2064\u180e\ufeff\u00ad\u115f\u1160\u3164\uffa0]|\u034f|(?<![\p{L}\p{M}\p{Extended_Pictographic}])[\u200c\u200d]/gu,
  ],
  ['bidirectional', /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu],
  ['tag', /[\u{e0000}-\u{e007f}]/gu],
  ['variation', /[\u{e0100}-\u{e01ef}]/gu],
  ['private-use', /[\ue000-\uf8ff\u{f0000}-\u{ffffd}\u{100000}-\u{10fffd}]/gu],
];

const MOST_FOUND = 50;
const MOST_CHARACTERS = 20;

/** Looks at every text of a definition, keys as well. */
export function hiddenTextIn(value: unknown, path = ''): HiddenText[] {
  const found: HiddenText[] = [];
  walk(value, path, found);
  return found.slice(0, MOST_FOUND);
}

function walk(value: unknown, path: string, found: HiddenText[]): void {
  if (typeof value === 'string') return look(value, path, found);
  if (value === null || typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) {
    const at = Array.isArray(value)
      ? `${path}[${key}]`
      : path
        ? `${path}.${escaped(key)}`
        : escaped(key);
    if (!Array.isArray(value)) look(key, `${at} (the name itself)`, found);
    walk(item, at, found);
  }
}

function look(text: string, path: string, found: HiddenText[]): void {
  for (const [kind, pattern] of kinds) {
    const matches = text.match(pattern);
    if (!matches) continue;
    const characters = [...new Set(matches.map(codePoint))].slice(0, MOST_CHARACTERS);
    found.push({ path, kind, characters });
  }
}

const codePoint = (character: string) =>
  `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;

/** As text that shows what it holds: every hidden character as its code point. */
export function escaped(text: string): string {
  return kinds.reduce(
    (shown, [, pattern]) =>
      shown.replace(pattern, (character) => `\u27e8${codePoint(character)}\u27e9`),
    text,
  );
}
