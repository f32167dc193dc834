import { Inject, Logger, Optional } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type OnGatewayConnection, type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import { type ErrorCode, PongFrame, SubscribeFrame, errorCodes, say } from '@aos/contracts';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Environment } from '../config/environment.js';
import { AddressGate } from '../http/address-gate.js';
import { Authenticator } from '../http/authenticator.js';
import { ClientAddress } from '../http/client-address.js';
import type { Principal } from '../http/context.js';
import { Denials } from '../http/denials.js';
import { OwnAddress, namedTwice } from '../http/own-address.js';
import { AosError } from '../http/problem.js';
import { rawRefusal, refuseOnSocket } from '../http/raw-answer.js';
import { ENVIRONMENT } from '../platform.module.js';
import { type Connection, type Ending, type Wire, endings } from './connection.js';
import { onceDrained } from './drain.js';
import { EventHub } from './event-hub.js';
import { type FramedEvent, textFrame } from './framed-event.js';

const PATH = '/agent/events';
const MOST_FRAME_BYTES = 64 * 1024;
/** A page subscribes once, and again when its filter changes. */
const MOST_SUBSCRIBES = 30;
const SUBSCRIBE_WINDOW_MS = 10_000;

/**
 * The WebSocket at /agent/events: `@nestjs/platform-ws` carries it (main.ts: `useWebSocketAdapter(new
 * WsAdapter(app))`), on the port of the API. Its `{event, data}` messages are not ours, so there is no
 * @SubscribeMessage here: the plain frames of the contract are read from the socket. Who connects is decided
 * at the upgrade, before the socket is accepted; the adapter gives no hook for that but passes the options
 * on to `ws`, whose `verifyClient` is set once the gateway is there (`afterInit`), with all it injects.
 *
 * Order at the upgrade: Host and Origin (403), from where (403), who (401), whether they may read any task (403), how many
 * streams they have (429). Refusals are answered as problem+json and written to the audit trail.
 */
@WebSocketGateway({
  path: PATH,
  maxPayload: MOST_FRAME_BYTES,
  perMessageDeflate: false,
  clientTracking: true,
})
export class StreamGateway
  implements OnGatewayInit<WebSocketServer>, OnGatewayConnection<WebSocket>
{
  private readonly logger = new Logger(StreamGateway.name);
  private readonly principals = new WeakMap<IncomingMessage, Principal>();

  constructor(
    private readonly hub: EventHub,
    private readonly authenticator: Authenticator,
    private readonly host: HttpAdapterHost,
    private readonly gate: AddressGate,
    private readonly client: ClientAddress,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Optional() private readonly denials?: Denials,
  ) {}

  afterInit(server: WebSocketServer): void {
    const http = this.host.httpAdapter.getHttpServer() as Server;
    const own = new OwnAddress(this.environment, http);
    passOverOtherProtocols(http);
    answerOtherPaths(http);
    server.options.verifyClient = ({ req }, admit) => {
      this.admit(req, own).then(
        (refused) => {
          if (!refused) return admit(true);
          const { status } = errorCodes[refused];
          const { body, headers } = rawRefusal(
            refused === 'address_refused'
              ? this.gate.refusal(this.client.of(req), 'ws')
              : refusalOf(refused),
          );
          admit(false, status, body, headers);
        },
        (error: unknown) => {
          this.logger.warn(`could not tell who connects: ${(error as Error).message}`);
          const { body, headers } = rawRefusal(refusalOf('unavailable'));
          admit(false, 503, body, headers);
        },
      );
    };
    // What `ws` itself finds wrong with the handshake: it would say so in HTML.
    server.on('wsClientError', ({ message }, socket) =>
      refuseOnSocket(socket, new AosError('malformed_request', say('no-handshake', { message }))),
    );
  }

  handleConnection(client: WebSocket, request: IncomingMessage): void {
    const principal = this.principals.get(request);
    if (!principal) {
      client.terminate(); // only reachable if the upgrade was not ours
      return;
    }
    const connection = this.hub.open(new WebSocketWire(client, request.socket), request, principal);
    let recent: number[] = [];
    client.on('message', (data, isBinary) => {
      const frame = isBinary
        ? 'binary frames are not understood: send text'
        : readFrame((data as Buffer).toString());
      const now = Date.now();
      recent = [...recent.filter((at) => now - at < SUBSCRIBE_WINDOW_MS), now];
      if (recent.length > MOST_SUBSCRIBES) this.refuse(client, connection, 'too many subscribes');
      else if (typeof frame === 'string') this.refuse(client, connection, frame);
      else if (frame.op === 'subscribe') {
        const { since, types, traceId } = frame;
        void this.hub.subscribe(connection, { types, traceId }, since);
      }
    });
    client.on('close', () => this.hub.closed(connection));
  }

  private refuse(client: WebSocket, connection: Connection, reason: string): void {
    this.hub.closed(connection);
    client.removeAllListeners('message');
    client.close(1008, reason);
  }

  private async admit(request: IncomingMessage, own: OwnAddress): Promise<ErrorCode | undefined> {
    if (namedTwice(request)) return this.deny(request, 'malformed_request', undefined);
    if (!own.admits(request)) return this.deny(request, 'origin_refused', undefined);
    if (!(await this.gate.admits(request))) return this.deny(request, 'address_refused', undefined);
    const principal = await this.authenticator.authenticate(request);
    if (!principal) return this.deny(request, 'unauthenticated', undefined);
    const refusal = this.hub.refusal(principal);
    if (refusal === 'forbidden') return this.deny(request, 'forbidden', principal);
    if (refusal === 'too many') return 'too_many_requests';
    if (refusal === 'closing') return 'unavailable';
    this.principals.set(request, principal);
    return undefined;
  }

  private async deny(
    request: IncomingMessage,
    code: ErrorCode,
    principal: Principal | undefined,
  ): Promise<ErrorCode> {
    const actor = principal ?? {
      kind: 'user' as const,
      ...{ id: 'anonymous', name: 'nobody', userId: null, grants: [] },
    };
    const traceId = randomBytes(16).toString('hex');
    const ctx = { actor, traceId, ip: this.client.of(request) };
    if (code === 'address_refused') await this.denials?.recordAddress(ctx, `ws:${PATH}`);
    else await this.denials?.record(ctx, `ws:${PATH}`, code, principal === undefined);
    return code;
  }
}

