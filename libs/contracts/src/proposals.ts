import { z } from 'zod';
import { ConfigChange } from './config.js';
import { PageQuery, Timestamp, pageOf } from './page.js';

/** What a second person may be wanted for: a part each of the setting `security.secondPerson`. */
export const proposalKinds = ['settings', 'policies', 'roles', 'secrets', 'servers'] as const;
export const ProposalKind = z.enum(proposalKinds);
export type ProposalKind = z.infer<typeof ProposalKind>;

export const proposalActions = [
  'config.save',
  'policies.save',
  'role.create',
  'role.change',
  'role.delete',
  'role.grant',
  'role.revoke',
  'secret.put',
  'secret.delete',
  'server.register',
  'server.change',
  'server.remove',
  'servers.import',
  'tool.accept',
  'agent.register',
  'agent.unregister',
] as const;
export type ProposalAction = (typeof proposalActions)[number];

/** `void`: what it was made on has changed, or whoever proposed it could not make the change any more. */
export const proposalStates = [
  'pending',
  'applied',
  'refused',
  'withdrawn',
  'expired',
  'void',
] as const;

/** What keeps somebody from confirming: it is theirs, others have to, or they could not make the change themselves. */
export const proposalObstacles = ['own', 'role', 'permission'] as const;

/** A change that waits for a second person, or what became of it. Nothing is changed by it until it is confirmed. */
export const Proposal = z
  .object({
    id: z.string(),
    kind: ProposalKind,
    action: z.enum(proposalActions),
    /**
     * `config:system`, `config:policies`, `role:<name>`, `binding:<id>`, `user:<id>`, `secret:<name>`,
     * `mcp-server:<name>`, `mcp-servers:import`, `tool:<server>.<tool>`.
     */
    target: z.string(),
    projectId: z.string().nullable(),
    /** Whom a role is given to or taken from, as people know them. */
    subject: z.string().nullable(),
    /** The version it was made on; null where there was none. */
    baseVersion: z.number().int().nullable(),
    /**
     * The document as it was, and as it is to be; null where there is none. Secrets are in them by name, and of a secret's
     * own value there is nothing but that it is set or changed. Of a tool server there are the definitions that it told of,
     * each with its hash: what is confirmed is these.
     */
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    changes: z.array(ConfigChange),
    /** In a list: definitions of tools that are long are left out. By its id there is the whole. */
    isPartial: z.boolean(),
    comment: z.string(),
    state: z.enum(proposalStates),
    /** Of a void one: `base` was changed since, or the `proposer` could not make the change any more. */
    voidBecause: z.enum(['base', 'proposer']).nullable(),
    proposedBy: z.string(),
    proposedByName: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    decidedBy: z.string().nullable(),
    decidedByName: z.string().nullable(),
    decidedAt: Timestamp.nullable(),
    /** Why, in the words of who decided. */
    decisionComment: z.string().nullable(),
    /** Applied by one person alone, in an emergency. */
    breakGlass: z.boolean(),
    /** What whoever reads this can do about it. */
    you: z.object({
      obstacle: z.enum(proposalObstacles).nullable(),
      mayWithdraw: z.boolean(),
      /** May apply it alone all the same, with a reason. */
      mayBreakGlass: z.boolean(),
    }),
  })
  .meta({ id: 'Proposal' });
export type Proposal = z.infer<typeof Proposal>;
export const ProposalPage = pageOf(Proposal).meta({ id: 'ProposalPage' });
export const ProposalsQuery = PageQuery.extend({
  state: z.enum(proposalStates).optional(),
  kind: ProposalKind.optional(),
});
export type ProposalsQuery = z.infer<typeof ProposalsQuery>;

export const ProposalId = z.uuid();
export const DecideProposal = z
  .strictObject({
    decision: z.enum(['confirm', 'refuse', 'withdraw']),
    comment: z.string().trim().max(4000).optional(),
    /** In an emergency: applies it alone, with `comment` as the reason. It raises an alarm. */
    breakGlass: z.boolean().optional(),
  })
  .meta({ id: 'DecideProposal' });
export type DecideProposal = z.infer<typeof DecideProposal>;
