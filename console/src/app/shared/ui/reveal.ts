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

export function reveal(text: string): Run[] {
  const runs: Run[] = [];
  let from = 0;
  for (const match of text.matchAll(joins.test(text) ? orEmoji : unseen)) {
    // An emoji: what is not seen of it comes behind what is.
    if (match[0].search(unseen) !== 0) continue;
    if (match.index > from) runs.push({ text: text.slice(from, match.index), isUnseen: false });
    const code = match[0].codePointAt(0) ?? 0;
    runs.push({ text: `U+${code.toString(16).toUpperCase().padStart(4, '0')}`, isUnseen: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) runs.push({ text: text.slice(from), isUnseen: false });
  return runs;
}
