import { z } from 'zod';
import { Approvers } from './approvals.js';
import { Said } from './said.js';
import { FieldFault, Timestamp, pageOf } from './page.js';

const name = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,39}$/,
    'a small letter, then small letters, digits, _ or -, at most 40',
  );

/** Of one server; what is null or absent is as the settings say. */
export const ServerLimits = z
  .strictObject({
    perMinute: z.number().int().min(1).max(10_000_000).nullable().optional(),
    perDay: z.number().int().min(1).max(1_000_000_000).nullable().optional(),
    toolPerMinute: z.number().int().min(1).max(10_000_000).nullable().optional(),
    concurrent: z.number().int().min(1).max(10_000).nullable().optional(),
  })
  .meta({ id: 'ServerLimits' });
export type ServerLimits = z.infer<typeof ServerLimits>;

/** A token of an authorization server to sign in with at a tool server. Secrets by their names. */
export const OutboundOAuth = z
  .strictObject({
    type: z.enum(['client-credentials', 'token-exchange']),
    clientId: z.string().min(1).max(500),
    /** The client's secret. */
    secret: z.string().max(128),
    /** Of an exchange: the secret whose value is exchanged for a token of this server (RFC 8693). */
    subjectSecret: z.string().max(128).optional(),
    /**
     * Of an exchange, instead: each caller gets a token of their own, for an assertion about them that AOS signs with the
     * keys at `/.well-known/jwks.json`. What the caller has shown to AOS is not part of it.
     */
    perCaller: z.literal(true).optional(),
    tokenUrl: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    /** Whose metadata name the token endpoint; instead of tokenUrl. */
    issuer: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    scope: z.string().max(2000).optional(),
    audience: z.string().max(2000).optional(),
    resource: z.url().max(2000).optional(),
  })
  .superRefine((auth, ctx) => {
    if ((auth.tokenUrl === undefined) === (auth.issuer === undefined))
      ctx.addIssue({ code: 'custom', path: ['tokenUrl'], message: 'give a tokenUrl or an issuer' });
    const subjects = Number(auth.subjectSecret !== undefined) + Number(auth.perCaller === true);
    if (subjects !== (auth.type === 'token-exchange' ? 1 : 0))
      ctx.addIssue({
        code: 'custom',
        path: ['subjectSecret'],
        message: 'goes with an exchange, and an exchange needs it or perCaller',
      });
  })
  .meta({ id: 'OutboundOAuth' });
export type OutboundOAuth = z.infer<typeof OutboundOAuth>;

/** How a server is signed in to: with a secret as it is, or with a token that is had for one. */
export const ServerAuth = z.union([OutboundOAuth, z.strictObject({ secret: z.string().max(128) })]);
export type ServerAuth = z.infer<typeof ServerAuth>;

/** The public keys by which the assertions of `perCaller` are checked (RFC 7517). */
export const SigningKeys = z
  .object({ keys: z.array(z.record(z.string(), z.string())) })
  .meta({ id: 'SigningKeys' });
export type SigningKeys = z.infer<typeof SigningKeys>;

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
    auth: ServerAuth.optional(),
    timeoutMs: z.number().int().min(100).max(600_000).optional(),
    idempotentTools: z.array(z.string().max(200)).max(1000).optional(),
    prefix: z.boolean().optional(),
    limits: ServerLimits.optional(),
  })
  .superRefine((s, ctx) => {
    if (s.transport === 'stdio' && !s.command)
      ctx.addIssue({ code: 'custom', path: ['command'], message: 'stdio needs a command' });
    if (s.transport !== 'stdio' && !s.url)
      ctx.addIssue({ code: 'custom', path: ['url'], message: 'http and sse need a url' });
    // What would be left aside is refused: whoever sends both has one of the two in mind.
    if (s.transport === 'stdio' && s.url !== undefined)
      ctx.addIssue({ code: 'custom', path: ['url'], message: 'stdio takes no url' });
    if (s.transport !== 'stdio' && s.command !== undefined)
      ctx.addIssue({ code: 'custom', path: ['command'], message: 'http and sse take no command' });
  })
  .meta({ id: 'RegisterServer' });
export type RegisterServer = z.infer<typeof RegisterServer>;

/**
 * With another way to the server (`url`, `command`, `args`, `auth`) it is asked there first: one that does not answer
 * changes nothing, and tools that are told of otherwise than approved are off until somebody has looked at them.
 */
export const PatchServer = z
  .strictObject({
    /** Of a server over HTTP. */
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional(),
    /** Of a server over stdio. */
    command: z.string().min(1).optional(),
    args: z.array(z.string()).max(100).optional(),
    /** Null: it is signed in to no longer. */
    auth: ServerAuth.nullable().optional(),
    description: z.string().max(2000).optional(),
    timeoutMs: z.number().int().min(100).max(600_000).optional(),
    enabled: z.boolean().optional(),
    idempotentTools: z.array(z.string().max(200)).max(1000).optional(),
    limits: ServerLimits.optional(),
  })
  .meta({ id: 'PatchServer' });
