import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Approval, type DecideRequest, type FieldFault, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { Forbidden, faultAt } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Gateway } from '../../integrations/index.js';
import { Queue } from '../../jobs/index.js';
import { approvedHash } from '../approval-requests.js';
import {
  ApprovalArgsInvalid,
  ApprovalDecided,
  ApprovalExpired,
  ApprovalVoid,
  SelfApproval,
} from '../approvals.errors.js';
import { type ApprovalRow, ApprovalsQueries } from '../approvals.queries.js';
import { checkAgainstSchema } from '../args-schema.js';
import { findReferences } from '../references.js';
import { json } from '../run-record.js';

export class DecideApproval extends Command<Approval> {
  constructor(
    readonly ctx: Ctx,
    readonly input: DecideRequest,
  ) {
    super();
  }
}

const statusOf = { continue: 'continued', degrade: 'degraded', abort: 'aborted' } as const;

/**
 * One decision per approval, by the database's clock. The decision, its audit row, its event and the
 * resumption of the run commit together; the run acts on it from its checkpoint.
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
    const isOwn =
      approval.requested_by === ctx.actor.id ||
      (approval.requested_by_user !== null && approval.requested_by_user === ctx.actor.userId);
    // A call outside a run is approved by somebody else, whatever the settings say.
    if ((approval.second_person || approval.kind === 'call') && isOwn) throw new SelfApproval();
    if (approval.status !== 'pending') throw refusalOf(approval);
    const editedHash = input.args && (await this.checkArgs(input, approval));
    await this.database.transaction(async (tx) => {
      // The job first, as everybody does who changes both.
      if (approval.job_id !== null)
        await sql(tx, 'SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [approval.job_id]);
      const { count } = await sql(
        tx,
        `UPDATE approvals SET status = $2, decided_by = $3, decided_by_user = $4, decided_at = clock_timestamp(),
                comment = $5, decision_args = $6, args_hash = coalesce($7, args_hash)
          WHERE id = $1 AND status = 'pending' AND expires_at > clock_timestamp()`,
        [
          approval.id,
          statusOf[input.decision],
          ctx.actor.name,
          ctx.actor.userId,
          input.comment ?? null,
          input.args ? json(input.args) : null,
          editedHash ?? null,
        ],
      );
      if (count === 0) throw refusalOf(await this.approvals.rowIn(tx, approval.id));
      await this.tell(tx, ctx, input, approval);
      if (approval.job_id !== null) await this.queue.resume(tx, approval.job_id);
    });
    return this.approvals.get(ctx, approval.id);
  }

  private async checkArgs(input: DecideRequest, approval: ApprovalRow): Promise<string> {
    const args = input.args!;
    if (input.decision !== 'continue')
      throw new ApprovalArgsInvalid([faultAt('args', say('args-only-continue'))]);
    if (approval.kind === 'call')
      throw new ApprovalArgsInvalid([faultAt('args', say('args-of-caller'))]);
    if (approval.kind === 'open-call')
      throw new ApprovalArgsInvalid([faultAt('args', say('args-called-already'))]);
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
      projectId: approval.project_id,
    });
  }

  private async tell(tx: Tx, ctx: Ctx, input: DecideRequest, approval: ApprovalRow): Promise<void> {
    await this.audit.record(tx, ctx, {
      action: 'approval.decide',
      resource: `approval:${approval.id}`,
      diff: {
        decision: input.decision,
        comment: input.comment ?? null,
        tool: approval.tool,
        before: { args: approval.args },
        after: { args: input.args ?? approval.args },
      },
      projectId: approval.project_id,
    });
    await this.outbox.append(tx, [
      {
        traceId: approval.trace_id,
        jobId: approval.job_id,
        projectId: approval.project_id,
        topic: 'approval',
        type: 'approval.decided',
        summary: say(input.args ? 'decided-edited' : 'decided', {
          who: ctx.actor.name,
          what:
            approval.job_id === null
              ? say('the-call', { tool: approval.tool })
              : say('the-step', { step: approval.step_id }),
          decision: say(`decision-${input.decision}`),
        }),
        payload: {
          approvalId: approval.id,
          stepId: approval.step_id,
          decision: input.decision,
          isEdited: input.args !== undefined,
          comment: input.comment ?? null,
          by: ctx.actor.name,
        },
        actor: ctx.actor.id,
      },
    ]);
  }
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
