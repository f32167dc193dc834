import { changeOf } from './audit-detail';
import { leavesChanged, withLeaves, withTitles } from './config-changes';

describe('the changes of one person', () => {
  const base = { llm: { model: 'a', timeoutMs: 1 }, gateway: { hosts: ['x'] } };

  it('are leaves, with lists whole and keys that were taken away', () => {
    expect(leavesChanged(base, { llm: { timeoutMs: 2 }, gateway: { hosts: ['x', 'y'] } })).toEqual([
      { path: ['llm', 'model'], value: undefined },
      { path: ['llm', 'timeoutMs'], value: 2 },
      { path: ['gateway', 'hosts'], value: ['x', 'y'] },
    ]);
  });

  it('are put upon what another has saved, which stays', () => {
    const mine = leavesChanged(base, { ...base, llm: { timeoutMs: 2 } });
    const theirs = { llm: { model: 'a', timeoutMs: 1, temperature: 0.5 }, gateway: { hosts: [] } };
    expect(withLeaves(theirs, mine)).toEqual({
      llm: { timeoutMs: 2, temperature: 0.5 },
      gateway: { hosts: [] },
    });
    expect(theirs.llm.model).toBe('a');
  });
});

it('a list of values becomes a choice between words, by which each is kept as it is', () => {
  const schema = {
    properties: { provider: { type: 'string', enum: ['none', 'x'], default: 'none' } },
  };
  const words: Record<string, string> = { 'provider.values.none': 'Nobody' };
  expect(withTitles(schema, (key) => words[key] ?? null)).toEqual({
    properties: {
      provider: {
        default: 'none',
        oneOf: [
          { const: 'none', title: 'Nobody' },
          { const: 'x', title: 'x' },
        ],
      },
    },
  });
});

it('a schema gets our words at every depth, and keeps its own where we have none', () => {
  const schema = {
    type: 'object',
    properties: {
      llm: { type: 'object', title: 'Own', properties: { model: { type: 'string' } } },
    },
  };
  const rules = {
    properties: { rules: { type: 'array', items: { properties: { name: { type: 'string' } } } } },
  };
  expect(
    withTitles(rules, (key) => (key === 'rules.name.title' ? 'What it is called' : null)),
  ).toEqual({
    properties: {
      rules: {
        type: 'array',
        items: { properties: { name: { type: 'string', title: 'What it is called' } } },
      },
    },
  });
  const words: Record<string, string> = { 'llm.model.title': 'Modell', 'llm.model.help': 'Name' };
  expect(withTitles(schema, (key) => words[key] ?? null)).toEqual({
    type: 'object',
    properties: {
      llm: {
        type: 'object',
        title: 'Own',
        properties: { model: { type: 'string', title: 'Modell', description: 'Name' } },
      },
    },
  });
});

describe('what a row of the record changed', () => {
  it('is its two sides, or the changes by path laid out again', () => {
    expect(changeOf({ before: null, after: { a: 1 } })).toEqual({ before: null, after: { a: 1 } });
    expect(
      changeOf({ version: 2, changes: [{ path: 'llm.model', before: 'a', after: 'b' }] }),
    ).toEqual({ before: { llm: { model: 'a' } }, after: { llm: { model: 'b' } } });
  });

  it('is nothing where a row only tells facts', () => {
    expect(changeOf({ name: 'X', usedFor: 'tool' })).toBeNull();
    expect(changeOf(null)).toBeNull();
  });
});
