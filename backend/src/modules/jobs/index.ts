export { JobsModule, WORKER_OPTIONS } from './jobs.module.js';
export { Queue, type EnqueuedJob, type Hold, type NewJob, type Settlement } from './queue.js';
export { Runners } from './runners.js';
export { JobEndings, type JobEnding, type OnJobEnd } from './endings.js';
export {
  SubmissionChecks,
  type SubmissionCheck,
  type SubmissionFault,
} from './submission-checks.js';
export {
  CheckedTask,
  JobSubmission,
  SubmitJob,
  type SubmitJobInput,
} from './commands/submit-job.js';
export { CancelJob } from './commands/cancel-job.js';
export { RerunJob } from './commands/rerun-job.js';
export { JobsQueries } from './jobs.queries.js';
export { Worker, type WorkerOptions, type WorkerSignal } from './worker.js';
export * from './lease.js';
