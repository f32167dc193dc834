import { type FieldFault, type ProposalKind, type Said, say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';
import { permissionOf } from './standing.js';

export class ProposalDecided extends AosError {
  constructor(said: Said) {
    super('proposal_decided', said);
  }
}

export class ProposalExpired extends AosError {
  constructor() {
    super('proposal_expired', say('proposal-too-late'));
  }
}

/** `errors` is the difference as it would be now. */
export class ProposalVoid extends AosError {
  constructor(because: 'base' | 'proposer', errors: FieldFault[]) {
    super('proposal_void', say(`proposal-void-${because}`), { errors });
  }
}

export class OwnProposal extends AosError {
  constructor() {
    super('self_approval', say('proposal-own'));
  }
}

export class NotAConfirmer extends AosError {
  constructor(roles: readonly string[]) {
    super(
      'not_an_approver',
      roles.length === 0
        ? say('proposal-confirmers')
        : say('proposal-confirmers-of', { roles: [...roles] }),
    );
  }
}

export class TooManyProposals extends AosError {
  constructor(most: number) {
    super('too_many_proposals', say('proposals-many', { most }));
  }
}

export class NobodyToConfirm extends AosError {
  constructor(kind: ProposalKind) {
    super(
      'nobody_to_confirm',
      say('nobody-else', { what: say(`what-${kind}`), permission: permissionOf[kind] }),
    );
  }
}
