import { setTimeout as pause } from 'node:timers/promises';
import { type Said, inEnglish, say } from '@aos/contracts';
import {
  CLIENT_CAPABILITIES_META_KEY,
  type CallToolResult,
  type Client,
  type CreateMessageResult,
  type ElicitResult,
  type InputRequests,
  type InputRequiredResult,
  type InputResponses,
  LOG_LEVEL_META_KEY,
  type ListRootsResult,
  type LoggingLevel,
  type Progress,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  isInputRequiredResult,
} from '@modelcontextprotocol/client';
import { z } from 'zod';
import { validatorWords } from '../validator-words.js';
import { refusalIn } from './call-transport.js';
import type { ClientSide } from './client-side.js';
import { type Flight, Flights } from './flights.js';
import { mirrorsArguments } from './mirrored-arguments.js';
import { type PlainCall, PlainCalls } from './plain-calls.js';
import { Subscriptions } from './subscriptions.js';
import {
  type About,
  type ListKind,
  type OtherRequest,
  type Place,
  type ToolDefinition,
  type Upstream,
  type UpstreamChange,
  UpstreamFault,
  type UpstreamRequest,
} from './upstream.js';

export interface Dialled {
  client: Client;
  /** Calls over the same connection, past the client. */
  calls: PlainCalls;
  /** What the server said last, when that says more than the error. */
  lastWords?: () => string;
}

/** `prepare` is called with the client before it is connected. */
export type Dial = (signal: AbortSignal, prepare: (client: Client) => void) => Promise<Dialled>;

export type Health =
  | { state: 'healthy'; latencyMs: number }
  | { state: 'unhealthy'; error: string; said?: Said | undefined };

export interface WarmClientOptions {
  server: string;
  dial: Dial;
  onHealth?: (health: Health) => void;
  /** Word of what the server has changed by itself. */
  onChange?: (change: UpstreamChange) => void;
  /** What a server says when it fails may hold what it was given to sign in. */
  redact?: <T>(value: T) => T;
  /** A hung stdio server is ended; one over HTTP may serve others. */
  dropWhenSilent?: boolean;
}

interface Warm extends Dialled {
  since: number;
  /** Requests under way over it. */
  open: number;
}

const DIAL_LIMIT_MS = 20_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A connection that lived shorter than this counts as a failed attempt, or a crashing server would be started without end. */
const STABLE_AFTER_MS = 2000;
/** The clock of a call is its Flight's, which can be stopped; the SDK's own must not strike before. */
const NEVER_MS = 2_000_000_000;
/** How often a server may answer one call with further questions. */
const MOST_ROUNDS = 16;

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
 * - The pause doubles from 250 ms to 30 s, with jitter, and is forgotten once a connection has held 2 s. It is for
 *   servers that cannot be connected, or end. A request that fails over HTTP is neither: were it to count, one tool that
 *   breaks its answers off would close all others of its server. Servers that fail call upon call have their circuit.
 * - An HTTP 400 with an error of the protocol in it may mean that the server has forgotten the session, and is told as
 *   that error where it cannot: over a new connection, or when it says which request it is about.
 * - A server that answers that it is busy keeps its connection: only the call fails, and is told when to come back.
 * - A call that certainly did not reach the server, over a connection that was warm before, is made once more
 *   over a new one: so a restarted server heals without anybody seeing it. The same goes for a call to an
 *   idempotent tool under which the connection broke. Any other call that may have reached the server is never
 *   repeated here; the ledger decides about that.
 * - A connection that is given up since one request failed is used for nothing more, and closed when the requests
 *   that are under way over it have ended: an answer that is none, or a server that failed at one call, is no reason
 *   why the others should not get their answers. The end of a process is the end of them all, at once.
 */
export class WarmClient implements Upstream {
  private warm: Warm | undefined;
  /** Given up, with requests under way. */
  private readonly leaving = new Set<Warm>();
  private connecting: Promise<Warm> | undefined;
  private failures = 0;
  private notBefore = 0;
  private lastError: string | Said = '';
  private isClosed = false;
  private readonly closing = new AbortController();
  private readonly flights = new Flights();
  private readonly subscriptions: Subscriptions;
  private readonly logLevels = new WeakMap<Client, LoggingLevel>();
  private wasFound = false;

  constructor(private readonly options: WarmClientOptions) {
    this.subscriptions = new Subscriptions((change) => options.onChange?.(change));
  }

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

