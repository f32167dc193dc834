import { inEnglish, say } from '@aos/contracts';
import { ToolSchemas } from './tool-schema.js';

const schemas = new ToolSchemas();
const faultsOf = (schema: Record<string, unknown>, value: unknown) =>
  schemas.faults(schema, value).map(({ path, message }) => ({ path, message }));
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

it('lists every fault, with its path', () => {
  const schema = object(
    { a: { type: 'integer' }, b: { enum: ['x', 'y'] }, 'c/d': { items: { type: 'string' } } },
    { required: ['z'] },
  );
  expect(faultsOf(schema, { a: 'one', b: 'w', 'c/d': ['s', 1] })).toEqual([
    { path: 'z', message: 'is missing' },
    { path: 'a', message: 'must be integer' },
    { path: 'b', message: 'must be one of ["x","y"]' },
    { path: 'c/d[1]', message: 'must be string' },
  ]);
});

it('lists no more than fifty, and of what is allowed no more than can be read', () => {
  const numbers = Array.from({ length: 60 }, (_, i) => i);
  expect(faultsOf({ items: { type: 'string' } }, numbers)).toHaveLength(50);
  const long = Array.from({ length: 1000 }, (_, i) => `value ${i}`);
  const message = faultsOf({ enum: long }, 'none')[0]!.message;
  expect(message).toMatch(/^must be one of \["value 0"/);
  expect(message.length).toBeLessThan(600);
});

it('keeps what it has made of the latest five hundred schemas', () => {
  const kept = new ToolSchemas();
  /** How often a schema is written out: once to be known by its text, and once more to be made a check of. */
  const written = (n: number) => {
    let times = 0;
    const schema = { type: 'object', title: `the ${n}th` };
    const told = Object.defineProperty({ ...schema }, 'toJSON', { value: () => (times++, schema) });
    expect(kept.faults(told, {})).toEqual([]);
    return times;
  };
  for (let n = 0; n < 500; n++) expect(written(n)).toBe(2);
  expect([written(0), written(499)]).toEqual([1, 1]);
  expect([written(500), written(499), written(0)]).toEqual([2, 1, 2]);
});

it('says each by its code as well', () => {
  const schema = object({ a: { type: 'integer' }, b: { uniqueItems: true } }, { required: ['z'] });
  const closed = { ...schema, additionalProperties: false };
  const told = schemas.faults(closed, { a: 'one', b: [1, 1], c: 1 });
  expect(told.map(({ path, said }) => [path, said])).toEqual(
    expect.arrayContaining([
      ['z', say('field-missing')],
      ['a', say('schema-type', { type: 'integer' })],
      ['b', say('schema-duplicates')],
      ['c', say('tool-key-unknown')],
    ]),
  );
  expect(told.map(({ message }) => message)).toEqual(told.map(({ said }) => inEnglish(said)));
});

it.each<[Record<string, unknown>, unknown]>([
  [{ not: {} }, 1],
  [object({ a: false }), { a: 1 }],
  [{ minProperties: 1 }, {}],
  [{ maxProperties: 0 }, { a: 1 }],
  [{ dependentRequired: { a: ['b'] } }, { a: 1 }],
  [{ propertyNames: { maxLength: 1 } }, { ab: 1 }],
  [{ contains: { type: 'string' } }, [1]],
  [{ contains: { type: 'string' }, maxContains: 1 }, ['a', 'b']],
  [{ const: 1 }, 2],
  [{ multipleOf: 2 }, 3],
  [{ format: 'date' }, 'tomorrow'],
  [{ anyOf: [{ type: 'string' }] }, 1],
  [{ oneOf: [{ type: 'number' }, { type: 'integer' }] }, 1],
])('has a sentence of its own for what %j forbids', (schema, value) => {
  const told = schemas.faults(schema, value);
  expect(told.length).toBeGreaterThan(0);
  expect(told.map(({ said }) => said.code)).not.toContain('as-it-is');
});

it('takes draft-07 where the schema says so', () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...object({ a: { items: [{ type: 'string' }] } }),
  };
  expect(faultsOf(schema, { a: [1] })).toEqual([{ path: 'a[0]', message: 'must be string' }]);
});

it('keeps apart the patterns of one schema', () => {
  const schema = object({ a: { pattern: '^a+$' }, b: { pattern: '^b+$' } });
  expect(faultsOf(schema, { a: 'aa', b: 'bb' })).toEqual([]);
  expect(faultsOf(schema, { a: 'bb', b: 'aa' })).toHaveLength(2);
});

it('ends a pattern that would stop the native engine', () => {
  // With backtracking this takes longer than the sun will shine.
  expect(
    faultsOf(object({ a: { pattern: '^(a+)+$' } }), { a: `${'a'.repeat(5000)}!` }),
  ).toHaveLength(1);
});

