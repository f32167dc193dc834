import { Injectable } from '@nestjs/common';
import { Vault } from '../../config/index.js';
import type { CallEnd } from './ledger.js';
import type { Link, Next, Passage } from './link.js';
import { storable } from './result-check.js';

const MAX_ERROR_CHARS = 4000;

/** What comes back, be it an answer or an error, holds no value of a secret from here on. */
@Injectable()
export class RedactionLink implements Link {
  readonly name = 'redaction';

  constructor(private readonly vault: Vault) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const end = await next();
    const redact = this.vault.redactor();
    if (end.status === 'succeeded') return { ...end, result: redact(end.result) };
    const error = storable(redact(end.error)).slice(0, MAX_ERROR_CHARS);
    passage.span?.recordException({ name: end.kind, message: error });
    return { ...end, error, ...(end.result ? { result: redact(end.result) } : {}) };
  }
}
