import { z } from 'zod';
import { Id, PageQuery, Timestamp, pageOf, shownName } from './page.js';
import { Said } from './said.js';

/**
 * Which changes are a proposal first, that a second person confirms: never whoever proposed it. While any of them is on,
 * a change of this rule itself is one as well.
 */
export const SecondPersonRule = z
  .strictObject({
    settings: z.boolean().default(false),
    policies: z.boolean().default(false),
    /** Roles, and who has them. */
    roles: z.boolean().default(false),
    /** Values of secrets: a first one, another one, and none any more. What a secret is for is not part of it. */
    secrets: z.boolean().default(false),
    /** Tool servers: which there are, where, what they may do, and which definitions of their tools hold. */
    servers: z.boolean().default(false),
    /** Only people with one of these roles may confirm; without any, everybody who could make the change themselves. */
    confirmers: z.array(z.string().min(1).max(80)).max(20).default([]),
  })
  .meta({ id: 'SecondPersonRule' });
export type SecondPersonRule = z.infer<typeof SecondPersonRule>;

/**
 * What is taken out of all that tools answer and servers say, before it is stored, told or given to a model: `pattern`, of
 * RE2 (no backreferences, no look-around: it takes time in proportion to the text), is shown as `[redacted NAME]`.
 */
export const RedactionRule = z.strictObject({
  name: z.string().regex(/^[a-z0-9._-]{1,80}$/, 'small letters, digits, . _ -, at most 80'),
  pattern: z.string().min(1).max(500),
});
export type RedactionRule = z.infer<typeof RedactionRule>;

/**
 * An OpenID Connect provider with which people sign in. Whom it means is kept by its issuer and their subject there, never by
 * an e-mail address.
 */
export const SignInProvider = z
  .strictObject({
    /** In addresses: `/auth/providers/NAME/callback` is what the provider has to let people come back to. */
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]{0,39}$/,
        'a small letter, then small letters, digits or -, at most 40',
      ),
    /** On the button. */
    label: z.string().trim().min(1).max(80),
    /** Exactly as its metadata say it. */
    issuer: z.url({ protocol: /^https?$/ }).max(2000),
    clientId: z.string().min(1).max(400),
    /** The name of a secret; absent for a client without one. */
    clientSecret: z.string().max(128).optional(),
    /** Asked for besides `openid`. */
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/, 'one scope, without blanks'))
      .max(20)
      .default(['profile', 'email']),
    /** Whether somebody who has no account is given one. It takes an e-mail address that the provider has verified. */
    createUsers: z.boolean().default(false),
    /** Only with a verified address of one of these; without any, of whatever domain. */
    allowedDomains: z
      .array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a domain in small letters'))
      .max(100)
      .default([]),
    /** The claim that `roles` looks at, as `groups` or `realm_access.roles`: a text, or a list of them. */
    roleClaim: z.string().min(1).max(200).optional(),
    /** What a value of the claim gives, everywhere, for as long as it is there. */
    roles: z
      .array(z.strictObject({ value: z.string().min(1).max(400), role: z.string().max(64) }))
      .max(200)
      .default([]),
    /** For whoever would hold no role otherwise. */
    defaultRole: z.string().max(64).optional(),
    /** What the provider has to say (`acr`, or one of `amr`) for its sign-in to stand for a second factor. */
    secondFactor: z
      .strictObject({
        acr: z.array(z.string().min(1).max(400)).max(20).default([]),
        amr: z.array(z.string().min(1).max(100)).max(20).default([]),
      })
      .prefault({}),
  })
  .meta({ id: 'SignInProvider' });
export type SignInProvider = z.infer<typeof SignInProvider>;

/** One address, or a range of them, of IPv4 or IPv6: `203.0.113.7`, `10.0.0.0/8`, `2001:db8::/32`. */
export const AllowedAddress = z.strictObject({
  address: z.string().trim().min(1).max(64),
  /** Whose it is, for people. */
  note: z.string().trim().max(200).default(''),
});
export type AllowedAddress = z.infer<typeof AllowedAddress>;

