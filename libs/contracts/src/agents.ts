import { z } from 'zod';
import { Said } from './said.js';
import { Budget, Step } from './jobs.js';
import { Timestamp, pageOf } from './page.js';

const configFields = z.strictObject({
  prompt: z.string().max(50_000),
  /** The standard way of work: steps that the planner uses when a task brings none of its own. */
  sop: z.array(Step).max(500),
  /** Tools the agent may call: `server.tool` or `server.*`. */
  tools: z.array(z.string().min(3).max(200)).max(500),
  env: z.array(z.string().max(128)).max(100),
  concurrency: z.number().int().min(1).max(64),
  budget: Budget.optional(),
  model: z.string().max(200).optional(),
});

export const AgentConfig = configFields
  .extend({
    prompt: configFields.shape.prompt.default(''),
    sop: configFields.shape.sop.default([]),
    tools: configFields.shape.tools.default([]),
    env: configFields.shape.env.default([]),
    concurrency: configFields.shape.concurrency.default(2),
  })
  .meta({ id: 'AgentConfig' });
export type AgentConfig = z.infer<typeof AgentConfig>;

/** What is to be otherwise than in the template or the version before; all else stays. Made without the defaults: a
 *  part of AgentConfig itself would fill in what was left out, and so empty it. */
export const AgentConfigPart = configFields.partial().meta({ id: 'AgentConfigPart' });

export const AgentTemplate = z
  .object({
    name: z.string(),
    title: z.string(),
    description: z.string(),
    said: z.object({ title: Said, description: Said }),
    config: AgentConfig,
  })
  .meta({ id: 'AgentTemplate' });
export type AgentTemplate = z.infer<typeof AgentTemplate>;
export const AgentTemplatePage = pageOf(AgentTemplate).meta({ id: 'AgentTemplatePage' });

const agentName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a small letter, then small letters, digits or -, at most 40');

export const CreateAgent = z
  .strictObject({
    name: agentName,
    template: z.string().max(100).optional(),
    type: z.enum(['local', 'remote']).default('local'),
    config: AgentConfigPart.optional(),
  })
  .meta({ id: 'CreateAgent' });
export type CreateAgent = z.infer<typeof CreateAgent>;

export const PatchAgent = z
  .strictObject({
    config: AgentConfigPart.optional(),
    comment: z.string().max(1000).optional(),
  })
  .meta({ id: 'PatchAgent' });
export type PatchAgent = z.infer<typeof PatchAgent>;

/** Makes a version the one that new runs take: a newer one, or an older one again. */
export const ReleaseAgent = z
  .strictObject({
    version: z.string().regex(/^[1-9]\d{0,8}$/, 'the number of a version'),
    comment: z.string().max(1000).optional(),
  })
  .meta({ id: 'ReleaseAgent' });
export type ReleaseAgent = z.infer<typeof ReleaseAgent>;

/** Of its tasks, so many run at a time, over all processes; the others wait for their turn. */
export const ScaleAgent = z
  .strictObject({ replicas: z.number().int().min(1).max(100) })
  .meta({ id: 'ScaleAgent' });
export type ScaleAgent = z.infer<typeof ScaleAgent>;

export const agentStatuses = ['stopped', 'running', 'draining', 'failed'] as const;
export const Agent = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.enum(['local', 'remote']),
    version: z.string(),
    status: z.enum(agentStatuses),
    /** How many of its tasks run at a time. */
    replicas: z.number().int(),
    routePrefix: z.string().nullable(),
    registered: z.boolean(),
    load: z.object({ running: z.number().int(), queued: z.number().int() }),
    lastError: z.string().nullable(),
    config: AgentConfig,
    createdAt: Timestamp,
  })
  .meta({ id: 'Agent' });
export type Agent = z.infer<typeof Agent>;
export const AgentPage = pageOf(Agent).meta({ id: 'AgentPage' });

/** An agent as it does now, without what it is made of: that is as its version says, and is most of it. */
export const AgentStanding = Agent.pick({
  id: true,
  version: true,
  status: true,
  replicas: true,
  registered: true,
  load: true,
  lastError: true,
}).meta({ id: 'AgentStanding' });
export type AgentStanding = z.infer<typeof AgentStanding>;
export const AgentStandingPage = pageOf(AgentStanding).meta({ id: 'AgentStandingPage' });

export const AgentVersion = z
  .object({
    version: z.string(),
    comment: z.string(),
    /** The comment by its code, where it is AOS that wrote it. */
    said: Said.optional(),
    createdBy: z.string(),
    createdAt: Timestamp,
    config: AgentConfig,
  })
  .meta({ id: 'AgentVersion' });
export type AgentVersion = z.infer<typeof AgentVersion>;
export const AgentVersionPage = pageOf(AgentVersion).meta({ id: 'AgentVersionPage' });

/** Of the last runs, at most 200 that have ended. */
export const AgentStats = z
  .object({
    ended: z.number().int(),
    succeeded: z.number().int(),
    failed: z.number().int(),
    cancelled: z.number().int(),
    p50Ms: z.number().int().nullable(),
    p95Ms: z.number().int().nullable(),
    lastEndedAt: Timestamp.nullable(),
  })
  .meta({ id: 'AgentStats' });
export type AgentStats = z.infer<typeof AgentStats>;

export const LogLine = z
  .object({
    id: z.string(),
    at: Timestamp,
    level: z.enum(['debug', 'info', 'warn', 'error']),
    logger: z.string(),
    message: z.string(),
    traceId: z.string().nullable(),
    attributes: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'LogLine' });
export type LogLine = z.infer<typeof LogLine>;
export const LogPage = pageOf(LogLine).meta({ id: 'LogPage' });
