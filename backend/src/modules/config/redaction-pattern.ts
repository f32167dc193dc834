import { RE2JS } from 're2js';
import { type RedactionRule, type Said, say } from '@aos/contracts';

/** Of which a rule that is meant for something leaves more than half. */
const ORDINARY = 'On 7 May the quick brown fox, who is 3, jumps over 12 lazy dogs: twice, he says.';

/** @throws what the engine says of a pattern that it cannot read */
export const readPattern = (pattern: string): RE2JS => RE2JS.compile(pattern);

/** What is wrong with a rule: for whoever saves it, and at its place. Undefined when it can be used. */
export function faultOfRule({
  name,
  pattern,
}: RedactionRule): { said: Said; at: Said } | undefined {
  let read: RE2JS;
  try {
    read = readPattern(pattern);
  } catch (error) {
    return {
      said: say('redaction-unread', { name, why: (error as Error).message }),
      at: say('not-re2'),
    };
  }
  if (read.matcher('').find())
    return { said: say('redaction-empty', { name }), at: say('fits-nothing') };
  if (read.matcher(ORDINARY).replaceAll('').length < ORDINARY.length / 2)
    return { said: say('redaction-greedy', { name }), at: say('fits-most') };
  return undefined;
}
