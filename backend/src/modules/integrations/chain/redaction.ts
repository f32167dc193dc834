import { Injectable } from '@nestjs/common';
import { inEnglish } from '@aos/contracts';
import { Vault } from '../../config/index.js';
import type { CallEnd, StoredResult } from './ledger.js';
import type { Link, Next, Passage } from './link.js';
import { type Redaction, RedactionRules } from './redaction-rules.js';
import { storable } from './result-check.js';

const MAX_ERROR_CHARS = 4000;

/**
 * What comes back, be it an answer or an error, holds no value of a secret from here on, and nothing that a rule of the
 * settings takes out. Whatever cuts a text to its length comes after this: half a value would not be known.
 */
@Injectable()
export class RedactionLink implements Link {
  readonly name = 'redaction';

  constructor(
    private readonly vault: Vault,
    private readonly rules: RedactionRules,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const end = withoutSecrets(await next(), this.vault.redactor());
    const rules = await this.rules.inForce();
    const clean = rules ? await byRules(end, rules) : end;
    if (clean.status === 'succeeded') return clean;
    const error = storable(clean.error).slice(0, MAX_ERROR_CHARS);
    passage.span?.recordException({ name: clean.kind, message: error });
    const said = clean.said && storable(clean.said);
    return {
      ...clean,
      error,
      // Where the text was cut, or a secret ran through it, the parts would say more than it does.
      said: said && inEnglish(said) === error ? said : undefined,
    };
  }
}

function withoutSecrets(end: CallEnd, redact: <T>(value: T) => T): CallEnd {
  const clean = (result: StoredResult): StoredResult => {
    const parts = redact(result);
    const whole = wholeOf(parts);
    return whole === undefined ? parts : asOne(parts, whole, redact(whole));
  };
  if (end.status === 'succeeded') return { ...end, result: clean(end.result) };
  return {
    ...end,
    error: redact(end.error),
    said: end.said && redact(end.said),
    ...(end.result ? { result: clean(end.result) } : {}),
  };
}

async function byRules(end: CallEnd, rules: Redaction): Promise<CallEnd> {
  const clean = async (result: StoredResult): Promise<StoredResult> => {
    const parts = await rules.whole(result);
    const whole = wholeOf(parts);
    return whole === undefined ? parts : asOne(parts, whole, await rules.whole(whole));
  };
  if (end.status === 'succeeded') return { ...end, result: await clean(end.result) };
  return {
    ...end,
    error: await rules.whole(end.error),
    said: end.said && (await rules.whole(end.said)),
    ...(end.result ? { result: await clean(end.result) } : {}),
  };
}

/** A value that lies in two parts of an answer is in neither of them. */
function wholeOf({ content }: StoredResult): string | undefined {
  const texts = content.flatMap((part) => (typeof part['text'] === 'string' ? [part['text']] : []));
  return texts.length < 2 ? undefined : texts.join('');
}

/** Then the texts are made one. */
function asOne(parts: StoredResult, whole: string, text: string): StoredResult {
  if (text === whole) return parts;
  const others = parts.content.filter((part) => typeof part['text'] !== 'string');
  return { ...parts, content: [{ type: 'text', text }, ...others] };
}
