#!/usr/bin/env node
/** Fails when libs/api-client is not what the backend's own OpenAPI document makes of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { differences, documentFile, generateClient, writeDocument } from './lib/api-client.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts', 'backend'] });
  const fresh = mkdtempSync(join(tmpdir(), 'aos-api-client-'));
  try {
    await writeDocument(join(fresh, 'openapi.json'));
    await generateClient(join(fresh, 'openapi.json'), join(fresh, 'src'));
    const isOurs = (name) => name === 'openapi.json' || name.startsWith('src');
    const stale = differences(fresh, dirname(documentFile), isOurs);
    if (stale.length > 0) {
      const more = stale.length > 10 ? ` and ${stale.length - 10} more` : '';
      throw new Stop(`libs/api-client is stale: ${stale.slice(0, 10).join(', ')}${more}.`, {
        hint: 'Run `npm run api-client` and commit what it writes.',
      });
    }
    console.log('libs/api-client is what the API says.');
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
});
