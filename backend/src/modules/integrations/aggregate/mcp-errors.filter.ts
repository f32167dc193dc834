import { type ArgumentsHost, Catch, Inject } from '@nestjs/common';
import type { Response } from 'express';
import type { Environment } from '../../../platform/config/environment.js';
import type { AosRequest } from '../../../platform/http/access.js';
import { Denials } from '../../../platform/http/denials.js';
import type { AosError } from '../../../platform/http/problem.js';
import { ProblemFilter, toProblem } from '../../../platform/http/problem.filter.js';
import { ENVIRONMENT } from '../../../platform/platform.module.js';
import { InsufficientScope } from '../integrations.errors.js';
import { Redactor } from '../../../platform/telemetry/redactor.js';

/** All that can be asked for here; a client that signs in anew asks for these. */
const SCOPES = 'tool.read tool.call';
const PARSE_ERROR = -32700;
const REFUSED = -32000;

/**
 * Refusals before a message reaches the protocol: JSON-RPC in the body, and the challenge of RFC 6750 and
 * RFC 9728 in the head, from which a client learns where to sign in and what to ask for.
 */
@Catch()
export class McpErrors extends ProblemFilter {
  constructor(
    denials: Denials,
    redactor: Redactor,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {
    super(denials, redactor);
  }

  override async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    await super.catch(thrown, host);
  }

  protected override answer(request: AosRequest, response: Response, error: AosError): void {
    // To sign in, or to ask for more, changes nothing of an address.
    const helpsToSignIn = error.status === 401 || error.status === 403;
    if (helpsToSignIn && error.code !== 'address_refused')
      response.setHeader('www-authenticate', this.challenge(request, error));
    const { detail: message, ...problem } = toProblem(error, request.ctx?.traceId ?? '');
    const code = error.code === 'malformed_body' ? PARSE_ERROR : REFUSED;
    response
      .status(error.status)
      .set({ 'content-type': 'application/json', 'cache-control': 'no-store' })
      .send(
        JSON.stringify(
          this.redactor.redact({
            jsonrpc: '2.0',
            error: { code, message, data: problem },
            id: null,
          }),
        ),
      );
  }

  private challenge(request: AosRequest, error: AosError): string {
    const { status } = error;
    const scopes = error instanceof InsufficientScope ? error.scopes.join(' ') : SCOPES;
    const base = this.environment.publicUrl ?? `http://${request.headers.host}`;
    const metadata = new URL('/.well-known/oauth-protected-resource/mcp', base).href;
    const parts = [`resource_metadata="${metadata}"`, `scope="${scopes}"`];
    if (status === 403) parts.unshift('error="insufficient_scope"');
    else if (request.headers.authorization !== undefined) parts.unshift('error="invalid_token"');
    return `Bearer realm="aos", ${parts.join(', ')}`;
  }
}
