import { say } from '@aos/contracts';
import { type ResultRefused, checkResult } from './result-check.js';
import { ToolSchemas } from './tool-schema.js';

function refusalOf(structuredContent: Record<string, unknown>, schema: Record<string, unknown>) {
  try {
    checkResult({ content: [], structuredContent }, schema, new ToolSchemas());
  } catch (error) {
    return error as ResultRefused;
  }
  throw new Error('it was taken');
}

it('an answer that does not fit is refused with each fault by its code', () => {
  const refused = refusalOf(
    { rows: 'many' },
    { minProperties: 2, properties: { rows: { type: 'integer' } } },
  );
  expect(refused.said).toEqual(
    say('answer-misfit', {
      faults: say('and-then', {
        first: say('answer-itself', { what: say('schema-few-keys', { limit: 2 }) }),
        rest: say('at-argument', { path: 'rows', what: say('schema-type', { type: 'integer' }) }),
      }),
    }),
  );
  expect(refused.message).toBe(
    "the answer does not fit the tool's own schema: it must NOT have fewer than 2 properties; rows must be integer",
  );
});

it('of many faults the first ten are told, and that there are more', () => {
  const keys = Array.from({ length: 30 }, (_, n) => `k${n}`);
  const properties = Object.fromEntries(keys.map((key) => [key, { type: 'integer' }]));
  const { message } = refusalOf(Object.fromEntries(keys.map((key) => [key, ''])), { properties });
  expect(message.match(/must be integer/g)).toHaveLength(10);
  expect(message.endsWith('; …')).toBe(true);
});
