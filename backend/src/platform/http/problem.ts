import { type ErrorCode, type FieldFault, type Said, errorCodes, inEnglish } from '@aos/contracts';

/**
 * A failure with a name. Modules declare one short class each in their `*.errors.ts`; the filter turns it
 * into problem+json. `detail` says what was wrong and what to do, in words or by its code; it never holds a secret or an
 * internal.
 */
export class AosError extends Error {
  readonly status: number;
  readonly errors: FieldFault[] | undefined;
  /** Seconds, for 429 and 503. */
  readonly retryAfterSeconds: number | undefined;
  /** Of the answer, besides those that every problem has. */
  readonly headers: Record<string, string> | undefined;
  /** The message by its code, where it has one. */
  readonly said: Said | undefined;

  constructor(
    readonly code: ErrorCode,
    detail: string | Said,
    options: {
      cause?: unknown;
      errors?: FieldFault[];
      retryAfterSeconds?: number;
      headers?: Record<string, string>;
    } = {},
  ) {
    super(typeof detail === 'string' ? detail : inEnglish(detail), { cause: options.cause });
    this.name = new.target.name;
    this.status = errorCodes[code].status;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers;
    this.said = typeof detail === 'string' ? undefined : detail;
  }
}

/** A fault of one field, in English and by its code. */
export const faultAt = (path: string, said: Said): FieldFault & { said: Said } => ({
  path,
  message: inEnglish(said),
  said,
});

export class NotFound extends AosError {
  constructor(what: string) {
    super('not_found', `${what} does not exist, or you may not see it.`);
  }
}

export class Forbidden extends AosError {
  constructor(detail: string | Said) {
    super('forbidden', detail);
  }
}
