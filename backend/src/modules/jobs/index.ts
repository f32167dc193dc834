export { JobsModule, WORKER_OPTIONS } from './jobs.module.js';
export { Queue } from './queue.js';
export { Runners } from './runners.js';
export { JobEndings, type JobEnding } from './endings.js';
export { SubmissionChecks, type SubmissionFault } from './submission-checks.js';
export { JobSubmission } from './commands/submit-job.js';
export { JobsQueries } from './jobs.queries.js';
export { Worker, type WorkerOptions, type WorkerSignal } from './worker.js';
export * from './lease.js';
