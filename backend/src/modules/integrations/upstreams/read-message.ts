import { type ParseWithSource, isRounded } from '../../../platform/http/exact-numbers.js';
import { isObject } from './plain-answer.js';

/** More of them are data, which nobody reads one by one. */
const MOST_TOLD = 20;

/**
 * A message as a server wrote it. A whole number beyond 2^53, such as many an id, is read as its neighbour. In structured
 * content it stays a number, since the tool's schema may want one there; so the answer says beside it how it was written,
 * to whoever would act on the neighbour.
 */
export function readMessage(json: string): unknown {
  if (!/\d{16}/.test(json) || !json.includes('"structuredContent"')) return JSON.parse(json);
  const written: string[] = [];
  const message = (JSON.parse as ParseWithSource)(json, (_key, value, { source }) => {
    if (typeof value === 'number' && source !== undefined && isRounded(value, source))
      written.push(source);
    return value;
  });
  if (written.length > 0 && isObject(message) && isObject(message['result']))
    tell(message['result'], [...new Set(written)]);
  return message;
}

function tell({ content, structuredContent }: Record<string, unknown>, written: string[]): void {
  if (structuredContent === undefined || !Array.isArray(content)) return;
  const told = written.slice(0, MOST_TOLD).join(', ');
  const more = written.length > MOST_TOLD ? `, and ${written.length - MOST_TOLD} more` : '';
  content.push({
    type: 'text',
    text: `(Numbers of the structured content have more digits than it can keep. They were written as: ${told}${more}.)`,
  });
}
