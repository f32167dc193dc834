import { AosError } from '../../platform/http/problem.js';
import type { SubmissionFault } from './submission-checks.js';

export class PlanInvalid extends AosError {
  constructor(faults: SubmissionFault[]) {
    const rest = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
    super(
      'plan_invalid',
      `The plan has ${rest}; nothing was started. Mend what errors lists and send it again.`,
      {
        errors: faults,
      },
    );
  }
}

export class UnknownAgent extends AosError {
  constructor(agent: string) {
    super('unknown_agent', `There is no agent with the id or name ${JSON.stringify(agent)}.`);
  }
}

export class UnknownArtifacts extends AosError {
  constructor(faults: SubmissionFault[]) {
    super('unknown_artifact', 'Some inputs do not exist, or you may not read them.', {
      errors: faults,
    });
  }
}

export class UnknownSecrets extends AosError {
  constructor(faults: SubmissionFault[]) {
    super(
      'unknown_secret',
      'Some of the secrets that the task names do not exist in its project.',
      {
        errors: faults,
      },
    );
  }
}

export class JobNotCancellable extends AosError {
  constructor(jobId: string, status: string) {
    super('job_not_cancellable', `Job ${jobId} has ended already: it is ${status}.`);
  }
}

export class JobNotFinished extends AosError {
  constructor(jobId: string, status: string) {
    super(
      'job_not_finished',
      `Job ${jobId} is ${status}. Wait for its end, or cancel it, and run it again then.`,
    );
  }
}

export class StepsUnknown extends AosError {
  constructor(jobId: string, faults: SubmissionFault[]) {
    super('step_unknown', `Job ${jobId} has no such step.`, { errors: faults });
  }
}

export class ProjectArchived extends AosError {
  constructor(projectId: string) {
    super(
      'project_archived',
      `The project ${projectId} is in the archive and takes no new tasks. Restore it first, or give the task elsewhere.`,
    );
  }
}
