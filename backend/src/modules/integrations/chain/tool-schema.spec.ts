import { ToolSchemas } from './tool-schema.js';

const schemas = new ToolSchemas();
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

it('lists every fault, with its path', () => {
  const schema = object(
    { a: { type: 'integer' }, b: { enum: ['x', 'y'] }, 'c/d': { items: { type: 'string' } } },
    { required: ['z'] },
  );
  expect(schemas.faults(schema, { a: 'one', b: 'w', 'c/d': ['s', 1] })).toEqual([
    { path: 'z', message: 'is missing' },
    { path: 'a', message: 'must be integer' },
    { path: 'b', message: 'must be one of ["x","y"]' },
    { path: 'c/d[1]', message: 'must be string' },
  ]);
});

it('takes draft-07 where the schema says so', () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...object({ a: { items: [{ type: 'string' }] } }),
  };
  expect(schemas.faults(schema, { a: [1] })).toEqual([{ path: 'a[0]', message: 'must be string' }]);
});

it('keeps apart the patterns of one schema', () => {
  const schema = object({ a: { pattern: '^a+$' }, b: { pattern: '^b+$' } });
  expect(schemas.faults(schema, { a: 'aa', b: 'bb' })).toEqual([]);
  expect(schemas.faults(schema, { a: 'bb', b: 'aa' })).toHaveLength(2);
});

it('ends a pattern that would stop the native engine', () => {
  // With backtracking this takes longer than the sun will shine.
  expect(
    schemas.faults(object({ a: { pattern: '^(a+)+$' } }), { a: `${'a'.repeat(5000)}!` }),
  ).toHaveLength(1);
});

it('has a bound for what all patterns of one check may take together', () => {
  // In linear time as well, this would take half a minute.
  const schema = object({ a: { items: { pattern: '^[\\p{L}]{1000}[\\p{L}]*$' } } });
  const began = process.cpuUsage();
  expect(
    schemas.faults(schema, { a: Array.from({ length: 50 }, () => 'é'.repeat(50_000)) }),
  ).toEqual(
    expect.arrayContaining([{ path: 'a[49]', message: expect.stringContaining('pattern') }]),
  );
  expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  // What was spent on that one is not missing at the next.
  expect(schemas.faults(object({ a: { pattern: '^é+$' } }), { a: 'é'.repeat(50_000) })).toEqual([]);
});

it('leaves a pattern with look-around to the tool', () => {
  expect(schemas.faults(object({ a: { pattern: '^(?=x)y$' } }), { a: 'anything' })).toEqual([]);
});

it('takes two schemas with the same $id', () => {
  const schema = (type: string) => ({ $id: 'https://example.test/s', ...object({ a: { type } }) });
  expect(schemas.faults(schema('string'), { a: 1 })).toHaveLength(1);
  expect(schemas.faults(schema('number'), { a: 1 })).toHaveLength(0);
});

it('says that a schema is none', () => {
  expect(() => schemas.faults({ type: 'nonsense' }, {})).toThrow(/schema is invalid/);
  expect(() => schemas.faults(object({ a: { description: 'x'.repeat(300_000) } }), {})).toThrow(
    /at most/,
  );
});
