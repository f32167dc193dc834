import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type DecideProposal as Decision,
  type FieldFault,
  type Proposal,
  say,
} from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, Forbidden, faultAt } from '../../../platform/http/problem.js';
import { type NewEvent, Outbox } from '../../../platform/outbox/outbox.js';
import { configChanges } from '../config-diff.js';
import {
  NotAConfirmer,
  OwnProposal,
  ProposalDecided,
  ProposalExpired,
  ProposalVoid,
} from '../proposals.errors.js';
import {
  type ProposalRow,
  isOwn,
  mayBreakGlass,
  obstacleOf,
  proposalIn,
  rowIn,
} from '../proposals.queries.js';
import { type Prepared, Proposals, aboutProposal, ruleIn } from '../proposals.js';
import { couldSql, permissionOf } from '../standing.js';

export class DecideProposal extends Command<Proposal> {
  constructor(
    readonly ctx: Ctx,
    readonly id: string,
    readonly input: Decision,
  ) {
    super();
  }
}

const statusOf = { confirm: 'applied', refuse: 'refused', withdraw: 'withdrawn' } as const;
/** Of the appliers: what the change was made on is not what is there. */
const moved = new Set(['precondition_failed', 'not_found', 'already_exists']);

/**
 * Confirms, refuses or withdraws a proposal. Of two at the same moment, in whatever process, the second waits for the
 * lock on its row and finds it decided. A confirmed change is made in the same transaction, by the way that it would
 * have gone at once, and with the rights of whoever confirms: both have to be able to make it. Each audit row that the
 * change writes names both (`ctx.confirms`).
 *
 * Whoever proposed it never confirms or refuses. Breaking the glass, with a right of its own, in person and for a
 * reason, applies it alone, also what one has proposed oneself; that is another act in the audit, and an alarm.
 */
@CommandHandler(DecideProposal)
export class DecideProposalHandler implements ICommandHandler<DecideProposal> {
  constructor(
    private readonly database: Database,
    private readonly proposals: Proposals,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, id, input }: DecideProposal): Promise<Proposal> {
    if (input.breakGlass) requireReason(input);
    const prepared = input.decision === 'confirm' ? await this.prepare(ctx, id, input) : undefined;
    let isApplied = false;
    try {
      const answer = await this.decide(ctx, id, input, prepared);
      isApplied = answer.state === 'applied';
      return answer;
    } finally {
      await prepared?.settle?.(isApplied);
    }
  }

  /** Everything that is asked here is asked once more in the transaction that decides: this one only comes before a call. */
  private async prepare(ctx: Ctx, id: string, input: Decision): Promise<Prepared | undefined> {
    const found = await this.database.transaction(async (tx) => {
      const row = await rowIn(tx, ctx, id);
      const applier = this.proposals.applierOf(row.action);
      if (!('prepare' in applier)) return undefined;
      await this.requireOpen(tx, ctx, row, input);
      return { row, applier };
    });
    return found && voidWhereMoved(() => found.applier.prepare(ctx, found.row));
  }

  private async requireOpen(tx: Tx, ctx: Ctx, row: ProposalRow, input: Decision): Promise<void> {
    await this.requireMay(tx, ctx, row, input);
    if (row.state === 'void' && input.decision === 'confirm') throw await this.voidOf(tx, row);
    if (row.state !== 'pending' && row.state !== 'void') throw refusalOf(row);
  }

  private decide(
    ctx: Ctx,
    id: string,
    input: Decision,
    prepared: Prepared | undefined,
  ): Promise<Proposal> {
    return this.database.transaction(async (tx) => {
      await sql(tx, 'SELECT 1 FROM proposals WHERE id = $1 FOR UPDATE', [id]);
      const row = await this.standing(tx, ctx, id);
      await this.requireOpen(tx, ctx, row, input);
      await sql(
        tx,
        `UPDATE proposals SET status = $2, decided_by = $3, decided_by_user = $4, decided_by_name = $5, decided_at = now(),
                decision_comment = $6, is_break_glass = $7,
                applied_in = CASE WHEN $2 = 'applied' THEN pg_current_xact_id() END WHERE id = $1`,
        [
          ...[id, statusOf[input.decision], ctx.actor.id, ctx.actor.userId, ctx.actor.name],
          ...[input.comment || null, input.breakGlass ?? false],
        ],
      );
      if (input.decision === 'confirm') await this.apply(tx, ctx, row, input, prepared);
      await this.tell(tx, ctx, row, input);
      return proposalIn(tx, ctx, id);
    });
  }

  /** As it is now, with what it stands on held still until the end of the transaction. */
  private async standing(tx: Tx, ctx: Ctx, id: string): Promise<ProposalRow> {
    const row = await rowIn(tx, ctx, id);
    if (row.action !== 'role.grant') return row; // the others lock their document themselves
    await sql(tx, 'SELECT 1 FROM roles WHERE name = $1 FOR SHARE', [row.after?.['role']]);
    return rowIn(tx, ctx, id);
  }

  private async requireMay(tx: Tx, ctx: Ctx, row: ProposalRow, input: Decision): Promise<void> {
    if (input.decision === 'withdraw') {
      if (!isOwn(ctx, row)) throw new Forbidden(say('proposal-not-yours'));
      return;
    }
    if (input.breakGlass) {
      if (ctx.actor.kind !== 'user') throw new Forbidden(say('glass-by-session'));
      if (!mayBreakGlass(ctx, row) || !(await could(tx, ctx, row, 'approval.override', [])))
        throw new Forbidden(say('proposal-glass-may-not'));
      return;
    }
    const obstacle = obstacleOf(ctx, row);
    if (obstacle === 'own') throw new OwnProposal();
    const { confirmers } = await ruleIn(tx);
    if (obstacle !== null || !(await could(tx, ctx, row, permissionOf[row.kind], confirmers)))
      throw new NotAConfirmer(confirmers);
  }

  private async apply(
    tx: Tx,
    ctx: Ctx,
    row: ProposalRow,
    input: Decision,
    prepared: Prepared | undefined,
  ): Promise<void> {
    const confirms = {
      proposal: row.id,
      proposedBy: row.proposed_by,
      proposedByName: row.proposed_by_name,
      proposedByUser: row.proposed_by_user,
      confirmedBy: ctx.actor.id,
      ...(input.breakGlass && { breakGlass: input.comment }),
    };
    const applier = this.proposals.applierOf(row.action);
    await voidWhereMoved(() =>
      'prepare' in applier
        ? prepared!.apply(tx, { ...ctx, confirms })
        : applier.apply(tx, { ...ctx, confirms }, row),
    );
  }

  private async voidOf(tx: Tx, row: ProposalRow): Promise<Error> {
    if (row.fits) return new ProposalVoid('proposer', []);
    const present = await this.proposals.applierOf(row.action).present?.(tx, row);
    return new ProposalVoid('base', present === undefined ? [] : faultsOf(present, row.after));
  }

  private async tell(tx: Tx, ctx: Ctx, row: ProposalRow, input: Decision): Promise<void> {
    const verb = input.breakGlass ? 'break-glass' : input.decision;
    await this.audit.record(tx, ctx, {
      action: `proposal.${verb}`,
      resource: `proposal:${row.id}`,
      diff: {
        ...{ of: row.action, target: row.target, base: row.base },
        ...{ proposedBy: row.proposed_by, proposedByName: row.proposed_by_name },
        ...(input.comment && { comment: input.comment }),
      },
      projectId: row.project_id,
    });
    const [who, by, what] = [ctx.actor.name, row.proposed_by_name, say(`what-${row.kind}`)];
    const about = aboutProposal(
      ctx,
      { id: row.id, kind: row.kind, projectId: row.project_id },
      statusOf[input.decision],
    );
    const event: NewEvent = input.breakGlass
      ? {
          ...about,
          type: 'anomaly.detected',
          severity: 'error',
          summary: say('proposal-glass', { who, what, reason: input.comment! }),
          payload: { ...about.payload, code: 'break_glass', by: who, reason: input.comment },
        }
      : {
          ...about,
          type: 'task.progress.milestone',
          summary:
            input.decision === 'withdraw'
              ? say('proposal-withdrawn', { who, what })
              : say(input.decision === 'confirm' ? 'proposal-confirmed' : 'proposal-refused', {
                  ...{ who, what, by },
                }),
        };
    await this.outbox.append(tx, [event]);
  }
}

