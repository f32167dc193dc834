import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const modules = join(import.meta.dirname, '../src/modules');

/** All that tells of something: without the routes, whose summaries stand in the API's own description. */
const files = readdirSync(modules, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !/\.(spec|controller)\.ts$|testing\.ts$/.test(name),
);

/** The answer of an agent that is called as a tool; whoever reads it is a program. */
const isForPrograms = (name: string) => name === join('agents', 'agent-server.ts');

describe('what happens', () => {
  it('is told by a code wherever it is told, so that the console can tell it in its language', () => {
    const inWords = files
      .filter((name) => !isForPrograms(name))
      .flatMap((name) =>
        [...readFileSync(join(modules, name), 'utf8').matchAll(/\bsummary:\s*['"`].*/g)].map(
          ([line]) => `${name}: ${line}`,
        ),
      );
    expect(files.length).toBeGreaterThan(200);
    expect(inWords).toEqual([]);
  });
});
