import { say } from '@aos/contracts';
import { AosError, NotFound } from '../../platform/http/problem.js';

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
    super(
      'validation_failed',
      `There is no template "${name}". GET /agents/templates lists them.`,
      {
        errors: [{ path: 'template', message: 'is not one of the templates' }],
      },
    );
  }
}

export class AgentStateRefused extends AosError {
  constructor(name: string, status: string, order: string) {
    super('agent_state', `The agent ${name} is ${status}; it cannot be told to ${order} now.`);
  }
}

/** A task was given to an agent that takes none. */
export class AgentNotRunning extends AosError {
  constructor(id: string, name: string, status: string) {
    super(
      'agent_state',
      `The agent ${name} is ${status} and takes no tasks. Start it first: POST /agents/${id}/start.`,
    );
  }
}

export class VersionUnknown extends NotFound {
  constructor(name: string, version: string) {
    super(`The version ${version} of ${name}`);
  }
}
