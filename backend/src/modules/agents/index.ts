export { AgentLog } from './agent-log.js';
export { AgentRuns } from './agent-runs.js';
export { AgentsModule } from './agents.module.js';
export { agentTemplates } from './templates.js';
