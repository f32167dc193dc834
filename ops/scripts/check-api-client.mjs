#!/usr/bin/env node
/** Fails when libs/api-client is not what the backend's own OpenAPI document makes of it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  clientFolder,
  differences,
  documentFile,
  generateClient,
  writeDocument,
} from './lib/api-client.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts', 'backend'] });
  const committed = existsSync(documentFile) ? readFileSync(documentFile, 'utf8') : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'aos-api-client-'));
  const fresh = join(folder, 'src');
  try {
    await writeDocument();
    const isSameDocument = readFileSync(documentFile, 'utf8') === committed;
    await generateClient(fresh);
    const stale = [
      ...(isSameDocument ? [] : ['openapi.json']),
      ...differences(fresh, clientFolder),
    ];
    if (stale.length > 0) {
      const more = stale.length > 10 ? ` and ${stale.length - 10} more` : '';
      throw new Stop(`libs/api-client is stale: ${stale.slice(0, 10).join(', ')}${more}.`, {
        hint: 'Run `npm run api-client` and commit what it writes.',
      });
    }
    console.log('libs/api-client is what the API says.');
  } finally {
    if (committed !== undefined) writeFileSync(documentFile, committed); // a check changes nothing
    rmSync(folder, { recursive: true, force: true });
  }
});
