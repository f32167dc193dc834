import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Client,
  type ClientOptions,
  type JsonSchemaValidator,
  type Transport,
} from '@modelcontextprotocol/client';
import type { Launches } from './launches.js';
import { boundedFetch } from './bounded-fetch.js';
import { CallTransport } from './call-transport.js';
import { SseTransport } from './sse-transport.js';
import { clientInfo } from './client-info.js';
import { PlainCalls } from './plain-calls.js';
import { StdioProcess, childEnvironment } from './stdio-process.js';
import { markUnfitTools } from './unfit-tools.js';
import type { Dial, Dialled } from './warm-client.js';

/** How a server is reached, as its row says. */
export interface Route {
  name: string;
  transport: 'http' | 'sse' | 'stdio';
  url: string;
  command: string | null;
  args: readonly string[];
  is_launch_kept?: boolean | undefined;
  /** Name of the secret to sign in with. */
  authSecret: string | null;
}

/** Looked up at each new connection, so that a rotated secret is taken at the next one. */
export type RevealCredential = (secretName: string, usedFor: string) => Promise<string>;

/** One answer over HTTP, unpacked; the gateway's own bound on results lies below. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const PROBE_LIMIT_MS = 3000;

const clientOptions: ClientOptions = {
  // What some client of the gateway may be able to do. Whether the one behind a call can, is said with the
  // call to a server of the current revision, and looked at when an older one asks (see Flights).
  capabilities: { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} },
  // The gateway checks results itself, against the pinned schema and with linear-time patterns.
  jsonSchemaValidator: {
    getValidator:
      <T>(): JsonSchemaValidator<T> =>
      (input) => ({ valid: true, data: input as T, errorMessage: undefined }),
  },
  inputRequired: { autoFulfill: false },
};

export function dialOf(route: Route, launches: Launches, reveal: RevealCredential): Dial {
  if (route.transport === 'stdio') return stdioDial(route, launches, reveal);
  return async (signal, prepare) => {
    const credential = await credentialOf(route, reveal);
    const headers: Record<string, string> = credential
      ? { authorization: `Bearer ${credential}` }
      : {};
    const options = { fetch: boundedFetch(MAX_ANSWER_BYTES), requestInit: { headers } };
    const url = new URL(route.url);
    const [transport, mode] =
      route.transport === 'sse'
        ? [new SseTransport(url, options), 'legacy' as const]
        : [
            new CallTransport(url, { ...options, headers, maxBytes: MAX_ANSWER_BYTES }),
            'auto' as const,
          ];
    return connect(transport, mode, { signal, prepare });
  };
}

/**
 * Over a pipe the revision is asked for in place. A server of the older revision answers that it does not
 * know the question, or says nothing, and is then greeted in its own way; one that ends over it is started
 * once more, and greeted in the older way from then on.
 */
function stdioDial(route: Route, launches: Launches, reveal: RevealCredential): Dial {
  let endsWhenAsked = false;
  return async (signal, prepare): Promise<Dialled> => {
    const credential = await credentialOf(route, reveal);
    const cwd = join(launches.dataDir, 'upstreams', route.name);
    await mkdir(cwd, { recursive: true, mode: 0o700 });
    const start = async (mode: 'auto' | 'legacy'): Promise<Dialled> => {
      const child = new StdioProcess(await launches.approve(route), {
        cwd,
        env: { ...(credential ? { [route.authSecret!]: credential } : {}), ...childEnvironment() },
      });
      try {
        const dialled = await connect(child, mode, { signal, prepare });
        return { ...dialled, lastWords: () => child.lastWords };
      } catch (error) {
        await child.close();
        throw child.lastWords
          ? new Error(`${(error as Error).message}: ${child.lastWords}`, { cause: error })
          : error;
      }
    };
    if (endsWhenAsked) return start('legacy');
    try {
      return await start('auto');
    } catch (error) {
      if (signal.aborted || (error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      const dialled = await start('legacy');
      endsWhenAsked = true;
      return dialled;
    }
  };
}

const credentialOf = async (route: Route, reveal: RevealCredential): Promise<string | undefined> =>
  route.authSecret ? reveal(route.authSecret, `mcp-server:${route.name}`) : undefined;

/** An SDK client over `transport`; used for in-process servers too. */
export async function connect(
  transport: Transport,
  mode: 'auto' | 'legacy',
  options: { signal?: AbortSignal; prepare?: (client: Client) => void } = {},
): Promise<Dialled> {
  const { signal } = options;
  const client = new Client(clientInfo, {
    ...clientOptions,
    versionNegotiation: { mode, probe: { timeoutMs: PROBE_LIMIT_MS } },
  });
  // A dead server makes noise on its way out; what matters arrives as the failure of a call.
  client.onerror = () => undefined;
  options.prepare?.(client);
  let stop: () => void = () => undefined;
  // A transport may wait on for a word that never comes, closed or not.
  const stopped = new Promise<never>((_, reject) => (stop = () => reject(new Error('stopped'))));
  stopped.catch(() => undefined); // it may come when the connection is there
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([client.connect(transport, signal ? { signal } : {}), stopped]);
    markUnfitTools(transport, client);
    return { client, calls: new PlainCalls(client, transport) };
  } catch (error) {
    await client.close().catch(() => undefined); // the first error is the one to tell
    throw signal?.aborted
      ? new Error('it could not be connected in time', { cause: error })
      : error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
