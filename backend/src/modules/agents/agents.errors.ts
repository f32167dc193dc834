import { say } from '@aos/contracts';
import { AosError, NotFound, faultAt } from '../../platform/http/problem.js';
import type { AgentOrder, AgentStatus } from './agent.js';

export class AgentUnknown extends NotFound {
  constructor(idOrName: string) {
    super(`The agent ${idOrName}`);
  }
}

export class AgentNameTaken extends AosError {
  constructor(name: string) {
    super('already_exists', say('agent-exists', { agent: name }));
  }
}

export class TemplateUnknown extends AosError {
  constructor(name: string) {
    super('validation_failed', say('no-template', { template: name }), {
      errors: [faultAt('template', say('not-a-template'))],
    });
  }
}

export class AgentStateRefused extends AosError {
  constructor(name: string, status: AgentStatus, order: AgentOrder) {
    super(
      'agent_state',
      say('agent-cannot', {
        agent: name,
        status: say(`agent-${status}`),
        order: say(`order-${order}`),
      }),
    );
  }
}

/** A task was given to an agent that takes none. */
export class AgentNotRunning extends AosError {
  constructor(id: string, name: string, status: AgentStatus) {
    super(
      'agent_state',
      say('agent-takes-none', { agent: name, status: say(`agent-${status}`), id }),
    );
  }
}

export class VersionUnknown extends NotFound {
  constructor(name: string, version: string) {
    super(`The version ${version} of ${name}`);
  }
}
