import { say } from '@aos/contracts';
import { AosError, faultAt } from '../../platform/http/problem.js';

export class ArtifactTooLarge extends AosError {
  constructor() {
    super(
      'payload_too_large',
      'A file may have 2 GiB at most. Split it, or put it where a tool can fetch it.',
    );
  }
}

export class RangeBeyondFile extends AosError {
  constructor(bytes: number) {
    super('range_not_satisfiable', say('file-bytes', { bytes }), {
      headers: { 'content-range': `bytes */${bytes}` },
    });
  }
}

export class ArtifactNameInvalid extends AosError {
  constructor() {
    super('validation_failed', say('file-name'), {
      errors: [faultAt('file', say('file-name-rule'))],
    });
  }
}

export class UploadMissing extends AosError {
  constructor() {
    super('validation_failed', say('upload-missing'), {
      errors: [faultAt('file', say('field-missing'))],
    });
  }
}

export class UploadFieldUnknown extends AosError {
  constructor(names: readonly string[]) {
    super('validation_failed', say('upload-missing'), {
      errors: names.map((name) => faultAt(name, say('field-unknown'))),
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
    super('malformed_body', say('upload-broken'), options);
  }
}
