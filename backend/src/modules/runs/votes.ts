import { type DecideRequest } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import type { Ctx, Principal } from '../../platform/http/context.js';
import { couldDecideSql } from '../integrations/index.js';

/** A person has one vote, whatever they show. */
export const voterOf = ({ id, userId }: Principal): string =>
  userId === null ? id : `user:${userId}`;

/**
 * Puts down what somebody says, in the transaction that holds the approval's row. A yes stands until its person says
 * no; said twice it is one.
 * @returns whether it says something new
 */
export async function putVote(tx: Tx, { actor }: Ctx, input: DecideRequest): Promise<boolean> {
  const { count } = await sql(
    tx,
    `INSERT INTO approval_votes AS v (approval_id, voter, voter_user, voter_name, decision, comment, is_break_glass)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (approval_id, voter) DO UPDATE
       SET decision = excluded.decision, comment = excluded.comment, voter_name = excluded.voter_name,
           is_break_glass = excluded.is_break_glass, created_at = clock_timestamp()
       WHERE excluded.decision <> v.decision OR excluded.is_break_glass`,
    [
      input.approvalId,
      voterOf(actor),
      actor.userId,
      actor.name,
      input.decision,
      input.comment ?? null,
      input.breakGlass ?? false,
    ],
  );
  return count > 0;
}

/** Asked of the tables, in the transaction: the request was let in by rights that may be seconds old. */
export async function couldDecide(
  tx: Tx,
  { actor }: Ctx,
  approvalId: string,
  isBreakGlass: boolean,
): Promise<boolean> {
  const { rows } = await sql(
    tx,
    `SELECT 1 FROM approvals a WHERE a.id = $1 AND ${couldDecideSql({
      user: '$2::uuid',
      project: 'a.project_id',
      roles: isBreakGlass ? 'NULL::text[]' : 'a.approver_roles',
      permission: isBreakGlass ? `'approval.override'` : `'approval.decide'`,
    })}`,
    [approvalId, actor.userId],
  );
  return rows.length > 0;
}

/**
 * Names of those whose yes counts, the first first. A yes whose person could not give it any more (the account is off,
 * the role or the right was taken away) does not: nobody is let in by half by an account that somebody has lost.
 */
export async function namesOfYes(tx: Tx, approvalId: string): Promise<string[]> {
  const { rows } = await sql<{ voter_name: string }>(
    tx,
    `SELECT v.voter_name FROM approval_votes v JOIN approvals a ON a.id = v.approval_id
      WHERE a.id = $1 AND v.decision = 'continue' AND ${couldDecideSql({
        user: 'v.voter_user',
        project: 'a.project_id',
        roles: 'a.approver_roles',
      })} ORDER BY v.created_at`,
    [approvalId],
  );
  return rows.map(({ voter_name }) => voter_name);
}

/** What has been decided stands: from now on it is not asked any more who could still decide. */
export const closeVotes = (tx: Tx, approvalId: string) =>
  sql(
    tx,
    `UPDATE approval_votes v SET counted = v.is_break_glass OR a.required_count = 1 AND a.approver_roles IS NULL OR ${couldDecideSql(
      { user: 'v.voter_user', project: 'a.project_id', roles: 'a.approver_roles' },
    )} FROM approvals a WHERE a.id = v.approval_id AND a.id = $1`,
    [approvalId],
  );
