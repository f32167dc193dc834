import { Injectable } from '@nestjs/common';
import { inEnglish } from '@aos/contracts';
import { Vault } from '../../config/index.js';
import type { CallEnd, StoredResult } from './ledger.js';
import type { Link, Next, Passage } from './link.js';
import { storable } from './result-check.js';

const MAX_ERROR_CHARS = 4000;

/**
 * What comes back, be it an answer or an error, holds no value of a secret from here on. Whatever cuts a text to
 * its length comes after this: half a value would not be known.
 */
@Injectable()
export class RedactionLink implements Link {
  readonly name = 'redaction';

  constructor(private readonly vault: Vault) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const end = await next();
    const redact = this.vault.redactor();
    const clean = (result: StoredResult) => redactParts(redact(result), redact);
    if (end.status === 'succeeded') return { ...end, result: clean(end.result) };
    const error = storable(redact(end.error)).slice(0, MAX_ERROR_CHARS);
    passage.span?.recordException({ name: end.kind, message: error });
    const said = end.said && storable(redact(end.said));
    return {
      ...end,
      error,
      // Where the text was cut, or a secret ran through it, the parts would say more than it does.
      said: said && inEnglish(said) === error ? said : undefined,
      ...(end.result ? { result: clean(end.result) } : {}),
    };
  }
}

/** A value that lies in two parts of an answer is in neither of them: then the texts are made one. */
function redactParts(result: StoredResult, redact: <T>(value: T) => T): StoredResult {
  const texts = result.content.flatMap((part) =>
    typeof part['text'] === 'string' ? [part['text']] : [],
  );
  if (texts.length < 2) return result;
  const whole = texts.join('');
  const text = redact(whole);
  if (text === whole) return result;
  const others = result.content.filter((part) => typeof part['text'] !== 'string');
  return { ...result, content: [{ type: 'text', text }, ...others] };
}
