import { type DynamicModule, type Type } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import type { BuiltinRole, Permission, Problem } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Environment } from '../src/platform/config/environment.js';
import type { Database } from '../src/platform/database/database.js';
import { configureHttp } from '../src/platform/http/configure-http.js';
import { PlatformModule } from '../src/platform/platform.module.js';
import { AuthModule } from '../src/modules/auth/index.js';
import { hashToken, newSessionToken } from '../src/modules/auth/secret-token.js';
import { RbacModule } from '../src/modules/rbac/index.js';
import { type TestDatabase, openTestDatabase } from './harness.js';
import { temporaryFolder } from './temporary-folder.js';

/** Someone who is signed in: `token` as bearer, or `cookie` with `csrf`. */
export interface SignedIn {
  userId: string;
  email: string;
  token: string;
  cookie: string;
  csrf: string;
}

export interface CallOptions {
  method?: string;
  /** Who calls: sends the bearer token. */
  as?: SignedIn;
  /** Sent as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

export interface HttpApp {
  app: NestExpressApplication;
  database: Database;
  environment: Environment;
  baseUrl: string;
  /** One call; the answer is parsed when it is JSON. */
  call<T = never>(path: string, options?: CallOptions): Promise<Answer<T>>;
  /** As `call`, for an answer that should be a problem. */
  refused(path: string, options?: CallOptions): Promise<Answer<Problem>>;
  /** A new person with this role (everywhere, or in one project), signed in. */
  signIn(role: BuiltinRole | string, projectId?: string | null): Promise<SignedIn>;
  close(): Promise<void>;
}

export function testEnvironment(overrides: Partial<Environment> = {}): Environment {
  return {
    port: 0,
    host: '127.0.0.1',
    dataDir: '',
    databaseUrl: undefined,
    bus: 'postgres',
    roles: new Set(['api', 'relay', 'worker'] as const),
    ownerEmail: undefined,
    ownerPassword: undefined,
    masterKey: undefined,
    demo: 'off',
    publicUrl: undefined,
    trustedProxies: [],
    allowAddresses: [],
    clickhouseUrl: undefined,
    logLevel: 'silent',
    ...overrides,
  };
}

/**
 * The given modules over a database of their own, behind the same HTTP set-up as the real process, on a
 * port of 127.0.0.1. Sign-in and roles are always there.
 */
export async function openHttpApp(
  options: {
    imports?: (Type | DynamicModule)[];
    controllers?: Type[];
    providers?: Type[];
    /** Providers of the imported modules to be replaced. */
    overrides?: { provide: symbol | Type; useValue: unknown }[];
    environment?: Partial<Environment>;
    /** Instead of one of its own: for a second process on the same. */
    database?: TestDatabase;
  } = {},
): Promise<HttpApp> {
  const { database, close } = options.database ?? (await openTestDatabase());
  const environment = testEnvironment({ dataDir: await temporaryFolder(), ...options.environment });
  const testing = Test.createTestingModule({
    imports: [
      PlatformModule.forRoot(environment, database),
      CqrsModule.forRoot(),
      AuthModule,
      RbacModule,
      ...(options.imports ?? []),
    ],
    controllers: options.controllers ?? [],
    providers: options.providers ?? [],
  });
  for (const { provide, useValue } of options.overrides ?? [])
    testing.overrideProvider(provide).useValue(useValue);
  const module = await testing.compile();
  const app = module.createNestApplication<NestExpressApplication>({
    bodyParser: false,
    logger: false,
  });
  app.useWebSocketAdapter(new WsAdapter(app));
  configureHttp(app, environment);
  // Client and server share a process here. When it was busy for longer than a connection may lie idle, the client would
  // send on one that the server closes in that very moment.
  app.getHttpServer().keepAliveTimeout = 0;
  await app.listen(0, '127.0.0.1');
  const baseUrl = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;

  async function call<T>(
    path: string,
    { method = 'GET', as, body, headers }: CallOptions = {},
  ): Promise<Answer<T>> {
    const response = await fetch(baseUrl + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(as ? { authorization: `Bearer ${as.token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson =
      /json/.test(response.headers.get('content-type') ?? '') &&
      !/ndjson/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text ? JSON.parse(text) : undefined) as T,
      text,
    };
  }

  return {
    app,
    database,
    environment,
    baseUrl,
    call,
    refused: (path, callOptions) => call<Problem>(path, callOptions),
    signIn: (role, projectId = null) => signInAs(database, role, projectId),
    async close() {
      await app.close();
      await close();
    },
  };
}

/** They have a password, as everybody that a person has added; nobody knows which. */
const lostPassword =
  '$argon2id$v=19$m=19456,t=2,p=1$CmTbBgypHq5xvFKu1ZWWnA$mmiccBhzo/j4fcjoEcnitdLKD9xBzp/Z/mwP2TtdcF0';

/** Straight into the tables: hashing a password for every test would only cost time. */
export async function signInAs(
  database: Database,
  role: string,
  projectId: string | null = null,
): Promise<SignedIn> {
  const [userId, token, csrf] = [randomUUID(), newSessionToken(), newSessionToken()];
  const email = `${role}-${userId.slice(0, 8)}@example.test`;
  await database.query(
    'INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, $3, $4)',
    [userId, email, role, lostPassword],
  );
  await database.query(
    'INSERT INTO role_bindings (id, user_id, role, project_id, created_by) VALUES ($1, $2, $3, $4, $5)',
    [randomUUID(), userId, role, projectId, 'test'],
  );
  await database.query(
    `INSERT INTO sessions (id, user_id, token_hash, csrf_token, expires_at)
     VALUES ($1, $2, $3, $4, now() + interval '1 hour')`,
    [randomUUID(), userId, hashToken(token), csrf],
  );
  return { userId, email, token, cookie: `aos_session=${token}`, csrf };
}

/** A role of exactly these permissions; `signIn` takes its name. */
export async function makeRole(
  database: Database,
  name: string,
  permissions: Permission[],
): Promise<void> {
  await database.query('INSERT INTO roles (name, permissions) VALUES ($1, $2)', [
    name,
    permissions,
  ]);
}
