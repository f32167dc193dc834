import type { INestApplicationContext } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Problem, errorCodes } from '@aos/contracts';
import { z } from 'zod';
import { ACCESS, type AccessRule } from './access.js';
import { swaggerWithNotes } from './api-notes.js';

type Json = Record<string, unknown>;
type Variant = 'input' | 'output';

/**
 * The OpenAPI 3.1 document, made from the routes and the contract's schemas.
 *
 * A schema with an id becomes one component. What goes in and what comes out can differ for the same schema
 * (a default makes a field optional on the way in and certain on the way out); then what comes out keeps
 * the name, and what goes in is called `…Input`. Where both are alike, or only one is used, there is one.
 * Components are sorted, so that the file changes only when the API does.
 */
export async function buildOpenApi(app: NestExpressApplication): Promise<OpenAPIObject> {
  const { DocumentBuilder, SwaggerModule } = await swaggerWithNotes();
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('AOS')
    .setDescription(
      'An operations centre for AI agents. Errors are application/problem+json (RFC 9457). Every write takes Idempotency-Key.',
    )
    .setVersion('0.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer' }, 'bearer')
    .addCookieAuth('aos_session', { type: 'apiKey', in: 'cookie', name: 'aos_session' }, 'cookie')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    standardSchemaConverter: (schema, { schemaType }) =>
      toComponents(schema as z.ZodType, schemaType),
  });
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    ...(toComponents(Problem, 'output').components as object),
  };
  document.components.responses = refusals();
  completeOperations(document, rulesByOperation(app));
  return settleNames(document);
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const variantName = (id: string, variant: Variant) => `${id}__${variant}`;

function toComponents(
  schema: z.ZodType,
  io: Variant,
): { schema: unknown; components: Record<string, Json> } {
  const {
    $schema: _,
    $defs = {},
    ...root
  } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // What comes out may gain fields in a later version: clients are not told to refuse them.
      if (io === 'output' && def.type === 'object' && !def.catchall)
        delete jsonSchema.additionalProperties;
      if (def.type === 'record') delete jsonSchema.propertyNames;
    },
  }) as Json & { $defs?: Record<string, Json> };
  const components: Record<string, Json> = {};
  for (const [id, definition] of Object.entries($defs))
    components[variantName(id, io)] = withoutId(pointToComponents(definition, io) as Json);
  const id = z.globalRegistry.get(schema)?.id;
  if (id === undefined) return { schema: pointToComponents(root, io), components };
  // A schema with an id comes as a reference to its definition or, when nothing else refers to it, as itself.
  if (!('$ref' in root))
    components[variantName(id, io)] = withoutId(pointToComponents(root, io) as Json);
  return { schema: ref(variantName(id, io)), components };
}

function withoutId({ id: _, ...schema }: Json): Json {
  return schema;
}

function pointToComponents(value: unknown, io: Variant): unknown {
  if (Array.isArray(value)) return value.map((each) => pointToComponents(each, io));
  if (typeof value !== 'object' || value === null) return value;
  // A named format says it; zod's pattern for it is ten lines of noise in every client.
  const { pattern, ...rest } = value as Json;
  const kept = typeof rest['format'] === 'string' || pattern === undefined ? rest : value;
  return Object.fromEntries(
    Object.entries(kept).map(([key, each]) =>
      key === '$ref' && typeof each === 'string'
        ? [key, ref(variantName(each.replace('#/$defs/', ''), io)).$ref]
        : [key, pointToComponents(each, io)],
    ),
  );
}

