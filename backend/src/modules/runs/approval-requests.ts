import { type Approvers, type Said, inEnglish, say } from '@aos/contracts';
import { v7 as uuid } from 'uuid';
import type { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { canonicalHash } from '../../platform/http/canonical-hash.js';
import { type KnownTool, requirementOf, wholeOf } from '../integrations/index.js';
import { findReferences } from './references.js';
import { type RunRecord, type RunStep, episodeLink, json } from './run-record.js';

/**
 * The run's side of approvals: asking, and reading what was decided. Deciding is in
 * commands/decide-approval.ts.
 *
 * An approval is of one call: its tool as defined, its resolved arguments, the versions of the secrets they
 * name, who the policies want to approve it, and the step's round. Their hash is kept with the question and computed again right before the
 * call. When it differs (a variable was changed, the tool was redefined, a secret rotated, a rule wants others,
 * the step was revised), the approval is void and the question is put anew: what runs is what was approved.
 */
export type Verdict =
  | { kind: 'granted'; args: Record<string, unknown>; by: string | null }
  | { kind: 'waiting' }
  | { kind: 'degraded' | 'aborted'; by: string; comment: string | null }
  | { kind: 'expired' };

export interface Question {
  step: RunStep;
  tool: KnownTool;
  args: Record<string, unknown>;
  kind: 'policy' | 'open-call';
  reason: Said;
  /** What else the approval is of; for an open call, which one. */
  about?: string;
  /** Who has to say yes; one person, whoever it is, where no rule says so. */
  approvers: Approvers | undefined;
}

export class ApprovalRequests {
  constructor(
    private readonly database: Database,
    private readonly record: RunRecord,
    private readonly timeoutMs: number,
  ) {}

  /** Answers from the last approval of the step, or asks for one. */
  async ask(question: Question): Promise<Verdict> {
    const last = await this.lastOf(question);
    if (last === undefined || last.status === 'void') return this.request(question);
    const args = last.decision_args ?? question.args;
    const hash = await this.hashOf(question, args);
    switch (last.status) {
      case 'pending':
        return last.args_hash === hash ? { kind: 'waiting' } : this.replace(last, question);
      case 'continued':
        return last.args_hash === hash
          ? { kind: 'granted', args, by: last.decided_by }
          : this.replace(last, question);
      case 'degraded':
      case 'aborted':
        // A revised step is another question; the answer to the old one does not carry over.
        return last.args_hash === hash
          ? { kind: last.status, by: last.decided_by ?? 'somebody', comment: last.comment }
          : this.request(question);
      case 'expired':
        return { kind: 'expired' };
    }
  }

  /** Steps that wait for a decision which has not been made. */
  async pendingSteps(): Promise<Set<string>> {
    const rows = await this.database.query<{ step_id: string }>(
      `SELECT step_id FROM approvals WHERE job_id = $1 AND status = 'pending'`,
      [this.record.job.id],
    );
    return new Set(rows.map((row) => row.step_id));
  }

  private async lastOf({ step, kind }: Question): Promise<ApprovalRow | undefined> {
    const rows = await this.database.query<ApprovalRow>(
      `SELECT id, status, args_hash, decision_args, decided_by, comment FROM approvals
        WHERE job_id = $1 AND step_id = $2 AND kind = $3 ORDER BY round DESC LIMIT 1`,
      [this.record.job.id, step.id, kind],
    );
    return rows[0];
  }

  private async replace(old: ApprovalRow, question: Question): Promise<Verdict> {
    await this.record.write(async (tx) => {
      await sql(tx, `UPDATE approvals SET status = 'void' WHERE id = $1 AND status = $2`, [
        old.id,
        old.status,
      ]);
      await this.record.append(tx, [
        {
          type: 'anomaly.detected',
          severity: 'warning',
          summary: say('approval-void', { step: question.step.id }),
          payload: { code: 'approval_void', stepId: question.step.id, approvalId: old.id },
        },
      ]);
    });
    return this.request(question);
  }

  private async request(question: Question): Promise<Verdict> {
    const { step, tool, args, reason, kind } = question;
    const { job } = this.record;
    const approvers = wholeOf(question.approvers, false);
    const id = uuid();
    const hash = await this.hashOf(question, args);
    await this.record.write(async (tx) => {
      const { rows } = await sql<{ expires_at: Date }>(
        tx,
        `INSERT INTO approvals (id, job_id, trace_id, step_id, round, kind, project_id, tool, reason, said, args, args_hash,
                                schema, requested_by, requested_by_user, expires_at, second_person, required_count, approver_roles)
         SELECT $1, $2, $3, $4, coalesce(max(round), 0) + 1, $5, $6, $7, $8, $15, $9, $10, $11, $12, $13,
                now() + $14 * interval '1 millisecond', $16, $17, $18
           FROM approvals WHERE job_id = $2 AND step_id = $4
         RETURNING expires_at`,
        [
          id,
          job.id,
          job.traceId,
          step.id,
          kind,
          job.projectId,
          step.tool,
          inEnglish(reason),
          json(args),
          hash,
          json(tool.inputSchema),
          job.createdBy,
          job.createdByUser,
          this.timeoutMs,
          json(reason),
          approvers.secondPerson,
          approvers.count,
          approvers.roles ?? null,
        ],
      );
      await this.record.moveIn(tx, step, { state: 'waiting' }, [
        {
          type: 'approval.request',
          severity: 'warning',
          summary: reason,
          payload: {
            approvalId: id,
            stepId: step.id,
            tool: step.tool,
            args,
            schema: tool.inputSchema,
            reason: inEnglish(reason),
            kind,
            secondPerson: approvers.secondPerson,
            approvers,
            given: 0,
            requestedBy: job.createdBy,
            decisions: ['continue', 'degrade', 'abort'],
            expiresAt: rows[0]!.expires_at.toISOString(),
          },
          links: [
            { rel: 'approve', href: '/agent/approve', title: 'Continue, degrade or abort' },
            episodeLink(job),
          ],
        },
      ]);
    });
    return { kind: 'waiting' };
  }

  private async hashOf(
    { step, tool, about, approvers }: Question,
    args: Record<string, unknown>,
  ): Promise<string> {
    return approvedHash(this.database, {
      tool,
      args,
      round: step.round,
      about,
      approvers,
      projectId: this.record.job.projectId,
    });
  }
}

/** The hash of everything that an approval is of. Called outside any transaction. */
export async function approvedHash(
  database: Database,
  call: {
    tool: Pick<KnownTool, 'tool' | 'inputSchema' | 'description'>;
    args: Record<string, unknown>;
    round: number;
    about?: string;
    approvers: Approvers | undefined;
    projectId: string | null;
  },
): Promise<string> {
  const names = findReferences(call.args).found.flatMap(({ reference }) =>
    reference.kind === 'secret' ? [reference.name] : [],
  );
  const secrets = names.length
    ? await database.query(
        `SELECT name, project_id, version FROM secrets
          WHERE name = ANY($1) AND (project_id IS NULL OR project_id = $2) ORDER BY name, project_id`,
        [names, call.projectId],
      )
    : [];
  const requirement = requirementOf(call.approvers);
  const { tool, description, inputSchema } = call.tool;
  // At another place, or by the same name anew, it is another server that would be called.
  const registration = await database.query(
    `SELECT version, extract(epoch FROM created_at)::text AS since FROM mcp_registry WHERE name = split_part($1, '.', 1)`,
    [tool],
  );
  return canonicalHash({
    tool: { tool, description, inputSchema },
    registration,
    args: JSON.parse(json(call.args)),
    round: call.round,
    about: call.about ?? null,
    secrets,
    // Not there where no rule says so, as in the hashes of before there were such rules.
    ...(requirement ? { approvers: requirement } : {}),
  });
}

interface ApprovalRow {
  id: string;
  status: 'pending' | 'continued' | 'degraded' | 'aborted' | 'expired' | 'void';
  args_hash: string;
  decision_args: Record<string, unknown> | null;
  decided_by: string | null;
  comment: string | null;
}
