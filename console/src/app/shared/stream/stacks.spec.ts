import { aJob, anApproval, anEvent } from '../../../testing/factories';
import { type Told, stacksOf } from './stacks';

const told = (over: Partial<Told>): Told => ({
  events: [],
  filter: 'all',
  approvals: {},
  pending: [],
  jobs: new Map(),
  opened: new Map(),
  only: null,
  ...over,
});
const asking = (seq: number, traceId: string) =>
  anEvent({
    seq,
    traceId,
    type: 'approval.request',
    payload: { approvalId: 'approval-1', tool: 'env.shell.run', expiresAt: '2099-01-01T00:00:00Z' },
  });

describe('the stacks of the stream', () => {
  it('hold the events of a task, the task that moved last on top', () => {
    const stacks = stacksOf(
      told({
        events: [
          anEvent({ seq: 1, traceId: 'a' }),
          anEvent({ seq: 2, traceId: 'b' }),
          anEvent({ seq: 3, traceId: 'a' }),
        ],
      }),
    );
    expect(stacks.map(({ traceId, rows }) => [traceId, rows.map(({ id }) => id)])).toEqual([
      ['a', ['event-3', 'event-1']],
      ['b', ['event-2']],
    ]);
  });

  it('show the newest of a burst and how many more there are, and open in place', () => {
    const events = Array.from({ length: 15 }, (_, n) => anEvent({ seq: n + 1 }));
    expect(stacksOf(told({ events }))[0]).toMatchObject({ hidden: 12, isOpen: false });
    const opened = stacksOf(told({ events, opened: new Map([['trace-1', 53]]) }))[0]!;
    expect(opened).toMatchObject({ hidden: 0, isOpen: true });
    expect(opened.rows).toHaveLength(15);
  });

  it('never hide what waits for a person under newer cards', () => {
    const events = [
      asking(1, 'trace-1'),
      ...Array.from({ length: 10 }, (_, n) => anEvent({ seq: n + 2 })),
    ];
    const approvals = { 'approval-1': anApproval() };
    const [stack] = stacksOf(told({ events, approvals, pending: [anApproval()] }));
    expect(stack!.rows.at(-1)?.approval?.id).toBe('approval-1');
  });

  it('show what waits since before the stream began, with its task', () => {
    const job = { ...aJob(), isRecovering: false, told: null, receipt: null, seq: 0 };
    const stacks = stacksOf(
      told({ filter: 'needs-me', pending: [anApproval()], jobs: new Map([['trace-1', job]]) }),
    );
    expect(stacks).toMatchObject([{ traceId: 'trace-1', job: { goal: 'Clean the file' } }]);
  });

  it('keep to their filter', () => {
    const events = [
      anEvent({ seq: 1, traceId: 'a', type: 'task.receipt', payload: { status: 'succeeded' } }),
      anEvent({ seq: 2, traceId: 'b', type: 'task.receipt', payload: { status: 'failed' } }),
      anEvent({ seq: 3, traceId: 'c', type: 'anomaly.detected' }),
      asking(4, 'd'),
    ];
    const traces = (filter: Told['filter'], approvals: Told['approvals'] = {}) =>
      stacksOf(told({ events, filter, approvals })).map(({ traceId }) => traceId);
    expect(traces('results')).toEqual(['b', 'a']);
    expect(traces('problems')).toEqual(['c', 'b']);
    expect(traces('needs-me')).toEqual(['d']);
    expect(traces('needs-me', { 'approval-1': anApproval({ status: 'aborted' }) })).toEqual([]);
  });
});
