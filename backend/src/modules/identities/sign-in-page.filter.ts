import { type ArgumentsHost, Catch, Inject } from '@nestjs/common';
import type { Response } from 'express';
import type { Environment } from '../../platform/config/environment.js';
import { Denials } from '../../platform/http/denials.js';
import type { AosRequest } from '../../platform/http/access.js';
import type { AosError } from '../../platform/http/problem.js';
import { ProblemFilter, toProblem } from '../../platform/http/problem.filter.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { Redactor } from '../../platform/telemetry/redactor.js';
import { SignInRefused } from './identities.errors.js';
import { consolePath } from './own-paths.js';

const PROBLEM_COOKIE = 'aos_sign_in_problem';

/**
 * Somebody comes here by following a provider's answer, so what went wrong is told where they can read it: on the console's
 * page for signing in, with its trace. The problem goes along in a cookie that this answer alone sets: what stood in the
 * address could be written by whoever makes a link.
 */
@Catch()
export class SignInPage extends ProblemFilter {
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
    const problem = this.redactor.redact(toProblem(error, request.ctx?.traceId ?? ''));
    const next = error instanceof SignInRefused ? error.returnTo : undefined;
    response
      .cookie(PROBLEM_COOKIE, Buffer.from(JSON.stringify(problem)).toString('base64url'), {
        sameSite: 'lax',
        secure: this.environment.publicUrl?.startsWith('https:') ?? false,
        path: '/console',
        maxAge: 60_000,
      })
      .set('cache-control', 'no-store')
      .redirect(303, consolePath('/sign-in', { next }));
  }
}
