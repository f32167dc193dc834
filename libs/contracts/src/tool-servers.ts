import { z } from 'zod';
import { Said } from './said.js';
import { Id, PageQuery, Timestamp, pageOf } from './page.js';
import { LeftOutTools, McpServerInfo, PinState } from './integrations.js';
import { ToolCall } from './jobs.js';

/** How a server, or one tool of it, has done of late: of the last day, at most the last 200 calls of each tool. */
export const ToolActivity = z
  .object({
    server: z.string(),
    /** Null: all tools of the server together. */
    tool: z.string().nullable(),
    calls: z.number().int(),
    failed: z.number().int(),
    p50Ms: z.number().nullable(),
    p95Ms: z.number().nullable(),
    lastCallAt: Timestamp.nullable(),
    /** Null also for whoever may not see the tasks of every project. */
    lastError: z.string().nullable(),
    /** The same by its code, where it is AOS or one of its own tools that says it. */
    lastErrorSaid: Said.optional(),
    lastErrorAt: Timestamp.nullable(),
  })
  .meta({ id: 'ToolActivity' });
export type ToolActivity = z.infer<typeof ToolActivity>;
export const ToolActivityList = pageOf(ToolActivity).meta({ id: 'ToolActivityList' });
export const ToolActivityQuery = PageQuery.extend({ server: Id.optional() });
export type ToolActivityQuery = z.infer<typeof ToolActivityQuery>;

/**
 * How a server does now, and nothing of what it was registered as: for whoever knows that by its `version`, and asks again
 * and again. What is nought, or is not there, is left out.
 */
export const ServerStanding = z
  .object({
    name: z.string(),
    version: z.number().int(),
    state: McpServerInfo.shape.health.shape.state,
    circuit: McpServerInfo.shape.circuit.shape.state,
    tools: z.number().int(),
    error: z.string().optional(),
    said: Said.optional(),
    perMinute: McpServerInfo.shape.quota.shape.perMinute.unwrap().optional(),
    pins: McpServerInfo.shape.pins.optional(),
  })
  .meta({ id: 'ServerStanding' });
export type ServerStanding = z.infer<typeof ServerStanding>;
export const ServerStandingPage = pageOf(ServerStanding).meta({ id: 'ServerStandingPage' });

/** One tool as it does now: its last calls, what is used of its limits, and the state of its server. */
export const ToolReport = z
  .object({
    server: z.string(),
    tool: z.string(),
    /** Null when nobody called it of late. */
    activity: ToolActivity.nullable(),
    /** Calls to this tool in the minute; null where there is no limit. */
    perMinute: z.object({ limit: z.number().int(), used: z.number().int() }).nullable(),
    /** All calls to its server. */
    quota: McpServerInfo.shape.quota,
    circuit: McpServerInfo.shape.circuit,
    health: McpServerInfo.shape.health,
    pin: z.object({
      state: PinState,
      hash: z.string(),
      approvedBy: z.string().nullable(),
      changedAt: Timestamp.nullable(),
    }),
  })
  .meta({ id: 'ToolReport' });
export type ToolReport = z.infer<typeof ToolReport>;

/** A row of the ledger. A large result is left out here; the run's own page has it. */
export const RecentCall = ToolCall.extend({
  projectId: z.string().nullable(),
  errorKind: z.string().nullable(),
  /** Of the person or the agent; their id where it is not known. */
  actorName: z.string(),
  isResultLeftOut: z.boolean(),
}).meta({ id: 'RecentCall' });
export type RecentCall = z.infer<typeof RecentCall>;
export const RecentCallPage = pageOf(RecentCall).meta({ id: 'RecentCallPage' });
export const RecentCallsQuery = PageQuery.extend({
  server: Id,
  tool: z.string().min(1).max(200).optional(),
});
export type RecentCallsQuery = z.infer<typeof RecentCallsQuery>;

/** What came of connecting to a server and asking it for its tools. Nothing is kept of one that is not registered. */
export const ServerTrial = z
  .object({
    ok: z.boolean(),
    latencyMs: z.number().int(),
    error: z.string().nullable(),
    /** The error by its code, where it is AOS that says it. */
    said: Said.optional(),
    tools: z.array(
      z.object({
        name: z.string(),
        title: z.string().nullable(),
        description: z.string(),
        /** Beside what is registered. */
        state: z.enum(['new', 'same', 'changed', 'gone']),
      }),
    ),
    leftOut: LeftOutTools,
  })
  .meta({ id: 'ServerTrial' });
export type ServerTrial = z.infer<typeof ServerTrial>;

/** A command that may be started as a stdio server; what the person adds goes behind `args`. */
export const LaunchTemplate = z
  .object({
    id: z.string(),
    kind: z.enum(['package', 'installed', 'own']),
    title: z.string(),
    description: z.string(),
    command: z.string(),
    args: z.array(z.string()),
  })
  .meta({ id: 'LaunchTemplate' });
export type LaunchTemplate = z.infer<typeof LaunchTemplate>;
export const LaunchTemplateList = pageOf(LaunchTemplate).meta({ id: 'LaunchTemplateList' });
