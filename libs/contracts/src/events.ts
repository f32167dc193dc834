import { z } from 'zod';
import { Timestamp } from './page.js';

/** The only types that reach `/agent/events`: each tells an operator something to decide on or to know. */
export const valueEventTypes = [
  'task.acceptance',
  'task.progress.milestone',
  'task.receipt',
  'approval.request',
  'anomaly.detected',
  'recovery.start',
  'recovery.done',
] as const;
export const ValueEventType = z.enum(valueEventTypes).meta({ id: 'ValueEventType' });
export type ValueEventType = z.infer<typeof ValueEventType>;

/** For Monitor and Projects only. */
export const rawEventTypes = [
  'run.sense',
  'run.recall',
  'run.plan',
  'run.exec',
  'run.review',
  'run.step',
  'job.status',
  'tool.call',
  'agent.log',
  'agent.changed',
  'approval.decided',
  'artifact.created',
  'registry.changed',
  'config.changed',
  'chat.message',
] as const;
export type RawEventType = (typeof rawEventTypes)[number];
export type EventType = ValueEventType | RawEventType;

export const isValueEvent = (type: string): type is ValueEventType =>
  (valueEventTypes as readonly string[]).includes(type);

export const Severity = z.enum(['info', 'success', 'warning', 'error']).meta({ id: 'Severity' });
export type Severity = z.infer<typeof Severity>;

/** What a card can offer. `href` is a path of the API or of the console. */
export const EventLink = z
  .object({
    rel: z.enum([
      'approve',
      'trace',
      'episode',
      'job',
      'replay',
      'download',
      'conversation',
      'settings',
    ]),
    href: z.string(),
    title: z.string(),
  })
  .meta({ id: 'EventLink' });
export type EventLink = z.infer<typeof EventLink>;

/**
 * One event as every subscriber sees it. `seq` is stamped by the relay, without gaps, in the order of
 * delivery: it is what a client resumes from. `id` is the row's own. `payload.said`, where there is one, is the summary
 * by its codes: a list of `Said`.
 */
export const AosEvent = z
  .object({
    seq: z.number().int(),
    id: z.string(),
    traceId: z.string(),
    jobId: z.string().nullable(),
    projectId: z.string().nullable(),
    topic: z.string(),
    type: z.string(),
    severity: Severity,
    summary: z.string(),
    payload: z.record(z.string(), z.unknown()),
    links: z.array(EventLink),
    createdAt: Timestamp,
  })
  .meta({ id: 'AosEvent' });
export type AosEvent = z.infer<typeof AosEvent>;

/** A frame from the client on the WebSocket of `/agent/events`. */
export const SubscribeFrame = z.strictObject({
  op: z.literal('subscribe'),
  since: z.number().int().min(0).optional(),
  types: z.array(ValueEventType).max(20).optional(),
  traceId: z.string().max(64).optional(),
});
export type SubscribeFrame = z.infer<typeof SubscribeFrame>;
/** What a client may answer to `ping`. Nothing waits for it. */
export const PongFrame = z.strictObject({ op: z.literal('pong') });
export type PongFrame = z.infer<typeof PongFrame>;

export type ServerFrame =
  | { op: 'event'; event: AosEvent }
  | { op: 'ready'; seq: number }
  | { op: 'resync'; reason: string }
  | { op: 'ping' };
