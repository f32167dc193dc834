#!/usr/bin/env node
/**
 * `npm run audit:verify -- aos-audit.ndjson [checkpoints.ndjson] [--key JWK]`: checks an export of the audit record, away from
 * AOS and its database. Needs nothing but Node and the file.
 *
 *   the export        every line of it, unfiltered: numbers without gaps, each hash made of the one before and of its line;
 *                     that it was made is its own last entry but for what was on record in the same second
 *   the checkpoints   `audit/checkpoints.ndjson` of the data folder, or the `checkpoints.latest` of an answer of
 *                     `/audit/verify`: what they say of an entry is what the export has there
 *   --key             their signatures, with the public key that `/audit/verify` tells (`checkpoints.key`, as JSON)
 *
 * Says by whom and when the export was made, which only who made it can compare; checkpoints of later entries are no fault.
 * The last line says what holds, and how far; the exit code is 1 when something does not.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const MOST_TOLD = 20;
/** What was on record at the same time may stand behind the entry of the export itself. */
const SAME_SECONDS_MS = 10_000;
const args = process.argv.slice(2);
const keyAt = args.indexOf('--key');
const [key] = keyAt < 0 ? [] : args.splice(keyAt, 2).slice(1);
const [exported, checkpointFile] = args;

if (!exported || !existsSync(exported) || (checkpointFile && !existsSync(checkpointFile))) {
  console.error(
    'Say which export is to be checked: npm run audit:verify -- aos-audit.ndjson [checkpoints.ndjson] [--key JWK]',
  );
  process.exit(2);
}

const publicKey = keyAt < 0 ? undefined : publicKeyIn(key);
if (keyAt >= 0 && !publicKey) {
  console.error(
    'What stands behind --key is not the public key that /audit/verify tells: give its checkpoints.key, as JSON in quotes.',
  );
  process.exit(2);
}

/** Undefined for what is no key of this kind. */
function publicKeyIn(text) {
  try {
    const made = createPublicKey({ key: JSON.parse(text), format: 'jwk' });
    return made.asymmetricKeyType === 'ed25519' ? made : undefined;
  } catch {
    return undefined;
  }
}

let faults = 0;
function fault(what) {
  if (++faults <= MOST_TOLD) console.log(what);
}

/** The canonical form of RFC 8785 of what JSON.parse gives: keys in order, no blanks. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`);
  return `{${members.join(',')}}`;
}

/** What is said of entries outside the record, by their number. */
const signed = new Map();
for (const line of checkpointFile ? readFileSync(checkpointFile, 'utf8').split('\n') : []) {
  if (line === '') continue;
  const said = readCheckpoint(line);
  if (said) signed.set(said.seq, said.hash);
  else fault('A line of the checkpoints is none, or is not signed with that key.');
}

function readCheckpoint(line) {
  const [, head, body, signature] = /"jws":"([\w-]+)\.([\w-]+)\.([\w-]+)"/.exec(line) ?? [];
  if (!signature) return undefined;
  if (publicKey) {
    const text = Buffer.from(`${head}.${body}`);
    if (!verify(null, text, publicKey, Buffer.from(signature, 'base64url'))) return undefined;
  }
  return JSON.parse(Buffer.from(body, 'base64url').toString());
}

/** Undefined for what is no JSON, such as a line of which only a part was saved. */
function entryIn(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

let [seq, before, count] = [0, '0'.repeat(64), 0];
let made, last;
for await (const line of createInterface({ input: createReadStream(exported) })) {
  if (line === '') continue;
  const { hash, ...entry } = entryIn(line) ?? {};
  if (!Number.isSafeInteger(entry.seq)) {
    fault(
      `What follows entry ${seq} is no entry: the file was cut off there, or is none of these.`,
    );
    continue;
  }
  if (entry.seq !== seq + 1)
    fault(
      `Entries ${seq + 1} to ${entry.seq - 1} are not in the export (or it is a filtered one).`,
    );
  else if (
    createHash('sha256')
      .update(`${before}\n${canonical(entry)}`)
      .digest('hex') !== hash
  )
    fault(`Entry ${entry.seq} is not what was sealed: ${entry.action} ${entry.resource}`);
  if (signed.has(entry.seq) && signed.get(entry.seq) !== hash)
    fault(`The chain at entry ${entry.seq} is not the one that was signed.`);
  [seq, before] = [entry.seq, hash];
  count++;
  last = entry;
  if (entry.action === 'audit.export') made = entry;
}
if (made) console.log(`The export was made by ${made.actor} at ${made.createdAt}.`);
if (!made || Date.parse(last.createdAt) - Date.parse(made.createdAt) > SAME_SECONDS_MS)
  fault('The export does not end with the entry that says that it was made: its end is missing.');
const compared = [...signed.keys()].filter((each) => each <= seq).length;

if (faults > 0) {
  console.log(`${faults} faults in ${count} entries.`);
  process.exit(1);
}
const held = compared > 0 ? `, and agree with ${compared} checkpoints` : '';
const unsigned = compared > 0 && !publicKey ? ' (their signatures were not checked: no --key)' : '';
console.log(`${count} entries hold, to number ${seq} with the hash ${before}${held}${unsigned}.`);
