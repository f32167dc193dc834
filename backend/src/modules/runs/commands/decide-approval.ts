import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Approval, type DecideRequest, type FieldFault, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden, faultAt } from '../../../platform/http/problem.js';
import { type NewEvent, Outbox } from '../../../platform/outbox/outbox.js';
import { Gateway, requirementOf } from '../../integrations/index.js';
import { Queue } from '../../jobs/index.js';
import { approvedHash } from '../approval-requests.js';
import {
  AlreadyVoted,
  ApprovalArgsInvalid,
  ApprovalDecided,
  ApprovalExpired,
  ApprovalVoid,
  GlassRefused,
  NotAnApprover,
  SelfApproval,
} from '../approvals.errors.js';
import { type ApprovalRow, ApprovalsQueries, approversOf, isOwn } from '../approvals.queries.js';
import { checkAgainstSchema } from '../args-schema.js';
import { findReferences } from '../references.js';
import { json } from '../run-record.js';
import { closeVotes, couldDecide, namesOfYes, putVote } from '../votes.js';

export class DecideApproval extends Command<Approval> {
  constructor(
    readonly ctx: Ctx,
    readonly input: DecideRequest,
  ) {
    super();
  }
}

const statusOf = { continue: 'continued', degrade: 'degraded', abort: 'aborted' } as const;

/** What came of one vote. */
interface Outcome {
  /** Whose yes it was, or counts so far. */
  names: string[];
  isDecided: boolean;
}

/**
 * One vote on an approval, and the decision where it is the last that was wanted. One no is a no; a yes counts once per
 * person and as long as that person could give it, which is asked of the tables at every vote. Votes on one approval
 * are counted one after the other, behind a lock on its row, by the database's clock: of two at the same moment, in
 * whatever process, the second sees the first. The vote, its audit row and its event commit together, and with the last
 * one the decision and the resumption of the run, which acts on it from its checkpoint.
 *
 * Whoever asked never decides where a second person is wanted, not by breaking the glass either. That takes a right of
 * its own (`approval.override`), a person who is signed in, and a reason; then it stands for all the others.
 */
