import { WsAdapter } from '@nestjs/platform-ws';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { AppModule } from '../src/app.module.js';
import { configureHttp } from '../src/platform/http/configure-http.js';
import { accessFaults, routesOf } from './access-table.js';
import { type TestDatabase, openTestDatabase } from './harness.js';
import { temporaryFolder } from './temporary-folder.js';
import { type HttpApp, signInAs, testEnvironment } from './http-app.js';

/** The whole application: a route added anywhere is in the table by itself. */
let http: Pick<HttpApp, 'app' | 'baseUrl' | 'signIn'>;
let test: TestDatabase;
beforeAll(async () => {
  test = await openTestDatabase();
  const { database } = test;
  const environment = testEnvironment({ dataDir: await temporaryFolder() });
  const module = await Test.createTestingModule({
    imports: [AppModule.forRoot(environment, database)],
  }).compile();
  const app = module.createNestApplication<NestExpressApplication>({
    bodyParser: false,
    logger: false,
  });
  app.useWebSocketAdapter(new WsAdapter(app));
  configureHttp(app, environment);
  await app.listen(0, '127.0.0.1');
  const port = (app.getHttpServer().address() as { port: number }).port;
  http = {
    app,
    baseUrl: `http://127.0.0.1:${port}`,
    signIn: (role, projectId) => signInAs(database, role, projectId),
  };
});
afterAll(async () => {
  await http.app.close();
  await test.close();
});

it('declares a rule for every route', () => {
  expect(routesOf(http).length).toBeGreaterThan(60);
  expect(routesOf(http).filter(({ rule }) => rule === undefined)).toEqual([]);
});

it('opens to nobody without a session but what is public', () => {
  const open = routesOf(http).filter(({ rule }) => rule?.kind === 'public');
  expect(open.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /.well-known/jwks.json',
    'GET /.well-known/oauth-protected-resource/mcp',
    'GET /.well-known/oauth-protected-resource',
    'POST /auth/login',
    'POST /auth/providers/:name/begin',
    'GET /auth/providers/:name/callback',
    'GET /auth/providers/:name/sign-out',
    'POST /auth/providers/code',
    'GET /auth/providers',
    'GET /health/live',
    'GET /health/ready',
    'GET /metrics',
  ]);
});

it('lets each role through every route that it should, and no other', async () => {
  expect(await accessFaults(http)).toEqual([]);
}, 120_000);
