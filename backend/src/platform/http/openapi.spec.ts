import { AuditModule } from '../../modules/audit/index.js';
import { ConfigModule } from '../../modules/config/index.js';
import { HealthModule } from '../../modules/health/index.js';
import { ProjectsModule } from '../../modules/projects/index.js';
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
    schemas: Record<string, { properties?: Record<string, unknown>; required?: string[] }>;
  };
}

let http: HttpApp;
beforeAll(async () => {
  http = await openHttpApp({ imports: [AuditModule, ConfigModule, HealthModule, ProjectsModule] });
});
afterAll(() => http.close());

it('describes every route as OpenAPI 3.1, with an id, its permission and the problems', async () => {
  const { body, status } = await http.call<Document>('/api/openapi.json');
  expect(status).toBe(200);
});
