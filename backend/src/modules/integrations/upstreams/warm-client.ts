import { setTimeout as pause } from 'node:timers/promises';
import {
  type CallToolResult,
  type Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
} from '@modelcontextprotocol/client';
import {
  type ToolDefinition,
  type Upstream,
  UpstreamFault,
  type UpstreamRequest,
} from './upstream.js';

export interface Dialled {
  client: Client;
  /** What the server said last, when that says more than the error. */
  lastWords?: () => string;
}

export type Dial = (signal: AbortSignal) => Promise<Dialled>;

export type Health =
  { state: 'healthy'; latencyMs: number } | { state: 'unhealthy'; error: string };

export interface WarmClientOptions {
  server: string;
  dial: Dial;
  onHealth?: (health: Health) => void;
  /** What a server says when it fails may hold what it was given to sign in. */
  redact?: (text: string) => string;
  /** A hung stdio server is ended; one over HTTP may serve others. */
  dropWhenSilent?: boolean;
}

const DIAL_LIMIT_MS = 20_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A connection that lived shorter than this counts as a failed attempt, or a crashing server would be started without end. */
const STABLE_AFTER_MS = 2000;

/**
 * A kept connection to one server.
 *
 *     idle --first call--> connecting --ok--> warm --lost--> idle
 *                              |                               ^
 *                              +--failed--> waiting --pause----+
 *
 * - Calls share the connection; calls that arrive while it is being made wait for the same attempt, each for
 *   its own time only. In the pause after a failure, calls fail at once and say when to come back: a dead
 *   server costs nobody a wait, and since each server has its own WarmClient, others do not notice.
 * - The pause doubles from 250 ms to 30 s, with jitter, and is forgotten once a connection has held 2 s.
 * - A call that certainly did not reach the server, over a connection that was warm before, is made once more
 *   over a new one: so a restarted server heals without anybody seeing it. The same goes for a call to an
 *   idempotent tool under which the connection broke. Any other call that may have reached the server is never
 *   repeated here; the ledger decides about that.
 */
export class WarmClient implements Upstream {
  private warm: (Dialled & { since: number }) | undefined;
  private connecting: Promise<Dialled> | undefined;
  private failures = 0;
  private notBefore = 0;
  private lastError = '';
  private isClosed = false;
  private readonly closing = new AbortController();

  constructor(private readonly options: WarmClientOptions) {}

  async list({
    timeoutMs,
    signal,
  }: {
    timeoutMs: number;
    signal?: AbortSignal;
  }): Promise<ToolDefinition[]> {
    return this.use(
      timeoutMs,
      signal ?? new AbortController().signal,
      true,
      async ({ client }, leftMs, until) => {
        const { tools } = await client.listTools(undefined, {
          cacheMode: 'refresh',
          timeout: leftMs,
          signal: until,
        });
        return tools;
      },
    );
  }

  async call(request: UpstreamRequest): Promise<CallToolResult> {
    const { definition, args, meta, onProgress } = request;
    return this.use(
      request.timeoutMs,
      request.signal,
      request.mayRepeat,
      ({ client }, leftMs, until) =>
        client.callTool(
          { name: definition.name, arguments: args, _meta: meta },
          {
            toolDefinition: definition,
            timeout: leftMs,
            signal: until,
            ...(onProgress
              ? {
                  onprogress: ({ progress, total, message }) =>
                    onProgress(total ? Math.min(1, progress / total) : 0, message ?? ''),
                }
              : {}),
          },
        ),
    );
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.closing.abort(new Error('the connection is being closed'));
    await this.connecting?.catch(() => undefined); // whoever waited for it was told
    const { warm } = this;
    this.warm = undefined;
    await warm?.client.close();
  }

  private async use<T>(
    timeoutMs: number,
    signal: AbortSignal,
    mayRepeat: boolean,
    work: (at: Dialled, leftMs: number, until: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt++) {
      const wasWarm = this.warm !== undefined;
      const at = await this.connected(deadline, signal);
      try {
        return await work(at, Math.max(1, deadline - performance.now()), signal);
      } catch (error) {
        const fault = toFault(error, signal, at.lastWords?.());
        if (fault.kind === 'unreachable' || fault.kind === 'connection_lost')
          this.drop(at, fault.message);
        if (fault.kind === 'timeout' && this.options.dropWhenSilent) void this.dropIfSilent(at);
        const isSafe =
          fault.kind === 'unreachable'
            ? !fault.mayHaveHappened
            : mayRepeat && fault.kind === 'connection_lost';
        if (!wasWarm || !isSafe || attempt > 1) throw fault;
      }
    }
  }

  private async connected(deadline: number, signal: AbortSignal): Promise<Dialled> {
    if (this.warm) return this.warm;
    if (this.isClosed)
      throw new UpstreamFault('unreachable', `${this.options.server} is being shut down`, false);
    const waitMs = this.notBefore - performance.now();
    if (!this.connecting && waitMs > 0)
      throw new UpstreamFault(
        'unreachable',
        `${this.options.server} cannot be reached (${this.lastError}); the next attempt is made in ${Math.ceil(waitMs / 1000)} s`,
        false,
        { retryAfterSeconds: Math.ceil(waitMs / 1000) },
      );
    this.connecting ??= this.connect().finally(() => (this.connecting = undefined));
    const stop = new AbortController();
    const late = pause(Math.max(1, deadline - performance.now()), undefined, {
      signal: AbortSignal.any([signal, stop.signal]),
    }).then(
      () =>
        Promise.reject(
          new UpstreamFault(
            'timeout',
            `${this.options.server} could not be connected in time`,
            false,
          ),
        ),
      (error: unknown) =>
        Promise.reject(
          signal.aborted
            ? new UpstreamFault('cancelled', 'the call was cancelled', false)
            : (error as Error),
        ),
    );
    try {
      return await Promise.race([this.connecting, late]);
    } finally {
      stop.abort();
      late.catch(() => undefined); // its rejection is the stop itself
    }
  }

