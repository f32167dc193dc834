import { Injectable } from '@nestjs/common';
import {
  type Proposal,
  type ProposalAction,
  type ProposalKind,
  SecondPersonRule,
  proposalKinds,
  say,
} from '@aos/contracts';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { Ctx } from '../../platform/http/context.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { configChanges } from './config-diff.js';
import { NobodyToConfirm, TooManyProposals } from './proposals.errors.js';
import { type Document, type ProposalRow, proposalIn } from './proposals.queries.js';
import { couldSql, permissionOf } from './standing.js';

/** So many wait at a time, of all kinds. */
export const MOST_WAITING = 200;
const WAITS_DAYS = 7;

/** A change that somebody is about to make, behind every check but that for a second person. */
export interface Draft {
  kind: ProposalKind;
  action: ProposalAction;
  target: string;
  projectId?: string | null;
  base: number | null;
  before: Document | null;
  after: Document | null;
  comment?: string;
  /** Of the settings: whether it changes the rule itself. */
  touchesRule?: boolean;
  /** The same two for the audit, where it is not to have them whole. */
  briefly?: { before: Document | null; after: Document | null };
  /** Keeps what belongs to the proposal and is never shown with it. */
  keep?: (id: string) => Promise<void>;
}

/** What a command answers with in place of what it would have changed. */
export class Proposed {
  constructor(readonly proposal: Proposal) {}
}

/** Answers 202 with the proposal and its place where there is one; else with what was changed. */
export function orProposed<T>(response: Response, answer: T | Proposed): T | Proposal {
  if (!(answer instanceof Proposed)) return answer;
  response.status(202).location(`/config/proposals/${answer.proposal.id}`);
  return answer.proposal;
}

interface Shows {
  /** The document as it is now, to be compared with one that was proposed on another. */
  present?(tx: Tx, row: ProposalRow): Promise<Document | null>;
}
interface Applies {
  /** Makes the change with the rights of `ctx`, who confirms it, in the transaction that says so. */
  apply(tx: Tx, ctx: Ctx, row: ProposalRow): Promise<unknown>;
}
interface Prepares {
  /**
   * Before that transaction, of what is going to be confirmed by somebody who may: for a change that has to ask somewhere
   * else, which no transaction waits for. What it throws is told, and the proposal goes on waiting.
   */
  prepare(ctx: Ctx, row: ProposalRow): Promise<Prepared>;
}
export interface Prepared {
  apply(tx: Tx, ctx: Ctx): Promise<unknown>;
  /** Behind the transaction, however it ended. */
  settle?(isApplied: boolean): Promise<void>;
}
export type Applier = Shows & (Applies | Prepares);

/**
 * Changes that want a second person. A command that makes one asks `instead`, in its transaction and behind all its own
 * checks: where the rule is off it goes on, and else it ends with a proposal. Confirming (commands/decide-proposal.ts)
 * takes the same command's way once more, with the rights of whoever confirms, and with `ctx.confirms` set.
 *
 * The rule is read of the tables in that transaction, never of a cache. The database itself holds it too: see the
 * migration that made the table.
 */
@Injectable()
export class Proposals {
  private readonly appliers = new Map<ProposalAction, Applier>();

