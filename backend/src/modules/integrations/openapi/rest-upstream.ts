import type { CallToolResult } from '@modelcontextprotocol/client';
import { type OpenApiAuth, say } from '@aos/contracts';
import { asText } from '../builtin/env/http.js';
import {
  AddressRefused,
  AnswerTooLarge,
  type GuardedAnswer,
  type GuardedFetch,
} from '../chain/guarded-fetch.js';
import { busy, secondsUntil } from '../upstreams/call-answer.js';
import {
  type About,
  type ToolDefinition,
  type Upstream,
  UpstreamFault,
  type UpstreamRequest,
} from '../upstreams/upstream.js';
import { FORM_TYPE, type Operation, type Parameter } from './operations.js';

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
    return toResult(answer, url.origin + url.pathname);
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
  requireExact(args);
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
    operation.hasBody && args['body'] !== undefined ? written(operation, args['body']) : undefined;
  if (body !== undefined) headers['content-type'] = operation.mediaType ?? 'application/json';
  return { url, headers, body };
}

/**
 * A number is read before it gets here, and of one beyond 2^53 only the nearest that there is: of an id, that is
 * another thing's. From 1e21 on it is written with an exponent, as nobody writes an id.
 */
function requireExact(args: Record<string, unknown>): void {
  const isExact = (value: unknown): boolean =>
    typeof value === 'number'
      ? !Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= 1e21
      : typeof value !== 'object' || value === null || Object.values(value).every(isExact);
  for (const [name, value] of Object.entries(args))
    if (!isExact(value))
      throw new UpstreamFault('protocol', say('service-argument-digits', { name }), false);
}

function written({ mediaType, fields = {} }: Operation, body: unknown): string {
  if (mediaType !== FORM_TYPE) return JSON.stringify(body);
  if (!isObject(body))
    throw new UpstreamFault('protocol', say('service-argument-form', { name: 'body' }), false);
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    const { style = isObject(value) ? 'content' : 'form', explode = style === 'form' } =
      fields[name] ?? {};
    for (const [key, text] of pairsOf({ name, style, explode }, value)) form.append(key, text);
  }
  return form.toString();
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
  if (error instanceof AnswerTooLarge)
    return new UpstreamFault('protocol', say('service-answer-large', { most: error.most }), true, {
      cause: error,
    });
  const { code } = ((error as { cause?: unknown }).cause ?? {}) as { code?: unknown };
  const isUnsent =
    code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
  return isUnsent
    ? new UpstreamFault('unreachable', say('service-away', { why: String(code) }), false, {
        cause: error,
      })
    : new UpstreamFault('connection_lost', reasonOf(error as Error), true, { cause: error });
}

/** "fetch failed" and "terminated" are all that fetch says itself. */
const reasonOf = ({ message, cause }: Error): string => {
  const said = (cause as Partial<Error> | undefined)?.message;
  return typeof said === 'string' && said !== '' ? said : message;
};

const redirects = new Set([301, 302, 303, 307, 308]);

function toResult({ status, headers, data }: GuardedAnswer, uri: string): CallToolResult {
  const seconds = secondsUntil(headers.get('retry-after') ?? undefined);
  if (outages.has(status))
    throw new UpstreamFault(
      'unreachable',
      say('service-status', { status: String(status) }),
      true,
      seconds === undefined ? {} : { retryAfterSeconds: seconds },
    );
  if (status === 429 && seconds !== undefined) throw busy(status, seconds);
  if (redirects.has(status))
    return failed(status, 'The service sends the caller elsewhere, which is not followed.');
  const type = headers.get('content-type') ?? '';
  const { body, encoding } = asText(withoutMark(data), type);
  const json = encoding === 'utf8' && /\bjson\b/i.test(type) ? parse(body) : undefined;
  const content =
    encoding === 'base64'
      ? [textItem(status, `${data.length} bytes of ${type || 'no text'}`), blob(body, type, uri)]
      : [textItem(status, body), ...notOfCut(body.length)];
  return {
    content,
    structuredContent: { status, ...(json === undefined ? {} : { body: json }) },
    ...(status >= 300 ? { isError: true } : {}),
  };
}

type Content = CallToolResult['content'][number];

function textItem(status: number, text: string): Content {
  const shown = text.slice(0, MAX_TEXT);
  if (shown === '') return { type: 'text', text: `HTTP ${status}` };
  return { type: 'text', text: status >= 300 ? `HTTP ${status}: ${shown}` : shown };
}

/** What is left out is told: the rest would be taken for the whole. */
const notOfCut = (length: number): Content[] =>
  length > MAX_TEXT
    ? [
        {
          type: 'text',
          text: `(The answer has ${length} characters; the first ${MAX_TEXT} are above.)`,
        },
      ]
    : [];

/** Neither UTF-8 nor in a character set that it names. */
function blob(data: string, contentType: string, uri: string): Content {
  const mimeType = contentType.split(';', 1)[0]!.trim() || 'application/octet-stream';
  const kind = /^(image|audio)\//i.exec(mimeType)?.[1]?.toLowerCase();
  if (kind === 'image' || kind === 'audio') return { type: kind, data, mimeType };
  return { type: 'resource', resource: { uri, mimeType, blob: data } };
}

const MARK = Buffer.from('\ufeff');
const withoutMark = (data: Buffer) =>
  data.subarray(0, MARK.length).equals(MARK) ? data.subarray(MARK.length) : data;

const failed = (status: number, text: string): CallToolResult => ({
  content: [{ type: 'text', text: `HTTP ${status}: ${text}` }],
  structuredContent: { status },
  isError: true,
});

/** Numbers that would be changed by being read, such as ids beyond 2^53, are text; the answer's own text is as it was. */
function parse(text: string): unknown {
  try {
    return /\d{16}/.test(text) ? JSON.parse(text, exactly) : JSON.parse(text);
  } catch {
    return undefined; // it only says that it is JSON
  }
}

function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  const isChanged =
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    /^-?\d+$/.test(context?.source ?? '');
  return isChanged ? context!.source : value;
}