  private async connect(): Promise<Dialled> {
    const began = performance.now();
    let dialled: Dialled;
    try {
      dialled = await this.options.dial(
        AbortSignal.any([this.closing.signal, AbortSignal.timeout(DIAL_LIMIT_MS)]),
      );
    } catch (error) {
      this.failed(reasonOf(error));
      throw new UpstreamFault(
        'unreachable',
        `${this.options.server} cannot be reached: ${this.lastError}`,
        false,
        { cause: error },
      );
    }
    const warm = { ...dialled, since: performance.now() };
    if (this.isClosed) {
      await dialled.client.close();
      throw new UpstreamFault('unreachable', `${this.options.server} is being shut down`, false);
    }
    this.warm = warm;
    dialled.client.onclose = () => this.lost(warm);
    this.options.onHealth?.({ state: 'healthy', latencyMs: Math.round(performance.now() - began) });
    return warm;
  }

  private lost(warm: Dialled & { since: number }): void {
    if (this.warm !== warm) return;
    this.warm = undefined;
    if (performance.now() - warm.since >= STABLE_AFTER_MS) this.failures = 0;
    else this.failed(warm.lastWords?.() || 'the connection was lost');
  }

  private failed(reason: string): void {
    const error = this.options.redact?.(reason) ?? reason;
    this.failures++;
    this.lastError = error;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.failures - 1));
    // The first loss of a connection is no reason to wait: the next call may well find the server again.
    this.notBefore =
      this.failures === 1 ? 0 : performance.now() + longest * (0.5 + Math.random() / 2);
    this.options.onHealth?.({ state: 'unhealthy', error });
  }

  private drop(at: Dialled, error: string): void {
    const { warm } = this;
    if (!warm || warm.client !== at.client) return;
    this.warm = undefined;
    if (performance.now() - warm.since >= STABLE_AFTER_MS) this.failures = 0;
    this.failed(error);
    // The connection is given up already; that its farewell fails changes nothing.
    warm.client.close().catch(() => undefined);
  }

  /** After a timeout: does it answer at all? */
  private async dropIfSilent(at: Dialled): Promise<void> {
    try {
      await at.client.ping({ timeout: 2000 });
    } catch (error) {
      // Any answer, be it "no such method", shows that it lives.
      if (!(error instanceof ProtocolError)) this.drop(at, 'it does not answer');
    }
  }
}

/** What went wrong, and whether the call may have had its effect. */
function toFault(
  error: unknown,
  signal: AbortSignal,
  lastWords: string | undefined,
): UpstreamFault {
  if (error instanceof UpstreamFault) return error;
  if (signal.aborted)
    return new UpstreamFault('cancelled', 'the call was cancelled', true, { cause: error });
  if (error instanceof SdkHttpError) {
    // 4xx: refused before the tool ran; 404 and 400 are also how a server says that it has forgotten the session.
    const isRefusal = error.status >= 400 && error.status < 500;
    return new UpstreamFault(
      'unreachable',
      `the server answered with HTTP ${error.status}`,
      !isRefusal,
      { cause: error },
    );
  }
  if (error instanceof SdkError) {
    if (error.code === SdkErrorCode.RequestTimeout)
      return new UpstreamFault('timeout', 'no answer in time', true, { cause: error });
    const isUnsent =
      error.code === SdkErrorCode.NotConnected || error.code === SdkErrorCode.SendFailed;
    if (isUnsent) return new UpstreamFault('unreachable', error.message, false, { cause: error });
    if (error.code === SdkErrorCode.ConnectionClosed)
      return new UpstreamFault(
        'connection_lost',
        `the connection was lost${lastWords ? `: ${lastWords}` : ''}`,
        true,
        { cause: error },
      );
    return new UpstreamFault('protocol', error.message, true, { cause: error });
  }
  if (error instanceof ProtocolError)
    return new UpstreamFault('protocol', error.message, true, { cause: error });
  const code = codeOf(error);
  if (code && neverSent.has(code))
    return new UpstreamFault('unreachable', reasonOf(error), false, { cause: error });
  return new UpstreamFault('connection_lost', reasonOf(error), true, { cause: error });
}

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ENOENT',
  'EACCES',
]);

function codeOf(error: unknown): string | undefined {
  for (
    let at = error as { code?: unknown; cause?: unknown } | undefined;
    at;
    at = at.cause as typeof at
  )
    if (typeof at.code === 'string' && neverSent.has(at.code)) return at.code;
  return undefined;
}

/** The message, and what lies deepest under it: "fetch failed" alone helps nobody. */
function reasonOf(error: unknown): string {
  const messages: string[] = [];
  for (
    let at = error as Chained | undefined;
    at && messages.length < 8;
    at = at.cause ?? at.errors?.[0]
  )
    messages.push(at.message || at.code || '');
  const told = messages.filter((message) => message !== '');
  const last = told.at(-1) ?? String(error);
  return !told[0] || told[0].includes(last) ? (told[0] ?? last) : `${told[0]}: ${last}`;
}

interface Chained {
  message?: string;
  code?: string;
  cause?: Chained;
  errors?: Chained[];
}
