import { z } from 'zod';
import { Approval } from './approvals.js';
import { Said } from './said.js';
import { AosEvent } from './events.js';
import { Id, Moment, PageQuery, Timestamp, pageOf, wholeNumber } from './page.js';

export const jobStatuses = [
  'scheduled',
  'queued',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
] as const;
const MOST_MS = 1_000_000_000_000;

export const JobStatus = z.enum(jobStatuses).meta({ id: 'JobStatus' });
export type JobStatus = z.infer<typeof JobStatus>;

/** One step of the Action DSL. `args` may refer to inputs, earlier steps, variables and secrets by `${…}`. */
export const Step = z
  .strictObject({
    id: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a letter, then letters, digits, _ or -, at most 64'),
    tool: z
      .string()
      .min(3)
      .max(200)
      .regex(/^[^.\s]+\..+$/, 'name it as server.tool, as in skills.csv.profile'),
    args: z.record(z.string(), z.unknown()).default({}),
    needs: z.array(z.string().max(64)).max(200).optional(),
    approval: z.enum(['auto', 'required']).optional(),
    onError: z.enum(['revise', 'skip', 'abort']).optional(),
    retries: z.number().int().min(0).max(10).optional(),
  })
  .meta({ id: 'Step' });
export type Step = z.infer<typeof Step>;

export const Budget = z
  .strictObject({
    maxSteps: z.number().int().min(1).max(1000).optional(),
    maxCostCny: z.number().min(0).max(1_000_000).optional(),
    timeoutMs: z
      .number()
      .int()
      .min(100)
      .max(7 * 24 * 3600_000)
      .optional(),
  })
  .meta({ id: 'Budget' });
export type Budget = z.infer<typeof Budget>;

export const TaskInput = z
  .strictObject({
    /** May be the file's own: `${inputs.sales.csv}` refers to the input `sales.csv`. */
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
    artifactId: z.uuid(),
  })
  .meta({ id: 'TaskInput' });

export const TaskSpec = z
  .strictObject({
    goal: z.string().trim().min(1).max(20_000),
    agentId: Id.optional(),
    projectId: Id.optional(),
    steps: z.array(Step).min(1).max(500).optional(),
    inputs: z.array(TaskInput).max(100).optional(),
    env: z.array(z.string().max(128)).max(100).optional(),
    priority: z.number().int().min(0).max(9).optional(),
    scheduledAt: Moment.optional(),
    budget: Budget.optional(),
  })
  .meta({ id: 'TaskSpec' });
export type TaskSpec = z.infer<typeof TaskSpec>;

/** The version of a blueprint that a task was made of. */
export const BlueprintRef = z
  .object({ id: z.string(), name: z.string(), version: z.number().int() })
  .meta({ id: 'BlueprintRef' });
export type BlueprintRef = z.infer<typeof BlueprintRef>;

/** A task as it was accepted. Nobody asks for a task with a `blueprint`: running one writes it down. */
export const AcceptedTask = TaskSpec.extend({ blueprint: BlueprintRef.optional() }).meta({
  id: 'AcceptedTask',
});
export type AcceptedTask = z.infer<typeof AcceptedTask>;

export const RunAccepted = z
  .object({ jobId: z.string(), traceId: z.string() })
  .meta({ id: 'RunAccepted' });
export type RunAccepted = z.infer<typeof RunAccepted>;

export const JobError = z
  .object({
    code: z.string(),
    message: z.string(),
    stepId: z.string().optional(),
    /** The message by its code, where it is AOS that says it. */
    said: Said.optional(),
  })
  .meta({ id: 'JobError' });
export type JobError = z.infer<typeof JobError>;

export const Job = z
  .object({
    id: z.string(),
    traceId: z.string(),
    goal: z.string(),
    status: JobStatus,
    priority: z.number().int(),
    projectId: z.string().nullable(),
    agentId: z.string().nullable(),
    agentName: z.string().nullable(),
    conversationId: z.string().nullable(),
    rerunOf: z.string().nullable(),
    attempts: z.number().int(),
    progress: z.object({
      done: z.number().int(),
      total: z.number().int(),
      current: z.string().nullable(),
    }),
    createdBy: z.string(),
    createdAt: Timestamp,
    scheduledAt: Timestamp.nullable(),
    startedAt: Timestamp.nullable(),
    finishedAt: Timestamp.nullable(),
    error: JobError.nullable(),
    spec: AcceptedTask.optional(),
  })
  .meta({ id: 'Job' });
export type Job = z.infer<typeof Job>;

/**
 * Everything of it narrows the list. A page can hold fewer rows than asked for, even none, while there is a
 * `nextCursor`: what has no index is looked for in a bounded number of rows per request.
 */
export const JobsQuery = PageQuery.extend({
  /** One or several, with commas or given several times. */
  status: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => [value].flat().flatMap((part) => part.split(',')))
    .pipe(z.array(JobStatus).min(1).max(20))
    .optional(),
  projectId: Id.optional(),
  agentId: Id.optional(),
  /** Every job has a trace of its own. */
  traceId: z.string().min(1).max(64).optional(),
  /** Those that were made of this blueprint, of any version of it. */
  blueprintId: Id.optional(),
  /** What the goal says somewhere, in any case. */
  text: z.string().trim().min(1).max(200).optional(),
  /** Created from this moment on, and before that one. */
  from: Moment.optional(),
  to: Moment.optional(),
  /** How long it has been running, or took. */
  minMs: wholeNumber(0, MOST_MS).optional(),
  maxMs: wholeNumber(0, MOST_MS).optional(),
});
export type JobsQuery = z.infer<typeof JobsQuery>;
export const JobPage = pageOf(Job).meta({ id: 'JobPage' });

