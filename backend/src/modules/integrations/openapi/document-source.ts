import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type ImportOpenApi, say } from '@aos/contracts';
import { AddressRefused, type GuardedFetch } from '../chain/guarded-fetch.js';
import { DocumentRefused } from './operations.js';

const MOST_BYTES = 8 * 1024 * 1024;
/** YAML can name one part in many places; of so many the whole would not fit into memory. */
const MOST_ALIASES = 1000;
/** The keys of one mapping are compared each with each: a megabyte of them takes a minute. */
const READ_MS = 20_000;
const READ_MB = 512;

type Json = Record<string, unknown>;

/**
 * The document of an import: as it was sent, as the text of a file, or from where it says.
 * @throws DocumentRefused when it cannot be had or is none; AddressRefused
 */
export async function documentOf(
  { document, documentUrl }: Pick<ImportOpenApi, 'document' | 'documentUrl'>,
  outside: GuardedFetch,
  readMs = READ_MS,
): Promise<Json> {
  if (typeof document === 'object') return document;
  return read(document ?? (await fetched(documentUrl!, outside)), readMs);
}

async function fetched(address: string, outside: GuardedFetch): Promise<string> {
  let answer;
  try {
    answer = await outside.request(address, {
      headers: { accept: 'application/json, application/yaml, text/yaml, */*;q=0.1' },
      maxBytes: MOST_BYTES,
    });
  } catch (error) {
    if (error instanceof AddressRefused) throw error;
    throw new DocumentRefused(say('document-away', { why: (error as Error).message }), {
      cause: error,
    });
  }
  if (answer.status < 200 || answer.status > 299)
    throw new DocumentRefused(
      say('document-status', { host: new URL(address).host, status: answer.status }),
    );
  return answer.text;
}

async function read(given: string, readMs: number): Promise<Json> {
  const text = given.replace(/^\ufeff/, '');
  let value: unknown;
  try {
    value = json(text) ?? (await yaml(text, readMs));
  } catch (error) {
    throw new DocumentRefused(
      say('document-no-syntax', { why: (error as Error).message.split('\n')[0] ?? '' }),
      { cause: error },
    );
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new DocumentRefused(say('document-no-object'));
  return value as Json;
}

/** Most documents are JSON, for which the reader of YAML takes a hundred times as long. */
function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // YAML, or nothing: whoever reads that says what is wrong
  }
}

/**
 * In a thread of its own, with an end: how long a text takes is up to whoever wrote it, and here everybody waits for
 * this thread. `<<` is taken as OpenAPI documents mean it, although YAML 1.2 has no such key.
 */
const readsYaml = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { parse } = require(workerData.yaml);
  parentPort.postMessage(parse(workerData.text, workerData.options));
`;
const yamlModule = createRequire(import.meta.url).resolve('yaml');

async function yaml(text: string, readMs: number): Promise<unknown> {
  const options = { maxAliasCount: MOST_ALIASES, merge: true, logLevel: 'error' };
  const worker = new Worker(readsYaml, {
    eval: true,
    workerData: { yaml: yamlModule, text, options },
    resourceLimits: { maxOldGenerationSizeMb: READ_MB },
  });
  const timer = new AbortController();
  try {
    return await Promise.race([
      once(worker, 'message').then(([value]) => value as unknown),
      pause(readMs, undefined, { signal: timer.signal }).then(() => {
        throw new Error(`it takes longer than ${readMs / 1000} s to read`);
      }),
    ]);
  } finally {
    timer.abort();
    await worker.terminate();
  }
}
