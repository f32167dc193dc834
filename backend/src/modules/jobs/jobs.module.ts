import {
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { CancelJobHandler } from './commands/cancel-job.js';
import { RerunJobHandler } from './commands/rerun-job.js';
import { JobSubmission, SubmitJobHandler } from './commands/submit-job.js';
import { JobEndings } from './endings.js';
import { JobsController } from './jobs.controller.js';
import { JobsQueries } from './jobs.queries.js';
import { Queue } from './queue.js';
import { Runners } from './runners.js';
import { SubmissionChecks } from './submission-checks.js';
import { Worker, type WorkerOptions } from './worker.js';

/** Injection token of what differs from `workerDefaults`; a test's own process may override it. */
export const WORKER_OPTIONS = Symbol('WORKER_OPTIONS');

/**
 * The worker starts when every module has registered its runners, and stops before anything that its
 * runners use is closed: `onModuleDestroy` comes first of all when an application is closed.
 */
@Injectable()
class WorkerLifetime implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly worker: Worker,
    @Inject(WORKER_OPTIONS) private readonly options: Partial<WorkerOptions>,
  ) {}

  onApplicationBootstrap(): void {
    if (this.options.isEnabled) this.worker.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.worker.stop();
  }
}

@Module({
  controllers: [JobsController],
  providers: [
    Queue,
    Runners,
    JobEndings,
    SubmissionChecks,
    JobSubmission,
    SubmitJobHandler,
    CancelJobHandler,
    RerunJobHandler,
    JobsQueries,
    {
      provide: WORKER_OPTIONS,
      inject: [ENVIRONMENT, Database],
      useFactory: (environment: Environment, database: Database): Partial<WorkerOptions> => ({
        isEnabled: environment.roles.has('worker'),
        isAlone: database.kind === 'embedded',
      }),
    },
    {
      provide: Worker,
      inject: [Database, Queue, Runners, JobEndings, Wakeups, WORKER_OPTIONS],
      useFactory: (
        database: Database,
        queue: Queue,
        runners: Runners,
        endings: JobEndings,
        wakeups: Wakeups,
        options: Partial<WorkerOptions>,
      ) => new Worker(database, queue, runners, endings, wakeups, options),
    },
    WorkerLifetime,
  ],
  exports: [Queue, Runners, JobEndings, SubmissionChecks, JobSubmission, JobsQueries, Worker],
})
export class JobsModule {}