@CommandHandler(DecideApproval)
export class DecideApprovalHandler implements ICommandHandler<DecideApproval> {
  constructor(
    private readonly database: Database,
    private readonly approvals: ApprovalsQueries,
    private readonly gateway: Gateway,
    private readonly queue: Queue,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, input }: DecideApproval): Promise<Approval> {
    const approval = await this.approvals.row(ctx, input.approvalId);
    if (!isAllowed(ctx.actor, 'approval.decide', approval.project_id))
      throw new Forbidden('You may look at this approval, but not decide it.');
    // A call outside a run is approved by somebody else, whatever the settings say.
    if ((approval.second_person || approval.kind === 'call') && isOwn(ctx, approval))
      throw new SelfApproval();
    if (approval.status !== 'pending') throw refusalOf(approval);
    if (input.breakGlass) requireGlass(ctx, input);
    const editedHash = input.args && (await this.checkArgs(input, approval));
    await this.database.transaction(async (tx) => {
      // The job first, as everybody does who changes both.
      if (approval.job_id !== null)
        await sql(tx, 'SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [approval.job_id]);
      const { rows: open } = await sql(
        tx,
        `SELECT 1 FROM approvals WHERE id = $1 AND status = 'pending' AND expires_at > clock_timestamp() FOR UPDATE`,
        [approval.id],
      );
      if (open.length === 0) throw refusalOf(await this.approvals.rowIn(tx, ctx, approval.id));
      const outcome = await this.vote(tx, ctx, input, approval);
      if (outcome.isDecided) {
        await sql(
          tx,
          `UPDATE approvals SET status = $2, decided_by = $3, decided_by_user = $4, decided_at = clock_timestamp(),
                  comment = $5, decision_args = $6, args_hash = coalesce($7, args_hash) WHERE id = $1`,
          [
            approval.id,
            statusOf[input.decision],
            input.decision === 'continue' ? outcome.names.join(', ') : ctx.actor.name,
            ctx.actor.userId,
            input.comment ?? null,
            input.args ? json(input.args) : null,
            editedHash ?? null,
          ],
        );
        await closeVotes(tx, approval.id);
      }
      await this.tell(tx, ctx, input, approval, outcome);
      if (outcome.isDecided && approval.job_id !== null)
        await this.queue.resume(tx, approval.job_id);
    });
    return this.approvals.get(ctx, approval.id);
  }

  private async vote(
    tx: Tx,
    ctx: Ctx,
    input: DecideRequest,
    approval: ApprovalRow,
  ): Promise<Outcome> {
    const { count, roles } = approversOf(approval);
    const isBreakGlass = input.breakGlass ?? false;
    const isRuled = count > 1 || roles !== undefined || isBreakGlass;
    // One person, whoever it is: the rights that let the request in are enough, as for all others.
    if (isRuled && !(await couldDecide(tx, ctx, approval.id, isBreakGlass)))
      throw isBreakGlass
        ? new GlassRefused('glass-may-not')
        : new NotAnApprover(approversOf(approval));
    const isNew = await putVote(tx, ctx, input);
    if (input.decision !== 'continue') return { names: [], isDecided: true };
    if (!isRuled || isBreakGlass) return { names: [ctx.actor.name], isDecided: true };
    const names = await namesOfYes(tx, approval.id);
    const isDecided = names.length >= count;
    // Said again it adds nothing, unless another yes counts again that did not then.
    if (!isNew && !isDecided) throw new AlreadyVoted(names.length, count);
    return { names, isDecided };
  }

  private async checkArgs(input: DecideRequest, approval: ApprovalRow): Promise<string> {
    const args = input.args!;
    if (input.decision !== 'continue')
      throw new ApprovalArgsInvalid([faultAt('args', say('args-only-continue'))]);
    if (approval.kind === 'call')
      throw new ApprovalArgsInvalid([faultAt('args', say('args-of-caller'))]);
    if (approval.kind === 'open-call')
      throw new ApprovalArgsInvalid([faultAt('args', say('args-called-already'))]);
    // Whoever edits asks for something else: where others have to approve that, they would decide on their own request.
    if (approval.second_person || approval.required_count > 1)
      throw new ApprovalArgsInvalid([faultAt('args', say('args-of-several'))]);
    const { found, faults } = findReferences(args);
    const errors: FieldFault[] = faults.map((fault) => ({
      ...fault,
      path: `args${fault.path.replaceAll('/', '.')}`,
    }));
    for (const { path, reference } of found) {
      const at = `args${path.replaceAll('/', '.')}`;
      if (reference.kind !== 'secret') errors.push(faultAt(at, say('args-secrets-only')));
      else if (!approval.env.includes(reference.name))
        errors.push(
          faultAt(at, say('unknown-of', { what: say('a-secret', { name: reference.name }) })),
        );
    }
    const [server, ...name] = approval.tool.split('.');
    const tool = await this.gateway.tool(server!, name.join('.'));
    if (!tool) throw new ApprovalVoid();
    const placeholders = found.map((each) => each.path);
    for (const fault of checkAgainstSchema(tool.inputSchema, args, placeholders))
      errors.push({ ...fault, path: `args${fault.path.replaceAll('/', '.')}` });
    if (errors.length > 0) throw new ApprovalArgsInvalid(errors);
    return approvedHash(this.database, {
      tool,
      args,
      round: approval.step_round,
      approvers: requirementOf(approversOf(approval)),
      projectId: approval.project_id,
    });
  }

  private async tell(
    tx: Tx,
    ctx: Ctx,
    input: DecideRequest,
    approval: ApprovalRow,
    { names, isDecided }: Outcome,
  ): Promise<void> {
    const { required_count: count } = approval;
    const comment = input.comment ?? null;
    await this.audit.record(tx, ctx, {
      action: input.breakGlass
        ? 'approval.break-glass'
        : isDecided
          ? 'approval.decide'
          : 'approval.vote',
      resource: `approval:${approval.id}`,
      diff: {
        decision: input.decision,
        comment,
        tool: approval.tool,
        approvers: approversOf(approval),
        given: names,
        before: { args: approval.args },
        after: { args: input.args ?? approval.args },
      },
      projectId: approval.project_id,
    });
    const what =
      approval.job_id === null
        ? say('the-call', { tool: approval.tool })
        : say('the-step', { step: approval.step_id });
    const who = ctx.actor.name;
    const about = {
      traceId: approval.trace_id,
      jobId: approval.job_id,
      projectId: approval.project_id,
      topic: 'approval' as const,
      actor: ctx.actor.id,
    };
    const payload = {
      approvalId: approval.id,
      stepId: approval.step_id,
      decision: input.decision,
      comment,
      by: who,
      given: names.length,
      count,
    };
    if (!isDecided) {
      await this.outbox.append(tx, [
        {
          ...about,
          type: 'task.progress.milestone',
          summary: say('voted', { who, what, given: names.length, count }),
          payload,
          links: [{ rel: 'approve', href: '/agent/approve', title: 'Continue or abort' }],
        },
      ]);
      return;
    }
    const decision = say(`decision-${input.decision}`);
    const summary =
      names.length > 1
        ? say('decided-together', { who: names, what, decision })
        : say(input.args ? 'decided-edited' : 'decided', { who, what, decision });
    const isEdited = input.args !== undefined;
    const events: NewEvent[] = [
      { ...about, type: 'approval.decided', summary, payload: { ...payload, isEdited } },
    ];
    if (input.breakGlass)
      events.push({
        ...about,
        type: 'anomaly.detected',
        severity: 'error',
        summary: say('glass-broken', { who, what, reason: comment! }),
        payload: { ...payload, code: 'break_glass', tool: approval.tool, reason: comment },
      });
    await this.outbox.append(tx, events);
  }
}

/** Of what a person writes: a dash, or blanks that nobody sees, are no reason. */
const hasWords = (text = '') => /[\p{L}\p{N}]/u.test(text);

/** Whether they hold the right is asked with the vote. */
function requireGlass({ actor }: Ctx, input: DecideRequest): void {
  if (actor.kind !== 'user') throw new GlassRefused('glass-by-session');
  const errors: FieldFault[] = [];
  if (input.decision !== 'continue') errors.push(faultAt('breakGlass', say('glass-for-yes')));
  if (!hasWords(input.comment)) errors.push(faultAt('comment', say('glass-reason')));
  if (errors.length > 0) throw new AosError('validation_failed', say('glass-wants'), { errors });
}

function refusalOf(approval: Pick<ApprovalRow, 'status' | 'decided_by'>): Error {
  switch (approval.status) {
    case 'pending': // and not taken: its time is over, and the sweep has not come by yet
    case 'expired':
      return new ApprovalExpired();
    case 'void':
      return new ApprovalVoid();
    default:
      return new ApprovalDecided(approval.status, approval.decided_by);
  }
}
