/**
 * Fetches from the public internet, and from nowhere else.
 *
 * The address that counts is the one the socket is connected to. Names are resolved here and every
 * address is judged before a packet is sent; literal addresses, for which no name is looked up, are
 * judged as the URL parser understands them (0x7f.1, 2130706433 and circled digits are 127.0.0.1 by
 * then); and the peer of the finished connection is judged once more, in case the first two were
 * talked round. Redirects are followed by hand, so that each hop passes the same gate.
 *
 * The body is counted as it is unpacked: a small bomb is stopped where it passes the limit.
 */
import { isUtf8 } from 'node:buffer';
import { lookup as resolveName, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { say } from '@aos/contracts';
import iconv from 'iconv-lite';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { tool, ToolFault, type BuiltinTool } from '../tool.js';
import { addressRule } from './addresses.js';
import { writeWhole } from './files.js';

export interface HttpFetchOptions {
  /** Ports besides 80, 443, 8080 and 8443. */
  allowPorts?: number[];
}

const PORTS = [80, 443, 8080, 8443];
const MAX_REDIRECTS = 5;
const DEFAULT_TIMEOUT_MS = 20_000;
const MAX_TIMEOUT_MS = 120_000;
const DEFAULT_BYTES = 2 * 1024 * 1024;
const MAX_BYTES = 16 * 1024 * 1024;

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Headers that belong to the connection, or say who is asked: not the caller's to set. */
const RESERVED_HEADERS =
  /^(host|connection|content-length|transfer-encoding|upgrade|keep-alive|te|trailer|expect|proxy-.*|sec-.*|:.*|x-forwarded-.*|forwarded|accept-encoding)$/;
/** All that another origin gets to see after a redirect. */
const HEADERS_FOR_STRANGERS = new Set(['accept', 'accept-language', 'user-agent', 'content-type']);

const inputSchema = z.strictObject({
  url: z.string().min(1).max(8_192),
  method: z.enum(methods).optional().describe('Default GET'),
  headers: z.record(z.string().max(200), z.string().max(16_384)).optional(),
  body: z.string().max(MAX_BYTES).optional(),
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional().describe('For everything; default 20 s'),
  maxBytes: z
    .int()
    .min(1)
    .max(MAX_BYTES)
    .optional()
    .describe('Of the unpacked body; default 2 MiB'),
  saveAs: z.string().max(1_024).optional().describe('Workspace path to write the body to'),
});

export function httpTools(options: HttpFetchOptions = {}): BuiltinTool[] {
  const ports = new Set([...PORTS, ...(options.allowPorts ?? [])]);

  const httpFetch = tool({
    name: 'http.fetch',
    title: 'Fetch from the web',
    description:
      'Sends one HTTP request to a public address and answers with status, headers and body. Follows up to five redirects.',
    input: inputSchema,
    output: z.object({
      url: z.string().describe('After redirects'),
      status: z.number().int(),
      headers: z.record(z.string(), z.string()),
      body: z.string().describe('Empty when it was saved to a file'),
      encoding: z.enum(['utf8', 'base64']),
      bytes: z.number().int(),
      savedAs: z.string().optional(),
      redirects: z.array(z.object({ status: z.number().int(), url: z.string() })),
    }),
    idempotent: false,
    readOnly: false,
    async run(args, ctx) {
      const timeout = AbortSignal.timeout(args.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const signal = AbortSignal.any([ctx.signal, timeout]);
      const isAllowed = addressRule(await ctx.allowedAddresses());
      const agent = guardedAgent(isAllowed);
      try {
        const fetched = await follow(args, { agent, signal, isAllowed, ports });
        const { data, headers, ...answer } = fetched;
        if (args.saveAs !== undefined) {
          const { path } = await writeWhole(ctx.workspace, args.saveAs, data);
          return {
            ...answer,
            headers,
            body: '',
            encoding: 'utf8' as const,
            bytes: data.length,
            savedAs: path,
          };
        }
        return { ...answer, headers, ...asText(data, headers['content-type']), bytes: data.length };
      } catch (error) {
        if (timeout.aborted && !ctx.signal.aborted) {
          throw new ToolFault('timeout', say('http-slow'), { cause: error });
        }
        throw explained(error);
      } finally {
        await agent.destroy();
      }
    },
  });
  return [httpFetch];
}

interface Gate {
  agent: Agent;
  signal: AbortSignal;
  isAllowed: (address: string) => boolean;
  ports: ReadonlySet<number>;
}

async function follow(args: z.infer<typeof inputSchema>, gate: Gate) {
  let url = checkedUrl(args.url, gate);
  let method: string = args.method ?? 'GET';
  let body = args.body;
  let headers = checkedHeaders(args.headers ?? {});
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new ToolFault('bad_request', say('http-no-body', { method }));
  }
  const redirects: { status: number; url: string }[] = [];
  for (;;) {
    const response = await request(url, {
      ...{ dispatcher: gate.agent, method: method as Dispatcher.HttpMethod, body },
      headers: {
        'user-agent': 'AOS http.fetch',
        ...headers,
        'accept-encoding': 'gzip, br, deflate',
      },
      signal: gate.signal,
    });
    const { location } = response.headers;
    const isRedirect = [301, 302, 303, 307, 308].includes(response.statusCode);
    if (!isRedirect || typeof location !== 'string') {
      const data = await readBody(method, response, args.maxBytes ?? DEFAULT_BYTES);
      const shown = shownHeaders(response.headers);
      return { url: url.href, status: response.statusCode, headers: shown, data, redirects };
    }
    await response.body.dump({ limit: 64 * 1024, signal: gate.signal }).catch(() => undefined); // the socket is closed after the call anyway
    if (redirects.length >= MAX_REDIRECTS) {
      throw new ToolFault('too_many_redirects', say('http-redirects', { most: MAX_REDIRECTS }));
    }
    const next = checkedUrl(new URL(inUtf8(location), url).href, gate);
    redirects.push({ status: response.statusCode, url: next.href });
    const keepsMethod = response.statusCode === 307 || response.statusCode === 308;
    if (!keepsMethod && method !== 'HEAD') {
      if (method !== 'GET') delete headers['content-type'];
      method = 'GET';
      body = undefined;
    }
    if (next.origin !== url.origin) {
      if (body !== undefined) {
        throw new ToolFault(
          'redirect_refused',
          say('http-body-elsewhere', { origin: next.origin }),
        );
      }
      headers = Object.fromEntries(
        Object.entries(headers).filter(([name]) => HEADERS_FOR_STRANGERS.has(name)),
      );
    }
    url = next;
  }
}

export function checkedUrl(text: string, gate: Pick<Gate, 'isAllowed' | 'ports'>): URL {
  if (/[\u0000-\u0020\u007f]/.test(text)) {
    throw new ToolFault('url_refused', say('url-blanks'));
  }
  if (!URL.canParse(text)) throw new ToolFault('url_refused', say('url-none'));
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ToolFault('url_refused', say('url-scheme', { scheme: url.protocol }));
  }
  if (url.username !== '' || url.password !== '') {
    throw new ToolFault('url_refused', say('url-password'));
  }
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  if (!gate.ports.has(port))
    throw new ToolFault('url_refused', say('url-port', { port: String(port) }));
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  // Some resolvers answer for `localhost.` and its kin, some do not: the name itself is enough.
  const isLocal = host === 'localhost' || host.endsWith('.localhost');
  const address = isLocal ? '127.0.0.1' : host;
  if (ipaddr.isValid(address) && !gate.isAllowed(address)) throw addressRefused(host);
  return url;
}