it('has a bound for what all patterns of one check may take together', () => {
  // In linear time as well, this would take half a minute.
  const schema = object({ a: { items: { pattern: '^[\\p{L}]{1000}[\\p{L}]*$' } } });
  const began = process.cpuUsage();
  expect(faultsOf(schema, { a: Array.from({ length: 50 }, () => 'é'.repeat(50_000)) })).toEqual(
    expect.arrayContaining([{ path: 'a[49]', message: expect.stringContaining('pattern') }]),
  );
  expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  // What was spent on that one is not missing at the next.
  expect(faultsOf(object({ a: { pattern: '^é+$' } }), { a: 'é'.repeat(50_000) })).toEqual([]);
});

it('leaves a pattern with look-around to the tool', () => {
  expect(faultsOf(object({ a: { pattern: '^(?=x)y$' } }), { a: 'anything' })).toEqual([]);
});

it('takes a schema that refers to itself, and one that asks for what is left over', () => {
  const tree = object({ left: { $ref: '#' }, n: { type: 'number' } });
  expect(faultsOf(tree, { left: { left: { n: 'x' } } })).toEqual([
    { path: 'left.left.n', message: 'must be number' },
  ]);
  const rest = {
    $defs: { a: object({ a: { type: 'number' } }) },
    ...object({ b: { type: 'number' } }),
    allOf: [{ $ref: '#/$defs/a' }],
    unevaluatedProperties: false,
  };
  expect(faultsOf(rest, { a: 1, b: 2 })).toEqual([]);
  expect(faultsOf(rest, { a: 1, c: 2 })).toEqual([
    { path: 'c', message: 'is not known to the tool' },
  ]);
});

it('takes two schemas with the same $id', () => {
  const schema = (type: string) => ({ $id: 'https://example.test/s', ...object({ a: { type } }) });
  expect(faultsOf(schema('string'), { a: 1 })).toHaveLength(1);
  expect(faultsOf(schema('number'), { a: 1 })).toHaveLength(0);
});

it('says that a schema is none', () => {
  expect(() => faultsOf({ type: 'nonsense' }, {})).toThrow(/schema is invalid/);
  expect(() => faultsOf(object({ a: { description: 'x'.repeat(300_000) } }), {})).toThrow(
    /at most/,
  );
});

