/**
 * Characters that JSON leaves as they are but that a terminal, an editor or a spreadsheet acts on: C1
 * controls, line separators, zero-width and direction marks. Escaped, they say the same and do nothing.
 */
const active =
  /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** One row, one line: what is in a name cannot begin a new one. */
export function ndjsonLine(row: unknown): string {
  const text = JSON.stringify(row).replace(
    active,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}
