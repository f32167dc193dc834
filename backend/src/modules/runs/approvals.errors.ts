import { type Approvers, type FieldFault, say } from '@aos/contracts';
import { AosError, Forbidden } from '../../platform/http/problem.js';
import { whomOf } from '../integrations/index.js';

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

/** The same person twice is one person. */
export class AlreadyVoted extends AosError {
  constructor(given: number, count: number) {
    super('already_voted', say('already-voted', { given, count }));
  }
}

export class NotAnApprover extends AosError {
  constructor(approvers: Approvers) {
    super('not_an_approver', say('not-an-approver', { whom: whomOf(approvers) }));
  }
}

export class GlassRefused extends Forbidden {
  constructor(why: 'glass-may-not' | 'glass-by-session') {
    super(say(why));
  }
}
