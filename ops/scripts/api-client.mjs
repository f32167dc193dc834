#!/usr/bin/env node
/** `npm run api-client`: writes the OpenAPI document and generates libs/api-client from it. */
import { clientFolder, documentFile, generateClient, writeDocument } from './lib/api-client.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, step } from './lib/progress.mjs';
import { requireNode } from './lib/workspace.mjs';

requireNode();
await runMain(async () => {
  await ensureInstalled();
  await ensureBuilt({ only: ['contracts', 'backend'] });
  await step('openapi', 'libs/api-client/openapi.json', () => writeDocument(documentFile));
  await step('api-client', 'libs/api-client/src', () => generateClient(documentFile, clientFolder));
});
