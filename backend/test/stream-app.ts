import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { type AosEvent, type Permission, type ServerFrame } from '@aos/contracts';
import { EventEmitter, once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket from 'ws';
import type { Bus } from '../src/platform/bus/bus.js';
import type { Environment } from '../src/platform/config/environment.js';
import { Database } from '../src/platform/database/database.js';
import { Authenticator } from '../src/platform/http/authenticator.js';
import { configureHttp } from '../src/platform/http/configure-http.js';
import type { Principal } from '../src/platform/http/context.js';
import { HttpModule } from '../src/platform/http/http.module.js';
import { type NewEvent, Outbox } from '../src/platform/outbox/outbox.js';
import { Relay } from '../src/platform/outbox/relay.js';
import { Wakeups } from '../src/platform/outbox/wakeups.js';
import { PlatformModule } from '../src/platform/platform.module.js';
import { EventHub, HUB_OPTIONS, type HubOptions } from '../src/platform/realtime/event-hub.js';
import { EventTail } from '../src/platform/realtime/event-tail.js';
import { PlatformStreamModule } from '../src/platform/realtime/stream.module.js';
import { temporaryFolder } from './temporary-folder.js';

/** Bearer tokens that a test gives out and takes back; sign-in itself is tested where it lives. */
export class TestTokens extends Authenticator {
  readonly principals = new Map<string, Principal>();

  override async authenticate(request: IncomingMessage): Promise<Principal | undefined> {
    return this.principals.get(request.headers.authorization?.replace('Bearer ', '') ?? '');
  }

  /** `projects`: where tasks may be read; 'all' is everywhere. */
  issue(token: string, projects: 'all' | string[], permission: Permission = 'task.read'): string {
    const where = projects === 'all' ? [null] : projects;
    this.principals.set(token, {
      kind: 'token',
      id: `token:${token}`,
      name: token,
      userId: `user-${token}`,
      grants: where.map((projectId) => ({ permission, projectId })),
    });
    return token;
  }
}

/** Every event that a tail hands out from now on, one at a time. */
export const eachEvent = (tail: EventTail, listener: (event: AosEvent) => void): (() => void) =>
  tail.onBatch((batch) => batch.forEach(({ event }) => listener(event)));

export interface StreamApp {
  app: NestExpressApplication;
  database: Database;
  tokens: TestTokens;
  outbox: Outbox;
  relay: Relay;
  tail: EventTail;
  hub: EventHub;
  wakeups: Wakeups;
  baseUrl: string;
  /** Commits the events in one transaction. */
  publish(...events: Partial<NewEvent>[]): Promise<string[]>;
  /** Resolves once everything that is committed by now has been handed out here. */
  settled(): Promise<void>;
  socket(token: string, headers?: Record<string, string>): EventSocket;
  close(): Promise<void>;
}

/** The streams over a database, behind the same HTTP set-up as the real process, on a port of 127.0.0.1. */
export async function openStreamApp(
  database: Database,
  options: { hub?: Partial<HubOptions>; roles?: Environment['roles']; bus?: Bus } = {},
): Promise<StreamApp> {
  const environment: Environment = {
    port: 0,
    host: '127.0.0.1',
    dataDir: await temporaryFolder(),
    databaseUrl: undefined,
    bus: 'postgres',
    roles: options.roles ?? new Set(['api', 'relay', 'worker'] as const),
    ownerEmail: undefined,
    ownerPassword: undefined,
    masterKey: undefined,
    demo: 'off',
    publicUrl: undefined,
    trustedProxies: [],
    allowAddresses: [],
    clickhouseUrl: undefined,
    logLevel: 'silent',
  };
  const tokens = new TestTokens();
  const module = await Test.createTestingModule({
    imports: [
      PlatformModule.forRoot(environment, database, options.bus),
      HttpModule,
      alone(tokens, { recheckDelayMs: 1, ...options.hub }),
      PlatformStreamModule,
    ],
  }).compile();
  const app = module.createNestApplication<NestExpressApplication>({
    bodyParser: false,
    logger: false,
  });
  configureHttp(app, environment);
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  const address = `127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const outbox = app.get(Outbox);
  const relay = app.get(Relay);
  const tail = app.get(EventTail);
  return {
    app,
    database,
    tokens,
    outbox,
    relay,
    tail,
    hub: app.get(EventHub),
    wakeups: app.get(Wakeups),
    baseUrl: `http://${address}`,
    publish: (...events) =>
      database.transaction((tx) => outbox.append(tx, events.map(aValueEvent))),
    async settled() {
      for (;;) {
        const stamped = nextStamp(relay); // listens before it looks
        const waiting = await database.query('SELECT 1 FROM events WHERE seq IS NULL LIMIT 1');
        if (waiting.length === 0) break;
        await stamped;
      }
      await tail.catchUp();
    },
    socket: (token, headers) =>
      new EventSocket(`ws://${address}/agent/events`, {
        authorization: `Bearer ${token}`,
        ...headers,
      }),
    close: () => app.close(),
  };
}

export const aValueEvent = (event: Partial<NewEvent>): NewEvent => ({
  traceId: 'trace-1',
  topic: 'task',
  type: 'task.progress.milestone',
  summary: 'Step 1 of 3 is done.',
  ...event,
});

function nextStamp(relay: Relay): Promise<void> {
  return new Promise((resolve) => {
    const off = relay.onStamped(() => {
      off();
      resolve();
    });
  });
}

function alone(tokens: TestTokens, hub: Partial<HubOptions>): DynamicModule {
  @Global()
  @Module({})
  class TestTokensModule {}
  const providers = [
    { provide: Authenticator, useValue: tokens },
    { provide: HUB_OPTIONS, useValue: hub },
  ];
  return { module: TestTokensModule, providers, exports: providers };
}

/** A client that keeps what it got and lets a test wait for it. */
export class EventSocket extends EventEmitter {
  readonly frames: ServerFrame[] = [];
  readonly ws: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;

  constructor(url: string, headers: Record<string, string>) {
    super();
    this.setMaxListeners(0);
    this.ws = new WebSocket(url, { headers, perMessageDeflate: false });
    this.closed = new Promise((resolve) =>
      this.ws.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
    );
    this.ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)) as ServerFrame);
      this.emit('frame');
    });
    this.ws.on('error', () => undefined); // a refused upgrade is told by `refusal`
  }

  async opened(): Promise<this> {
    if (this.ws.readyState === WebSocket.CONNECTING) await once(this.ws, 'open');
    return this;
  }

  /** The answer to an upgrade that was turned down. */
  async refusal(): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
    const [request, response] = (await once(this.ws, 'unexpected-response')) as [
      { destroy(): void },
      IncomingMessage,
    ];
    let body = '';
    for await (const chunk of response) body += String(chunk);
    request.destroy();
    return { status: response.statusCode!, headers: response.headers, body };
  }

  /** Subscribes, and waits for `ready`. */
  async subscribe(
    wish: { since?: number; types?: string[]; traceId?: string } = {},
  ): Promise<this> {
    await this.opened();
    const readies = this.count('ready');
    this.ws.send(JSON.stringify({ op: 'subscribe', ...wish }));
    await this.until(() => this.count('ready') > readies);
    return this;
  }

  get events(): AosEvent[] {
    return this.frames.flatMap((frame) => (frame.op === 'event' ? [frame.event] : []));
  }

  get seqs(): number[] {
    return this.events.map((event) => event.seq);
  }

  count(op: ServerFrame['op']): number {
    return this.frames.filter((frame) => frame.op === op).length;
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this, 'frame');
  }

  close(): void {
    this.ws.terminate();
  }
}
