import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type RerunRequest, type RunAccepted, type TaskSpec, say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { faultAt } from '../../../platform/http/problem.js';
import { isFinal } from '../job-state.js';
import { JobNotFinished, StepsUnknown } from '../jobs.errors.js';
import { JobsQueries } from '../jobs.queries.js';
import type { SubmissionFault } from '../submission-checks.js';
import { JobSubmission } from './submit-job.js';

export class RerunJob extends Command<RunAccepted> {
  constructor(
    readonly ctx: Ctx,
    readonly jobId: string,
    readonly request: RerunRequest,
  ) {
    super();
  }
}

/**
 * A new job with the spec of an ended one. What the rerun asks for (`fromStep`, other arguments, results
 * taken over or called for again) travels beside the spec, for the module that runs tasks.
 */
@CommandHandler(RerunJob)
export class RerunJobHandler implements ICommandHandler<RerunJob> {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsQueries,
    private readonly submission: JobSubmission,
  ) {}

  async execute({ ctx, jobId, request }: RerunJob): Promise<RunAccepted> {
    const job = await this.jobs.get(ctx, jobId);
    if (!isFinal(job.status)) throw new JobNotFinished(job.id, job.status);
    const spec = withoutSchedule(job.spec!);
    await this.requireSteps(job.id, spec, request);
    const task = await this.submission.check(ctx, {
      spec,
      specToCheck: withArgs(spec, request.args ?? {}),
      conversationId: job.conversationId,
      rerunOf: job.id,
      rerun: { ...request },
    });
    return this.database.transaction((tx) => this.submission.submit(tx, ctx, task));
  }

  private async requireSteps(jobId: string, spec: TaskSpec, request: RerunRequest): Promise<void> {
    const planned = await this.database.query<{ step_id: string }>(
      'SELECT step_id FROM job_steps WHERE job_id = $1',
      [jobId],
    );
    const known = new Set([
      ...planned.map((row) => row.step_id),
      ...(spec.steps ?? []).map((step) => step.id),
    ]);
    const asked = [
      ...(request.fromStep === undefined ? [] : [{ path: 'fromStep', id: request.fromStep }]),
      ...Object.keys(request.args ?? {}).map((id) => ({ path: `args.${id}`, id })),
    ];
    const faults: SubmissionFault[] = asked
      .filter(({ id }) => !known.has(id))
      .map(({ path, id }) =>
        faultAt(path, say('unknown-of', { what: say('a-step', { name: id }) })),
      );
    if (faults.length > 0) throw new StepsUnknown(jobId, faults);
  }
}

/** The time it was first meant for has passed or would hold the rerun back; it runs now. */
function withoutSchedule(spec: TaskSpec): TaskSpec {
  const { scheduledAt: _, ...rest } = spec;
  return rest;
}

function withArgs(spec: TaskSpec, args: Record<string, Record<string, unknown>>): TaskSpec {
  if (!spec.steps) return spec;
  return {
    ...spec,
    steps: spec.steps.map((step) => ({ ...step, args: args[step.id] ?? step.args })),
  };
}
