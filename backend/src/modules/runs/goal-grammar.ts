import { type Said, type Step, say } from '@aos/contracts';

/**
 * Goals that need no language model: those that name known skills and files.
 *
 *   profile data.csv                          skills.csv.profile
 *   clean data.csv                            skills.csv.clean
 *   plot [strikes|mean cost] by month [of "Flight Date"] [as a line]     skills.viz.plot
 *   write a report ["title"]                  skills.text.report
 *   csv.profile data.csv                      a skill by its name, with what the words above take
 *   skills.csv.profile data.csv               any tool by its full name, with a file
 *
 * "Run", "use", "call" and "apply" may stand before a name, and "on" before a file.
 *
 * Parts are joined by "and", "then", commas or new lines. A file is named by its input, its file name or
 * its id; with one file attached it need not be named. After `clean`, later parts use the cleaned file.
 * A goal is understood as a whole or not at all: guessing at half of one would look like obedience.
 */
export interface GoalFile {
  /** Name of the input. */
  input: string;
  artifactId: string;
  fileName: string;
  /** The header of a CSV, for "by …"; empty when it could not be read. */
  columns: readonly string[];
}

export type GoalReading = { steps: Step[] } | { needs: Said };

export function readGoal(
  goal: string,
  files: readonly GoalFile[],
  tools: ReadonlySet<string>,
): GoalReading {
  const parts = split(goal);
  const reader = new GoalReader(files, tools);
  for (const part of parts) {
    const problem = reader.read(part);
    if (problem !== undefined) return { needs: problem };
  }
  return reader.steps.length > 0 ? { steps: reader.steps } : { needs: say('goal-empty') };
}