/** A header whose value is that of a secret, with `prefix` before it, such as `Bearer ` (with its blank). */
export const TraceHeader = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'the name of a header, at most 100 characters'),
  secret: z.string().min(1).max(128),
  prefix: z
    .string()
    .max(40)
    .regex(/^[\x20-\x7e]*$/, 'printable ASCII alone')
    .default(''),
});
export type TraceHeader = z.infer<typeof TraceHeader>;

/** System settings. A key that names a secret holds the secret's name, never its value. */
export const SystemConfig = z
  .strictObject({
    llm: z
      .strictObject({
        /** `openai` is whatever speaks that interface, whoever runs it. */
        provider: z.enum(['none', 'openai', 'anthropic', 'ollama']).default('none'),
        /** Without one the provider's own: api.openai.com, api.anthropic.com, 127.0.0.1:11434. */
        baseUrl: z.url({ protocol: /^https?$/ }).optional(),
        model: z.string().max(200).optional(),
        apiKeySecret: z.string().max(128).optional(),
        temperature: z.number().min(0).max(2).optional(),
        timeoutMs: z.number().int().min(100).max(600_000).default(60_000),
        /** CNY per million tokens, for the cost on a run. */
        inputPriceCny: z.number().min(0).default(0),
        outputPriceCny: z.number().min(0).default(0),
        /** What the model reads at once, in tokens; heeded by Ollama, which is told of it. */
        contextTokens: z.number().int().min(1024).max(4_194_304).optional(),
      })
      .prefault({}),
    /** What turns a text into numbers, so that memory is searched by meaning. Needs pgvector in the database. */
    embeddings: z
      .strictObject({
        provider: z.enum(['none', 'openai']).default('none'),
        baseUrl: z.url({ protocol: /^https?$/ }).optional(),
        model: z.string().min(1).max(200).optional(),
        apiKeySecret: z.string().max(128).optional(),
        /** Asked for of models that can be; a model's own number otherwise. More than 1536 do not fit. */
        dimensions: z.number().int().min(1).max(1536).optional(),
        timeoutMs: z.number().int().min(100).max(600_000).default(10_000),
      })
      .prefault({}),
    /**
     * Traces elsewhere, besides AOS itself, and which lines of the log are kept. OTEL_* of the process keep their own meaning and
     * win: see Installation.
     */
    telemetry: z
      .strictObject({
        /** OTLP over HTTP, as `https://collector.example:4318`; `/v1/traces` is put behind it unless it ends so. */
        endpoint: z
          .url({ protocol: /^https?$/ })
          .max(1000)
          .optional(),
        protocol: z.enum(['http/protobuf', 'http/json']).default('http/protobuf'),
        headers: z.array(TraceHeader).max(20).default([]),
        timeoutMs: z.number().int().min(100).max(30_000).default(10_000),
        /** What part of the traces goes there, each whole or not at all. AOS itself keeps all of them. */
        sampleRatio: z.number().min(0).max(1).default(1),
        /** Lines of the server below this are not kept. Those of agents always are. */
        keptLogs: z.enum(['info', 'warn', 'error']).default('info'),
      })
      .prefault({}),
    database: z
      .strictObject({
        /**
         * Days that history stays in Postgres; whole weeks go, so up to seven more. The audit record stays for good. Events live at
         * least as long as an approval may wait, and calls of tools as long as a run may need to know that it made them.
         */
        keptDays: z
          .strictObject({
            events: z.number().int().min(31).max(1095).default(60),
            toolCalls: z.number().int().min(90).max(1095).default(180),
            spans: z.number().int().min(7).max(1095).default(30),
            logs: z.number().int().min(7).max(1095).default(30),
            measurements: z.number().int().min(7).max(1095).default(14),
          })
          .prefault({}),
        /** Statements that take longer are in the log, without their values; null: none. */
        slowStatementMs: z.number().int().min(50).max(120_000).nullable().default(null),
      })
      .prefault({}),
    gateway: z
      .strictObject({
        /** How long a call may take of a server that has no time limit of its own. */
        defaultTimeoutMs: z.number().int().min(100).max(600_000).default(30_000),
        /** Addresses that are not public and may be reached all the same, as `10.1.2.0/24`. */
        httpAllowAddresses: z.array(z.string().max(64)).max(100).default([]),
        /**
         * npm packages that may be started as servers, with npx: `name@1.2.3` in this version, `name` in any, and all of
         * a scope that begin so: `@scope/*`. Scripts in `mcp-servers` of the data folder need none of it.
         */
        npmPackages: z
          .array(
            z
              .string()
              .max(280)
              .regex(
                /^(?:@[a-z0-9][a-z0-9._~-]*\/(?:[a-z0-9][a-z0-9._~-]*)?\*|(?:@[a-z0-9][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*(?:@\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)?)$/,
                'name@1.2.3, name, or @scope/*',
              ),
          )
          .max(500)
          .default(['@modelcontextprotocol/server-*']),
        /** Calls that are let through; null is no limit. A server can have limits of its own. */
        limits: z
          .strictObject({
            principalPerMinute: z.number().int().min(1).max(10_000_000).nullable().default(null),
            principalPerDay: z.number().int().min(1).max(1_000_000_000).nullable().default(null),
            serverPerMinute: z.number().int().min(1).max(10_000_000).nullable().default(null),
            serverPerDay: z.number().int().min(1).max(1_000_000_000).nullable().default(null),
            toolPerMinute: z.number().int().min(1).max(10_000_000).nullable().default(null),
            /** Calls at once to one server; further ones wait. */
            serverConcurrent: z.number().int().min(1).max(10_000).default(100),
          })
          .prefault({}),
        /** After so many failures in a row a server is left alone for a while. */
        circuit: z
          .strictObject({
            failures: z.number().int().min(1).max(1000).default(5),
            openForMs: z.number().int().min(100).max(3600_000).default(15_000),
          })
          .prefault({}),
        /** How often a call to an idempotent tool may be made again when the server cannot be reached. */
        retries: z.number().int().min(0).max(10).default(2),
        /** Who besides AOS itself may sign tokens for the tools. Without an issuer nobody else may. */
        inbound: z
          .strictObject({
            issuer: z
              .url({ protocol: /^https?$/ })
              .max(2000)
              .optional(),
            /** What a token's `aud` has to name: the address of this gateway, as its clients know it. */
            audience: z.string().min(1).max(2000).optional(),
            /** Where the issuer's keys are; read from the issuer's metadata when absent. */
            jwksUri: z
              .url({ protocol: /^https?$/ })
              .max(2000)
              .optional(),
          })
          .refine(({ issuer, audience }) => (issuer === undefined) === (audience === undefined), {
            message: 'an issuer and an audience go together',
          })
          .prefault({}),
        /** With more tools than this, a list at /mcp holds a search tool and a call tool only. */
        toolSearchAbove: z.number().int().min(1).max(100_000).default(200),
      })
      .prefault({}),
    approvals: z
      .strictObject({
        timeoutMs: z
          .number()
          .int()
          .min(1000)
          .max(30 * 24 * 3600_000)
          .default(3600_000),
      })
      .prefault({}),
    security: z
      .strictObject({
        secondPerson: SecondPersonRule.prefault({}),
        /** Of whom a second factor is wanted at sign-in. Who has none sets it up before anything else. */
        secondFactor: z
          .strictObject({
            everybody: z.boolean().default(false),
            /** Of people who have one of these, in whatever project. */
            roles: z.array(z.string().max(64)).max(100).default([]),
          })
          .prefault({}),
        signIn: z
          .strictObject({
            providers: z.array(SignInProvider).max(10).default([]),
            /** Who may sign in by password. Owners always may: it is their way in when a provider is away. */
            password: z.enum(['everyone', 'owners']).default('everyone'),
          })
          .prefault({}),
        /** From where people and programs may come in; from everywhere when it is empty. */
        allowedAddresses: z.array(AllowedAddress).max(500).default([]),
        redaction: z.array(RedactionRule).max(20).default([]),
      })
      .prefault({}),
  })
  .meta({ id: 'SystemConfig' });
export type SystemConfig = z.infer<typeof SystemConfig>;

export const SystemConfigAnswer = z
  .object({
    version: z.number().int(),
    updatedAt: Timestamp,
    updatedBy: z.string(),
    /** Why, in the words of who saved it. */
    comment: z.string(),
    config: SystemConfig,
  })
  .meta({ id: 'SystemConfigAnswer' });
export type SystemConfigAnswer = z.infer<typeof SystemConfigAnswer>;

/** Which model of the settings, as they are saved. A draft is not tried: nobody's key goes to an address that is not decided on. */
export const TryModel = z
  .strictObject({ section: z.enum(['llm', 'embeddings']) })
  .meta({ id: 'TryModel' });
export type TryModel = z.infer<typeof TryModel>;

/** What came of asking a model something small. */
export const ModelTrial = z
  .object({
    ok: z.boolean(),
    model: z.string(),
    durationMs: z.number().int(),
    /** Null where the provider does not say. */
    inputTokens: z.number().int().nullable(),
    outputTokens: z.number().int().nullable(),
    /** In the provider's words, without its key; null when all was well. */
    fault: z.string().nullable(),
  })
  .meta({ id: 'ModelTrial' });
export type ModelTrial = z.infer<typeof ModelTrial>;

/** One leaf that differs. A key that is absent on one side has null there. */
export const ConfigChange = z
  .object({ path: z.string(), before: z.unknown(), after: z.unknown() })
  .meta({ id: 'ConfigChange' });
export type ConfigChange = z.infer<typeof ConfigChange>;

/** Whether whoever asks could come in after saving. A list that leaves them out is not saved. */
export const OwnAccess = z
  .object({
    /** As AOS sees it; null when it cannot be told. */
    address: z.string().nullable(),
    isAllowed: z.boolean(),
    /** False also where the list is empty, or a variable of the process lets the address in. */
    isListed: z.boolean(),
    /** The request says that it was passed on, by an address that is not one of the trusted proxies. */
    ignoresProxy: z.boolean(),
  })
  .meta({ id: 'OwnAccess' });
export type OwnAccess = z.infer<typeof OwnAccess>;

/** What of a part of the history is there, or goes. */
export const KeptHistory = z
  .object({
    /** Of `database.keptDays`. */
    part: z.enum(['events', 'toolCalls', 'spans', 'logs', 'measurements']),
    weeks: z.number().int(),
    bytes: z.number(),
    from: Timestamp.nullable(),
    until: Timestamp.nullable(),
  })
  .meta({ id: 'KeptHistory' });
export type KeptHistory = z.infer<typeof KeptHistory>;

/** What saving would change. `baseVersion` is the version compared with: send it as If-Match to save. */
export const ConfigPreview = z
  .object({
    baseVersion: z.number().int(),
    changes: z.array(ConfigChange),
    access: OwnAccess,
    /** History that goes for good within an hour after saving, which stays without it. */
    removes: z.array(KeptHistory),
  })
  .meta({ id: 'ConfigPreview' });
export type ConfigPreview = z.infer<typeof ConfigPreview>;

export const ConfigVersion = SystemConfigAnswer.extend({ changes: z.array(ConfigChange) }).meta({
  id: 'ConfigVersion',
});
export type ConfigVersion = z.infer<typeof ConfigVersion>;
export const ConfigVersionPage = pageOf(ConfigVersion).meta({ id: 'ConfigVersionPage' });

export const SecretInfo = z
  .object({
    name: z.string(),
    purpose: z.string(),
    projectId: z.string().nullable(),
    /** Of the value; 0 while the name has none. */
    version: z.number().int(),
    /** Null while the name has no value. */
    lastRotatedAt: Timestamp.nullable(),
    lastUsedAt: Timestamp.nullable(),
  })
  .meta({ id: 'SecretInfo' });
export type SecretInfo = z.infer<typeof SecretInfo>;

export const RuntimeConfig = z
  .object({
    secrets: z.array(SecretInfo),
    env: z.array(
      z.object({
        name: z.string(),
        purpose: z.string(),
        /** Whether the process was started with it. Its value stays with the process. */
        isSet: z.boolean(),
        /** What holds without it; null where there is nothing. */
        fallback: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'RuntimeConfig' });
export type RuntimeConfig = z.infer<typeof RuntimeConfig>;

/**
 * All names of secrets that the writer may write, each with its purpose, never a value. A name that is new waits
 * for its value; one that has none and is left out is removed; one that has a value cannot be left out. What the
 * server says of a secret or of the process may stand here as it was read: it changes nothing.
 */
export const PutRuntimeConfig = z
  .strictObject({
    secrets: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(128),
          purpose: z.string().max(500).default(''),
          projectId: Id.nullable().default(null),
          version: z.number().int().optional(),
          lastRotatedAt: z.string().nullable().optional(),
          lastUsedAt: z.string().nullable().optional(),
        }),
      )
      .max(5000),
    env: RuntimeConfig.shape.env.optional(),
  })
  .meta({ id: 'PutRuntimeConfig' });
export type PutRuntimeConfig = z.infer<typeof PutRuntimeConfig>;

/** How traces go elsewhere, as the process that answers sees it. */
export const TraceExportState = z
  .object({
    /** Null: nowhere. Only the host is named: the rest of an address may hold a key. */
    host: z.string().nullable(),
    setBy: z.enum(['environment', 'settings']).nullable(),
    /** `waiting` until something was sent; `unusable` where the settings cannot be followed. */
    state: z.enum(['off', 'waiting', 'ok', 'failing', 'unusable']),
    since: Timestamp,
    /** Of `failing` and `unusable`. */
    reason: Said.nullable(),
    /** Spans, since it was set. */
    sent: z.number().int(),
    /** Those that could not be sent and are not tried again; AOS itself has them. */
    lost: z.number().int(),
    /** Settings that do not hold, and the variables that win. */
    overrides: z.array(z.object({ path: z.string(), variable: z.string() })),
  })
  .meta({ id: 'TraceExportState' });
export type TraceExportState = z.infer<typeof TraceExportState>;

/** What was decided when the process was started, and is changed there; and how it is. */
export const Installation = z
  .object({
    database: z.object({
      kind: z.enum(['embedded', 'server']),
      version: z.string(),
      hasVector: z.boolean(),
      bytes: z.number(),
      /** Of all programs, and how many there may be; null where it is embedded and has one. */
      connections: z.object({ used: z.number().int(), most: z.number().int() }).nullable(),
      history: z.array(KeptHistory),
    }),
    roles: z.array(z.string()),
    bus: z.string(),
    node: z.string(),
    traces: TraceExportState,
  })
  .meta({ id: 'Installation' });
export type Installation = z.infer<typeof Installation>;

export const PutSecret = z
  .strictObject({
    /** At most 65,536 characters; one line, or PEM blocks. Refused with 422 `secret_value_invalid`. */
    value: z.string().min(1),
    purpose: z.string().max(500).default(''),
    projectId: Id.nullable().default(null),
  })
  .meta({ id: 'PutSecret' });
export type PutSecret = z.infer<typeof PutSecret>;

export const Project = z
  .object({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    version: z.number().int(),
    createdAt: Timestamp,
    /** An archived project takes no new tasks; what is in it stays readable. */
    archivedAt: Timestamp.nullable(),
    /** Tasks that have not ended; each figure stops at 1,000. */
    open: z.object({
      queued: z.number().int(),
      running: z.number().int(),
      waiting: z.number().int(),
    }),
    lastTaskAt: Timestamp.nullable(),
  })
  .meta({ id: 'Project' });
export type Project = z.infer<typeof Project>;
export const ProjectPage = pageOf(Project).meta({ id: 'ProjectPage' });
export const CreateProject = z
  .strictObject({
    /** Made from the name when absent. */
    id: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,39}$/)
      .optional(),
    name: shownName(200),
    description: z.string().max(4000).default(''),
  })
  .meta({ id: 'CreateProject' });
export type CreateProject = z.infer<typeof CreateProject>;
export const ProjectsQuery = PageQuery.extend({
  /** 0, the default: those in use. 1: those in the archive. */
  archived: z.enum(['0', '1']).optional(),
});
export type ProjectsQuery = z.infer<typeof ProjectsQuery>;
export const PatchProject = z
  .strictObject({
    name: shownName(200).optional(),
    description: z.string().max(4000).optional(),
    archived: z.boolean().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'says nothing to change')
  .meta({ id: 'PatchProject' });
export type PatchProject = z.infer<typeof PatchProject>;
