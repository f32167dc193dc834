#!/usr/bin/env node
/**
 * `npm run db:schema [-- --check]`: migrates an empty database and writes what it comes to into
 * backend/migrations/schema.sql, so that a review shows the resulting tables and not only the step.
 * Read from the catalogue, as the embedded database has no pg_dump. Not meant to be run as a script.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { becomeNode, isPinnedNode } from './lib/become.mjs';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runMain, Stop } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();
const file = inRoot('backend/migrations/schema.sql');

await runMain(async () => {
  await ensureInstalled();
  if (!isPinnedNode()) return becomeNode([import.meta.filename, ...process.argv.slice(2)]);
  await ensureBuilt({ only: ['contracts', 'backend'] });
  await import('reflect-metadata');
  const { Database } = await import('../../backend/dist/src/platform/database/database.js');
  const database = await Database.open({});
  const text = await dump((sql, values) => database.query(sql, values));
  await database.close();
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    return console.log(`Wrote backend/migrations/schema.sql (${text.split('\n').length} lines).`);
  }
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    throw new Stop('backend/migrations/schema.sql is stale.', {
      hint: 'Run `npm run db:schema` and commit it.',
    });
  }
  console.log('backend/migrations/schema.sql is what the migrations come to.');
});

async function dump(query) {
  const parts = [
    '-- Written by `npm run db:schema` from the migrations; never edited by hand. Partitions by date are left out.',
  ];
  for (const { name } of await query(
    `SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1`,
  )) {
    parts.push(`CREATE EXTENSION ${name};`);
  }
  for (const { text } of await query(
    `SELECT pg_get_functiondef(p.oid) AS text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname = 'public' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
      ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)`,
  )) {
    parts.push(`${text.trimEnd()};`);
  }
  for (const { name, kind, text } of await query(
    `SELECT c.relname AS name, c.relkind AS kind,
            CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid, true)
                 WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS text
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition ORDER BY c.relkind = 'v', 1`,
  )) {
    parts.push(kind === 'v' ? `CREATE VIEW ${name} AS\n${text}` : await table(query, name, text));
  }
  return `${parts.join('\n\n')}\n`;
}

async function table(query, name, partitionKey) {
  const columns = await query(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
            a.attidentity AS identity, a.attgenerated AS generated, pg_get_expr(d.adbin, d.adrelid) AS initial
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [`"${name}"`],
  );
  const constraints = await query(
    `SELECT conname AS name, pg_get_constraintdef(oid) AS text FROM pg_constraint
      WHERE conrelid = $1::regclass AND contype IN ('p', 'u', 'f', 'c', 'x') ORDER BY contype = 'p' DESC, 1`,
    [`"${name}"`],
  );
  const lines = [
    ...columns.map(column),
    ...constraints.map((each) => `CONSTRAINT ${each.name} ${each.text}`),
  ];
  const indexes = await query(
    `SELECT pg_get_indexdef(i.indexrelid) AS text FROM pg_index i
      WHERE i.indrelid = $1::regclass AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
      ORDER BY 1`,
    [`"${name}"`],
  );
  const triggers = await query(
    `SELECT pg_get_triggerdef(oid) AS text FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal ORDER BY 1`,
    [`"${name}"`],
  );
  const tail = partitionKey ? ` PARTITION BY ${partitionKey}` : '';
  const create = `CREATE TABLE ${name} (\n  ${lines.join(',\n  ')}\n)${tail};`;
  return [create, ...[...indexes, ...triggers].map(({ text }) => `${text};`)].join('\n');
}

function column({ name, type, required, identity, generated, initial }) {
  const words = [name, type];
  if (identity) words.push(`GENERATED ${identity === 'a' ? 'ALWAYS' : 'BY DEFAULT'} AS IDENTITY`);
  else if (generated) words.push(`GENERATED ALWAYS AS (${initial}) STORED`);
  else if (initial !== null) words.push(`DEFAULT ${initial}`);
  if (required) words.push('NOT NULL');
  return words.join(' ');
}