async function voidWhereMoved<T>(make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof AosError && moved.has(error.code))
      throw new ProposalVoid('base', error.errors ?? []);
    throw error;
  }
}

/** The rights that let the request in may be seconds old. */
async function could(
  tx: Tx,
  { actor }: Ctx,
  row: ProposalRow,
  permission: string,
  roles: readonly string[],
): Promise<boolean> {
  const { rows } = await sql(
    tx,
    `SELECT 1 WHERE ${couldSql({ user: '$1::uuid', permission: '$2', project: '$3', roles: '$4::text[]' })}`,
    [actor.userId, permission, row.project_id, roles],
  );
  return rows.length > 0;
}

/** The difference as it would be now, one fault a place, as a stale save has it. */
const faultsOf = (present: unknown, after: unknown): FieldFault[] =>
  configChanges(present, after).map((change) =>
    faultAt(
      change.path,
      say('would-become', {
        before: JSON.stringify(change.before),
        after: JSON.stringify(change.after),
      }),
    ),
  );

function requireReason({ decision, comment = '' }: Decision): void {
  const errors: FieldFault[] = [];
  if (decision !== 'confirm') errors.push(faultAt('breakGlass', say('proposal-glass-confirm')));
  // A dash, or blanks that nobody sees, are no reason.
  if (!/[\p{L}\p{N}]/u.test(comment)) errors.push(faultAt('comment', say('glass-reason')));
  if (errors.length > 0)
    throw new AosError('validation_failed', say('proposal-glass-wants'), { errors });
}

function refusalOf({ state, decided_by_name }: ProposalRow): Error {
  if (state === 'expired') return new ProposalExpired();
  if (state === 'withdrawn') return new ProposalDecided(say('proposal-was-withdrawn'));
  return new ProposalDecided(
    say(state === 'applied' ? 'proposal-was-applied' : 'proposal-was-refused', {
      who: decided_by_name ?? '',
    }),
  );
}