  async items(
    kind: ListKind,
    { timeoutMs }: { timeoutMs: number },
  ): Promise<Record<string, unknown>[]> {
    const never = new AbortController().signal;
    return this.use(timeoutMs, never, true, async ({ client }, leftMs, signal) => {
      const capabilities = client.getServerCapabilities();
      const options = { cacheMode: 'refresh', timeout: leftMs, signal } as const;
      switch (kind) {
        case 'prompts':
          return capabilities?.prompts
            ? (await client.listPrompts(undefined, options)).prompts
            : [];
        case 'resources':
          if (!capabilities?.resources) return [];
          return (await client.listResources(undefined, options)).resources;
        case 'resourceTemplates':
          if (!capabilities?.resources) return [];
          return (await client.listResourceTemplates(undefined, options)).resourceTemplates;
      }
    });
  }

  async about({ timeoutMs }: { timeoutMs: number }): Promise<About> {
    const never = new AbortController().signal;
    return this.use(timeoutMs, never, true, ({ client }) =>
      Promise.resolve({
        capabilities: client.getServerCapabilities() ?? {},
        instructions: client.getInstructions(),
        info: client.getServerVersion(),
        era: client.getProtocolEra() === 'modern' ? 'modern' : 'older',
      }),
    );
  }

  async call(request: UpstreamRequest): Promise<CallToolResult | InputRequiredResult> {
    const { client: side, timeoutMs, signal, mayRepeat } = request;
    return this.use(timeoutMs, signal, mayRepeat, (at, leftMs, until) =>
      this.flights.run(side, leftMs, until, (flight) =>
        this.rounds(at, flight, request.place, (answers, state) => {
          const { definition } = request;
          const call: PlainCall = {
            name: definition.name,
            arguments: request.args,
            _meta: this.metaOf(at, request.meta, side),
          };
          const options = { timeout: NEVER_MS, signal: flight.signal };
          const progress = progressOf(request);
          if (!progress && !answers && state === undefined && !mirrorsArguments(definition))
            return at.calls.call(call, definition, options);
          return at.client.callTool(
            {
              ...call,
              ...(answers ? { inputResponses: answers } : {}),
              ...(state === undefined ? {} : { requestState: state }),
            },
            {
              ...options,
              // Its output schema is left out: the gateway checks the answer, and says so as of any other tool.
              toolDefinition: { ...definition, outputSchema: undefined },
              allowInputRequired: true,
              ...progress,
            },
          );
        }),
      ),
    );
  }

  async request(request: OtherRequest): Promise<Record<string, unknown>> {
    const { client: side, timeoutMs, signal, method, params } = request;
    return this.use(timeoutMs, signal, true, (at, leftMs, until) =>
      this.flights.run(side, leftMs, until, (flight) =>
        this.rounds(at, flight, undefined, async (answers, state) => {
          const answer = await at.client.request(
            {
              method,
              params: {
                ...params,
                _meta: this.metaOf(at, request.meta, side),
                ...(answers ? { inputResponses: answers } : {}),
                ...(state === undefined ? {} : { requestState: state }),
              },
            },
            anyResult,
            {
              allowInputRequired: true,
              timeout: NEVER_MS,
              signal: flight.signal,
              ...(side.onProgress ? { onprogress: (progress) => side.onProgress!(progress) } : {}),
            },
          );
          // No client could come back with an answer to it: such a request has nowhere to put one.
          if (method === 'completion/complete' && isInputRequiredResult(answer))
            throw new UpstreamFault('protocol', say('server-asks-amiss', { method }), true);
          return answer;
        }),
      ),
    );
  }

  subscribe(uri: string): Promise<boolean> {
    return this.subscriptions.add(uri);
  }

  unsubscribe(uri: string): void {
    this.subscriptions.remove(uri);
  }

