import type { Proposal } from '@aos/contracts';

/** A save that waits for a second person is answered with a proposal in place of what was saved. */
export const isProposal = (answer: object | null): answer is Proposal =>
  answer !== null && 'proposedBy' in answer;
