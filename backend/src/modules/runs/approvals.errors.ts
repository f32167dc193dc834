import { type FieldFault, say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

export class ApprovalDecided extends AosError {
  constructor(status: string, by: string | null) {
    super(
      'approval_decided',
      `The approval was ${status}${by ? ` by ${by}` : ''} before; that decision stands.`,
    );
  }
}

export class ApprovalExpired extends AosError {
  constructor() {
    super(
      'approval_expired',
      'The time to decide is over; the run ends without this step. Run the task again.',
    );
  }
}

export class ApprovalVoid extends AosError {
  constructor() {
    super(
      'approval_void',
      'What was to be approved has changed, or its run has ended. Look for a newer approval.',
    );
  }
}

export class ApprovalArgsInvalid extends AosError {
  constructor(errors: FieldFault[]) {
    super('approval_args_invalid', say('approval-args-refused'), { errors });
  }
}

export class SelfApproval extends AosError {
  constructor() {
    super('self_approval', 'You asked for this yourself. A second person has to decide it.');
  }
}