  constructor(
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  /** Called once for each action, by who makes such changes. */
  appliesBy(action: ProposalAction, applier: Applier): void {
    this.appliers.set(action, applier);
  }

  applierOf(action: ProposalAction): Applier {
    const applier = this.appliers.get(action);
    if (!applier) throw new Error(`nobody applies ${action}`);
    return applier;
  }

  /** Whether such a change has to be proposed. */
  async wants(
    tx: Tx,
    ctx: Ctx,
    { kind, touchesRule = false }: Pick<Draft, 'kind' | 'touchesRule'>,
  ): Promise<boolean> {
    if (ctx.confirms) return false;
    const rule = await ruleIn(tx);
    return rule[kind] || (touchesRule && isOn(rule));
  }

  /** @returns undefined where the change may be made now. */
  async instead(tx: Tx, ctx: Ctx, draft: Draft): Promise<Proposed | undefined> {
    if (!(await this.wants(tx, ctx, draft))) return undefined;
    const { count: waiting } = await sql(
      tx,
      `SELECT 1 FROM proposals WHERE status = 'pending' AND expires_at > now() LIMIT ${MOST_WAITING}`,
    );
    if (waiting >= MOST_WAITING) throw new TooManyProposals(MOST_WAITING);
    const id = uuid();
    const projectId = draft.projectId ?? null;
    await sql(
      tx,
      `INSERT INTO proposals (id, kind, action, target, project_id, base, before, after, comment, trace_id,
                              proposed_by, proposed_by_user, proposed_by_name, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, now() + interval '${WAITS_DAYS} days')`,
      [
        ...[id, draft.kind, draft.action, draft.target, projectId, draft.base],
        ...[draft.before, draft.after].map((each) => each && JSON.stringify(each)),
        ...[draft.comment ?? '', ctx.traceId, ctx.actor.id, ctx.actor.userId, ctx.actor.name],
      ],
    );
    await draft.keep?.(id);
    const brief = draft.briefly ?? draft;
    await this.audit.record(tx, ctx, {
      action: 'proposal.create',
      resource: `proposal:${id}`,
      diff: {
        ...{ of: draft.action, target: draft.target, base: draft.base },
        changes: configChanges(brief.before, brief.after),
        ...(draft.comment && { comment: draft.comment }),
      },
      projectId,
    });
    await this.outbox.append(tx, [
      {
        ...aboutProposal(ctx, { id, kind: draft.kind, projectId }, 'pending'),
        type: 'task.progress.milestone',
        severity: 'warning',
        summary: say(`proposed-${draft.kind}`, { who: ctx.actor.name }),
      },
    ]);
    return new Proposed(await proposalIn(tx, ctx, id));
  }

  /** @throws NobodyToConfirm where a rule would let nobody but `asker` confirm what it wants confirmed. */
  async requireSomebodyElse(tx: Tx, asker: string | null, rule: SecondPersonRule): Promise<void> {
    if (!isOn(rule)) return;
    // Of the settings in any case: the rule could not be taken back.
    for (const kind of proposalKinds) {
      if (kind !== 'settings' && !rule[kind]) continue;
      const { rows } = await sql(
        tx,
        `SELECT 1 FROM users p WHERE p.id IS DISTINCT FROM $1::uuid
            AND ${couldSql({ user: 'p.id', permission: '$2', project: 'NULL', roles: '$3::text[]' })} LIMIT 1`,
        [asker, permissionOf[kind], rule.confirmers],
      );
      if (rows.length === 0) throw new NobodyToConfirm(kind);
    }
  }
}

export const isOn = (rule: SecondPersonRule): boolean => proposalKinds.some((kind) => rule[kind]);

/** The rule as the tables have it. What is stored by a newer version and cannot be read is the database's to hold. */
export async function ruleIn(tx: Tx): Promise<SecondPersonRule> {
  const { rows } = await sql<{ rule: unknown }>(tx, 'SELECT second_person_rule() AS rule');
  return SecondPersonRule.safeParse(rows[0]?.rule ?? {}).data ?? SecondPersonRule.parse({});
}

/** What every event about a proposal has. It names no value and no path: more people read events than settings. */
export const aboutProposal = (
  ctx: Ctx,
  of: { id: string; kind: ProposalKind; projectId: string | null },
  state: Proposal['state'],
) => ({
  traceId: ctx.traceId,
  projectId: of.projectId,
  topic: 'config' as const,
  payload: { proposalId: of.id, kind: of.kind, state },
  links: [
    {
      rel: 'settings' as const,
      href: `/console/settings/proposals/${of.id}`,
      title: 'Changes that wait',
    },
  ],
  actor: ctx.actor.id,
});
