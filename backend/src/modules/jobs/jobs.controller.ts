import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  CancelRequest,
  Job,
  JobPage,
  JobsQuery,
  type Page,
  RerunRequest,
  RunAccepted,
  TaskSpec,
} from '@aos/contracts';
import type { z } from 'zod';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { CancelJob } from './commands/cancel-job.js';
import { RerunJob } from './commands/rerun-job.js';
import { SubmitJob } from './commands/submit-job.js';
import { JobsQueries } from './jobs.queries.js';

@ApiTags('jobs')
@Controller()
export class JobsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly jobs: JobsQueries,
  ) {}

  @Post('api/run')
  @HttpCode(202)
  @Allow('task.create', { anyProject: true })
  @ApiOperation({ summary: 'Give a task: a goal, or steps to take', operationId: 'runTask' })
  @ApiResponse({ status: 202, standardSchema: RunAccepted })
  run(@RequestCtx() ctx: Ctx, @Body({ schema: TaskSpec }) spec: TaskSpec): Promise<RunAccepted> {
    return this.commands.execute(new SubmitJob(ctx, { spec }));
  }

  @Get('jobs')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({ summary: 'List jobs, the latest first', operationId: 'listJobs' })
  @ApiResponse({ status: 200, standardSchema: JobPage })
  list(@RequestCtx() ctx: Ctx, @Query({ schema: JobsQuery }) query: JobsQuery): Promise<Page<Job>> {
    return this.jobs.list(ctx, query);
  }

  @Get('jobs/:id')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({ summary: 'One job, with its spec and progress', operationId: 'getJob' })
  @ApiResponse({ status: 200, standardSchema: Job })
  get(@RequestCtx() ctx: Ctx, @Param('id') id: string): Promise<Job> {
    return this.jobs.get(ctx, id);
  }

  @Post('jobs/:id/cancel')
  @HttpCode(200)
  @Allow('task.cancel', { anyProject: true })
  @ApiOperation({
    summary: 'Cancel a job; a running one ends a moment later',
    operationId: 'cancelJob',
  })
  @ApiResponse({ status: 200, standardSchema: Job })
  cancel(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: CancelRequest.optional() }) body: z.infer<typeof CancelRequest> | undefined,
  ): Promise<Job> {
    return this.commands.execute(new CancelJob(ctx, id, body?.reason));
  }

  @Post('jobs/:id/rerun')
  @HttpCode(202)
  @Allow('task.create', { anyProject: true })
  @ApiOperation({
    summary: 'Run an ended job again, whole or from a step on',
    operationId: 'rerunJob',
  })
  @ApiResponse({ status: 202, standardSchema: RunAccepted })
  rerun(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: RerunRequest.optional() }) body: RerunRequest | undefined,
  ): Promise<RunAccepted> {
    return this.commands.execute(new RerunJob(ctx, id, body ?? {}));
  }
}
