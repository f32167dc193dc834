import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Stop } from './progress.mjs';
import { run, tailOf } from './run.mjs';
import { inRoot, pinnedNode } from './workspace.mjs';

export const documentFile = inRoot('libs/api-client/openapi.json');
export const clientFolder = inRoot('libs/api-client/src');
const writer = inRoot('backend/dist/src/openapi.js');

/** Has the built backend write its OpenAPI document, without starting a server or opening a database. */
export async function writeDocument(file) {
  if (!existsSync(writer))
    throw new Stop('the backend has no openapi.js; build it first: npm run build -- backend');
  const { code, output } = await run(pinnedNode, [writer, file]);
  if (code !== 0 || !existsSync(file)) {
    throw new Stop('the OpenAPI document could not be written.', { tail: tailOf(output) });
  }
}

export async function generateClient(document, folder) {
  const generator = inRoot('node_modules/ng-openapi-gen/lib/index.js');
  const { code, output } = await run(pinnedNode, [
    ...[generator, '--input', document, '--output', folder],
    ...[
      '--ignoreUnusedModels',
      'false',
      '--indexFile',
      'true',
      '--promises',
      'false',
      '--silent',
      'true',
    ],
  ]);
  if (code !== 0) throw new Stop('ng-openapi-gen failed.', { tail: tailOf(output) });
}

/** The names of files that differ between two folders, or are in one only. */
export function differences(one, other, matters = () => true) {
  const files = (folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      : [];
  const text = (folder, name) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8').replace(/\r\n/g, '\n') : undefined;
  };
  const names = new Set([...files(one), ...files(other)]);
  return [...names].filter((name) => matters(name) && text(one, name) !== text(other, name)).sort();
}
