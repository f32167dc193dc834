import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
  NotFoundException,
} from '@nestjs/common';
import { type ErrorCode, type Problem, type Said, errorCodes, say } from '@aos/contracts';
import type { Response } from 'express';
import type { AosRequest } from './access.js';
import type { Redactor } from '../telemetry/redactor.js';
import type { Denials } from './denials.js';
import { isDatabaseAway } from '../database/away.js';
import { allowedMethods } from './allowed-methods.js';
import { AosError } from './problem.js';
import { unstorableIn } from './unstorable.js';

/**
 * Turns whatever was thrown into problem+json (RFC 9457), once, for every route and for what happens before
 * a route is found. Named failures say what they are; a database that cannot be reached is "try again";
 * all else is a 500 that tells the client nothing but the trace, and the log everything.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(
    private readonly denials: Denials,
    protected readonly redactor: Redactor,
  ) {}

  async catch(thrown: unknown, host: ArgumentsHost): Promise<void> {
    if (host.getType() !== 'http') throw thrown; // sockets answer in frames of their own
    const http = host.switchToHttp();
    await this.tell(thrown, http.getRequest<AosRequest>(), http.getResponse<Response>());
  }

  async tell(thrown: unknown, request: AosRequest, response: Response): Promise<void> {
    const error = inTheLightOf(request, toAosError(thrown));
    if (error.status >= 500) this.log(request, error, thrown);
    await this.recordRefusal(request, error);
    if (response.headersSent) {
      // The answer has begun; cutting it is the only way left to say that it is not whole.
      response.destroy();
      return;
    }
    if (error.retryAfterSeconds !== undefined)
      response.setHeader('retry-after', String(Math.ceil(error.retryAfterSeconds)));
    for (const [name, value] of Object.entries(error.headers ?? {}))
      response.setHeader(name, value);
    response.removeHeader('etag');
    this.answer(request, response, error);
  }

  protected answer(request: AosRequest, response: Response, error: AosError): void {
    if (error.status === 401) response.setHeader('www-authenticate', 'Bearer realm="aos"');
    response
      .status(error.status)
      .set({
        'content-type': 'application/problem+json; charset=utf-8',
        'cache-control': 'no-store',
      })
      .send(JSON.stringify(this.redactor.redact(toProblem(error, request.ctx?.traceId ?? ''))));
  }

  private log(request: AosRequest, error: AosError, thrown: unknown): void {
    const place = { method: request.method, path: request.path, traceId: request.ctx?.traceId };
    const isUnknown = error.code === 'internal';
    const err = this.redactor.redact(loggable(thrown, isUnknown));
    if (isUnknown) this.logger.error({ msg: 'request failed', ...place, err });
    else this.logger.warn({ msg: 'request could not be served', code: error.code, ...place, err });
  }

  /** 401 and 403 always; 404 only from people who are known, since it may hide what they may not see. */
  private async recordRefusal(request: AosRequest, error: AosError): Promise<void> {
    const ctx = request.ctx;
    if (!ctx) return;
    const place = `http:${request.method} ${request.path}`;
    if (error.code === 'address_refused') return this.denials.recordAddress(ctx, place);
    const isKnown = ctx.actor.userId !== null;
    const isRefusal = [401, 403].includes(error.status) && !recordedAtTheDoor.has(error.code);
    const maybeHidden = error.code === 'not_found' && isKnown;
    if (!isRefusal && !maybeHidden) return;
    await this.denials.record(ctx, place, error.code, !isKnown || maybeHidden);
  }
}

/** By the sign-in itself, with the person. */
const recordedAtTheDoor = new Set<ErrorCode>([
  'invalid_credentials',
  'second_factor_needed',
  'second_factor_wrong',
  'password_sign_in_off',
  'sign_in_over',
  'sign_in_refused',
]);

/** What only the request itself can tell about a failure. */
function inTheLightOf(request: AosRequest, error: AosError): AosError {
  if (error.cause instanceof NotFoundException) {
    const methods = allowedMethods(request.app, request.path);
    if (methods.length > 0 && !methods.includes(request.method))
      return new AosError(
        'method_not_allowed',
        say('method-takes', {
          path: request.path,
          methods: methods.join(', '),
          method: request.method,
        }),
        { cause: error.cause, headers: { allow: methods.join(', ') } },
      );
  }
  if (error.message !== NOT_STORABLE) return error;
  const errors = unstorableIn(request);
  const first = errors[0];
  return first
    ? new AosError('validation_failed', `${first.path}: ${first.message}.`, {
        cause: error.cause,
        errors,
      })
    : error;
}

