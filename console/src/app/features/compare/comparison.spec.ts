import type { Artifact, Episode, StepState, ToolCall } from '@aos/contracts';
import { differsAtAll, isEqual, isOtherLength, pairArtifacts, pairSteps } from './comparison';

const step = (id: string, over: Partial<StepState> = {}): StepState => ({
  ...{ id, tool: 'skills.csv.profile', needs: [], approval: 'auto', state: 'done', attempts: 1 },
  ...{ startedAt: '2026-11-22T10:00:00.000Z', finishedAt: '2026-11-22T10:00:01.000Z' },
  ...{ args: { file: 'a.csv' }, result: { rows: 10 }, error: null },
  ...over,
});
const file = (artifactId: string, name: string, sha256: string) =>
  ({ artifactId, name, sha256, bytes: 10 }) as Artifact;
const call = (stepId: string, status: ToolCall['status']) =>
  ({
    id: `${stepId} ${status}`,
    stepId,
    status,
    server: 'skills',
    tool: 'csv.profile',
  }) as ToolCall;
const run = (over: Partial<Episode>): Episode =>
  ({ steps: [], toolCalls: [], artifacts: [], ...over }) as unknown as Episode;

const differences = (left: Partial<StepState>, right: Partial<StepState>) =>
  pairSteps(run({ steps: [step('a', left)] }), run({ steps: [step('a', right)] }))[0]!.differs;

describe('two runs side by side', () => {
  it('have their steps lined up by id, each where its own run has it', () => {
    const pairs = pairSteps(
      run({ steps: [step('read'), step('clean'), step('report')] }),
      run({ steps: [step('fetch'), step('read'), step('check'), step('report')] }),
    );
    expect(pairs.map(({ id, left, right }) => [id, !!left, !!right])).toEqual([
      ['fetch', false, true],
      ['read', true, true],
      ['check', false, true],
      ['clean', true, false],
      ['report', true, true],
    ]);
    expect(pairs.map(differsAtAll)).toEqual([true, false, true, true, false]);
  });

  it('differ in what is another: state, tool, arguments, result, fault, calls, time', () => {
    expect(differences({}, {})).toEqual([]);
    expect(differences({}, { tool: 'env.files.read' })).toEqual(['tool']);
    expect(differences({}, { args: { file: 'b.csv' } })).toEqual(['args']);
    expect(differences({ result: { a: 1, b: 2 } }, { result: { b: 2, a: 1 } })).toEqual([]);
    expect(differences({}, { finishedAt: '2026-11-22T10:00:02.000Z' })).toEqual(['took']);
    expect(differences({}, { state: 'failed', result: undefined, error: 'No file' })).toEqual([
      'state',
      'result',
      'error',
    ]);
    const [pair] = pairSteps(
      run({ steps: [step('a')], toolCalls: [call('a', 'succeeded'), call('b', 'failed')] }),
      run({ steps: [step('a')], toolCalls: [call('a', 'failed'), call('a', 'succeeded')] }),
    );
    expect(pair!.differs).toEqual(['calls']);
  });

  it('call a file by what it holds: that each run names it anew is no difference', () => {
    const ids = ['0198a21f-f587-7e47-8a9f-a8fbdb553d01', '0198a21f-f587-7e47-8a9f-a8fbdb553d02'];
    const of = (id: string, sha256: string) =>
      run({
        steps: [step('a', { result: { made: [`artifact ${id}`] } })],
        artifacts: [file(id, 'clean.csv', sha256)],
      });
    const same = pairSteps(of(ids[0]!, 'f'.repeat(64)), of(ids[1]!, 'f'.repeat(64)));
    expect(same[0]!.differs).toEqual([]);
    const other = pairSteps(of(ids[0]!, 'f'.repeat(64)), of(ids[1]!, '0'.repeat(64)));
    expect(other[0]!.differs).toEqual(['result']);
    expect(other[0]!.right!.result).toEqual({
      made: ['artifact clean.csv (sha256 000000000000)'],
    });
  });

  it('have their files by name, and by order where several have one', () => {
    const pairs = pairArtifacts(
      [file('1', 'a.csv', 'x'), file('2', 'a.csv', 'y'), file('3', 'b.md', 'z')],
      [file('4', 'a.csv', 'x'), file('5', 'a.csv', 'other'), file('6', 'c.png', 'w')],
    );
    expect(pairs.map(({ name, left, right, isSame }) => [name, !!left, !!right, isSame])).toEqual([
      ['a.csv', true, true, true],
      ['a.csv', true, true, false],
      ['c.png', false, true, false],
      ['b.md', true, false, false],
    ]);
  });

  it('take another time only where it is news', () => {
    expect(isOtherLength(1_000, 1_100)).toBe(false);
    expect(isOtherLength(1_000, 1_300)).toBe(true);
    expect(isOtherLength(10, 100)).toBe(false);
    expect(isOtherLength(null, 5_000)).toBe(false);
  });

  it('are equal in value, not in the order of keys or in what only looks alike', () => {
    expect(isEqual({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true);
    expect(isEqual({ a: undefined }, { b: undefined })).toBe(false);
    expect(isEqual([1], { 0: 1 })).toBe(false);
    expect(isEqual({}, null)).toBe(false);
  });
});
