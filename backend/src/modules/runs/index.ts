export { RunsModule } from './runs.module.js';
export { Orchestrator } from './orchestrator.js';
export { prepareCheckpoints } from './checkpoints.js';
export { type PlanFault, type PlanGivens, inputsIn, referredSteps, validatePlan } from './plan.js';
export { DecideApproval } from './commands/decide-approval.js';
