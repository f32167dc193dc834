import { z } from 'zod';
import { PageQuery, Timestamp, pageOf } from './page.js';
import { Said } from './said.js';

/** More people than this would never be found for one call. */
export const MOST_APPROVERS = 5;

/** Who has to say yes. Without it one person may, whoever may decide on approvals there. */
export const Approvers = z
  .strictObject({
    /** So many different persons. One no is a no. */
    count: z.number().int().min(1).max(MOST_APPROVERS).default(1),
    /** Never whoever asked. Of a call outside a run that is so in any case. */
    secondPerson: z.boolean().default(false),
    /** Only those who have one of these roles, everywhere or in the project. */
    roles: z.array(z.string().min(1).max(80)).min(1).max(20).optional(),
  })
  .meta({ id: 'Approvers' });
export type Approvers = z.infer<typeof Approvers>;

export const decisions = ['continue', 'degrade', 'abort'] as const;

/** What one person said. */
export const ApprovalVote = z
  .object({
    by: z.string(),
    decision: z.enum(decisions),
    comment: z.string().nullable(),
    at: Timestamp,
    /** Said alone, in an emergency; the comment is the reason. */
    breakGlass: z.boolean(),
    /** A yes counts as long as the person could give it: not once the account is off, or the role taken away. */
    counts: z.boolean(),
  })
  .meta({ id: 'ApprovalVote' });
export type ApprovalVote = z.infer<typeof ApprovalVote>;

/** What keeps somebody from a yes: they asked, they said it already, others have to, or they may decide on none. */
export const approvalObstacles = ['own', 'voted', 'role', 'permission'] as const;

export const approvalStatuses = [
  'pending',
  'continued',
  'degraded',
  'aborted',
  'expired',
  'void',
] as const;
export const Approval = z
  .object({
    id: z.string(),
    /** Null for a call outside a run. */
    jobId: z.string().nullable(),
    traceId: z.string(),
    /** Empty for a call outside a run. */
    stepId: z.string(),
    projectId: z.string().nullable(),
    tool: z.string(),
    reason: z.string(),
    /** The reason by its code. */
    said: Said.optional(),
    args: z.record(z.string(), z.unknown()),
    schema: z.record(z.string(), z.unknown()),
    status: z.enum(approvalStatuses),
    secondPerson: z.boolean(),
    /** Who has to say yes. */
    approvers: Approvers,
    /** So many have, of `approvers.count`. */
    given: z.number().int(),
    votes: z.array(ApprovalVote),
    /** What whoever reads this can do about it. */
    you: z.object({
      obstacle: z.enum(approvalObstacles).nullable(),
      /** May decide alone all the same, with a reason. */
      mayBreakGlass: z.boolean(),
    }),
    requestedBy: z.string(),
    /** As people know them: a person's or an agent's name. */
    requestedByName: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    decidedBy: z.string().nullable(),
    decidedAt: Timestamp.nullable(),
    comment: z.string().nullable(),
  })
  .meta({ id: 'Approval' });
export type Approval = z.infer<typeof Approval>;
export const ApprovalPage = pageOf(Approval).meta({ id: 'ApprovalPage' });
export const ApprovalsQuery = PageQuery.extend({ status: z.enum(approvalStatuses).optional() });
export type ApprovalsQuery = z.infer<typeof ApprovalsQuery>;

export const DecideRequest = z
  .strictObject({
    approvalId: z.uuid(),
    decision: z.enum(decisions),
    args: z.record(z.string(), z.unknown()).optional(),
    comment: z.string().max(4000).optional(),
    /** In an emergency: says yes for all who would have to, with `comment` as the reason. It raises an alarm. */
    breakGlass: z.boolean().optional(),
  })
  .meta({ id: 'DecideRequest' });
export type DecideRequest = z.infer<typeof DecideRequest>;
