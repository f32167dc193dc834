import { Injectable } from '@nestjs/common';
import type { Ctx } from '../http/context.js';
import { Database } from '../database/database.js';
import { type Tx, sql } from '../database/sql.js';

export interface AuditEntry {
  /** `<resource>.<verb>` in the past or as ordered: `job.create`, `login`, `agent.start`. */
  action: string;
  /** `<kind>:<id>`. */
  resource: string;
  /** What changed, as { before, after } or a few named facts. Never a secret's value. */
  diff?: unknown;
  outcome?: 'allowed' | 'denied' | 'failed';
  projectId?: string | null;
}

/**
 * The record of who did what. `record` writes inside the transaction of the change: the change and its
 * row commit together, or neither does; where the row cannot be written the change fails. `recordAlone`
 * is for what changed nothing but must be known: a refusal, a failed sign-in.
 * The table itself refuses UPDATE, DELETE and TRUNCATE.
 */
@Injectable()
export class AuditTrail {
  constructor(private readonly database: Database) {}

  async record(tx: Tx, ctx: Ctx, entry: AuditEntry): Promise<void> {
    await sql(tx, insert, parameters(ctx, entry));
  }

  async recordAlone(ctx: Ctx, entry: AuditEntry): Promise<void> {
    await this.database.query(insert, parameters(ctx, entry));
  }
}

const insert = `INSERT INTO audit_logs (actor, action, resource, diff, outcome, actor_user, project_id, trace_id, ip)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

/** Of what a second person confirmed, every row names both. */
const withBoth = ({ confirms }: Ctx, diff: unknown): unknown =>
  confirms ? { ...(diff as object | undefined), confirms } : diff;

const parameters = (ctx: Ctx, entry: AuditEntry) => [
  ctx.actor.id,
  entry.action,
  entry.resource.slice(0, 1000),
  JSON.stringify(withBoth(ctx, entry.diff) ?? null),
  entry.outcome ?? 'allowed',
  ctx.actor.userId,
  entry.projectId ?? null,
  ctx.traceId,
  ctx.ip,
];
