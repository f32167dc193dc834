import { type Filling, type Said, say } from '@aos/contracts';

/** What in a step's result is worth telling a person: files, and rows that could not be read. */
export interface Findings {
  files: { artifactId: string; name: string; mediaType: string }[];
  rejected: { count: number; artifactId?: string; name?: string; sample: unknown[] } | undefined;
  /** Goes on after the step's name: "made a.csv and b.csv". Undefined when there is nothing to say. */
  said: Said | undefined;
}

const MAX_VISITED = 2_000;
const MAX_SAMPLE = 5;

export function findingsIn(result: unknown): Findings {
  const rejected = rejectedIn(result);
  const files = filesIn(result).filter((file) => file.artifactId !== rejected?.artifactId);
  return { files, rejected, said: sayingOf(result, files) };
}

function filesIn(result: unknown): Findings['files'] {
  const files = new Map<string, Findings['files'][number]>();
  const queue: unknown[] = [result];
  // Breadth first and bounded: a result may be as large and as deep as its tool likes.
  for (let visited = 0; queue.length > 0 && visited < MAX_VISITED; visited++) {
    const value = queue.shift();
    if (value === null || typeof value !== 'object') continue;
    const { artifactId, name, mediaType } = value as Record<string, unknown>;
    if (typeof artifactId === 'string' && typeof name === 'string' && !files.has(artifactId))
      files.set(artifactId, {
        artifactId,
        name,
        mediaType: typeof mediaType === 'string' ? mediaType : 'application/octet-stream',
      });
    queue.push(...Object.values(value).slice(0, MAX_VISITED));
  }
  return [...files.values()];
}

function rejectedIn(result: unknown): Findings['rejected'] {
  const rejected = (result as { rejected?: unknown } | null)?.rejected;
  if (rejected === null || typeof rejected !== 'object') return undefined;
  const { count, artifactId, name, sample } = rejected as Record<string, unknown>;
  if (typeof count !== 'number' || !(count > 0)) return undefined;
  return {
    count,
    ...(typeof artifactId === 'string' ? { artifactId } : {}),
    ...(typeof name === 'string' ? { name } : {}),
    sample: Array.isArray(sample) ? sample.slice(0, MAX_SAMPLE) : [],
  };
}

function sayingOf(result: unknown, files: Findings['files']): Said | undefined {
  const { rowsIn, rowsOut, rows } = (result ?? {}) as Record<string, unknown>;
  const hasKept = typeof rowsIn === 'number' && typeof rowsOut === 'number';
  const kept = hasKept ? say('kept-rows', { kept: rowsOut, count: rowsIn }) : undefined;
  if (files.length > 0) {
    const made = say('made-files', { files: listed(files.map((file) => file.name)) });
    return kept ? say('did-both', { first: kept, then: made }) : made;
  }
  return kept ?? (typeof rows === 'number' ? say('read-rows', { count: rows }) : undefined);
}

/** "a", "a and b", "a, b, c, d and 4 more", as a sentence is filled with it. */
export const listed = (names: readonly string[], shown = 4): Filling[] =>
  names.length > shown
    ? [...names.slice(0, shown), say('more', { count: names.length - shown })]
    : [...names];