function addressRefused(host: string): ToolFault {
  return new ToolFault('address_refused', say('address-private', { host }));
}

function checkedHeaders(given: Record<string, string>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(lower) || RESERVED_HEADERS.test(lower)) {
      throw new ToolFault('header_refused', say('header-reserved', { header: lower.slice(0, 60) }));
    }
    if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) {
      throw new ToolFault('header_refused', say('header-controls', { header: lower }));
    }
    headers[lower] = value;
  }
  return headers;
}

/** Connects to addresses that pass, and to no other; for whatever else reaches out on somebody's word. */
export function guardedAgent(isAllowed: (address: string) => boolean): Agent {
  const connect = buildConnector({ timeout: 10_000, lookup: guardedLookup(isAllowed) });
  return new Agent({
    connect: (target, done) =>
      connect(target, (error, socket) => {
        if (error) return done(error, null);
        if (isAllowed(socket.remoteAddress ?? '')) return done(null, socket);
        socket.destroy();
        done(addressRefused(target.hostname), null);
      }),
  });
}

/** All addresses of a name must pass: one that mixes public and private ones is up to something. */
function guardedLookup(isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, done) => {
    resolveName(hostname, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return done(error, []);
      const isFine = found.length > 0 && found.every(({ address }) => isAllowed(address));
      if (!isFine) return done(addressRefused(hostname), []);
      if (options.all) return done(null, found);
      done(null, found[0]!.address, found[0]!.family);
    });
  };
}

