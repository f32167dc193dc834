/** An object or a list that is not closed yet. `keys` are those of an object so far; `at` is the last of them, or an index. */
interface Level {
  keys: Set<string> | undefined;
  at: string | number;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const BACKSLASH = 92;

/**
 * Where a key stands twice in one object, of a text that is known to be JSON. Everybody may read that otherwise (RFC 8259, 4):
 * `JSON.parse` takes the last one and says nothing, and what stands in front, or whoever wrote it, may have meant the first.
 */
export function keysTwiceIn(json: string, most: number): string[] {
  const paths: string[] = [];
  const levels: Level[] = [];
  for (let i = 0; i < json.length && paths.length < most; i++) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOfText(json, i);
      const { keys } = levels.at(-1) ?? {};
      if (keys && isKey(json, end)) {
        const text = json.slice(i + 1, end - 1);
        const key = text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
        levels.at(-1)!.at = key;
        if (keys.has(key)) paths.push(levels.map(({ at }) => at).join('.'));
        keys.add(key);
      }
      i = end - 1;
    } else if (code === COMMA) {
      const level = levels.at(-1)!;
      if (typeof level.at === 'number') level.at++;
    } else if (code === 123) levels.push({ keys: new Set(), at: '' });
    else if (code === 91) levels.push({ keys: undefined, at: 0 });
    else if (code === 125 || code === 93) levels.pop();
  }
  return paths;
}

/** Behind the quote that closes the text which begins at `from`. */
function endOfText(json: string, from: number): number {
  for (let end = json.indexOf('"', from + 1); ; end = json.indexOf('"', end + 1)) {
    let before = end - 1;
    while (json.charCodeAt(before) === BACKSLASH) before--;
    if ((end - before) % 2 === 1) return end + 1;
  }
}

function isKey(json: string, from: number): boolean {
  let i = from;
  while (json.charCodeAt(i) <= 32) i++;
  return json.charCodeAt(i) === COLON;
}
