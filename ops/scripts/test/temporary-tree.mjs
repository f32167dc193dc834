import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inRoot } from '../lib/workspace.mjs';

/** A folder of a test's own, filled from text and from pieces of this repository. */
export function temporaryTree() {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'aos-tree-')));
  const at = (name) => join(path, name);
  return {
    path,
    at,
    read: (name) => readFileSync(at(name), 'utf8'),
    write(files) {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(at(name)), { recursive: true });
        writeFileSync(at(name), text);
      }
    },
    copy(...names) {
      for (const name of names) {
        mkdirSync(dirname(at(name)), { recursive: true });
        cpSync(inRoot(name), at(name), { recursive: true });
      }
    },
    link: (name) => symlinkSync(inRoot(name), at(name), 'junction'),
    removeBelow: (name) => rmSync(at(name), { recursive: true, force: true }),
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
