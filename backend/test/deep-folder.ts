import { mkdirSync, renameSync } from 'node:fs';

/** Makes `path` a folder whose last folder no path leads to; what lies in `last` lies in that one. */
export function makeDeep(path: string, last: string): void {
  const [inner, outer] = [`${path}.inner`, `${path}.outer`];
  renameSync(last, inner);
  for (let depth = 0; depth < 500; depth++) {
    mkdirSync(outer);
    renameSync(inner, `${outer}/dddddddddd`);
    renameSync(outer, inner);
  }
  renameSync(inner, path);
}
