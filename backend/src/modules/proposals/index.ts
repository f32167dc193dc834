export { configChanges } from './config-diff.js';
export { type Document, type ProposalRow } from './proposals.queries.js';
export { type Draft, type Prepared, Proposals, Proposed, orProposed } from './proposals.js';
export { ProposalsModule } from './proposals.module.js';
