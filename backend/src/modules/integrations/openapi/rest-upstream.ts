import type { CallToolResult } from '@modelcontextprotocol/client';
import { type OpenApiAuth, say } from '@aos/contracts';
import { AddressRefused, type GuardedFetch } from '../chain/guarded-fetch.js';
import {
  type About,
  type ToolDefinition,
  type Upstream,
  UpstreamFault,
  type UpstreamRequest,
} from '../upstreams/upstream.js';
import type { Operation, Parameter } from './operations.js';

/** As it is kept in `mcp_registry.openapi`. */
export interface RestService {
  baseUrl: string;
  auth: OpenApiAuth | null;
  tools: { definition: ToolDefinition; operation: Operation }[];
}

const MAX_ANSWER_BYTES = 900 * 1024;
const MAX_TEXT = 100_000;
/** The service cannot be reached at present: a gateway in front of it says so. */
const outages = new Set([502, 503, 504]);

/** A REST service behind the face of a tool server. Each call is one request; nothing is kept open. */
export class RestUpstream implements Upstream {
  private readonly operations: ReadonlyMap<string, Operation>;

  constructor(
    private readonly service: RestService,
    private readonly outside: GuardedFetch,
    private readonly reveal: (secret: string) => Promise<string>,
  ) {
    this.operations = new Map(service.tools.map(({ operation }) => [operation.tool, operation]));
  }

  list(): Promise<ToolDefinition[]> {
    return Promise.resolve(this.service.tools.map(({ definition }) => definition));
  }

  async call(request: UpstreamRequest): Promise<CallToolResult> {
    const operation = this.operations.get(request.definition.name);
    if (!operation) throw new UpstreamFault('protocol', say('service-no-operation'), false);
    const { baseUrl } = this.service;
    const { url, headers, body } = prepare(operation.baseUrl ?? baseUrl, operation, request.args);
    // The secret was given for the service; where else the document points to, its author has chosen.
    if (url.origin === new URL(baseUrl).origin) await this.signIn(url, headers);
    const timeout = AbortSignal.timeout(request.timeoutMs);
    let answer;
    try {
      answer = await this.outside.request(url.href, {
        method: operation.method,
        headers: { ...headers, traceparent: request.meta['traceparent'] ?? '' },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.any([request.signal, timeout]),
        maxBytes: MAX_ANSWER_BYTES,
        timeoutMs: request.timeoutMs,
      });
    } catch (error) {
      throw toFault(error, request.signal, timeout);
    }
    return toResult(answer.status, answer.headers, answer.text);
  }

  about(): Promise<About> {
    return Promise.resolve({
      capabilities: { tools: {} },
      instructions: undefined,
      info: undefined,
      era: 'modern',
    });
  }

  request(): Promise<Record<string, unknown>> {
    return Promise.reject(new UpstreamFault('protocol', say('service-tools-only'), false));
  }

  items(): Promise<Record<string, unknown>[]> {
    return Promise.resolve([]);
  }

  subscribe(): Promise<boolean> {
    return Promise.resolve(false);
  }

  unsubscribe(): void {
    // nothing was subscribed to
  }

