/**
 * Characters that a reader cannot see, or that turn the order of what stands around them: controls, zero-width
 * marks, bidirectional overrides, tags, variation selectors. Who approves a call must see what it holds, so each is
 * written out. Line breaks and tabs are what they look like.
 */
const unseen = /(?![\n\t])(?:\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point})/gu;
/**
 * The joiners, selectors and tags within an emoji are seen: they make the family, the heart or the flag that it is.
 * Only those of the closed list of Unicode, into which no words of anybody's fit.
 */
const orEmoji = new RegExp(`(?=\\p{Emoji})\\p{RGI_Emoji}|${unseen.source}`, 'gv');
const joins = /\u200D|\uFE0F|[\u{E0020}-\u{E007F}]/u;

export interface Run {
  text: string;
  isUnseen: boolean;
}

/** So many runs at most are drawn at once: each is an element, and a text of nothing but unseen characters is all runs. */
const MOST_RUNS = 20_000;

export interface Shown {
  runs: Run[];
  /** How many characters of the text they are; fewer than it has where it is too long to be drawn at once. */
  length: number;
}

/** The beginning of a text, as much of it as a page draws without a pause. */
export function revealFirst(text: string, most: number): Shown {
  // Not between the halves of one character.
  const end = /[\uD800-\uDBFF]/.test(text[most - 1] ?? '') ? most - 1 : most;
  return revealUpTo(text.slice(0, end), MOST_RUNS);
}

export const reveal = (text: string): Run[] => revealUpTo(text, Infinity).runs;

function revealUpTo(text: string, mostRuns: number): Shown {
  const runs: Run[] = [];
  let from = 0;
  for (const match of text.matchAll(joins.test(text) ? orEmoji : unseen)) {
    // An emoji: what is not seen of it comes behind what is.
    if (match[0].search(unseen) !== 0) continue;
    if (runs.length >= mostRuns) return { runs, length: from };
    if (match.index > from) runs.push({ text: text.slice(from, match.index), isUnseen: false });
    const code = match[0].codePointAt(0) ?? 0;
    runs.push({ text: `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, isUnseen: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) runs.push({ text: text.slice(from), isUnseen: false });
  return { runs, length: text.length };
}
