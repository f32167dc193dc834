import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Those of `files` (TypeScript) that import `target`, themselves or by way of others; `target` is one of them. */
export function importers(files, target) {
  const known = new Map();
  const reaches = (file) => {
    if (file === target) return true;
    if (!known.has(file)) {
      known.set(file, false); // of a circle: whoever began it goes on to the rest
      known.set(file, importsOf(file).some(reaches));
    }
    return known.get(file);
  };
  return files.filter(reaches);
}

/** The files that this one imports by a path. */
export function importsOf(file) {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)]
    .map(([, path]) => resolve(dirname(file), `${path}.ts`))
    .filter((path) => existsSync(path));
}
