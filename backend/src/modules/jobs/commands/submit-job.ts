import { Injectable } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type AcceptedTask, type RunAccepted, type TaskSpec, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx } from '../../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../../platform/http/context.js';
import { Forbidden, NotFound, faultAt } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { activeTraceparent } from '../../../platform/telemetry/span.js';
import {
  PlanInvalid,
  ProjectArchived,
  UnknownAgent,
  UnknownArtifacts,
  UnknownSecrets,
} from '../jobs.errors.js';
import { type EnqueuedJob, Queue } from '../queue.js';
import { type SubmissionFault, SubmissionChecks } from '../submission-checks.js';

export interface SubmitJobInput {
  spec: AcceptedTask;
  conversationId?: string | null;
  rerunOf?: string | null;
  rerun?: Record<string, unknown> | null;
  /** What is checked in place of `spec`, when a rerun changes the arguments of its steps. */
  specToCheck?: TaskSpec;
}

/**
 * A task that may be accepted. Only `JobSubmission.check` makes one, so that nobody who submits inside a
 * transaction of their own can leave the check out.
 */
export class CheckedTask {
  /** Not to be called outside this file. */
  constructor(
    readonly input: SubmitJobInput,
    readonly projectId: string | null,
    readonly agent: { id: string; name: string } | null,
  ) {}
}

/**
 * Takes tasks in. In two parts, because the check asks other modules (the gateway for its tools) and must
 * therefore stand outside a transaction, while the job, its audit row and its first events are one:
 *
 *     const task = await submission.check(ctx, { spec });
 *     await database.transaction((tx) => submission.submit(tx, ctx, task));
 */
@Injectable()
export class JobSubmission {
  constructor(
    private readonly database: Database,
    private readonly queue: Queue,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly checks: SubmissionChecks,
  ) {}

  /** @throws NotFound, Forbidden, ProjectArchived, UnknownAgent, UnknownArtifacts, UnknownSecrets, PlanInvalid */
  async check(ctx: Ctx, input: SubmitJobInput): Promise<CheckedTask> {
    const { spec } = input;
    const projectId = spec.projectId ?? null;
    await this.requireProject(ctx, projectId);
    const agent = spec.agentId === undefined ? null : await this.findAgent(spec.agentId);
    await this.requireArtifacts(ctx, spec);
    await this.requireSecrets(spec, projectId);
    const checked = input.specToCheck ?? spec;
    const faults = await this.checks.faults(
      ctx,
      agent ? { ...checked, agentId: agent.id } : checked,
    );
    if (faults.length > 0) throw new PlanInvalid(faults);
    const stored: AcceptedTask = agent ? { ...spec, agentId: agent.id } : spec;
    return new CheckedTask({ ...input, spec: stored }, projectId, agent);
  }

  async submit(tx: Tx, ctx: Ctx, task: CheckedTask): Promise<RunAccepted> {
    const { spec, conversationId, rerunOf, rerun } = task.input;
    const [job] = await this.queue.enqueue(tx, [
      {
        spec,
        traceId: ctx.traceId,
        priority: spec.priority,
        scheduledAt: spec.scheduledAt,
        projectId: task.projectId,
        agentId: task.agent?.id,
        conversationId,
        rerunOf,
        rerun,
        traceContext: activeTraceparent(),
        createdBy: ctx.actor.id,
        createdByUser: ctx.actor.userId,
      },
    ]);
    await this.audit.record(tx, ctx, {
      action: 'job.create',
      resource: `job:${job!.id}`,
      diff: { after: { spec, ...(rerunOf ? { rerunOf, rerun } : {}) } },
      projectId: task.projectId,
    });
    await this.tell(tx, ctx, task, job!);
    return { jobId: job!.id, traceId: job!.traceId };
  }

  private async tell(tx: Tx, ctx: Ctx, task: CheckedTask, job: EnqueuedJob): Promise<void> {
    const { spec, rerunOf } = task.input;
    const about = {
      traceId: job.traceId,
      jobId: job.id,
      projectId: task.projectId,
      topic: 'task' as const,
      actor: ctx.actor.id,
    };
    const when =
      job.status === 'scheduled'
        ? say('starts-at', { at: inUtc(spec.scheduledAt!) })
        : say('starts-at-once');
    const what = rerunOf
      ? say('task-again', { job: rerunOf })
      : say('task-new', { goal: shorten(spec.goal) });
    const agent = task.agent ? say('with-agent', { agent: task.agent.name }) : '';
    await this.outbox.append(tx, [
      {
        ...about,
        type: 'job.status',
        summary: say('job-is', { job: job.id, status: say(`status-${job.status}`) }),
        payload: { jobId: job.id, status: job.status },
      },
      {
        ...about,
        type: 'task.acceptance',
        summary: say('task-accepted', { what, who: ctx.actor.name, when, agent }),
        payload: {
          jobId: job.id,
          goal: spec.goal,
          status: job.status,
          acceptedBy: ctx.actor.name,
          priority: spec.priority ?? 0,
          scheduledAt: job.status === 'scheduled' ? spec.scheduledAt : null,
          agentId: task.agent?.id ?? null,
          agentName: task.agent?.name ?? null,
          steps: spec.steps?.length ?? null,
          rerunOf: rerunOf ?? null,
        },
        links: [
          { rel: 'job', href: `/jobs/${job.id}`, title: `Job ${job.id}` },
          { rel: 'trace', href: `/console/monitor/traces/${job.traceId}`, title: 'Open the trace' },
        ],
      },
    ]);
  }

