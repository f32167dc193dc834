import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

const SKIPPED = new Set([
  'node_modules',
  'dist',
  'dist-bench',
  '.angular',
  '.nx',
  'coverage',
  '.git',
]);

/** Every file below the given files and folders, sorted; what is not there is left out. */
export function listFiles(base, paths, skip = () => false) {
  const found = [];
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) {
      for (const name of readdirSync(path)) if (!SKIPPED.has(name)) visit(join(path, name));
    } else {
      const name = relative(base, path).split(sep).join('/');
      if (!skip(name)) found.push({ name, size: stat.size, mtimeMs: stat.mtimeMs, path });
    }
  };
  for (const path of paths) visit(join(base, path));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * The fingerprint of a set of files. A file whose size and time are those of the `known` record is not
 * read again, so that asking twice costs stat calls only.
 */
export function fingerprint(files, known = {}) {
  const record = {};
  for (const { name, size, mtimeMs, path } of files) {
    const before = known[name];
    const sha =
      before?.[0] === size && before[1] === mtimeMs ? before[2] : sha256(readFileSync(path));
    record[name] = [size, mtimeMs, sha];
  }
  const hash = sha256(
    Object.entries(record)
      .map(([name, [, , sha]]) => `${sha} ${name}\n`)
      .join(''),
  );
  return { hash, files: record };
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