  async probe(timeoutMs: number): Promise<boolean> {
    const { warm } = this;
    if (!warm) {
      // One that was never needed is not started for a look.
      if (this.wasFound || !this.options.dropWhenSilent)
        await this.about({ timeoutMs }).catch(() => undefined); // `onHealth` has told
      return this.warm !== undefined;
    }
    const began = performance.now();
    try {
      await answers(warm.client, timeoutMs);
      this.options.onHealth?.({
        state: 'healthy',
        latencyMs: Math.round(performance.now() - began),
      });
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return true;
      // It is there, and wants to be left alone: the calls that are under way at it go on.
      if (isBusy(error)) return false;
      this.drop(warm, reasonOf(error));
      return false;
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.closing.abort(new Error('the connection is being closed'));
    await this.connecting?.catch(() => undefined); // whoever waited for it was told
    const all = [...(this.warm ? [this.warm] : []), ...this.leaving];
    this.warm = undefined;
    this.leaving.clear();
    await Promise.all(all.map(({ client }) => client.close()));
  }

  /**
   * One request with all that the server asks before it is done. A client that takes questions for an answer
   * is given them; for any other they are put to it here, and the request is made again with what it said.
   */
  private async rounds<T extends object>(
    at: Dialled,
    flight: Flight,
    place: Place | undefined,
    send: (answers: InputResponses | undefined, state: string | undefined) => Promise<T>,
  ): Promise<T> {
    const { side } = flight;
    if (side) delete side.refusal; // of an attempt before this one
    await this.raiseLogLevel(at, side?.logLevel);
    let [said, state] = [side?.answers, side?.state];
    for (let round = 1; round <= MOST_ROUNDS; round++) {
      let answer: T;
      try {
        answer = await send(said, state);
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal && side) side.refusal = refusal;
        throw error instanceof ProtocolError ? refusal : error;
      }
      if (!isInputRequiredResult(answer)) return answer;
      const { inputRequests = {}, requestState } = answer as InputRequiredResult;
      if (!side) throw new UpstreamFault('protocol', say('server-asks'), true);
      if (side.takesQuestions) {
        side.questions = { inputRequests, requestState };
        return answer;
      }
      said = await flight.paused(() => answersTo(inputRequests, flight, place));
      state = requestState;
    }
    throw new UpstreamFault('protocol', say('server-asks-on', { rounds: MOST_ROUNDS }), true);
  }

  /** To a server of the current revision each request says what its client can do; to others the connection did. */
  private metaOf(
    { client }: Dialled,
    meta: Record<string, string>,
    side: ClientSide | undefined,
  ): Record<string, unknown> {
    if (client.getProtocolEra() !== 'modern') return meta;
    return {
      ...meta,
      [CLIENT_CAPABILITIES_META_KEY]: side?.capabilities ?? {},
      ...(side?.logLevel ? { [LOG_LEVEL_META_KEY]: side.logLevel } : {}),
    };
  }

  /** An older server has one level for the whole connection: that of who wants to hear most. */
  private async raiseLogLevel(at: Dialled, level: LoggingLevel | undefined): Promise<void> {
    const { client } = at;
    if (!level || client.getProtocolEra() === 'modern' || !client.getServerCapabilities()?.logging)
      return;
    const known = this.logLevels.get(client);
    if (known !== undefined && severityOf(known) <= severityOf(level)) return;
    this.logLevels.set(client, level);
    await client.setLoggingLevel(level, { timeout: 5000 }).catch(() => undefined); // then it logs as it likes
  }

