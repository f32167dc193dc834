import { CreateAgent, PageQuery, SendMessage, fieldRules, sentences } from '@aos/contracts';
import { z } from 'zod';
import { AosError } from './problem.js';
import { schemaPipe } from './schema.pipe.js';

async function faultsOf(schema: z.ZodType, value: unknown) {
  try {
    await schemaPipe().transform(value, { type: 'body', schema } as never);
  } catch (error) {
    if (error instanceof AosError) return error.errors;
    throw error;
  }
  return undefined;
}

describe('a fault of a request', () => {
  it.each([
    ['a key that is not known', PageQuery, { colour: 1 }, { code: 'field-unknown' }],
    ['one that lacks', z.strictObject({ a: z.string() }), {}, { code: 'field-missing' }],
    [
      'another type',
      z.strictObject({ a: z.string() }),
      { a: 1 },
      { code: 'schema-type', params: { type: 'string' } },
    ],
    [
      'a short text',
      z.strictObject({ a: z.string().min(2) }),
      { a: 'x' },
      { code: 'schema-few-characters', params: { limit: 2 } },
    ],
    [
      'a long list',
      z.strictObject({ a: z.array(z.int()).max(1) }),
      { a: [1, 2] },
      { code: 'schema-many-items', params: { limit: 1 } },
    ],
    [
      'a large number',
      PageQuery,
      { limit: 900 },
      { code: 'schema-limit', params: { comparison: '<=', limit: 200 } },
    ],
    [
      'none of the choices',
      z.strictObject({ a: z.enum(['b', 'c']) }),
      { a: 'd' },
      { code: 'schema-one-of', params: { values: '"b", "c"' } },
    ],
    [
      'another format',
      z.strictObject({ a: z.email() }),
      { a: 'nobody' },
      { code: 'field-format', params: { format: 'email' } },
    ],
    ['a rule of its own', CreateAgent, { name: 'Not Me' }, { code: 'rule-agent-name' }],
    ['a rule over several fields', SendMessage, {}, { code: 'rule-text-or-steps' }],
  ])('is said by a code as well: %s', async (_, schema, value, said) => {
    const faults = await faultsOf(schema, value);
    expect(faults).toContainEqual(expect.objectContaining({ said }));
  });

  it('keeps the words of the schema', async () => {
    expect(await faultsOf(CreateAgent, { name: 'Not Me' })).toContainEqual(
      expect.objectContaining({ path: 'name', message: sentences['rule-agent-name'] }),
    );
  });

  it('has no two rules with the same words', () => {
    const texts = fieldRules.map((code) => sentences[code]);
    expect(new Set(texts).size).toBe(texts.length);
  });
});
