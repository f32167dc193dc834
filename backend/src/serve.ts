import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { AppModule } from './app.module.js';
import { OwnerBootstrap } from './modules/auth/index.js';
import { openBus } from './platform/bus/open-bus.js';
import type { Environment } from './platform/config/environment.js';
import { Database } from './platform/database/database.js';
import { configureHttp } from './platform/http/configure-http.js';
import { serveConsole } from './platform/http/console-files.js';
import { openOlap } from './platform/olap/open-olap.js';
import { Redactor } from './platform/telemetry/redactor.js';
import { LogStore } from './platform/telemetry/log-store.js';
import { ServerLog } from './platform/telemetry/server-log.js';
import { type Telemetry, startTelemetry } from './platform/telemetry/telemetry.js';

/** The repository, seen from backend/dist/src. */
const root = resolve(import.meta.dirname, '../../..');

export interface Running {
  /** Stops in the order in which nothing is lost: accept no more, drain, write spans, close the database. */
  stop(): Promise<void>;
}

/** All of a process that start.ts has found possible, on a data folder that is its own. */
export async function serve(environment: Environment): Promise<Running> {
  const step = stepPrinter();
  const telemetry = startTelemetry();
  const release: (() => Promise<unknown>)[] = [];
  try {
    const bus = await openBus(environment);
    if (bus) release.unshift(() => bus.close());
    if (bus && bus.state().kind !== 'postgres') step(`The bus is connected (${bus.state().kind})`);
    const olap = await openOlap(environment);
    if (olap) {
      release.unshift(() => olap.close());
      const isUp = await olap.isUp();
      step(`ClickHouse ${isUp ? 'answers' : 'does not answer; it is tried again'} (${olap.place})`);
    }
    const database = await Database.open(
      environment.databaseUrl ? { url: environment.databaseUrl } : { dataDir: environment.dataDir },
    );
    release.unshift(() => database.close());
    telemetry.store.attach(database);
    step(database.kind === 'embedded' ? 'Embedded Postgres is open' : 'Postgres is connected');
    const log = new ServerLog(logLevels(environment));
    const app = await NestFactory.create<NestExpressApplication>(
      AppModule.forRoot(environment, database, bus, olap, telemetry.traces),
      { bodyParser: false, logger: log, abortOnError: false },
    );
    log.attach(app.get(LogStore), app.get(Redactor));
    telemetry.traces.redactWith(app.get(Redactor));
    release.unshift(() => app.close());
    app.useWebSocketAdapter(new WsAdapter(app));
    configureHttp(app, environment);
    serveConsole(app, join(root, 'console/dist/browser'));
    const owner = await app.get(OwnerBootstrap).ensure(environment);
    await app.listen(environment.port, environment.host);
    step(`Roles: ${[...environment.roles].join(', ')}`);
    const url = await readyUrl(app, environment);
    console.log(`\nAOS is ready at ${url}/console/`);
    if (owner.password)
      await tellOwner(environment, { email: owner.email, password: owner.password });
    const demo = await playFirstRun(environment, database, url, owner.email);
    return { stop: () => stop(app, database, telemetry, demo) };
  } catch (error) {
    telemetry.store.detach();
    for (const each of release) await each().catch(() => undefined); // the first error is told
    throw error;
  }
}

async function stop(
  app: NestExpressApplication,
  database: Database,
  telemetry: Telemetry,
  demo: { kill(): void } | undefined,
): Promise<void> {
  demo?.kill();
  await app.close();
  await telemetry.flush();
  telemetry.store.detach();
  await database.close();
  await telemetry.shutdown();
}

async function readyUrl(app: NestExpressApplication, environment: Environment): Promise<string> {
  if (environment.publicUrl) return environment.publicUrl.replace(/\/$/, '');
  const address = app.getHttpServer().address() as { port: number };
  const host = environment.host.includes(':') ? `[${environment.host}]` : environment.host;
  const reachable =
    environment.host === '0.0.0.0' || environment.host === '::' ? 'localhost' : host;
  return `http://${reachable}:${address.port}`;
}

/** The only time the password is shown; it also lies in the data folder for `npm run demo`, for its owner only. */
async function tellOwner(
  environment: Environment,
  signIn: { email: string; password: string },
): Promise<void> {
  const file = join(environment.dataDir, 'owner-sign-in.json');
  await writeFile(file, JSON.stringify(signIn), { mode: 0o600 });
  console.log(`\n  Sign in as   ${signIn.email}\n  Password     ${signIn.password}`);
  console.log(`  (shown once; also in ${file}, readable by you alone)\n`);
}

/**
 * The acceptance task, once: only on a database without jobs, and only when the owner's password is known
 * to this start. It goes through the public API like any client, as a child, so that whatever it does
 * cannot harm the server.
 */
async function playFirstRun(
  environment: Environment,
  database: Database,
  url: string,
  email: string,
): Promise<{ kill(): void } | undefined> {
  if (environment.demo === 'off' || environment.roles.size < 3) return undefined;
  const jobs = await database.query('SELECT 1 FROM jobs LIMIT 1');
  if (jobs.length > 0) return undefined;
  const child = spawn(process.execPath, [join(root, 'ops/scripts/demo.mjs'), '--first-run'], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      AOS_URL: url,
      AOS_DATA_DIR: environment.dataDir,
      AOS_OWNER_EMAIL: email,
    },
  });
  child.on('error', (error) =>
    console.error(`The first task could not be played: ${error.message}`),
  );
  return child;
}

function stepPrinter(): (text: string) => void {
  const began = performance.now();
  return (text) =>
    console.log(`  ✓ ${text} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

function logLevels({
  logLevel,
}: Environment): false | ('fatal' | 'error' | 'warn' | 'log' | 'debug' | 'verbose')[] {
  if (logLevel === 'silent') return false;
  const all = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;
  const names = { fatal: 1, error: 2, warn: 3, info: 4, debug: 5, trace: 6 } as const;
  return all.slice(0, names[logLevel]);
}