  /** What an older server may ask and say in the middle of a call, and any server when its lists change. */
  private hear(client: Client): void {
    const { flights } = this;
    this.subscriptions.hear(client);
    client.setNotificationHandler('notifications/message', ({ params }) => {
      const side = flights.owner()?.side;
      if (side?.logLevel && severityOf(params.level) >= severityOf(side.logLevel))
        side.onLog?.(params);
    });
    client.setRequestHandler(
      'elicitation/create',
      async ({ method, params }) => (await flights.ask({ method, params })) as ElicitResult,
    );
    client.setRequestHandler(
      'sampling/createMessage',
      async ({ method, params }) => (await flights.ask({ method, params })) as CreateMessageResult,
    );
    client.setRequestHandler(
      'roots/list',
      async ({ method, params }) =>
        (await flights.ask({ method, ...(params ? { params } : {}) })) as ListRootsResult,
    );
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
      at.open++;
      try {
        return await work(at, Math.max(1, deadline - performance.now()), signal);
      } catch (error) {
        // Over a connection that was just made there is no session that the server could have forgotten.
        const isNew = !wasWarm || attempt > 1;
        const refusal = isNew ? refusalOf(error) : undefined;
        const fault = toFault(refusal ?? error, signal, at.lastWords?.());
        const isBusy = fault.retryAfterSeconds !== undefined;
        if (!isBusy && (fault.kind === 'unreachable' || fault.kind === 'connection_lost'))
          this.drop(at, fault.said ?? fault.message);
        if (fault.kind === 'timeout' && this.options.dropWhenSilent) void this.dropIfSilent(at);
        const isSafe =
          fault.kind === 'unreachable'
            ? !fault.mayHaveHappened
            : mayRepeat && fault.kind === 'connection_lost';
        if (isBusy || isNew || !isSafe) throw fault;
      } finally {
        at.open--;
        if (at.open === 0) this.farewell(at);
      }
    }
  }

  private async connected(deadline: number, signal: AbortSignal): Promise<Warm> {
    if (this.warm) return this.warm;
    if (this.isClosed)
      throw new UpstreamFault(
        'unreachable',
        say('server-ending', { server: this.options.server }),
        false,
      );
    const waitMs = this.notBefore - performance.now();
    if (!this.connecting && waitMs > 0)
      throw new UpstreamFault(
        'unreachable',
        say('server-away-for', {
          server: this.options.server,
          why: this.lastError,
          seconds: Math.ceil(waitMs / 1000),
        }),
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
            say('server-connects-slowly', { server: this.options.server }),
            false,
          ),
        ),
      (error: unknown) =>
        Promise.reject(
          signal.aborted
            ? new UpstreamFault('cancelled', say('call-cancelled'), false)
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

  private async connect(): Promise<Warm> {
    const began = performance.now();
    let dialled: Dialled;
    try {
      const until = AbortSignal.any([this.closing.signal, AbortSignal.timeout(DIAL_LIMIT_MS)]);
      dialled = await this.flights.outside(() =>
        this.options.dial(until, (client) => this.hear(client)),
      );
    } catch (error) {
      this.failed(reasonOf(error));
      throw new UpstreamFault(
        'unreachable',
        say('server-away', { server: this.options.server, why: this.lastError }),
        false,
        { cause: error },
      );
    }
    const warm = { ...dialled, since: performance.now(), open: 0 };
    if (this.isClosed) {
      await dialled.client.close();
      throw new UpstreamFault(
        'unreachable',
        say('server-ending', { server: this.options.server }),
        false,
      );
    }
    this.warm = warm;
    dialled.client.onclose = () => this.lost(warm);
    void this.flights.outside(() => this.subscriptions.begin(dialled.client));
    // What it offered may have changed while it was away.
    if (this.wasFound) this.options.onChange?.({ kind: 'found' });
    this.wasFound = true;
    this.options.onHealth?.({ state: 'healthy', latencyMs: Math.round(performance.now() - began) });
    return warm;
  }

  private lost(warm: Warm): void {
    if (this.warm !== warm) return;
    this.warm = undefined;
    this.subscriptions.end(warm.client);
    this.options.onChange?.({ kind: 'lost' });
    if (performance.now() - warm.since >= STABLE_AFTER_MS) this.failures = 0;
    else this.failed(warm.lastWords?.() || say('connection-lost'));
  }

  private failed(reason: string | Said): void {
    this.failures++;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.failures - 1));
    // The first loss of a connection is no reason to wait: the next call may well find the server again.
    this.notBefore =
      this.failures === 1 ? 0 : performance.now() + longest * (0.5 + Math.random() / 2);
    this.isUnwell(reason);
  }

  private isUnwell(reason: string | Said): void {
    const error = this.options.redact?.(reason) ?? reason;
    this.lastError = error;
    this.options.onHealth?.({
      state: 'unhealthy',
      ...(typeof error === 'string' ? { error } : { error: inEnglish(error), said: error }),
    });
  }

  private drop(at: Dialled, error: string | Said): void {
    const { warm } = this;
    if (!warm || warm.client !== at.client) return;
    this.warm = undefined;
    this.subscriptions.end(warm.client);
    this.options.onChange?.({ kind: 'lost' });
    if (performance.now() - warm.since >= STABLE_AFTER_MS) this.failures = 0;
    if (this.options.dropWhenSilent) this.failed(error);
    else this.isUnwell(error);
    this.leaving.add(warm);
    if (this.options.dropWhenSilent || warm.open === 0) this.farewell(warm);
  }

  private farewell(warm: Warm): void {
    if (!this.leaving.delete(warm)) return;
    // The connection is given up already; that its farewell fails changes nothing.
    warm.client.close().catch(() => undefined);
  }

  /** After a timeout: does it answer at all? */
  private async dropIfSilent(at: Dialled): Promise<void> {
    try {
      await answers(at.client, 2000);
    } catch (error) {
      // Any answer, be it "no such method", shows that it lives.
      if (!(error instanceof ProtocolError)) this.drop(at, say('server-silent'));
    }
  }
}

/**
 * Puts the questions that a server has given for an answer to the client of the call. The server has nothing of the call
 * meanwhile, so its place is left to others; and that a client gives no answer says nothing of the server.
 */
