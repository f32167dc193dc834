export { RunsModule } from './runs.module.js';
export { inputsIn, referredSteps, validatePlan } from './plan.js';
