import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { say, sentences } from '@aos/contracts';
import { ToolFault } from './tool.js';

/** The tools and what they are given to work with. */
const here = import.meta.dirname;
const files = [
  ...readdirSync(here, { recursive: true, encoding: 'utf8' }).map((name) => join(here, name)),
  ...['../builtin-host.ts', '../read-only-sql.ts', '../workspace.ts'].map((name) =>
    join(here, name),
  ),
].filter((path) => path.endsWith('.ts') && !/\.spec\.ts$|testing\.ts$/.test(path));

describe('a fault of a tool', () => {
  it('is told in English by its sentence', () => {
    const fault = new ToolFault('not_found', say('file-none', { path: 'a.txt' }));
    expect(fault.message).toBe('There is no "a.txt" in the workspace.');
  });

  it('cannot be made of what has no sentence', () => {
    expect(() => new ToolFault('not_found', { code: 'of-no-sentence' })).toThrow('not whole');
    expect(() => new ToolFault('not_found', { code: 'file-none' })).toThrow('not whole');
  });

  // The console's own test holds its Chinese against the same list.
  it('has a sentence that is in the list of those that are said in every language', () => {
    const said = files.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\bsay\(\s*'([^']+)'/g)].map(([, code]) => code!),
    );
    expect(said.length).toBeGreaterThan(80);
    expect(said.filter((code) => !Object.hasOwn(sentences, code))).toEqual([]);
    // It would say in every language what was put into it in English.
    expect(said).not.toContain('as-it-is');
  });
});
