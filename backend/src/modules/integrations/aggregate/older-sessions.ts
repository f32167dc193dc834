import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  type AuthInfo,
  type McpServer,
  SUPPORTED_PROTOCOL_VERSIONS,
  isInitializeRequest,
} from '@modelcontextprotocol/server';
import { Aggregate } from './aggregate.js';
import { DirectAnswer } from './direct-answer.js';
import { idOf, refused } from './json-rpc.js';
import { type SessionState, callInSession, makeServer } from './mcp-server.js';
import type { PlainCall } from './plain-call.js';
import { SessionTransport } from './session-transport.js';
import { Watches } from './watches.js';

interface Session extends SessionState {
  owner: string;
  server: McpServer;
  transport: SessionTransport;
  usedAt: number;
  /** Requests and streams that are open. */
  open: number;
}

const IDLE_MS = 30 * 60_000;
const MOST = 5000;
const MOST_PER_PRINCIPAL = 1000;

/**
 * Clients of the older revisions, which begin with `initialize` and then name their session in a header. A
 * session belongs to the one who began it: with another's credentials, or when it has ended, it is 404,
 * which tells the client to begin anew. One that is not used for half an hour ends by itself.
 */
@Injectable()
export class OlderSessions implements BeforeApplicationShutdown {
  private readonly logger = new Logger(OlderSessions.name);
  private readonly sessions = new Map<string, Session>();
  private sweeping: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;

  constructor(private readonly aggregate: Aggregate) {}

  get size(): number {
    return this.sessions.size;
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.sweeping);
    this.stopListening?.();
    await Promise.all([...this.sessions.keys()].map((id) => this.end(id)));
  }

  /** `whenOver` resolves when the answer has been written or the client is gone. */
  async serve(
    request: Request,
    owner: string,
    authInfo: AuthInfo,
    body: unknown,
    whenOver: Promise<void>,
  ): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    const session = id === null ? await this.begin(request, owner, body) : this.find(id, owner);
    if (session instanceof Response) return session;
    use(session, whenOver);
    return session.transport.handleRequest(request, {
      authInfo,
      ...(body === undefined ? {} : { parsedBody: body }),
    });
  }

  /**
   * A single call, straight from the body to the answer. False when it is not one that can be taken so: then nothing
   * was done, and `serve` says what there is to say.
   */
  serveDirectly(
    call: PlainCall,
    { headers }: Pick<IncomingMessage, 'headers'>,
    owner: string,
    authInfo: AuthInfo,
    response: ServerResponse,
    onStream: () => void,
  ): boolean {
    const { 'mcp-session-id': id, 'mcp-protocol-version': version } = headers;
    const session = typeof id === 'string' ? this.sessions.get(id) : undefined;
    if (session?.owner !== owner) return false;
    if (version !== undefined && !SUPPORTED_PROTOCOL_VERSIONS.includes(String(version)))
      return false;
    const answer = new DirectAnswer(response, { 'mcp-session-id': String(id) }, onStream);
    const isTaken = session.transport.serve(call, authInfo, answer, (signal) =>
      callInSession(this.aggregate, this.logger, session, { call, authInfo, signal }),
    );
    if (!isTaken) return answer.giveUp();
    use(session, new Promise((over) => response.once('close', over)));
    return true;
  }

  private find(id: string, owner: string): Session | Response {
    const session = this.sessions.get(id);
    return session?.owner === owner
      ? session
      : refused(404, 'There is no such session. Begin with initialize.');
  }

  private async begin(request: Request, owner: string, body: unknown): Promise<Session | Response> {
    if (request.method !== 'POST')
      return refused(405, 'Without a session only POST is taken.', { allow: 'POST' });
    if (!isInitializeRequest(body))
      return isNamedInitialize(body)
        ? refused(
            400,
            'initialize takes protocolVersion, capabilities and clientInfo.',
            {},
            idOf(body),
          )
        : refused(400, 'Begin with initialize, and send its Mcp-Session-Id from then on.');
    if (!(await this.makeRoom(owner)))
      return refused(503, 'There are too many open sessions. End some with DELETE.', {
        'retry-after': '60',
      });
    this.wakeUp();
    const transport = new SessionTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.sessions.set(id, session),
      onsessionclosed: (id) => this.end(id),
    });
    const state: SessionState = {
      logLevel: 'info',
      watched: new Watches(),
      outcomeOf: (id) => transport.outcomeOf(id),
    };
    const server = await makeServer(this.aggregate, this.logger, state);
    const session: Session = Object.assign(state, {
      owner,
      server,
      transport,
      usedAt: performance.now(),
      open: 0,
    });
    await server.connect(transport);
    return session;
  }

  /** Most clients never say that they are done: of too many sessions of one, the one that was not used for the longest time ends. */
  private async makeRoom(owner: string): Promise<boolean> {
    const owned = [...this.sessions].filter(([, session]) => session.owner === owner);
    if (owned.length < MOST_PER_PRINCIPAL && this.sessions.size < MOST) return true;
    const [oldest] = owned
      .filter(([, session]) => session.open === 0)
      .sort(([, a], [, b]) => a.usedAt - b.usedAt);
    if (!oldest) return false;
    await this.end(oldest[0]);
    return true;
  }

  private async end(id: string): Promise<void> {
    const session = this.sessions.get(id);
    if (!session) return;
    this.sessions.delete(id);
    session.watched.end();
    await session.server.close().catch(() => undefined); // its streams may be gone already
  }

  private wakeUp(): void {
    this.sweeping ??= setInterval(() => this.sweep(), 60_000).unref();
    this.stopListening ??= this.aggregate.catalogue.listen({
      toolsChanged: () => this.each(({ server }) => server.sendToolListChanged()),
      promptsChanged: () => this.each(({ server }) => server.sendPromptListChanged()),
      resourcesChanged: () => this.each(({ server }) => server.sendResourceListChanged()),
      resourceUpdated: (uri) =>
        this.each(({ server, watched }) => {
          if (watched.has(uri)) void server.server.sendResourceUpdated({ uri });
        }),
    });
  }

  private each(tell: (session: Session) => void): void {
    for (const session of this.sessions.values()) tell(session);
  }

  /** Ends what nobody has used for a while. */
  sweep(): void {
    const before = performance.now() - IDLE_MS;
    for (const [id, session] of this.sessions)
      if (session.open === 0 && session.usedAt < before) void this.end(id);
  }
}

const isNamedInitialize = (body: unknown): boolean =>
  (body as { method?: unknown } | null)?.method === 'initialize';

function use(session: Session, whenOver: Promise<void>): void {
  session.usedAt = performance.now();
  session.open++;
  void whenOver.then(() => {
    session.open--;
    session.usedAt = performance.now();
  });
}