export type PatchServer = z.infer<typeof PatchServer>;

/** Tools that a server tells of and nobody is offered, and why; at most 20. */
export const LeftOutTools = z.array(
  z.object({
    /** Empty where it has no name. */
    tool: z.string(),
    why: z.string(),
    /** The same by its code. */
    said: Said,
  }),
);

export const McpServerInfo = z
  .object({
    name: z.string(),
    url: z.string(),
    transport: z.enum(['http', 'sse', 'stdio', 'builtin', 'agent', 'openapi']),
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
      /** The error by its code, where it is AOS that says it. */
      said: Said.optional(),
      latencyMs: z.number().nullable(),
    }),
    /** Calls used of what is let through; null where there is no limit. */
    quota: z.object({
      perMinute: z.object({ limit: z.number().int(), used: z.number().int() }).nullable(),
      perDay: z.object({ limit: z.number().int(), used: z.number().int() }).nullable(),
      concurrent: z.object({ limit: z.number().int(), used: z.number().int() }),
    }),
    limits: ServerLimits,
    circuit: z.object({
      state: z.enum(['closed', 'open', 'half-open']),
      retryAt: Timestamp.nullable(),
    }),
    /** Of the last calls, as the answering process saw them. */
    stats: z.object({
      windowSeconds: z.number().int(),
      calls: z.number().int(),
      errors: z.number().int(),
      errorRate: z.number(),
      p50Ms: z.number().nullable(),
      p95Ms: z.number().nullable(),
    }),
    /** How it gets the token that it signs in with, when that is one of an authorization server. */
    oauth: OutboundOAuth.nullable(),
    /** Definitions that wait for somebody: changed since they were pinned, or with hidden text. */
    pins: z.object({ changed: z.number().int(), quarantined: z.number().int() }),
    tools: z.number().int(),
    leftOut: LeftOutTools,
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
    /** `<server>__<tool>` in plain letters, as the aggregate endpoint names it, where two would be called the same, with a hash. */
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
    /** A grant that narrows what the call may do. */
    caps: z.string().max(8000).optional(),
    /** The retry handle of an earlier answer, once somebody has approved. */
    approval: z.string().max(4000).optional(),
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
    /** Why it failed, by its code, where it is one of AOS's own tools that says it. */
    said: Said.optional(),
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

/** 202 of a call: a policy asks for somebody's approval first. */
export const CallPending = z
  .object({
    status: z.literal('approval_required'),
    approvalId: z.string(),
    /** Send it as `approval` of the same call once the approval was granted. Good for one call. */
    retryHandle: z.string(),
    expiresAt: Timestamp,
    /** Who has to say yes; never whoever calls. */
    approvers: Approvers,
    /** So many have, of `approvers.count`. */
    given: z.number().int(),
    detail: z.string(),
    traceId: z.string(),
  })
  .meta({ id: 'CallPending' });
export type CallPending = z.infer<typeof CallPending>;

/** What one link of the chain would do with a call. */
export const CallFinding = z
  .object({
    link: z.string(),
    verdict: z.enum(['pass', 'ask', 'stop', 'unknown']),
    says: z.string(),
    /** What it says, by its codes. */
    said: z.array(Said).optional(),
    code: z.string().optional(),
    errors: z.array(FieldFault).optional(),
    retryAfterSeconds: z.number().optional(),
  })
  .meta({ id: 'CallFinding' });
export type CallFinding = z.infer<typeof CallFinding>;

export const PolicyEffect = z.enum(['allow', 'deny', 'approve']).meta({ id: 'PolicyEffect' });
export type PolicyEffect = z.infer<typeof PolicyEffect>;

/** A name, with `*` for any run of characters. */
const namePattern = z.string().min(1).max(300);

export const PolicyCondition = z
  .strictObject({
    /**
     * JSON pointer into the arguments; `*` stands for every member of a list or an object. An allowing rule wants the
     * condition of all that are there, any other of one: so one harmful member is enough to keep a tool shut.
     */
    pointer: z
      .string()
      .max(500)
      .regex(/^(\/.*)?$/, 'a JSON pointer: empty, or beginning with /'),
    op: z.enum([
      'exists',
      'equals',
      'one-of',
      'less-than',
      'greater-than',
      'starts-with',
      'contains',
      'matches',
    ]),
    /** What to compare with. For `matches` a pattern of RE2. */
    value: z.unknown().optional(),
    negate: z.boolean().default(false),
  })
  .meta({ id: 'PolicyCondition' });
export type PolicyCondition = z.infer<typeof PolicyCondition>;

