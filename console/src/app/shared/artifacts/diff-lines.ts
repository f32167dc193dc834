/** A unified diff (`diff -u`, `git diff`) line by line, with the numbers that its lines have on each side. */
export interface DiffLine {
  kind: 'file' | 'hunk' | 'same' | 'gone' | 'new' | 'note';
  text: string;
  before: number | null;
  after: number | null;
}

export function readDiff(text: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let [before, after, left, right] = [0, 0, 0, 0];
  const add = (kind: DiffLine['kind'], line: string, a: number | null, b: number | null) =>
    lines.push({ kind, text: line, before: a, after: b });
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk) {
      [before, left] = [Number(hunk[1]), Number(hunk[2] ?? 1)];
      [after, right] = [Number(hunk[3]), Number(hunk[4] ?? 1)];
      add('hunk', line, null, null);
    } else if (left <= 0 && right <= 0) {
      // Outside of a hunk: the names of the files, and what else the tool had to say.
      add(/^(---|\+\+\+|diff |Index: )/.test(line) ? 'file' : 'note', line, null, null);
    } else if (line.startsWith('+')) {
      add('new', line.slice(1), null, after);
      [after, right] = [after + 1, right - 1];
    } else if (line.startsWith('-')) {
      add('gone', line.slice(1), before, null);
      [before, left] = [before + 1, left - 1];
    } else if (line.startsWith('\\')) add('note', line, null, null);
    else {
      add('same', line.slice(1), before, after);
      [before, left, after, right] = [before + 1, left - 1, after + 1, right - 1];
    }
  }
  return lines;
}
