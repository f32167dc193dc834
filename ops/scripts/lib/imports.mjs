import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Those of `files` (TypeScript) that import `target`, themselves or by way of others of them; `target` may be one. */
export function importers(files, target) {
  const found = new Set([target]);
  for (let before = 0; found.size > before;) {
    before = found.size;
    for (const file of files) if (importsOf(file).some((each) => found.has(each))) found.add(file);
  }
  return files.filter((file) => found.has(file));
}

/** The files that this one imports by a path. */
export function importsOf(file) {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)]
    .map(([, path]) => resolve(dirname(file), `${path}.ts`))
    .filter((path) => existsSync(path));
}