/** Every part that is given has to match; lists match when one of their members does. */
export const PolicyRule = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,79}$/, 'small letters, digits, . _ -, at most 80'),
    effect: PolicyEffect,
    description: z.string().max(1000).default(''),
    enabled: z.boolean().default(true),
    servers: z.array(namePattern).min(1).max(100).optional(),
    tools: z.array(namePattern).min(1).max(100).optional(),
    roles: z.array(z.string().min(1).max(80)).min(1).max(100).optional(),
    /** Names or ids of agents. */
    agents: z.array(namePattern).min(1).max(100).optional(),
    projects: z.array(namePattern).min(1).max(100).optional(),
    when: z.array(PolicyCondition).max(20).default([]),
    /** Only of a rule that asks (`approve`): who has to say yes. */
    approvers: Approvers.optional(),
  })
  .meta({ id: 'PolicyRule' });
export type PolicyRule = z.infer<typeof PolicyRule>;

/** In order; the first rule that matches decides, else the default. */
export const PolicyDocument = z
  .strictObject({
    default: PolicyEffect.default('allow'),
    rules: z.array(PolicyRule).max(500).default([]),
  })
  .meta({ id: 'PolicyDocument' });
export type PolicyDocument = z.infer<typeof PolicyDocument>;

export const Policies = z
  .object({
    version: z.number().int(),
    updatedAt: Timestamp.nullable(),
    updatedBy: z.string(),
    document: PolicyDocument,
  })
  .meta({ id: 'Policies' });
export type Policies = z.infer<typeof Policies>;
export const PoliciesPage = pageOf(Policies).meta({ id: 'PoliciesPage' });

export const PreviewPolicies = z
  .strictObject({
    document: PolicyDocument,
    /**
     * A call to judge by the draft, link by link, without making it. By somebody with these roles, or by this agent
     * on their behalf; by whoever asks when there is neither.
     */
    call: z
      .strictObject({
        server: z.string().min(1).max(64),
        tool: z.string().min(1).max(200),
        args: z.record(z.string(), z.unknown()).default({}),
        roles: z.array(z.string().max(80)).max(100).default([]),
        agent: z.string().max(200).optional(),
        projectId: z.string().max(64).nullable().default(null),
      })
      .optional(),
  })
  .meta({ id: 'PreviewPolicies' });
export type PreviewPolicies = z.infer<typeof PreviewPolicies>;

const PolicyDecision = z.object({
  effect: PolicyEffect,
  rule: z.string().nullable(),
  /** Who has to say yes, where a rule says so. */
  approvers: Approvers.optional(),
});

/** What would become of a call. */
export const ForeseenCall = z
  .object({
    /** By the policies that are in force. */
    before: PolicyDecision,
    /** By the draft. */
    after: PolicyDecision,
    /** With the draft in force: nothing, a question to somebody, or a call. */
    outcome: z.enum(['stop', 'ask', 'call']),
    links: z.array(CallFinding),
  })
  .meta({ id: 'ForeseenCall' });
export type ForeseenCall = z.infer<typeof ForeseenCall>;

export const PoliciesPreview = z
  .object({
    /** The version compared with: send it as If-Match to save. */
    baseVersion: z.number().int(),
    changes: z.array(z.object({ path: z.string(), before: z.unknown(), after: z.unknown() })),
    call: ForeseenCall.nullable(),
    /** The last calls on record, judged by the draft. */
    recent: z.object({
      looked: z.number().int(),
      changed: z.array(
        z.object({
          callId: z.string(),
          tool: z.string(),
          startedAt: Timestamp,
          before: PolicyDecision,
          after: PolicyDecision,
        }),
      ),
    }),
  })
  .meta({ id: 'PoliciesPreview' });
export type PoliciesPreview = z.infer<typeof PoliciesPreview>;

export const PinState = z.enum(['pinned', 'changed', 'quarantined']).meta({ id: 'PinState' });
export type PinState = z.infer<typeof PinState>;

/** The definition of a tool as it was approved, and as its server tells it now. Hidden characters are shown as their code points. */
export const ToolPin = z
  .object({
    server: z.string(),
    tool: z.string(),
    state: PinState,
    /** Of the approved definition. */
    hash: z.string(),
    /** Of what waits for approval: the changed definition, or the one with hidden text. */
    waitingHash: z.string().nullable(),
    approvedBy: z.string().nullable(),
    changedAt: Timestamp.nullable(),
    definition: z.record(z.string(), z.unknown()),
    waiting: z.record(z.string(), z.unknown()).nullable(),
    differences: z.array(z.object({ path: z.string(), before: z.unknown(), after: z.unknown() })),
    hiddenText: z.array(
      z.object({ path: z.string(), kind: z.string(), characters: z.array(z.string()) }),
    ),
  })
  .meta({ id: 'ToolPin' });
export type ToolPin = z.infer<typeof ToolPin>;
export const ToolPinPage = pageOf(ToolPin).meta({ id: 'ToolPinPage' });

export const ApprovePin = z
  .strictObject({
    server: z.string().min(1).max(64),
    tool: z.string().min(1).max(200),
    /** The `waitingHash` that was looked at. */
    hash: z.string().min(1).max(128),
    comment: z.string().max(1000).optional(),
  })
  .meta({ id: 'ApprovePin' });
export type ApprovePin = z.infer<typeof ApprovePin>;