/** Makes one component of the two variants of a schema wherever they are alike, through all references. */
function settleNames(document: OpenAPIObject): OpenAPIObject {
  const schemas = document.components?.schemas as Record<string, Json>;
  const plain = (text: string) => text.replace(/__(?:input|output)\b/g, '');
  const differing = new Set<string>();
  const both = Object.keys(schemas).filter(
    (name) => name.endsWith('__input') && name.replace(/__input$/, '__output') in schemas,
  );
  const bodies = new Map(
    both.map((name) => {
      const output = schemas[name.replace(/__input$/, '__output')];
      return [plain(name), [JSON.stringify(schemas[name]), JSON.stringify(output)] as const];
    }),
  );
  for (const [id, [input, output]] of bodies) if (plain(input) !== plain(output)) differing.add(id);
  for (let grown = true; grown;) {
    grown = false;
    for (const [id, [input]] of bodies) {
      if (differing.has(id)) continue;
      const uses = [...input.matchAll(/#\/components\/schemas\/(\w+?)__input"/g)].map(
        (match) => match[1]!,
      );
      if (uses.some((used) => differing.has(used))) grown = Boolean(differing.add(id));
    }
  }
  const settled = JSON.parse(
    JSON.stringify(document).replace(
      /(\w+?)__(input|output)(?=")/g,
      (_, id: string, variant: Variant) =>
        variant === 'input' && differing.has(id) ? `${id}Input` : id,
    ),
  ) as OpenAPIObject;
  const components = settled.components!;
  components.schemas = Object.fromEntries(
    Object.entries(components.schemas ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return settled;
}

const problem = { 'application/problem+json': { schema: ref(variantName('Problem', 'output')) } };

/** One response for each status that the catalogue of errors has, with the codes that travel with it. */
function refusals(): Record<string, { description: string; content: typeof problem }> {
  const codesOf = new Map<number, string[]>();
  for (const [code, { status }] of Object.entries(errorCodes))
    codesOf.set(status, [...(codesOf.get(status) ?? []), code]);
  return Object.fromEntries(
    [...codesOf]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        `Problem${status}`,
        {
          description: `\`code\` is ${codes.join(', ')}`.replace(/, (?=\w+$)/, ' or '),
          content: problem,
        },
      ]),
  );
}

/** The statuses that come of how a route is made. What only its handler knows is among 4XX and 5XX. */
function statusesOf(
  path: string,
  method: string,
  operation: Operation,
  isPublic: boolean,
): number[] {
  const has = (name: string) => (operation.parameters ?? []).some((each) => each['name'] === name);
  return [
    ...[400, 403, 500, 503],
    ...(isPublic ? [] : [401]),
    ...(path.includes('{') ? [404] : []),
    ...(method === 'get' ? [] : [409]),
    ...(has('If-Match') ? [412, 428] : []),
    ...(operation.requestBody ? [413, 415, 422] : []),
  ];
}

interface Operation {
  operationId?: string;
  responses: Json;
  requestBody?: unknown;
  parameters?: Json[];
  security?: Json[];
  description?: string;
  [extension: `x-${string}`]: unknown;
}

function completeOperations(document: OpenAPIObject, rules: Map<string, AccessRule>): void {
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, value] of Object.entries(operations as Record<string, unknown>)) {
      if (typeof value !== 'object' || value === null || !('responses' in value)) continue;
      const operation = value as Operation;
      const rule = rules.get(operation.operationId ?? '');
      const isPublic = rule?.kind === 'public';
      operation.security = isPublic ? [] : [{ bearer: [] }, { cookie: [] }];
      if (rule?.kind === 'permission') {
        operation['x-permission'] = rule.permission;
        operation.description = [
          operation.description,
          `Needs the permission \`${rule.permission}\`.`,
        ]
          .filter(Boolean)
          .join('\n\n');
      }
      for (const status of statusesOf(path, method, operation, isPublic))
        operation.responses[status] ??= { $ref: `#/components/responses/Problem${status}` };
      operation.responses['4XX'] = { description: 'Refused; `code` says why', content: problem };
      operation.responses['5XX'] = { description: 'Failed on our side', content: problem };
      if (method !== 'get' && !isPublic)
        (operation.parameters ??= []).push({
          name: 'Idempotency-Key',
          in: 'header',
          required: false,
          description: 'The same key and body give the first answer again',
          schema: { type: 'string', minLength: 1, maxLength: 255 },
        });
    }
}

function rulesByOperation(app: INestApplicationContext): Map<string, AccessRule> {
  const rules = new Map<string, AccessRule>();
  for (const module of app.get(ModulesContainer).values())
    for (const { metatype } of module.controllers.values()) {
      const prototype = (metatype as { prototype?: object } | null)?.prototype;
      for (const name of Object.getOwnPropertyNames(prototype ?? {})) {
        const handler: unknown = (prototype as Record<string, unknown>)[name];
        if (typeof handler !== 'function') continue;
        const operation = Reflect.getMetadata('swagger/apiOperation', handler) as
          { operationId?: string } | undefined;
        const rule = (Reflect.getMetadata(ACCESS, handler) ??
          Reflect.getMetadata(ACCESS, metatype!)) as AccessRule | undefined;
        if (operation?.operationId && rule) rules.set(operation.operationId, rule);
      }
    }
  return rules;
}
