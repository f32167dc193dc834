import { z } from 'zod';
import { Timestamp, pageOf } from './page.js';

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,39}$/,
    'a small letter, then small letters, digits, _ or -, at most 40',
  );

export const RegisterServer = z
  .strictObject({
    name,
    transport: z.enum(['http', 'sse', 'stdio']),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    // Their lengths are judged with the rest of the launch: one answer (launch_refused) for all of it.
    command: z.string().min(1).optional(),
    args: z.array(z.string()).max(100).optional(),
    description: z.string().max(2000).optional(),
    auth: z.strictObject({ secret: z.string().max(128) }).optional(),
    timeoutMs: z.number().int().min(100).max(600_000).optional(),
    idempotentTools: z.array(z.string().max(200)).max(1000).optional(),
    prefix: z.boolean().optional(),
  })
  .superRefine((s, ctx) => {
    if (s.transport === 'stdio' && !s.command)
      ctx.addIssue({ code: 'custom', path: ['command'], message: 'stdio needs a command' });
    if (s.transport !== 'stdio' && !s.url)
      ctx.addIssue({ code: 'custom', path: ['url'], message: `${s.transport} needs a url` });
  })
  .meta({ id: 'RegisterServer' });
export type RegisterServer = z.infer<typeof RegisterServer>;

export const PatchServer = z
  .strictObject({
    description: z.string().max(2000).optional(),
    timeoutMs: z.number().int().min(100).max(600_000).optional(),
    enabled: z.boolean().optional(),
    idempotentTools: z.array(z.string().max(200)).max(1000).optional(),
  })
  .meta({ id: 'PatchServer' });
export type PatchServer = z.infer<typeof PatchServer>;

export const McpServerInfo = z
  .object({
    name: z.string(),
    url: z.string(),
    transport: z.enum(['http', 'sse', 'stdio', 'builtin', 'agent']),
    command: z.string().nullable(),
    args: z.array(z.string()),
    description: z.string(),
    /** Name of the secret that it is signed in to with. */
    authSecret: z.string().nullable(),
    caps: z.record(z.string(), z.unknown()),
    enabled: z.boolean(),
    health: z.object({
      state: z.enum(['unknown', 'healthy', 'unhealthy', 'disabled']),
      checkedAt: Timestamp.nullable(),
      error: z.string().nullable(),
      latencyMs: z.number().nullable(),
    }),
    quota: z.record(z.string(), z.unknown()),
    tools: z.number().int(),
    timeoutMs: z.number().int(),
    idempotentTools: z.array(z.string()),
    version: z.number().int(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'McpServerInfo' });
export type McpServerInfo = z.infer<typeof McpServerInfo>;
export const McpServerPage = pageOf(McpServerInfo).meta({ id: 'McpServerPage' });

export const McpTool = z
  .object({
    server: z.string(),
    name: z.string(),
    /** `<server>.<tool>`, as a step names it. */
    tool: z.string(),
    /** `<server>__<tool>`, as the aggregate endpoint names it. */
    aggregateName: z.string(),
    title: z.string().nullable(),
    description: z.string(),
    inputSchema: z.record(z.string(), z.unknown()),
    outputSchema: z.record(z.string(), z.unknown()).nullable(),
    idempotent: z.boolean(),
    readOnly: z.boolean(),
  })
  .meta({ id: 'McpTool' });
export type McpTool = z.infer<typeof McpTool>;
export const McpToolPage = pageOf(McpTool).meta({ id: 'McpToolPage' });

export const CallTool = z
  .strictObject({
    server: z.string().min(1).max(64),
    tool: z.string().min(1).max(200),
    args: z.record(z.string(), z.unknown()).default({}),
    caps: z.string().max(4000).optional(),
    dryRun: z.boolean().optional(),
  })
  .meta({ id: 'CallTool' });
export type CallTool = z.infer<typeof CallTool>;

export const CallAnswer = z
  .object({
    callId: z.string(),
    traceId: z.string(),
    isError: z.boolean(),
    content: z.array(z.record(z.string(), z.unknown())),
    structuredContent: z.record(z.string(), z.unknown()).nullable(),
    durationMs: z.number(),
  })
  .meta({ id: 'CallAnswer' });
export type CallAnswer = z.infer<typeof CallAnswer>;

/** A tool as `server.tool`, where `*` stands for any run of characters. */
const toolPattern = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without blanks');

export const IssueGrant = z
  .strictObject({
    tools: z.array(toolPattern).min(1).max(100),
    maxCalls: z.number().int().min(1).max(1_000_000).optional(),
    ttlSeconds: z.number().int().min(1).max(3600).default(300),
  })
  .meta({ id: 'IssueGrant' });
export type IssueGrant = z.infer<typeof IssueGrant>;

/** Shown once. Send it as `caps` of a call, or as the bearer token of `/mcp`. */
export const IssuedGrant = z
  .object({ id: z.string(), grant: z.string(), expiresAt: Timestamp })
  .meta({ id: 'IssuedGrant' });
export type IssuedGrant = z.infer<typeof IssuedGrant>;

/** RFC 9728. */
export const ProtectedResource = z
  .object({
    resource: z.string(),
    resource_name: z.string(),
    authorization_servers: z.array(z.string()).optional(),
    scopes_supported: z.array(z.string()),
    bearer_methods_supported: z.array(z.string()),
  })
  .meta({ id: 'ProtectedResource' });
export type ProtectedResource = z.infer<typeof ProtectedResource>;