/**
 * What helps to find the fault. A database error also carries the query's parameters: those stay out. The stack is of
 * use where nobody knows what happened; of a database that is away it would say the same with every request.
 */
function loggable(thrown: unknown, withStack: boolean, depth = 0): unknown {
  if (!(thrown instanceof Error) || depth > 4) return String(thrown);
  const { name, message, stack, cause } = thrown;
  const { code } = thrown as { code?: unknown };
  return {
    name,
    message,
    code,
    ...(withStack ? { stack } : {}),
    ...(cause === undefined ? {} : { cause: loggable(cause, withStack, depth + 1) }),
  };
}

export function toProblem(error: AosError, traceId: string): Problem {
  return {
    type: `urn:aos:problem:${error.code}`,
    title: errorCodes[error.code].title,
    status: error.status,
    detail: error.message,
    ...(error.said ? { said: error.said } : {}),
    code: error.code,
    traceId,
    ...(error.errors ? { errors: error.errors } : {}),
  };
}

export function toAosError(thrown: unknown): AosError {
  if (thrown instanceof AosError) return thrown;
  if (thrown instanceof URIError || (thrown as Error | undefined)?.cause instanceof URIError)
    return new AosError('validation_failed', say('path-bad-escape'), { cause: thrown });
  if (thrown instanceof HttpException) return fromStatus(thrown.getStatus(), thrown);
  const { name, code } = thrown as { name?: string; code?: string };
  if (name === 'MulterError')
    return code === 'LIMIT_FILE_SIZE'
      ? new AosError('payload_too_large', say('file-too-large'), {
          cause: thrown,
        })
      : new AosError('malformed_body', say('multipart-unexpected'), { cause: thrown });
  const fromDatabase = databaseError(thrown);
  if (fromDatabase) return fromDatabase;
  const { status, statusCode } = thrown as { status?: unknown; statusCode?: unknown };
  const given = status ?? statusCode;
  if (thrown instanceof Error && typeof given === 'number' && given >= 400 && given < 500)
    return fromStatus(given, thrown);
  return new AosError('internal', say('logged-under-trace'), {
    cause: thrown,
  });
}

/** What frameworks throw: only the status is trusted, their texts may hold internals. */
function fromStatus(status: number, cause: Error): AosError {
  const [code, detail] = frameworkErrors[status] ?? (status >= 500 ? unexpected : illFormed);
  return new AosError(code, detail, { cause });
}

const unexpected: [ErrorCode, Said] = ['internal', say('logged-under-trace')];
const illFormed: [ErrorCode, Said] = ['validation_failed', say('request-ill-formed')];
const frameworkErrors: Record<number, [ErrorCode, Said]> = {
  401: ['unauthenticated', say('sign-in-first')],
  403: ['forbidden', say('not-allowed')],
  404: ['not_found', say('no-route')],
  405: ['method_not_allowed', say('method-not-here')],
  409: ['conflict', say('state-conflict')],
  413: ['payload_too_large', say('body-too-large')],
  415: ['unsupported_media_type', say('media-type-not-here')],
  429: ['too_many_requests', say('wait-a-moment')],
  503: ['unavailable', say('try-in-a-moment')],
};

const NOT_STORABLE = 'A value in the request does not have the form that is stored.';

/** Postgres and its pool. Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
function databaseError(thrown: unknown): AosError | undefined {
  const driver = (thrown as { driverError?: unknown }).driverError ?? thrown;
  const { code } = driver as { code?: unknown };
  if (isDatabaseAway(thrown))
    return new AosError('unavailable', say('database-away'), {
      cause: thrown,
      retryAfterSeconds: 2,
    });
  if (typeof code !== 'string') return undefined;
  // A right was taken away, for one on the audit table: what cannot be recorded is not done.
  if (code === '42501')
    return new AosError('unavailable', say('database-refuses'), {
      cause: thrown,
      retryAfterSeconds: 30,
    });
  if (['22P02', '22003', '22007', '22008', '22021', '22P05'].includes(code))
    return new AosError('validation_failed', NOT_STORABLE, { cause: thrown });
  if (code === '23505')
    return new AosError('conflict', say('stored-twice'), {
      cause: thrown,
    });
  return undefined;
}
