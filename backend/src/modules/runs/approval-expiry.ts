import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { say } from '@aos/contracts';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import type { Environment } from '../../platform/config/environment.js';
import { describeFailure } from '../../platform/database/away.js';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { Queue } from '../jobs/index.js';

const PERIOD_MS = 2_000;

/**
 * Ends the wait for decisions that nobody made. The clock is the database's: a process whose own is an hour
 * ahead expires nothing early. Each approval is expired in a transaction of its own, and the run that waits
 * for it is resumed in the same one; several processes may sweep at once. One that cannot be expired now is met again at
 * the next sweep, and keeps no other one waiting.
 */
@Injectable()
export class ApprovalExpiry implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(ApprovalExpiry.name);
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<unknown> | undefined;

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly database: Database,
    private readonly queue: Queue,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.environment.roles.has('worker')) return;
    this.timer = setInterval(() => {
      this.sweeping ??= this.sweep()
        .catch((error: unknown) =>
          this.logger.warn(`Approvals could not be expired: ${describeFailure(error)}`),
        )
        .finally(() => (this.sweeping = undefined));
    }, PERIOD_MS);
    this.timer.unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** @returns how many were expired. */
  async sweep(): Promise<number> {
    const due = await this.database.query<Due>(
      `SELECT id, job_id, trace_id, step_id, project_id FROM approvals
        WHERE status = 'pending' AND expires_at <= now() ORDER BY expires_at LIMIT 100`,
    );
    let expired = 0;
    for (const each of due)
      try {
        if (await this.expire(each)) expired++;
      } catch (error) {
        this.logger.warn(
          `The approval ${each.id} could not be expired yet: ${describeFailure(error)}`,
        );
      }
    return expired;
  }

  private expire(due: Due): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      if (due.job_id !== null)
        await sql(tx, 'SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [due.job_id]);
      const { count } = await sql(
        tx,
        `UPDATE approvals SET status = 'expired', decided_at = clock_timestamp()
          WHERE id = $1 AND status = 'pending' AND expires_at <= clock_timestamp()`,
        [due.id],
      );
      if (count === 0) return false;
      const ctx = { actor: systemPrincipal, traceId: due.trace_id, ip: null };
      await this.audit.record(tx, ctx, {
        action: 'approval.expire',
        resource: `approval:${due.id}`,
        projectId: due.project_id,
      });
      await this.outbox.append(tx, [
        {
          traceId: due.trace_id,
          jobId: due.job_id,
          projectId: due.project_id,
          topic: 'approval',
          type: 'approval.decided',
          severity: 'warning',
          summary:
            due.job_id === null
              ? say('undecided-call')
              : say('undecided-step', { step: due.step_id }),
          payload: { approvalId: due.id, stepId: due.step_id, decision: 'expired' },
          actor: 'system',
        },
      ]);
      if (due.job_id !== null) await this.queue.resume(tx, due.job_id);
      return true;
    });
  }
}

interface Due {
  id: string;
  job_id: string | null;
  trace_id: string;
  step_id: string;
  project_id: string | null;
}