  /** There is nothing to ask: its tools are those of the document, and calls tell of its health. */
  probe(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async signIn(url: URL, headers: Record<string, string>): Promise<void> {
    const { auth } = this.service;
    if (!auth) return;
    const value = await this.reveal(auth.secret);
    if (auth.in === 'bearer') headers['authorization'] = `Bearer ${value}`;
    else if (auth.in === 'header') headers[auth.name!.toLowerCase()] = value;
    else url.searchParams.set(auth.name!, value);
  }
}

function prepare(baseUrl: string, operation: Operation, args: Record<string, unknown>) {
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  let path = operation.path;
  for (const given of operation.params) {
    const { name, in: where, argument } = given;
    const { style = where === 'query' ? 'form' : 'simple', explode = style === 'form' } = given;
    const parameter = { name, style, explode };
    const value = args[argument];
    if (value === undefined) continue;
    if (where === 'path') path = path.replaceAll(`{${name}}`, segmentOf(parameter, value));
    else if (where === 'header') headers[name.toLowerCase()] = headerOf(parameter, value);
    else for (const [key, text] of pairsOf(parameter, value)) query.append(key, text);
  }
  const base = new URL(baseUrl);
  const root = base.pathname.replace(/\/$/, '');
  const url = new URL(base.origin + root + path);
  // A path cannot lead out of the service: whatever the arguments were, it stays below the base.
  if (!url.pathname.startsWith(`${root}/`))
    throw new UpstreamFault('protocol', say('service-argument-out'), false);
  for (const [name, value] of base.searchParams) url.searchParams.append(name, value);
  for (const [name, value] of query) url.searchParams.append(name, value);
  const body =
    operation.hasBody && args['body'] !== undefined ? JSON.stringify(args['body']) : undefined;
  if (body !== undefined) headers['content-type'] = 'application/json';
  return { url, headers, body };
}

type Written = Required<Pick<Parameter, 'name' | 'style' | 'explode'>>;

const leadsAway = new Set(['', '.', '..']);

function segmentOf(parameter: Written, value: unknown): string {
  const { name, style, explode } = parameter;
  const parts = partsOf(parameter, value, encodeURIComponent);
  const isNamed = style === 'matrix' && !(explode && isObject(value));
  const text =
    style === 'label'
      ? `.${parts.join(explode ? '.' : ',')}`
      : style === 'matrix'
        ? (explode ? parts : [parts.join(',')])
            .map((part) => (isNamed ? `;${encodeURIComponent(name)}=${part}` : `;${part}`))
            .join('')
        : parts.join(',');
  if (leadsAway.has(text) || leadsAway.has(parts.join(',')))
    throw new UpstreamFault('protocol', say('service-argument-path', { name }), false);
  return text;
}

const separators: Record<string, string> = { spaceDelimited: ' ', pipeDelimited: '|' };

/** Of the query: members of a list or an object each for itself, or together. */
function pairsOf(parameter: Written, value: unknown): [string, string][] {
  const { name, style, explode } = parameter;
  if (style === 'content') return [[name, plain(value)]];
  if (isObject(value) && style === 'deepObject')
    return Object.entries(value).map(([key, each]) => [`${name}[${key}]`, plain(each)]);
  if (isObject(value) && explode)
    return Object.entries(value).map(([key, each]) => [key, plain(each)]);
  if (Array.isArray(value) && explode) return value.map((each) => [name, plain(each)]);
  return [[name, partsOf(parameter, value).join(separators[style] ?? ',')]];
}

/** Lists and objects in pieces, as they are written behind each other. */
function partsOf(
  { style, explode }: Written,
  value: unknown,
  written = (text: string) => text,
): string[] {
  if (style === 'content') return [written(plain(value))];
  if (Array.isArray(value)) return value.map((each) => written(plain(each)));
  if (!isObject(value)) return [written(plain(value))];
  const pairs = Object.entries(value).map(([key, each]) => [written(key), written(plain(each))]);
  return explode ? pairs.map((pair) => pair.join('=')) : pairs.flat();
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function headerOf(parameter: Written, value: unknown): string {
  const { name } = parameter;
  const text = partsOf(parameter, value).join(',');
  if (/[^\t\x20-\x7e]/.test(text))
    throw new UpstreamFault('protocol', say('service-argument-header', { name }), false);
  return text;
}

const plain = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

function toFault(error: unknown, signal: AbortSignal, timeout: AbortSignal): UpstreamFault {
  if (error instanceof AddressRefused)
    return new UpstreamFault('unreachable', error.message, false, { cause: error });
  if (signal.aborted)
    return new UpstreamFault('cancelled', say('call-cancelled'), true, { cause: error });
  if (timeout.aborted || (error as Error).name === 'TimeoutError')
    return new UpstreamFault('timeout', say('server-slow'), true, { cause: error });
  const { code } = ((error as { cause?: unknown }).cause ?? {}) as { code?: unknown };
  const isUnsent =
    code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
  return isUnsent
    ? new UpstreamFault('unreachable', say('service-away', { why: String(code) }), false, {
        cause: error,
      })
    : new UpstreamFault('connection_lost', (error as Error).message, true, { cause: error });
}

function toResult(status: number, headers: Headers, text: string): CallToolResult {
  if (outages.has(status)) {
    const seconds = Number(headers.get('retry-after'));
    throw new UpstreamFault(
      'unreachable',
      say('service-status', { status: String(status) }),
      true,
      {
        ...(seconds > 0 ? { retryAfterSeconds: Math.min(seconds, 3600) } : {}),
      },
    );
  }
  if (status >= 300 && status < 400)
    return failed(status, 'The service sends the caller elsewhere, which is not followed.');
  const json = /\bjson\b/i.test(headers.get('content-type') ?? '') ? parse(text) : undefined;
  const shown = text.slice(0, MAX_TEXT) || `HTTP ${status}`;
  return {
    content: [{ type: 'text', text: status >= 400 ? `HTTP ${status}: ${shown}` : shown }],
    structuredContent: { status, ...(json === undefined ? {} : { body: json }) },
    ...(status >= 400 ? { isError: true } : {}),
  };
}

const failed = (status: number, text: string): CallToolResult => ({
  content: [{ type: 'text', text: `HTTP ${status}: ${text}` }],
  structuredContent: { status },
  isError: true,
});

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it only says that it is JSON
  }
}
