import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { readEnvironment } from '../src/platform/config/environment.js';
import { Database } from '../src/platform/database/database.js';
import { Authenticator } from '../src/platform/http/authenticator.js';
import type { Principal } from '../src/platform/http/context.js';
import { HttpModule } from '../src/platform/http/http.module.js';
import { Outbox } from '../src/platform/outbox/outbox.js';
import { PlatformModule } from '../src/platform/platform.module.js';
import { PlatformStreamModule } from '../src/platform/realtime/stream.module.js';
import { benchEvent } from './events-protocol.js';

/** The product's own way, with everybody signed in already. */
class EverybodyReads extends Authenticator {
  override async authenticate(): Promise<Principal> {
    return {
      kind: 'token',
      id: 'token:bench',
      name: 'bench',
      userId: 'bench',
      grants: [{ permission: 'task.read', projectId: null }],
    };
  }
}

@Global()
@Module({
  providers: [{ provide: Authenticator, useClass: EverybodyReads }],
  exports: [Authenticator],
})
class SignedInModule {}

class Root {}

export interface EventServer {
  port: number;
  /** One event in a transaction of its own. */
  write(n: number, commits: () => void): Promise<void>;
  close(): Promise<void>;
}

/** AOS from the outbox to the socket, over a new database of this name. */
export async function openEventServer(adminUrl: string, name: string): Promise<EventServer> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = name;
  const database = await Database.open({ url: url.href });
  const dataDir = await mkdtemp(join(tmpdir(), 'aos-bench-'));
  const environment = readEnvironment({ PORT: '0', AOS_DATA_DIR: dataDir, DATABASE_URL: url.href });
  const app = await NestFactory.create<NestExpressApplication>(
    {
      module: Root,
      imports: [
        PlatformModule.forRoot(environment, database),
        SignedInModule,
        HttpModule,
        PlatformStreamModule,
      ],
    },
    { logger: ['error', 'warn'], abortOnError: false },
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  const outbox = app.get(Outbox);
  return {
    port: (app.getHttpServer().address() as AddressInfo).port,
    write: (n, commits) =>
      database.transaction(async (tx) => {
        await outbox.append(tx, [benchEvent(n)]);
        commits();
      }),
    async close() {
      await app.close();
      await database.close();
      await rm(dataDir, { recursive: true });
    },
  };
}
