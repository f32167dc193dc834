import { z } from 'zod';
import { Said } from './said.js';
import { McpServerInfo, RegisterServer } from './integrations.js';

const secretName = z.string().min(1).max(128);

/** How requests to a REST service are signed: a secret by its name, sent as a bearer token, a header or a query parameter. */
export const OpenApiAuth = z
  .strictObject({
    secret: secretName,
    in: z.enum(['bearer', 'header', 'query']).default('bearer'),
    /** Of the header or the parameter. */
    name: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,100}$/)
      .optional(),
  })
  .refine((auth) => auth.in === 'bearer' || auth.name !== undefined, {
    message: 'a header or a query parameter needs a name',
  })
  .meta({ id: 'OpenApiAuth' });
export type OpenApiAuth = z.infer<typeof OpenApiAuth>;

export const ImportOpenApi = z
  .strictObject({
    name: RegisterServer.shape.name,
    /** Read already, or as the text of a file in JSON or YAML. */
    document: z.union([z.record(z.string(), z.unknown()), z.string().max(4_000_000)]).optional(),
    /** Where the document is, to be fetched from there; instead of `document`. */
    documentUrl: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    /** Where the service is; the document's first server when absent. Operations that have servers of their own are there. */
    baseUrl: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    auth: OpenApiAuth.optional(),
    /** Names of tools to take; all when absent. */
    include: z.array(z.string().max(200)).max(500).optional(),
    description: z.string().max(2000).optional(),
    /** Tells what would come of it, and keeps nothing. */
    preview: z.boolean().default(false),
  })
  .refine((input) => (input.document === undefined) !== (input.documentUrl === undefined), {
    path: ['document'],
    message: 'give a document or a documentUrl',
  })
  .meta({ id: 'ImportOpenApi' });
export type ImportOpenApi = z.infer<typeof ImportOpenApi>;

export const OpenApiImport = z
  .object({
    name: z.string(),
    baseUrl: z.string().nullable(),
    tools: z.array(
      z.object({
        name: z.string(),
        method: z.string(),
        path: z.string(),
        /**
         * Where the document says that this one is, in place of the `baseUrl` above. What the service is signed in to
         * with is sent to no other origin than its own.
         */
        baseUrl: z.string().optional(),
        title: z.string(),
        description: z.string(),
        inputSchema: z.record(z.string(), z.unknown()),
      }),
    ),
    refused: z.array(z.object({ operation: z.string(), why: z.string(), said: Said.optional() })),
    /** Null for a preview. */
    server: McpServerInfo.nullable(),
  })
  .meta({ id: 'OpenApiImport' });
export type OpenApiImport = z.infer<typeof OpenApiImport>;

export const ImportServers = z
  .strictObject({
    /** The file as it is, as Claude Desktop, Cursor and others write it. */
    mcpServers: z.record(z.string(), z.unknown()).optional(),
    /** As VS Code writes it; what its `inputs` ask a person for is a secret here, and named in `secrets`. */
    servers: z.record(z.string(), z.unknown()).optional(),
    inputs: z.array(z.unknown()).max(1000).optional(),
    /** Entries to take; all when absent. */
    include: z.array(z.string().max(200)).max(200).optional(),
    /** For entries that bring a secret or want one: the name of the secret to use, by entry. */
    secrets: z.record(z.string(), secretName).default({}),
    /** Tells what would come of it, and keeps nothing. */
    preview: z.boolean().default(false),
  })
  .refine((input) => (input.mcpServers === undefined) !== (input.servers === undefined), {
    path: ['mcpServers'],
    message: 'give mcpServers or servers',
  })
  .meta({ id: 'ImportServers' });
export type ImportServers = z.infer<typeof ImportServers>;

export const ImportedServer = z
  .object({
    /** The key in the document. */
    entry: z.string(),
    /** The name here. */
    name: z.string(),
    outcome: z.enum(['add', 'needs-secret', 'refused']),
    /** Of one that would be added: what would be downloaded and run for it. */
    why: z.string().nullable(),
    /** Why, by its code. */
    said: Said.optional(),
    /** The variable or header that wants a secret. */
    wants: z.string().nullable(),
    /** What would be registered; no value of the document that may be a secret is in it. */
    server: z
      .object({
        transport: z.string(),
        url: z.string().nullable(),
        command: z.string().nullable(),
        args: z.array(z.string()),
        secret: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'ImportedServer' });
export type ImportedServer = z.infer<typeof ImportedServer>;

export const ServersImport = z
  .object({
    items: z.array(ImportedServer),
    /** Empty for a preview. */
    added: z.array(McpServerInfo),
  })
  .meta({ id: 'ServersImport' });
export type ServersImport = z.infer<typeof ServersImport>;
