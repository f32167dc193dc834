import { say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

export class ArtifactTooLarge extends AosError {
  constructor() {
    super(
      'payload_too_large',
      'A file may have 2 GiB at most. Split it, or put it where a tool can fetch it.',
    );
  }
}

export class ArtifactNameInvalid extends AosError {
  constructor() {
    super('validation_failed', say('file-name'), {
      errors: [
        {
          path: 'file',
          message: '1 to 255 characters, with no slash, backslash or control character',
        },
      ],
    });
  }
}

export class UploadMissing extends AosError {
  constructor() {
    super('validation_failed', 'Send one file as multipart/form-data in the field "file".', {
      errors: [{ path: 'file', message: 'missing' }],
    });
  }
}

export class StorageFull extends AosError {
  constructor(options: { cause?: unknown } = {}) {
    super('unavailable', say('disk-nearly-full'), {
      ...options,
      retryAfterSeconds: 60,
    });
  }
}

export class UploadBroken extends AosError {
  constructor(options: { cause: unknown }) {
    super(
      'malformed_body',
      'The multipart body is cut off or not well-formed. Send it whole, with its boundary in Content-Type.',
      options,
    );
  }
}
