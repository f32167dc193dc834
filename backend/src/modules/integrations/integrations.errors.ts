import { AosError } from '../../platform/http/problem.js';

export class UnknownServer extends AosError {
  constructor(server: string) {
    super(
      'unknown_server',
      `No tool server is registered as "${server}". GET /mcp/registry lists them.`,
    );
  }
}

export class UnknownTool extends AosError {
  constructor(server: string, tool: string) {
    super(
      'unknown_tool',
      `The server "${server}" has no tool "${tool}". GET /mcp/tools lists what there is.`,
    );
  }
}

export class ServerExists extends AosError {
  constructor(server: string) {
    super(
      'already_exists',
      `A server named "${server}" is registered already. Choose another name, or change that one.`,
    );
  }
}

export class ServerIsBuiltIn extends AosError {
  constructor(server: string) {
    super(
      'conflict',
      `"${server}" comes with AOS and cannot be removed. Switch it off instead: PATCH with {"enabled": false}.`,
    );
  }
}

export class ServerNameTaken extends AosError {
  constructor(server: string) {
    super(
      'conflict',
      `The name "${server}" is kept for agents registered as tools. Choose one that does not begin with "agent-".`,
    );
  }
}

export class ServerDisabled extends AosError {
  constructor(server: string) {
    super(
      'server_unreachable',
      `The server "${server}" is switched off. Someone who may change tools can switch it on.`,
    );
  }
}

export class ServerUrlRefused extends AosError {
  constructor(why: string) {
    super('validation_failed', 'The address of the server is not allowed.', {
      errors: [{ path: 'url', message: why }],
    });
  }
}

export class ToolArgsInvalid extends AosError {
  constructor(tool: string, errors: { path: string; message: string }[]) {
    super('tool_args_invalid', `The arguments do not fit the schema of ${tool}.`, { errors });
  }
}

export class SecretNotGranted extends AosError {
  constructor(names: readonly string[]) {
    super(
      'unknown_secret',
      `The arguments refer to ${names.join(', ')}, which this call was not given. Name it in the "env" of the task.`,
    );
  }
}

export class LaunchRefused extends AosError {
  constructor(why: string) {
    super('launch_refused', why);
  }
}

export class ToolTimedOut extends AosError {
  constructor(tool: string, timeoutMs: number) {
    super('tool_timeout', `${tool} gave no answer within ${timeoutMs} ms.`);
  }
}

export class ToolFailed extends AosError {
  constructor(detail: string) {
    super('tool_failed', detail);
  }
}

export class ServerUnreachable extends AosError {
  constructor(detail: string, retryAfterSeconds?: number) {
    super(
      'server_unreachable',
      detail,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  }
}

/** The recorded call under this key was made with other arguments: giving its answer would be wrong. */
export class LedgerKeyReused extends AosError {
  constructor(tool: string) {
    super(
      'idempotency_key_reused',
      `${tool} was called under this idempotency key with other arguments.`,
    );
  }
}

export class CapabilityRefused extends AosError {
  constructor(why: string) {
    super('grant_invalid', `The capability grant was not taken: ${why}.`);
  }
}

/** The scopes that would reach a tool, narrowest first. */
export const scopesFor = (server: string, tool: string): string[] => [
  `tool.call:${server}.${tool}`,
  `tool.call:${server}.*`,
  'tool.call',
];

export class InsufficientScope extends AosError {
  readonly scopes: string[];
  constructor(server: string, tool: string) {
    const scopes = scopesFor(server, tool);
    super(
      'insufficient_scope',
      `What was shown does not reach ${server}.${tool}. One of these scopes does: ${scopes.join(', ')}.`,
    );
    this.scopes = scopes;
  }
}