  /** A project that the actor may not even see is as good as none. */
  private async requireProject(ctx: Ctx, projectId: string | null): Promise<void> {
    const may = isAllowed(ctx.actor, 'task.create', projectId);
    if (projectId === null) {
      if (!may)
        throw new Forbidden('You may give tasks only inside a project: name it in projectId.');
      return;
    }
    const [project] = await this.database.query<{ archived_at: Date | null }>(
      'SELECT archived_at FROM projects WHERE id = $1',
      [projectId],
    );
    const maySee = may || isAllowed(ctx.actor, 'task.read', projectId);
    if (!project || !maySee) throw new NotFound(`The project ${projectId}`);
    if (!may) throw new Forbidden('You may look at the tasks of this project, but not give any.');
    if (project.archived_at !== null) throw new ProjectArchived(projectId);
  }

  private async findAgent(idOrName: string): Promise<{ id: string; name: string }> {
    const [agent] = await this.database.query<{ id: string; name: string }>(
      `SELECT id, name FROM agents WHERE deleted_at IS NULL AND (name = $1 OR id::text = $1)
        ORDER BY (id::text = $1) DESC LIMIT 1`,
      [idOrName],
    );
    if (!agent) throw new UnknownAgent(idOrName);
    return agent;
  }

  private async requireArtifacts(ctx: Ctx, spec: TaskSpec): Promise<void> {
    const inputs = spec.inputs ?? [];
    if (inputs.length === 0) return;
    const rows = await this.database.query<{ id: string; project_id: string | null }>(
      'SELECT id, project_id FROM artifacts WHERE id = ANY($1::uuid[])',
      [inputs.map((input) => input.artifactId)],
    );
    const visible = new Set(
      rows
        .filter((row) => isAllowed(ctx.actor, 'artifact.read', row.project_id))
        .map((row) => row.id),
    );
    const faults = inputs.flatMap((input, index): SubmissionFault[] => {
      const path = `inputs.${index}`;
      const isTwin = inputs.findIndex((other) => other.name === input.name) < index;
      if (isTwin) return [faultAt(`${path}.name`, say('given-twice', { name: input.name }))];
      if (visible.has(input.artifactId.toLowerCase())) return [];
      return [faultAt(`${path}.artifactId`, say('no-artifact', { id: input.artifactId }))];
    });
    if (faults.length > 0) throw new UnknownArtifacts(faults);
  }

  private async requireSecrets(spec: TaskSpec, projectId: string | null): Promise<void> {
    const faults = await this.secretFaults(spec.env ?? [], projectId);
    if (faults.length > 0) throw new UnknownSecrets(faults);
  }

  /** The names of secrets that a task in this project could not be given. */
  async secretFaults(
    names: readonly string[],
    projectId: string | null,
  ): Promise<SubmissionFault[]> {
    if (names.length === 0) return [];
    const rows = await this.database.query<{ name: string }>(
      'SELECT name FROM secrets WHERE name = ANY($1::text[]) AND (project_id IS NULL OR project_id = $2)',
      [names, projectId],
    );
    const known = new Set(rows.map((row) => row.name));
    return names.flatMap((name, index): SubmissionFault[] =>
      known.has(name) ? [] : [faultAt(`env.${index}`, say('no-secret-named', { name }))],
    );
  }
}

export class SubmitJob extends Command<RunAccepted> {
  constructor(
    readonly ctx: Ctx,
    readonly input: SubmitJobInput,
  ) {
    super();
  }
}

@CommandHandler(SubmitJob)
export class SubmitJobHandler implements ICommandHandler<SubmitJob> {
  constructor(
    private readonly database: Database,
    private readonly submission: JobSubmission,
  ) {}

  async execute({ ctx, input }: SubmitJob): Promise<RunAccepted> {
    const task = await this.submission.check(ctx, input);
    return this.database.transaction((tx) => this.submission.submit(tx, ctx, task));
  }
}

const inUtc = (iso: string) => `${new Date(iso).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function shorten(goal: string): string {
  const line = goal.replace(/\s+/g, ' ');
  return line.length <= 120 ? line : `${line.slice(0, 119)}…`;
}
