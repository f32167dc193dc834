import { type FieldFault, say } from '@aos/contracts';
import { z } from 'zod';
import { canonicalHash } from '../../platform/http/canonical-hash.js';
import { AosError, faultAt } from '../../platform/http/problem.js';
import type { Document } from '../proposals/index.js';
import { escaped } from './chain/hidden-text.js';
import { definitionHash, shown } from './chain/pins.js';
import { ServerTellsOtherwise } from './integrations.errors.js';
import type { Operation } from './openapi/operations.js';
import type { RestService } from './openapi/rest-upstream.js';
import type { ListedTool, ServerRow } from './registry.js';
import type { ToolDefinition } from './upstreams/upstream.js';

/** So much of definitions can be looked at, in one change. */
const MOST_MB = 4;

/** What a second person is shown of a tool. The hash is of the definition as it was told, which is what is confirmed. */
export const shownTool = (definition: ToolDefinition, operation?: Operation) => ({
  name: escaped(definition.name),
  hash: definitionHash(definition),
  ...(operation && {
    request: `${operation.method} ${operation.baseUrl ?? ''}${escaped(operation.path)}`,
  }),
  ...shown({
    title: definition.title,
    description: definition.description,
    inputSchema: definition.inputSchema,
    outputSchema: definition.outputSchema,
    annotations: definition.annotations,
  }),
});

export function shownTools(tools: readonly ListedTool[], service?: RestService | null) {
  const operations = new Map(service?.tools.map(({ operation }) => [operation.tool, operation]));
  return tools.map(({ definition }) => shownTool(definition, operations.get(definition.name)));
}

const WithTools = z.object({
  tools: z.array(z.object({ name: z.string(), hash: z.string() })).default([]),
});

/** @throws ServerTellsOtherwise where its tools are not those that were shown. */
export function requireTold(server: string, seen: unknown, tools: readonly ListedTool[]): void {
  const before = new Map(WithTools.parse(seen).tools.map(({ hash, name }) => [hash, name]));
  const now = new Map(
    tools.map(({ definition }) => [definitionHash(definition), escaped(definition.name)]),
  );
  const gone = [...before].flatMap(([hash, name]) => (now.has(hash) ? [] : name));
  const come = [...now].flatMap(([hash, name]) => (before.has(hash) ? [] : name));
  const errors: FieldFault[] = [...new Set([...gone, ...come])].map((name) =>
    faultAt(
      `tools.${name}`,
      say(!come.includes(name) ? 'told-gone' : gone.includes(name) ? 'told-otherwise' : 'told-new'),
    ),
  );
  if (errors.length > 0) throw new ServerTellsOtherwise(server, errors);
}

/** A server as people see it before they change it. When it was registered tells it from another of its name. */
export const serverDocument = (row: ServerRow) => ({
  description: row.description,
  timeoutMs: row.timeout_ms,
  enabled: row.is_enabled,
  idempotentTools: row.idempotent_tools,
  limits: row.limits,
  ...(row.transport === 'stdio' ? { command: row.command, args: row.args } : { url: row.base_url }),
  auth: row.auth ?? (row.auth_token === null ? null : { secret: row.auth_token }),
  registeredAt: row.created_at.toISOString(),
});

/** @throws AosError precondition_failed where a confirmed change was made on another server, or on another state of it. */
export function requireSameServer(row: ServerRow, seen: Document | null): void {
  const { tools: _, ...before } = seen ?? {};
  if (canonicalHash(serverDocument(row)) !== canonicalHash(before))
    throw new AosError('precondition_failed', say('server-moved', { server: row.name }));
}

/** As the audit has it: of a definition its hash. */
export function briefly(document: Document | null): Document | null {
  if (document === null) return null;
  const { tools, servers, definition: _, ...rest } = document;
  return {
    ...rest,
    ...(Array.isArray(tools) && {
      tools: tools.map(({ name, hash }: { name: string; hash: string }) => ({ name, hash })),
    }),
    ...(Array.isArray(servers) && { servers: servers.map((each) => briefly(each as Document)) }),
  };
}

/** @throws AosError validation_failed */
export function requireReadable(...documents: (Document | null)[]): void {
  const megabytes = Buffer.byteLength(JSON.stringify(documents)) / 2 ** 20;
  if (megabytes > MOST_MB)
    throw new AosError(
      'validation_failed',
      say('server-told-long', { size: megabytes.toFixed(1), most: MOST_MB }),
    );
}
