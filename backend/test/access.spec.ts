import { AuditModule } from '../src/modules/audit/index.js';
import { ConfigModule } from '../src/modules/config/index.js';
import { HealthModule } from '../src/modules/health/index.js';
import { ProjectsModule } from '../src/modules/projects/index.js';
import { accessFaults, routesOf } from './access-table.js';
import { type HttpApp, openHttpApp } from './http-app.js';

let http: HttpApp;
beforeAll(async () => {
  http = await openHttpApp({ imports: [AuditModule, ConfigModule, HealthModule, ProjectsModule] });
});
afterAll(() => http.close());

it('declares a rule for every route', () => {
  expect(routesOf(http).length).toBeGreaterThan(25);
  expect(routesOf(http).filter(({ rule }) => rule === undefined)).toEqual([]);
});

it('opens to nobody without a session but what is public', () => {
  const open = routesOf(http).filter(({ rule }) => rule?.kind === 'public');
  expect(open.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /auth/login',
    'GET /health/live',
    'GET /health/ready',
    'GET /metrics',
  ]);
});

it('lets each role through every route that it should, and no other', async () => {
  expect(await accessFaults(http)).toEqual([]);
});