describe('a schema whose author means harm', () => {
  /** Each definition refers to the next one twice: a check of anything is 2^n of them. */
  function doubling(n: number, keyword: 'anyOf' | 'allOf', last: object = { type: 'string' }) {
    const definitions = Object.fromEntries(
      Array.from({ length: n }, (_, i) => {
        const next = { $ref: `#/$defs/d${i + 1}` };
        return [`d${i}`, { [keyword]: [next, next] }];
      }),
    );
    return { $ref: '#/$defs/d0', $defs: { ...definitions, [`d${n}`]: last } };
  }
  const tooLong = [{ path: '', message: 'takes too long to check' }];

  it.each(['anyOf', 'allOf'] as const)(
    'cannot make a check endless by definitions that refer twice (%s)',
    (keyword) => {
      // With 24 it is seen without the bound that it is not there: that takes half a minute.
      expect(faultsOf(doubling(24, keyword), 1)).toEqual(tooLong);
      expect(faultsOf(doubling(6, keyword), 'fits')).toEqual([]);
    },
  );

  it('cannot do it with branches that each go down the value again', () => {
    const branch = { properties: { x: { $ref: '#' } }, required: ['y'] };
    let value: object = {};
    for (let depth = 0; depth < 20; depth++) value = { x: value };
    expect(faultsOf({ anyOf: [branch, branch] }, value)).toEqual(tooLong);
  });

  it('cannot do it by referring to itself', () => {
    expect(faultsOf({ $ref: '#' }, 1)).toEqual(tooLong);
    expect(faultsOf({ allOf: [{ $dynamicRef: '#a' }], $dynamicAnchor: 'a' }, 1)).toEqual(tooLong);
  });

  it.each([
    ['items', { items: { type: 'number' } }, (n: number) => Array.from({ length: n }, () => 1)],
    ['keys', { propertyNames: { maxLength: 9 } }, record],
    ['values', { additionalProperties: { type: 'number' } }, record],
    ['characters', { maxLength: 1e9 }, (n: number) => 'x'.repeat(10 * n)],
  ])('cannot make a check endless by going through the same %s again', (_, part, make) => {
    const again = { allOf: Array.from({ length: 1000 }, () => part) };
    expect(faultsOf(again, make(50_000))).toEqual(tooLong);
    expect(faultsOf(again, make(100))).toEqual([]);
  });

  function record(n: number): Record<string, number> {
    return Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]));
  }

  it('cannot make it quadratic: that items are unique shows in one pass', () => {
    const items = Array.from({ length: 30_000 }, (_, i) => ({ a: i, b: [i] }));
    const schema = { uniqueItems: true };
    const began = process.cpuUsage();
    expect(faultsOf(schema, items)).toEqual([]);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
    expect(faultsOf(schema, [...items, { b: [7], a: 7 }])).toEqual([
      { path: '', message: 'must NOT have duplicate items' },
    ]);
    expect(faultsOf({ uniqueItems: false }, [1, 1])).toEqual([]);
    expect(faultsOf(schema, [1, '1', [1], null, {}, []])).toEqual([]);
    expect(faultsOf(schema, ['a', 'a'])).toHaveLength(1);
  });

  it('cannot answer with a promise, which would pass for a yes', () => {
    expect(faultsOf({ $async: true, ...object({}, { required: ['a'] }) }, {})).toEqual([
      { path: 'a', message: 'is missing' },
    ]);
    const nested = { $defs: { a: { $async: true, type: 'string' } }, $ref: '#/$defs/a' };
    expect(() => faultsOf(nested, 1)).toThrow(/async/);
  });

  it.each([
    'https://json-schema.org/draft/2020-12/schema',
    'https://json-schema.org/draft/2020-12/meta/core',
    'http://json-schema.org/draft-07/schema',
  ])('cannot take the place of %s', ($id) => {
    for (const harm of [
      { $id, type: 'object' },
      { $defs: { a: { $id, type: 'object' } } },
      { $id, type: 'nonsense' },
      { $id, $ref: 'nowhere' },
    ])
      try {
        faultsOf(harm, {});
      } catch {
        // Whether it can be used is not what is asked.
      }
    expect(faultsOf(object({ [$id]: { type: 'string' } }), { [$id]: 1 })).toHaveLength(1);
    expect(() => faultsOf(object({ [$id]: { type: 'nonsense' } }), {})).toThrow(/invalid/);
  });

  it('cannot say what a part of another one means', () => {
    const part = (type: string) => ({
      ...object({ a: { $ref: 'https://example.test/part' } }),
      $defs: { part: { $id: 'https://example.test/part', type } },
    });
    expect(faultsOf(part('number'), { a: 1 })).toEqual([]);
    expect(faultsOf(part('string'), { a: 1 })).toHaveLength(1);
    const borrowed = object({ b: { $ref: 'https://example.test/part' } });
    expect(() => faultsOf(borrowed, { b: 1 })).toThrow(/resolve/);
  });

  it('cannot be copied into itself without end, nor be deeper than it is looked at', () => {
    const large = object(
      Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`p${i}`, { type: 'number' }])),
    );
    const some = Array.from({ length: 500 }, () => ({ $ref: '#/$defs/large' }));
    const many = { $defs: { large }, allOf: Array.from({ length: 4 }, () => ({ anyOf: some })) };
    const began = process.cpuUsage();
    expect(faultsOf(many, { p1: 1 })).toEqual([]);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
    let deep: object = {};
    for (let depth = 0; depth < 300; depth++) deep = { not: deep };
    expect(() => faultsOf({ ...deep }, 1)).toThrow(/deeper/);
    expect(() => faultsOf({ ...many, unevaluatedProperties: false }, {})).toThrow(/at most/);
  });

  it('has no code of its own: neither an id nor a name becomes a part of it', () => {
    const evil =
      '*/;globalThis.harm=1;/*"\';globalThis.harm=1;//\u2028globalThis.harm=1;${globalThis.harm=1}';
    const schema = {
      $id: evil,
      ...object({ [evil]: { $id: evil, const: evil, enum: [evil] } }, { required: [evil] }),
      patternProperties: { [evil]: { type: 'number' } },
    };
    try {
      faultsOf(schema, { [evil]: 1 });
    } catch {
      // Whether it can be used is not what is asked.
    }
    expect(Object.hasOwn(globalThis, 'harm')).toBe(false);
  });
});

it('knows what belongs to a value from what every object has', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
    const schema = JSON.parse(
      `{"type":"object","properties":{"${name}":{"type":"string"}},"additionalProperties":false}`,
    ) as Record<string, unknown>;
    const value = (text: string) => JSON.parse(`{"${name}":${text}}`) as unknown;
    expect(faultsOf(schema, {})).toEqual([]);
    expect(faultsOf({ ...schema, required: [name] }, {})).toMatchObject([
      { message: 'is missing' },
    ]);
    expect(faultsOf(schema, value('"text"'))).toEqual([]);
    expect(faultsOf(schema, value('1'))).toHaveLength(1);
  }
  const closed = { type: 'object', additionalProperties: false };
  expect(faultsOf(closed, JSON.parse('{"__proto__":{"a":1}}'))).toEqual([
    { path: '__proto__', message: 'is not known to the tool' },
  ]);
});
