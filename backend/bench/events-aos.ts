import 'reflect-metadata';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { mkdtemp } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { readEnvironment } from '../src/platform/config/environment.js';
import { Database } from '../src/platform/database/database.js';
import { Authenticator } from '../src/platform/http/authenticator.js';
import type { Principal } from '../src/platform/http/context.js';
import { Outbox } from '../src/platform/outbox/outbox.js';
import { PlatformModule } from '../src/platform/platform.module.js';
import { PlatformStreamModule } from '../src/platform/realtime/stream.module.js';
import { type Answer, answerOrders, benchEvent, writeSteadily } from './events-protocol.js';

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

let database: Database;
let outbox: Outbox;

answerOrders(async (order): Promise<Answer> => {
  if (order.op === 'listen') return { port: await listen(order.adminUrl, order.database) };
  if (order.op === 'write')
    return { committedAt: await writeSteadily(order.perSecond, order.seconds, write) };
  throw new Error(`a server does not ${order.op}`);
});

async function listen(adminUrl: string, name: string): Promise<number> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = name;
  database = await Database.open({ url: url.href });
  const dataDir = await mkdtemp(join(tmpdir(), 'aos-bench-'));
  const environment = readEnvironment({ PORT: '0', AOS_DATA_DIR: dataDir, DATABASE_URL: url.href });
  const app = await NestFactory.create<NestExpressApplication>(
    {
      module: Root,
      imports: [
        PlatformModule.forRoot(environment, database),
        SignedInModule,
        PlatformStreamModule,
      ],
    },
    { logger: ['error', 'warn'] },
  );
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, '127.0.0.1');
  outbox = app.get(Outbox);
  return (app.getHttpServer().address() as AddressInfo).port;
}

class Root {}

async function write(n: number, commits: () => void): Promise<void> {
  await database.transaction(async (tx) => {
    await outbox.append(tx, [benchEvent(n)]);
    commits();
  });
}