/** The frame, or what is wrong with it, short enough for a close reason (123 bytes). */
function readFrame(text: string): SubscribeFrame | PongFrame | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'not JSON: send {"op":"subscribe"}'; // what exactly was wrong with it helps nobody here
  }
  const parsed = SubscribeFrame.safeParse(json);
  if (parsed.success) return parsed.data;
  const pong = PongFrame.safeParse(json);
  if (pong.success) return pong.data;
  const issue = parsed.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const name = issue.keys[0] ?? '';
    return `subscribe: ${/^[\w.-]{1,40}$/.test(name) ? name : 'a key'} is not known here`;
  }
  const [key] = issue?.path ?? [];
  return key === undefined || key === 'op'
    ? 'unknown op: send {"op":"subscribe"}'
    : `subscribe: ${String(key)} takes ${takes[String(key)] ?? 'another value'}`;
}

const takes: Record<string, string> = {
  since: 'the seq of an event, a whole number from 0',
  types: 'a list of value types, such as task.receipt',
  traceId: 'a text of at most 64 characters',
};

const told: Partial<Record<ErrorCode, string>> = {
  malformed_request: 'A request has one Host header, and one Authorization header at most.',
  unauthenticated: 'Send a token or the session cookie with the upgrade.',
  origin_refused:
    'Pages of another origin, and other names of this server, may not open the stream.',
  forbidden: 'The stream takes the permission task.read, at least in one project.',
  too_many_requests: 'As many streams are open as may be at once. Close another one first.',
  unavailable: 'The stream cannot be opened at present. Try again in a moment.',
};

const refusalOf = (code: ErrorCode) =>
  new AosError(code, told[code] ?? errorCodes[code].title, {
    ...(code === 'unavailable' ? { retryAfterSeconds: 2 } : {}),
  });

/**
 * Java's client offers HTTP/2 with its first request to any address without TLS (`Upgrade: h2c`), and so do others. Such
 * an offer may be passed over (RFC 9110, 7.8), and is: what was asked is answered in HTTP/1.1. Node takes the choice as
 * an option of the server, which Nest makes, and reads it where it would have put that.
 */
function passOverOtherProtocols(server: Server): void {
  const shouldUpgradeCallback = ({ headers }: IncomingMessage) =>
    headers.upgrade?.toLowerCase() === 'websocket';
  Object.assign(server, { shouldUpgradeCallback });
}

/** An upgrade to any other path: the adapter would hang up without a word. */
function answerOtherPaths(server: Server): void {
  const adapter = server.listeners('upgrade') as Upgrade[];
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Routes take a slash behind the path, the adapter does not.
    request.url = request.url?.replace(/^\/agent\/events\/(?=\?|$)/, PATH);
    if (/^\/agent\/events(\?|$)/.test(request.url ?? ''))
      for (const each of adapter) each.call(server, request, socket, head);
    else
      refuseOnSocket(
        socket,
        new AosError('not_found', `There is no WebSocket here. Events are at ${PATH}.`),
      );
  });
}
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Event frames are built beforehand and go to the TCP socket as they are; all else goes through `ws`. Both
 * write whole frames at once, and without compression `ws` never queues, so the two cannot mix within a frame.
 */
class WebSocketWire implements Wire {
  readonly kind = 'ws';
  readonly closed: Promise<void>;
  private isAlive = true;

  constructor(
    private readonly client: WebSocket,
    private readonly socket: Socket,
  ) {
    client.on('pong', () => (this.isAlive = true));
    this.closed = new Promise((resolve) => client.once('close', () => resolve()));
  }

  frameOf(event: FramedEvent): Buffer {
    return event.webSocketFrame;
  }

  write(bytes: Buffer): void {
    if (this.isOpen) this.socket.write(bytes);
  }

  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  onceDrained(listener: () => void): void {
    onceDrained(this.socket, listener);
  }

  ready(seq: number): void {
    this.write(textFrame(`{"op":"ready","seq":${seq}}`));
  }

  resync(reason: string): void {
    this.write(textFrame(JSON.stringify({ op: 'resync', reason })));
  }

  /** For the page a frame; for the connection a ping of the protocol: no pong in between means nobody is there. */
  heartbeat(): void {
    if (!this.isAlive) {
      this.client.terminate();
      return;
    }
    if (!this.isOpen) return;
    this.isAlive = false;
    this.client.ping();
    this.write(pingFrame);
  }

  /** `ws` waits 30 s for the client to read up to the close frame, then destroys the socket. */
  end(ending: Ending): void {
    this.client.close(endings[ending], ending);
  }

  private get isOpen(): boolean {
    return this.client.readyState === this.client.OPEN && this.socket.writable;
  }
}

const pingFrame = textFrame('{"op":"ping"}');
