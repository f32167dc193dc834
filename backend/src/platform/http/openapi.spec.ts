import { errorCodes } from '@aos/contracts';
import { AuditModule } from '../../modules/audit/index.js';
import { ConfigModule } from '../../modules/config/index.js';
import { HealthModule } from '../../modules/health/index.js';
import { ProjectsModule } from '../../modules/projects/index.js';
import { routesOf } from '../../../test/access-table.js';
import { type HttpApp, openHttpApp } from '../../../test/http-app.js';

interface Operation {
  operationId: string;
  security: unknown[];
  responses: Record<string, unknown>;
  parameters: { name: string; in: string }[];
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: {
    responses: Record<string, { description: string }>;
    schemas: Record<string, { properties?: Record<string, unknown>; required?: string[] }>;
  };
}

let http: HttpApp;
beforeAll(async () => {
  http = await openHttpApp({ imports: [AuditModule, ConfigModule, HealthModule, ProjectsModule] });
});
afterAll(() => http.close());

async function document(): Promise<Document> {
  return (await http.call<Document>('/api/openapi.json')).body;
}

it('describes every route as OpenAPI 3.1, with an id of its own, its rule and its problems', async () => {
  const { openapi, paths } = await document();
  expect(openapi).toBe('3.1.0');
  const documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, ...operation })),
  );
  const described = documented.map(
    ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
  );
  expect(described.sort()).toEqual(
    routesOf(http)
      .map(({ method, path }) => `${method} ${path}`)
      .sort(),
  );
  const ids = documented.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  for (const operation of documented) {
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['4XX', '5XX']));
    const isPublic = [
      ...['login', 'healthLive', 'healthReady', 'metrics'],
      ...['getProtectedResource', 'getProtectedResourceOfMcp', 'getSigningKeys'],
    ].includes(operation.operationId);
    expect([operation.operationId, operation.security.length > 0]).toEqual([
      operation.operationId,
      !isPublic,
    ]);
    const takesKey = operation.parameters.some(({ name }) => name === 'Idempotency-Key');
    expect([operation.operationId, takesKey]).toEqual([
      operation.operationId,
      operation.method !== 'get' && !isPublic,
    ]);
  }
});

it('refers to components that are there, none of them to itself', async () => {
  const whole = await document();
  const { schemas } = whole.components;
  const used = [...JSON.stringify(whole).matchAll(/#\/components\/schemas\/(\w+)/g)].map(
    (match) => match[1]!,
  );
  expect(used.filter((name) => !(name in schemas))).toEqual([]);
  for (const [name, schema] of Object.entries(schemas))
    expect([name, '$ref' in schema]).toEqual([name, false]);
  expect(schemas['Problem']!.required).toEqual(
    expect.arrayContaining(['type', 'title', 'status', 'detail', 'code', 'traceId']),
  );
  expect(JSON.stringify(whole)).not.toMatch(/__(input|output)|\$defs|"id":"[A-Z]/);
});

it('tells what goes in from what comes out where they differ, and only there', async () => {
  const { schemas } = (await document()).components;
  expect(schemas['SystemConfig']!.required).toContain('llm');
  expect(schemas['SystemConfigInput']!.required ?? []).not.toContain('llm');
  expect(Object.keys(schemas).filter((name) => name.endsWith('Input'))).toEqual([
    ...['ApproversInput', 'PolicyConditionInput', 'PolicyDocumentInput', 'PolicyRuleInput'],
    'SecondPersonRuleInput',
    'SignInProviderInput',
    'SystemConfigInput',
  ]);
});

it('says with which statuses a route refuses, and which codes travel with them', async () => {
  const { paths, components } = await document();
  const statuses = (path: string, method: string) =>
    Object.keys(paths[path]![method]!.responses).filter((status) => !status.startsWith('2'));
  const rest = ['4XX', '5XX'];
  expect(statuses('/auth/login', 'post')).toEqual(
    expect.arrayContaining(['400', '413', '415', '422', '500', '503', ...rest]),
  );
  expect(statuses('/auth/login', 'post')).not.toContain('404');
  expect(statuses('/projects', 'get')).toEqual(['400', '401', '403', '500', '503', ...rest]);
  expect(statuses('/projects/{id}', 'patch')).toEqual([
    ...['400', '401', '403', '404', '409', '412', '413', '415', '422', '428', '500', '503'],
    ...rest,
  ]);
  const told = new Map<string, number>();
  for (const [name, { description }] of Object.entries(components.responses))
    for (const [, code] of description.matchAll(/\b([a-z]+(?:_[a-z]+)*)(?=,| or |$)/g))
      told.set(code!, Number(name.replace('Problem', '')));
  for (const [code, { status }] of Object.entries(errorCodes))
    expect([code, told.get(code)]).toEqual([code, status]);
  const referred = [...JSON.stringify(paths).matchAll(/#\/components\/responses\/(\w+)/g)];
  expect(referred.filter((match) => !(match[1]! in components.responses))).toEqual([]);
});

it('has a page to browse it that loads nothing from elsewhere and runs nothing inline', async () => {
  const page = await http.call('/api/docs');
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.text).not.toMatch(/https?:|<script>|onload|style=/);
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
  expect(loaded.length).toBe(4);
  for (const path of loaded) expect([path, (await http.call(path)).status]).toEqual([path, 200]);
  expect((await http.call('/api/docs/package.json')).status).toBe(404);
});
