import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateAgent,
  CreateBlueprint,
  CreateProject,
  CreateToken,
  CreateUser,
  PageQuery,
  PatchProject,
  SaveView,
  SendMessage,
  fieldRules,
  sentences,
} from '@aos/contracts';
import ts from 'typescript';
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

  it('has a code for every rule that the contract puts in words of its own', async () => {
    const rules = await rulesOfTheContract();
    expect(rules).toContain(sentences['rule-exchange']); // in an issue, over several lines
    expect(rules).toContain(sentences['rule-version']); // beside a pattern
    const told = new Set<string>(fieldRules.map((code) => sentences[code]));
    expect(rules.filter((rule) => !told.has(rule))).toEqual([]);
    expect([...told].filter((rule) => !rules.includes(rule))).toEqual([]);
  });

  it('has no two rules with the same words', () => {
    const texts = fieldRules.map((code) => sentences[code]);
    expect(new Set(texts).size).toBe(texts.length);
  });
});

const contracts = join(import.meta.dirname, '../../../../libs/contracts/src');

/**
 * What the sources of the contract say of a fault: a `message` or an `error`, and the last argument of a check. Read from the
 * sources, since a schema does not tell what its refinements would say.
 */
async function rulesOfTheContract(): Promise<string[]> {
  const files = (await readdir(contracts)).filter((name) => name.endsWith('.ts'));
  const found = await Promise.all(
    files.map(async (name) =>
      rulesIn(
        ts.createSourceFile(
          name,
          await readFile(join(contracts, name), 'utf8'),
          ts.ScriptTarget.Latest,
          true,
        ),
      ),
    ),
  );
  return found.flat();
}

/** The checks of zod that take the words of a fault after what they check by, and those that take nothing else. */
const takesWords =
  /^(refine|regex|min|max|length|size|gt|gte|lt|lte|multipleOf|startsWith|endsWith)$/;
const takesWordsAlone =
  /^(int|positive|nonnegative|nonempty|email|url|uuid|string|number|strictObject)$/;

function rulesIn(node: ts.Node): string[] {
  const below: string[] = [];
  node.forEachChild((child) => void below.push(...rulesIn(child)));
  return [...wordsOf(node), ...below];
}

function wordsOf(node: ts.Node): string[] {
  if (ts.isPropertyAssignment(node) && /^(message|error)$/.test(node.name.getText()))
    return isText(node.initializer) ? [node.initializer.getText().slice(1, -1)] : [];
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
  const last = node.arguments.at(-1);
  const least = takesWordsAlone.test(node.expression.name.text) ? 1 : 2;
  const takes = least === 1 || takesWords.test(node.expression.name.text);
  return takes && last !== undefined && node.arguments.length >= least && isText(last)
    ? [last.getText().slice(1, -1)]
    : [];
}

/** A template with blanks too: no list of fixed texts has its code, so that it is found to lack one. */
const isText = (node: ts.Node) => ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);

describe('a name that people or things are told apart by', () => {
  const email = 'a@example.com';
  const steps = [{ id: 'a', tool: 'skills.text.report' }];
  const schemas: [string, z.ZodType, object][] = [
    ['person', CreateUser, { email, password: 'long enough to be one', role: 'viewer' }],
    ['token', CreateToken, {}],
    ['project', CreateProject, {}],
    ['changed project', PatchProject, {}],
    ['view', SaveView, { room: 'tasks', query: {} }],
    ['blueprint', CreateBlueprint, { steps }],
  ];
  const hidden = [
    ...[
      '\u200b',
      '\u3164',
      '\ufe0f',
      'a\u202eb',
      'a\u2066b',
      'a\nb',
      'a\u2028b',
      'a\u001b[31m',
      'a\u009bb',
    ],
    ...['Ow\u00adner', 'Ow\u2060ner', 'Ow\uffa0ner', 'a\u{e0041}'],
  ];

  it.each(schemas)('of a %s hides nothing', async (_, schema, rest) => {
    for (const name of hidden)
      expect([name, await faultsOf(schema, { ...rest, name })]).toMatchObject([
        name,
        [{ path: 'name', said: { code: 'rule-shown-name' } }],
      ]);
  });

  it.each(schemas)('of a %s is one, in whatever code points it comes', async (_, schema, rest) => {
    for (const [sent, kept] of [
      [' E\u0301va ', '\u00c9va'],
      ['\u738b\u79c0\u82f1', '\u738b\u79c0\u82f1'],
      ['\u0646\u06cc\u200c\u0645', '\u0646\u06cc\u200c\u0645'],
      ['\u{1f468}\u200d\u{1f469}', '\u{1f468}\u200d\u{1f469}'],
    ])
      expect(schema.parse({ ...rest, name: sent })).toMatchObject({ name: kept });
  });
});