function split(goal: string): string[] {
  return goal
    .split(/\s*(?:[;\n]|,(?!\d)|\.\s+|\.$|(?<![^\s,;])(?:and then|and|then)(?![^\s,;]))\s*/i)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const buckets = ['day', 'week', 'month', 'quarter', 'year', 'month-of-year', 'day-of-week', 'hour'];
const measures: Record<string, string> = {
  count: 'count',
  number: 'count',
  sum: 'sum',
  total: 'sum',
  average: 'mean',
  mean: 'mean',
  median: 'median',
  min: 'min',
  minimum: 'min',
  max: 'max',
  maximum: 'max',
};

interface Axis {
  x: string;
  bucket?: string;
}
interface Measured {
  y?: string;
  aggregate?: string;
  noun?: string;
}

/** The word for each skill that has one. */
const wordOf = new Map([
  ['csv.profile', 'profile'],
  ['csv.clean', 'clean'],
  ['viz.plot', 'plot'],
  ['text.report', 'report'],
]);

class GoalReader {
  readonly steps: Step[] = [];
  /** What `file` is for the next part, once a step has made one. */
  private made = new Map<string, string>();

  constructor(
    private readonly files: readonly GoalFile[],
    private readonly tools: ReadonlySet<string>,
  ) {}

  /** @returns what it lacks, or undefined when the part was understood. */
  read(part: string): Said | undefined {
    const [, called, what] = /^(?:(?:run|use|call|apply)\s+)?(\S+)\s*(.*)$/is.exec(part) ?? [];
    const word = wordOf.get(called!.toLowerCase());
    if (word !== undefined && this.tools.has(`skills.${called!.toLowerCase()}`))
      return this.readWord(word, what!, `${word} ${what}`);
    if (this.tools.has(called!)) return this.callByName(called!, what!);
    const [first = ''] = part.split(/\s+/, 1);
    return this.readWord(first, part.slice(first.length).trim(), part);
  }

  private readWord(word: string, rest: string, part: string): Said | undefined {
    switch (word.toLowerCase()) {
      case 'profile':
      case 'inspect':
      case 'describe':
        return this.onFile('profile', 'skills.csv.profile', rest);
      case 'clean':
      case 'tidy':
        return this.onFile('clean', 'skills.csv.clean', rest);
      case 'plot':
      case 'chart':
      case 'draw':
        return this.plot(rest);
      case 'write':
      case 'report':
        return this.report(part);
      default:
        return say('goal-no-skill', { part: shorten(part) });
    }
  }

  private onFile(id: string, tool: string, rest: string): Said | undefined {
    const named = this.fileIn(rest);
    if ('code' in named) return named;
    if (named.left !== '') return say('goal-file-alone', { part: shorten(named.left), skill: id });
    const stepId = this.add(id, tool, { file: this.current(named.file) });
    if (tool === 'skills.csv.clean')
      this.made.set(named.file.input, `\${steps.${stepId}.artifactId}`);
    return undefined;
  }

  private callByName(tool: string, rest: string): Said | undefined {
    if (rest === '') {
      this.add(
        tool.split('.').at(-1)!,
        tool,
        this.files.length === 1 ? { file: this.current(this.files[0]!) } : {},
      );
      return undefined;
    }
    const named = this.fileIn(rest);
    if ('code' in named) return named;
    if (named.left !== '') return say('goal-file-after', { part: shorten(named.left), tool });
    this.add(tool.split('.').at(-1)!, tool, { file: this.current(named.file) });
    return undefined;
  }

  private plot(rest: string): Said | undefined {
    const shape =
      /^(?:(?:a|the)\s+)?(?:(?<kind>bar|line)\s+(?:chart|plot)?\s*(?:of\s+)?)?(?<what>.*?)\s*\bby\s+(?<by>.+?)(?:\s+as\s+(?:a\s+)?(?<as>bar|line)s?(?:\s+chart)?)?$/i.exec(
        rest,
      );
    if (!shape?.groups) return say('goal-by-what', { part: shorten(rest) });
    const { kind, what = '', by = '', as } = shape.groups;
    const named = this.fileIn(`${what} `, true);
    if ('code' in named) return named;
    const { file } = named;
    const axis = this.axis(by, file);
    if (isSaid(axis)) return axis;
    const measured = this.measured(named.left, file);
    if (isSaid(measured)) return measured;
    this.add('plot', 'skills.viz.plot', {
      file: this.current(file),
      kind: (
        as ??
        kind ??
        (axis.bucket && !axis.bucket.includes('-of-') ? 'line' : 'bar')
      ).toLowerCase(),
      ...axis,
      ...measured,
    });
    return undefined;
  }

  private axis(by: string, file: GoalFile): Axis | Said {
    const [, bucket = '', of] = /^(\S+?)s?(?:\s+of\s+(?:the\s+)?(.+))?$/i.exec(by) ?? [];
    if (buckets.includes(bucket.toLowerCase())) {
      const asked = of && columnOf(unquote(of), file.columns);
      const dates = file.columns.filter((name) =>
        /\b(date|time|day|timestamp)\b/i.test(name.replaceAll('_', ' ')),
      );
      const x = of ? asked : dates.length === 1 ? dates[0] : undefined;
      if (x) return { x, bucket: bucket.toLowerCase() };
      return say('goal-which-date', {
        part: shorten(by),
        bucket,
        column: dates[0] ?? file.columns[0] ?? 'Date',
      });
    }
    const x = columnOf(unquote(by), file.columns);
    return x ? { x } : noColumn(file, unquote(by));
  }

  private measured(what: string, file: GoalFile): Measured | Said {
    const words = what
      .replace(/\b(the|of|a|an)\b/gi, ' ')
      .trim()
      .split(/\s+/)
      .filter(Boolean);
    if (words.length === 0) return {};
    const aggregate = measures[words[0]!.toLowerCase()];
    const subject = unquote((aggregate ? words.slice(1) : words).join(' '));
    const y = columnOf(subject, file.columns);
    if (aggregate && aggregate !== 'count') return y ? { y, aggregate } : noColumn(file, subject);
    if (y && !aggregate && y.toLowerCase() === subject.toLowerCase()) return { y };
    return subject.length <= 40 && subject !== '' ? { noun: subject } : {};
  }

  private report(part: string): Said | undefined {
    const form =
      /^(?:write\s+)?(?:a\s+|the\s+)?(?:short\s+)?report(?:\s+(?:about|on|titled|called)?\s*(?<title>.+))?$/i.exec(
        part,
      );
    if (!form) return say('goal-no-skill', { part: shorten(part) });
    const sections = this.steps.flatMap((step): Record<string, unknown>[] => {
      const ref = (path: string) => `\${steps.${step.id}.${path}}`;
      if (step.tool === 'skills.csv.profile')
        return [
          {
            heading: 'The file',
            text: `${ref('rows')} rows; ${ref('duplicateRows')} of them repeat an earlier one.`,
          },
        ];
      if (step.tool === 'skills.csv.clean')
        return [
          {
            heading: 'Cleaning',
            text: `${ref('rowsOut')} of ${ref('rowsIn')} rows were kept; ${ref('rejected.count')} could not be parsed.`,
          },
        ];
      if (step.tool === 'skills.viz.plot')
        return [{ heading: ref('title'), text: ref('subtitle'), image: ref('png.artifactId') }];
      return [];
    });
    if (sections.length === 0) return say('goal-report-on-what');
    const title =
      unquote(form.groups?.['title'] ?? '') ||
      `Report on ${this.files.map((file) => file.fileName).join(', ')}`;
    this.add('report', 'skills.text.report', { title: title.slice(0, 300), sections });
    return undefined;
  }

  private add(wish: string, tool: string, args: Record<string, unknown>): string {
    const base = wish.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z]/, 's') || 'step';
    let id = base;
    for (let n = 2; this.steps.some((step) => step.id === id); n++) id = `${base}-${n}`;
    this.steps.push({ id, tool, args });
    return id;
  }

  private current(file: GoalFile): string {
    return this.made.get(file.input) ?? `\${inputs.${file.input}}`;
  }

  /** The file that the words name, and the words that are left; a sentence when there is none. */
  private fileIn(words: string, isOptional = false): { file: GoalFile; left: string } | Said {
    const text = ` ${words.replace(/(?<!\S)(?:of|in|from|on|the|file|it|data set|dataset)(?!\S)/gi, ' ')} `;
    for (const file of this.files)
      for (const name of [file.fileName, file.artifactId, file.input]) {
        const at = text.toLowerCase().indexOf(` ${name.toLowerCase()} `);
        const quoted = text.toLowerCase().indexOf(`"${name.toLowerCase()}"`);
        // In "plot strikes by month" a word may be both a noun and the name of an input.
        if (isOptional && name === file.input && this.files.length === 1) continue;
        if (at >= 0)
          return { file, left: tidy(text.slice(0, at) + text.slice(at + name.length + 1)) };
        if (quoted >= 0)
          return { file, left: tidy(text.slice(0, quoted) + text.slice(quoted + name.length + 2)) };
      }
    const left = tidy(isOptional ? ` ${words} ` : text);
    if (this.files.length === 1 && (isOptional || !/\.\w{1,5}$/.test(left)))
      return { file: this.files[0]!, left };
    if (this.files.length === 0)
      return left ? say('goal-no-file-for', { part: shorten(left) }) : say('goal-no-file');
    return say('goal-other-file', {
      part: shorten(left || words),
      files: this.files.map((file) => file.fileName).join(', '),
    });
  }
}

const tidy = (text: string) => text.replace(/\s+/g, ' ').trim();
const unquote = (text: string) =>
  text
    .trim()
    .replace(/^["'`“](.*)["'`”]$/, '$1')
    .trim();
const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 57)}…` : text);
const plain = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** By its name, or by a word of it that no other column has. */
function columnOf(asked: string, columns: readonly string[]): string | undefined {
  const wanted = plain(asked);
  if (wanted === '') return undefined;
  const same = columns.filter((name) => plain(name) === wanted);
  if (same.length > 0) return same[0];
  const near = columns.filter((name) => ` ${plain(name)} `.includes(` ${wanted} `));
  return near.length === 1 ? near[0] : undefined;
}

function noColumn({ fileName, columns }: GoalFile, asked: string): Said {
  const missing = { file: fileName, column: shorten(asked) };
  if (columns.length === 0) return say('goal-no-column', missing);
  const first = `${columns.slice(0, 12).join(', ')}${columns.length > 12 ? '…' : ''}`;
  return say('goal-no-column-among', { ...missing, columns: first });
}

const isSaid = (value: Axis | Measured | Said): value is Said => 'code' in value;
