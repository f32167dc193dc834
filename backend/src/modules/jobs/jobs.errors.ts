import { type JobStatus, say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';
import type { SubmissionFault } from './submission-checks.js';

export class PlanInvalid extends AosError {
  constructor(faults: SubmissionFault[]) {
    super(
      'plan_invalid',
      faults.length === 1 ? say('plan-refused-one') : say('plan-refused', { count: faults.length }),
      {
        errors: faults,
      },
    );
  }
}

export class UnknownAgent extends AosError {
  constructor(agent: string) {
    super('unknown_agent', say('no-agent', { agent }));
  }
}

export class UnknownArtifacts extends AosError {
  constructor(faults: SubmissionFault[]) {
    super('unknown_artifact', say('no-inputs'), {
      errors: faults,
    });
  }
}

export class UnknownSecrets extends AosError {
  constructor(faults: SubmissionFault[]) {
    super('unknown_secret', say('no-secrets'), {
      errors: faults,
    });
  }
}

export class JobNotCancellable extends AosError {
  constructor(jobId: string, status: JobStatus) {
    super('job_not_cancellable', say('job-ended', { job: jobId, status: say(`status-${status}`) }));
  }
}

export class JobNotFinished extends AosError {
  constructor(jobId: string, status: JobStatus) {
    super(
      'job_not_finished',
      say('job-not-ended', { job: jobId, status: say(`status-${status}`) }),
    );
  }
}

export class StepsUnknown extends AosError {
  constructor(jobId: string, faults: SubmissionFault[]) {
    super('step_unknown', say('job-no-step', { job: jobId }), { errors: faults });
  }
}

export class ProjectArchived extends AosError {
  constructor(projectId: string) {
    super('project_archived', say('project-archived', { project: projectId }));
  }
}
