import { type ImportOpenApi, say } from '@aos/contracts';
import { parse } from 'yaml';
import { AddressRefused, type GuardedFetch } from '../chain/guarded-fetch.js';
import { DocumentRefused } from './operations.js';

const MOST_BYTES = 8 * 1024 * 1024;
/** YAML can name one part in many places; of so many the whole would not fit into memory. */
const MOST_ALIASES = 1000;

type Json = Record<string, unknown>;

/**
 * The document of an import: as it was sent, as the text of a file, or from where it says. YAML takes in JSON.
 * @throws DocumentRefused when it cannot be had or is none; AddressRefused
 */
export async function documentOf(
  { document, documentUrl }: Pick<ImportOpenApi, 'document' | 'documentUrl'>,
  outside: GuardedFetch,
): Promise<Json> {
  if (typeof document === 'object') return document;
  return read(document ?? (await fetched(documentUrl!, outside)));
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

function read(text: string): Json {
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: MOST_ALIASES });
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