async function answersTo(
  questions: InputRequests,
  flight: Flight,
  place: Place | undefined,
): Promise<InputResponses> {
  place?.leave();
  const asked = Object.entries(questions).map(
    async ([key, question]) => [key, await flight.ask(question)] as const,
  );
  const answers = await Promise.all(asked).catch((error: unknown) => {
    throw error instanceof ProtocolError
      ? error
      : new UpstreamFault('cancelled', reasonOf(error), true, { cause: error });
  });
  await place?.comeBack();
  return Object.fromEntries(answers);
}

/** One round trip. The current revision has no `ping`; who they are, servers of both tell at any time. */
async function answers(client: Client, timeout: number): Promise<void> {
  if (client.getProtocolEra() === 'modern') await client.discover({ timeout });
  else await client.ping({ timeout });
}

const levels: readonly LoggingLevel[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];
export const severityOf = (level: LoggingLevel) => levels.indexOf(level);

/** The SDK has checked the result against the revision's own schema of the method. */
const anyResult = z.looseObject({});

/** The client's own progress where there is one: its figures are passed on as they are. */
function progressOf({ client, onProgress }: UpstreamRequest):
  | {
      onprogress: (progress: Progress) => void;
    }
  | undefined {
  if (!client?.onProgress && !onProgress) return undefined;
  return {
    onprogress: (progress) => {
      client?.onProgress?.(progress);
      const { total, message } = progress;
      onProgress?.(total ? Math.min(1, progress.progress / total) : 0, message ?? '');
    },
  };
}

/** It has answered that it is asked too much, over whichever transport. */
const isBusy = (error: unknown): boolean =>
  error instanceof UpstreamFault
    ? error.retryAfterSeconds !== undefined
    : error instanceof SdkHttpError && error.status === 429;

/** What went wrong, and whether the call may have had its effect. */
function toFault(
  error: unknown,
  signal: AbortSignal,
  lastWords: string | undefined,
): UpstreamFault {
  if (error instanceof UpstreamFault) return error;
  if (signal.aborted)
    return new UpstreamFault('cancelled', say('call-cancelled'), true, { cause: error });
  if (error instanceof SdkHttpError) {
    // 4xx: refused before the tool ran; 404 and 400 are also how a server says that it has forgotten the session.
    const isRefusal = error.status >= 400 && error.status < 500;
    return new UpstreamFault(
      'unreachable',
      say('server-status', { status: String(error.status) }),
      !isRefusal,
      { cause: error },
    );
  }
  if (error instanceof SdkError) {
    if (error.code === SdkErrorCode.RequestTimeout)
      return new UpstreamFault('timeout', say('server-slow'), true, { cause: error });
    const isUnsent =
      error.code === SdkErrorCode.NotConnected || error.code === SdkErrorCode.SendFailed;
    if (isUnsent) return new UpstreamFault('unreachable', error.message, false, { cause: error });
    if (error.code === SdkErrorCode.ConnectionClosed)
      return new UpstreamFault(
        'connection_lost',
        lastWords ? say('connection-lost-with', { words: lastWords }) : say('connection-lost'),
        true,
        { cause: error },
      );
    const faults = validatorWords(error.message);
    const said = faults === undefined ? error.message : `its answer does not fit: ${faults}`;
    return new UpstreamFault('protocol', said, true, { cause: error });
  }
  if (error instanceof ProtocolError)
    return new UpstreamFault('protocol', error.message, true, { cause: error });
  const misfit = error instanceof Error ? validatorWords(error.message) : undefined;
  if (misfit !== undefined)
    return new UpstreamFault('protocol', `its answer does not fit: ${misfit}`, true, {
      cause: error,
    });
  const code = codeOf(error);
  if (code && neverSent.has(code))
    return new UpstreamFault('unreachable', reasonOf(error), false, { cause: error });
  return new UpstreamFault('connection_lost', reasonOf(error), true, { cause: error });
}

/** Of an error as a server says it; all that is made of it (a row, an event, an answer) is cut shorter still, once secrets are out. */
const MOST_REFUSAL_CHARS = 100_000;

/** What the server has said in the protocol's terms; undefined when it has not. */
function refusalOf(error: unknown): ProtocolError | undefined {
  if (error instanceof ProtocolError) return bounded(error);
  const said = refusalIn(error)?.error;
  return said && bounded(new ProtocolError(said.code, said.message, said.data));
}

function bounded(error: ProtocolError): ProtocolError {
  const { code, message, data } = error;
  const isLong = message.length > MOST_REFUSAL_CHARS;
  const isLarge = data !== undefined && JSON.stringify(data).length > MOST_REFUSAL_CHARS;
  if (!isLong && !isLarge) return error;
  return new ProtocolError(code, message.slice(0, MOST_REFUSAL_CHARS), isLarge ? undefined : data);
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
