import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Job, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { Forbidden } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { JobsQueries } from '../jobs.queries.js';
import { Queue } from '../queue.js';

export class CancelJob extends Command<Job> {
  constructor(
    readonly ctx: Ctx,
    readonly jobId: string,
    readonly reason: string | undefined,
  ) {
    super();
  }
}

/** Ends a job that nobody works on at once; a running one is asked, and ends a moment later. */
@CommandHandler(CancelJob)
export class CancelJobHandler implements ICommandHandler<CancelJob> {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsQueries,
    private readonly queue: Queue,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, jobId, reason }: CancelJob): Promise<Job> {
    const job = await this.jobs.get(ctx, jobId);
    if (!isAllowed(ctx.actor, 'task.cancel', job.projectId))
      throw new Forbidden('You may look at this job, but not cancel it.');
    await this.database.transaction(async (tx) => {
      const outcome = await this.queue.requestCancel(tx, job.id, reason ?? null);
      await this.audit.record(tx, ctx, {
        action: 'job.cancel',
        resource: `job:${job.id}`,
        diff: { outcome, reason: reason ?? null },
        projectId: job.projectId,
      });
      const status = outcome === 'cancelled' ? 'cancelled' : 'running';
      await this.outbox.append(tx, [
        {
          traceId: job.traceId,
          jobId: job.id,
          projectId: job.projectId,
          topic: 'task',
          type: 'job.status',
          summary: say(outcome === 'cancelled' ? 'job-cancelled' : 'job-cancel-asked', {
            who: ctx.actor.name,
            job: job.id,
          }),
          payload: { jobId: job.id, status, isCancelRequested: true, reason: reason ?? null },
          actor: ctx.actor.id,
        },
      ]);
    });
    return this.jobs.get(ctx, jobId);
  }
}
