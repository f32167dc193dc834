import { Injectable } from '@nestjs/common';
import { SignJWT, jwtVerify } from 'jose';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { type Said, inEnglish, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { MasterKey } from '../../../platform/config/master-key.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Settings } from '../../config/index.js';
import { ApprovalRequired, CallApprovalEnded, CallApprovalVoid } from '../integrations.errors.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { couldDecideSql, isSameRequirement, requirementOf, whomOf, wholeOf } from './approvers.js';
import type { CallEnd } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';
import { storable } from './result-check.js';

const TYPE = 'aos-approval+jwt';
/** How long a granted approval can be used after its question would have expired, by the database's clock. */
const GRACE = `interval '1 hour'`;

const Claims = z.object({ aid: z.uuid(), sub: z.string(), bnd: z.string() });

/**
 * A call that a policy lets through only once somebody has approved it.
 *
 * Inside a run the run asks: this link only sees that it has. Outside, the question goes into the same queue as
 * those of the runs (the table `approvals`, kind `call`, without a job), and the caller gets a handle. With the
 * handle the same call is made again, once, after somebody else has approved it: whoever asked can never decide.
 *
 * The handle is signed and names the approval, the caller, and a hash of the arguments, of the pinned definition,
 * of the server's registration and of who the rule wants to say yes. When any of these is another one by then, the approval is void. The use
 * is written before the call goes on, in one statement that only one of two can win; if a later link stops
 * the call before it has begun, it is given back. A tool that answers with questions is called again with what the
 * client said: those rounds are the one call that was approved, as long as nothing of it is another.
 */
@Injectable()
export class ApprovalLink implements Link {
  readonly name = 'approval';
  private readonly key: Buffer;

  constructor(
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly settings: Settings,
    masterKey: MasterKey,
  ) {
    this.key = masterKey.derive('call-approval');
  }

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    if (!passage.needsApproval) return next();
    const { call } = passage;
    if (call.run) {
      // Approved by whom the rule wanted when the run asked: where it wants others by now, the run asks again.
      const { approved } = call.run;
      if (!approved || !isSameRequirement(approved.approvers, passage.approvers))
        throw new ApprovalRequired(passage.name);
      return next();
    }
    const { client } = call;
    if (client?.approved !== undefined && (await this.goesOn(passage, client.approved)))
      return next();
    if (call.approval === undefined) throw await this.ask(passage);
    const id = await this.redeem(passage, call.approval);
    if (client) client.approved = call.approval;
    try {
      return await next();
    } catch (error) {
      if (!passage.row) await this.giveBack(id);
      throw error;
    }
  }

  async preview(passage: Passage): Promise<Foresight> {
    if (!passage.needsApproval) return { verdict: 'pass', says: say('link-nobody-asked') };
    // Of a run of an agent it is the run that asks, by the rule alone: see PoliciesQueries.
    const isRun = passage.foretold !== undefined && passage.ctx.actor.kind === 'agent';
    const approvers = wholeOf(passage.approvers, !isRun);
    const says: Said[] = [say('link-would-wait-for', { whom: whomOf(approvers) })];
    const count = await this.couldDecide(passage);
    if (count < approvers.count) says.push(say('link-too-few', { count }));
    return { verdict: 'ask', says };
  }

  /** How many could, of those that are wanted: nobody needs to know who else. */
  private async couldDecide({ ctx, projectId, approvers }: Passage): Promise<number> {
    const rows = await this.database.query(
      `SELECT 1 FROM users AS each WHERE each.id IS DISTINCT FROM $1::uuid
          AND ${couldDecideSql({ user: 'each.id', project: '$2::text', roles: '$3::text[]' })} LIMIT $4`,
      [ctx.actor.userId, projectId, approvers?.roles ?? null, approvers?.count ?? 1],
    );
    return rows.length;
  }

  private async ask(passage: Passage): Promise<ApprovalRequired> {
    const { ctx, call, projectId, target } = passage;
    const approvers = wholeOf(passage.approvers, true);
    const binding = bindingOf(passage);
    const { timeoutMs } = (await this.settings.system()).approvals;
    const said = { who: ctx.actor.name, tool: passage.name };
    const { rule } = passage;
    const why =
      rule === null
        ? say('call-asks', said)
        : passage.approvers
          ? say('call-asks-of', { ...said, rule, whom: whomOf(approvers) })
          : say('call-asks-by-rule', { ...said, rule });
    const reason = inEnglish(why);
    const asked = await this.database.transaction(async (tx) => {
      // The same question twice is one: a caller that lost the handle asks again and gets it again.
      await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 726305))`, [binding]);
      const { rows: open } = await sql<Asked>(
        tx,
        `SELECT id, expires_at, (${givenSql}) AS given FROM approvals
          WHERE kind = 'call' AND status = 'pending' AND args_hash = $1 AND requested_by = $2 AND expires_at > now()`,
        [binding, ctx.actor.id],
      );
      if (open[0]) return open[0];
      const { rows } = await sql<Asked>(
        tx,
        `INSERT INTO approvals (id, job_id, trace_id, step_id, kind, project_id, tool, reason, said, args, args_hash, schema,
                                second_person, requested_by, requested_by_user, expires_at, required_count, approver_roles)
         VALUES ($1, NULL, $2, '', 'call', $3, $4, $5, $12, $6, $7, $8, true, $9, $10, now() + $11 * interval '1 millisecond',
                 $13, $14)
         RETURNING id, expires_at, 0 AS given`,
        [
          uuid(),
          ctx.traceId,
          projectId,
          passage.name,
          reason,
          JSON.stringify(storable(call.args)),
          binding,
          JSON.stringify(target.tool.inputSchema),
          ctx.actor.id,
          ctx.actor.userId,
          timeoutMs,
          JSON.stringify(why),
          approvers.count,
          approvers.roles ?? null,
        ],
      );
      const { id, expires_at } = rows[0]!;
      await this.audit.record(tx, ctx, {
        action: 'approval.request',
        resource: `approval:${id}`,
        diff: { tool: passage.name, policy: rule, approvers, args: storable(call.args) },
        projectId,
      });
      await this.outbox.append(tx, [
        {
          traceId: ctx.traceId,
          projectId,
          topic: 'approval',
          type: 'approval.request',
          severity: 'warning',
          summary: why,
          payload: {
            approvalId: id,
            stepId: '',
            tool: passage.name,
            args: storable(call.args),
            schema: target.tool.inputSchema,
            reason,
            kind: 'call',
            secondPerson: true,
            approvers,
            given: 0,
            requestedBy: ctx.actor.id,
            decisions: ['continue', 'abort'],
            expiresAt: expires_at.toISOString(),
          },
          links: [{ rel: 'approve', href: '/agent/approve', title: 'Continue or abort' }],
          actor: ctx.actor.id,
        },
      ]);
      return rows[0]!;
    });
    return new ApprovalRequired(passage.name, {
      approvalId: asked.id,
      retryHandle: await this.handleOf(asked, ctx.actor.id, binding),
      expiresAt: asked.expires_at,
      approvers,
      given: Number(asked.given),
    });
  }

  private handleOf({ id }: Asked, subject: string, binding: string): Promise<string> {
    return new SignJWT({ aid: id, bnd: binding })
      .setProtectedHeader({ alg: 'HS256', typ: TYPE })
      .setSubject(subject)
      .sign(this.key);
  }

  /** Takes the approval for this call. @returns its id */
  private async redeem(passage: Passage, handle: string): Promise<string> {
    const claims = await this.read(handle);
    // Somebody else's handle is no handle.
    if (!claims || claims.sub !== passage.ctx.actor.id)
      throw new CallApprovalVoid('the handle was not given to you');
    if (claims.bnd !== bindingOf(passage)) {
      await this.void(claims.aid);
      throw new CallApprovalVoid(
        'the arguments, the tool, its server or who has to approve it are not as they were when it was asked for',
      );
    }
    const taken = await this.database.query(
      `UPDATE approvals SET used_at = now() WHERE id = $1 AND kind = 'call' AND status = 'continued' AND used_at IS NULL
          AND args_hash = $2 AND requested_by = $3 AND expires_at + ${GRACE} > clock_timestamp() RETURNING id`,
      [claims.aid, claims.bnd, claims.sub],
    );
    if (taken.length > 0) return claims.aid;
    throw await this.whyNot(passage, claims, handle);
  }

  /** Another round of a call that has taken its approval already, and is the same one still. */
  private async goesOn(passage: Passage, handle: string): Promise<boolean> {
    const claims = await this.read(handle);
    if (claims?.sub !== passage.ctx.actor.id || claims.bnd !== bindingOf(passage)) return false;
    const taken = await this.database.query(
      `SELECT id FROM approvals WHERE id = $1 AND kind = 'call' AND status = 'continued' AND used_at IS NOT NULL`,
      [claims.aid],
    );
    return taken.length > 0;
  }

  private async read(handle: string): Promise<z.infer<typeof Claims> | undefined> {
    try {
      const { payload } = await jwtVerify(handle, this.key, { algorithms: ['HS256'], typ: TYPE });
      return Claims.safeParse(payload).data;
    } catch {
      return undefined; // forged, or no handle at all: told alike
    }
  }

  private async whyNot(
    passage: Passage,
    { aid }: z.infer<typeof Claims>,
    retryHandle: string,
  ): Promise<Error> {
    const [row] = await this.database.query<{
      status: string;
      decided_by: string | null;
      used_at: Date | null;
      expires_at: Date;
      is_open: boolean;
      is_late: boolean;
      given: string;
    }>(
      `SELECT status, decided_by, used_at, expires_at, expires_at > clock_timestamp() AS is_open,
              expires_at + ${GRACE} <= clock_timestamp() AS is_late, (${givenSql}) AS given FROM approvals WHERE id = $1 AND kind = 'call'`,
      [aid],
    );
    if (row?.status === 'pending' && row.is_open)
      return new ApprovalRequired(passage.name, {
        approvalId: aid,
        retryHandle,
        expiresAt: row.expires_at,
        approvers: wholeOf(passage.approvers, true),
        given: Number(row.given),
      });
    if (row?.status === 'pending' || row?.status === 'expired')
      return new CallApprovalEnded('expired', null);
    if (row?.used_at) return new CallApprovalEnded('used', null);
    if (row?.status === 'continued' && row.is_late) return new CallApprovalEnded('late', null);
    if (row?.status === 'aborted' || row?.status === 'degraded')
      return new CallApprovalEnded('refused', row.decided_by);
    return new CallApprovalVoid('it was given up');
  }

  private async void(id: string): Promise<void> {
    await this.database.query(
      `UPDATE approvals SET status = 'void' WHERE id = $1 AND kind = 'call' AND status IN ('pending', 'continued') AND used_at IS NULL`,
      [id],
    );
  }

  private async giveBack(id: string): Promise<void> {
    await this.database.query('UPDATE approvals SET used_at = NULL WHERE id = $1', [id]);
  }
}

interface Asked {
  id: string;
  expires_at: Date;
  given: string;
}

/** How many have said yes to an approval that waits, and could still say it. */
const givenSql = `SELECT count(*) FROM approval_votes v
  WHERE v.approval_id = approvals.id AND v.decision = 'continue'
    AND ${couldDecideSql({ user: 'v.voter_user', project: 'approvals.project_id', roles: 'approvals.approver_roles' })}`;

/** All that the approval is of. */
const bindingOf = ({ ctx, call, target, approvers }: Passage): string =>
  canonicalHash({
    actor: ctx.actor.id,
    server: call.server,
    tool: call.tool,
    args: call.args,
    definition: target.hash,
    // Another server by its name begins with the first version as well.
    registration: [target.server.created_at.getTime(), target.server.version],
    // Not there where no rule says so, as in the hashes of before there were such rules.
    ...(requirementOf(approvers) ? { approvers: requirementOf(approvers) } : {}),
  });