async function readBody(
  method: string,
  response: Dispatcher.ResponseData,
  maxBytes: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body = isEmpty(method, response) ? response.body : unpacked(response);
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) {
        throw new ToolFault('response_too_large', say('http-large', { most: maxBytes }));
      }
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (!isOfNothing(error, body)) throw error;
  }
  return Buffer.concat(chunks);
}

/** Of a body that was not announced as empty, and had ended before its first byte. */
const isOfNothing = (error: unknown, body: Readable): boolean =>
  (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR' &&
  'bytesWritten' in body &&
  body.bytesWritten === 0;

/** Its headers may tell how a body is packed, and there is none: to unpack nothing is an error. */
const isEmpty = (method: string, { statusCode, headers }: Dispatcher.ResponseData): boolean =>
  method === 'HEAD' ||
  statusCode === 204 ||
  statusCode === 304 ||
  headers['content-length'] === '0';

function unpacked(response: Dispatcher.ResponseData): Readable {
  const header = response.headers['content-encoding'];
  const encodings = String(header ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (encodings.length === 0) return response.body;
  const [name] = encodings;
  const unpack =
    name === 'gzip' || name === 'x-gzip'
      ? createGunzip()
      : name === 'br'
        ? createBrotliDecompress()
        : name === 'deflate'
          ? createInflate()
          : undefined;
  if (!unpack || encodings.length > 1) {
    throw new ToolFault('bad_response', say('http-packed', { how: encodings.join(', ') }));
  }
  pipeline(response.body, unpack, () => undefined); // a failure reaches whoever reads `unpack`
  return unpack;
}

/** A header's value comes with a character for each byte: bytes that are UTF-8 were meant to be that. */
function inUtf8(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  return isUtf8(bytes) ? bytes.toString() : value;
}

function shownHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    // A session someone else's server hands out is nobody's business in a record.
    if (name === 'set-cookie' || value === undefined) continue;
    shown[name] = Array.isArray(value) ? value.map(inUtf8).join(', ') : inUtf8(value);
  }
  return shown;
}

export function asText(
  data: Buffer,
  contentType = '',
): { body: string; encoding: 'utf8' | 'base64' } {
  const charset = /charset\s*=\s*"?([^\s;"]+)/i.exec(contentType)?.[1];
  if (charset && !/^utf-?8$/i.test(charset) && iconv.encodingExists(charset)) {
    return { body: iconv.decode(data, charset), encoding: 'utf8' };
  }
  if (isUtf8(data)) return { body: data.toString('utf8'), encoding: 'utf8' };
  return { body: data.toString('base64'), encoding: 'base64' };
}

function explained(error: unknown): unknown {
  if (error instanceof ToolFault || typeof error !== 'object' || error === null) return error;
  const { name, message, cause } = error as Partial<Error>;
  if (cause instanceof ToolFault) return cause; // undici wraps what the connector said
  if (name === 'AbortError') return error;
  return new ToolFault('request_failed', say('http-failed', { why: String(message) }), {
    cause: error,
  });
}
