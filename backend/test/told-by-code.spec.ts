import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const src = join(import.meta.dirname, '../src');

/** All that tells of something: without the routes, whose summaries stand in the API's own description. */
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !/\.(spec|controller)\.ts$|testing\.ts$/.test(name),
);

/** The answer of an agent that is called as a tool; whoever reads it is a program. */
const isForPrograms = (name: string) => name.endsWith(join('agents', 'agent-server.ts'));

const found = (pattern: RegExp) =>
  files
    .filter((name) => !isForPrograms(name))
    .flatMap((name) =>
      [...readFileSync(join(src, name), 'utf8').matchAll(pattern)].map(
        ([text]) => `${name}: ${text}`,
      ),
    );

// The console tells in its language what has a code; all else stays in English there.
describe('is told by a code wherever it is told', () => {
  it('what happens', () => {
    expect(files.length).toBeGreaterThan(300);
    expect(found(/\bsummary:\s*['"`].*/g)).toEqual([]);
  });

  it('what is wrong at a field', () => {
    expect(found(/\bpath\b[^{}()]*,\s*message:\s*['"`].*/g)).toEqual([]);
  });
});