export const RerunRequest = z
  .strictObject({
    fromStep: z.string().max(64).optional(),
    args: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    recorded: z.enum(['reuse', 'call']).optional(),
  })
  .meta({ id: 'RerunRequest' });
export type RerunRequest = z.infer<typeof RerunRequest>;

export const CancelRequest = z
  .strictObject({ reason: z.string().max(1000).optional() })
  .meta({ id: 'CancelRequest' });

export const stepStates = ['pending', 'running', 'waiting', 'done', 'failed', 'skipped'] as const;
export const StepState = z
  .object({
    id: z.string(),
    tool: z.string(),
    needs: z.array(z.string()),
    approval: z.enum(['auto', 'required']),
    state: z.enum(stepStates),
    attempts: z.number().int(),
    startedAt: Timestamp.nullable(),
    finishedAt: Timestamp.nullable(),
    args: z.record(z.string(), z.unknown()),
    result: z.unknown().optional(),
    error: z.string().nullable(),
    /** The error by its code, where it is AOS that says it. */
    said: Said.optional(),
  })
  .meta({ id: 'StepState' });
export type StepState = z.infer<typeof StepState>;

export const ToolCall = z
  .object({
    id: z.string(),
    jobId: z.string().nullable(),
    traceId: z.string(),
    stepId: z.string().nullable(),
    attempt: z.number().int(),
    server: z.string(),
    tool: z.string(),
    status: z.enum(['started', 'succeeded', 'failed', 'unknown']),
    args: z.record(z.string(), z.unknown()),
    result: z.unknown().optional(),
    error: z.string().nullable(),
    /** The error by its code, where it is AOS or one of its own tools that says it. */
    said: Said.optional(),
    errorFingerprint: z.string().nullable(),
    startedAt: Timestamp,
    finishedAt: Timestamp.nullable(),
    durationMs: z.number().nullable(),
    actor: z.string(),
  })
  .meta({ id: 'ToolCall' });
export type ToolCall = z.infer<typeof ToolCall>;

export const ArtifactRef = z
  .object({ artifactId: z.string(), name: z.string(), mediaType: z.string() })
  .meta({ id: 'ArtifactRef' });
export type ArtifactRef = z.infer<typeof ArtifactRef>;

export const Artifact = z
  .object({
    artifactId: z.string(),
    name: z.string(),
    mediaType: z.string(),
    bytes: z.number().int(),
    sha256: z.string(),
    jobId: z.string().nullable(),
    stepId: z.string().nullable(),
    projectId: z.string().nullable(),
    createdBy: z.string(),
    createdAt: Timestamp,
  })
  .meta({ id: 'Artifact' });
export type Artifact = z.infer<typeof Artifact>;
export const UploadedArtifact = Artifact.pick({
  artifactId: true,
  name: true,
  mediaType: true,
  bytes: true,
  sha256: true,
}).meta({ id: 'UploadedArtifact' });
export type UploadedArtifact = z.infer<typeof UploadedArtifact>;

export const Cost = z
  .object({ cny: z.number(), inputTokens: z.number().int(), outputTokens: z.number().int() })
  .meta({ id: 'Cost' });
export type Cost = z.infer<typeof Cost>;

/** The payload of `task.receipt`; exactly one per job. */
export const Receipt = z
  .object({
    status: z.enum(['succeeded', 'failed', 'cancelled']),
    summary: z.string(),
    /** The summary by its codes. */
    said: z.array(Said).optional(),
    artifacts: z.array(ArtifactRef),
    cost: Cost,
    durationMs: z.number().int(),
    attempts: z.number().int(),
  })
  .meta({ id: 'Receipt' });
export type Receipt = z.infer<typeof Receipt>;

/** Everything of one run. `events` is the first 500; `/agent/events` and Monitor page the rest. */
export const Episode = z
  .object({
    traceId: z.string(),
    job: Job,
    task: AcceptedTask,
    plan: z.array(StepState),
    steps: z.array(StepState),
    toolCalls: z.array(ToolCall),
    approvals: z.array(Approval),
    events: z.array(AosEvent),
    artifacts: z.array(Artifact),
    cost: Cost,
    attempts: z.number().int(),
    receipt: Receipt.nullable(),
  })
  .meta({ id: 'Episode' });
export type Episode = z.infer<typeof Episode>;

/** The events of one run, raw ones too, in their order; with tail=1 live, as server-sent events. */
export const RunEventsQuery = PageQuery.extend({
  tail: z.enum(['0', '1']).optional(),
  /** Events after this seq. A `Last-Event-ID` is newer and goes first. */
  since: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
});
export type RunEventsQuery = z.infer<typeof RunEventsQuery>;
export const EventPage = pageOf(AosEvent).meta({ id: 'EventPage' });
