import { anEvent } from '../../../../testing/factories';
import { lanesOf } from './run-timeline';
import { tickStep } from './timeline-view';

const events = (...rows: [number, string, Record<string, unknown>?][]) =>
  rows.map(([ms, type, payload = {}]) =>
    anEvent({ type, payload, createdAt: new Date(ms).toISOString() }),
  );
const bars = (lanes: ReturnType<typeof lanesOf>, stepId: string | null) =>
  lanes
    .find((lane) => lane.stepId === stepId)
    ?.bars.map(({ kind, from, to, attempt }) => [kind, from, to, attempt]);

describe('the timeline of a run', () => {
  it('has a bar for every attempt of a step, ended by what came of it', () => {
    const lanes = lanesOf(
      events(
        [0, 'task.acceptance'],
        [10, 'run.sense'],
        [20, 'run.step', { stepId: 'a', state: 'running', attempts: 1 }],
        [30, 'run.step', { stepId: 'a', state: 'pending', attempts: 1 }],
        [40, 'run.step', { stepId: 'a', state: 'running', attempts: 2 }],
        [50, 'run.step', { stepId: 'a', state: 'done', attempts: 2 }],
        [60, 'task.receipt', { status: 'succeeded' }],
      ),
    );
    expect(bars(lanes, 'a')).toEqual([
      ['failed', 20, 30, 1],
      ['done', 40, 50, 2],
    ]);
    expect(bars(lanes, null)).toEqual([
      ['queued', 0, 10, 1],
      ['done', 10, 60, 1],
    ]);
  });

  it('shows how long a person was waited for, and what runs on', () => {
    const lanes = lanesOf(
      events(
        [0, 'approval.request', { stepId: 'a' }],
        [100, 'approval.decided', { stepId: 'a' }],
        [110, 'run.step', { stepId: 'a', state: 'running', attempts: 1 }],
      ),
    );
    expect(bars(lanes, 'a')).toEqual([
      ['waiting', 0, 100, 1],
      ['running', 110, null, 1],
    ]);
  });

  it('breaks off what ran when the process went down, and shows the recovery', () => {
    const lanes = lanesOf(
      events(
        [0, 'run.sense'],
        [10, 'run.step', { stepId: 'a', state: 'running', attempts: 1 }],
        [50, 'recovery.start'],
        [60, 'recovery.done'],
        [70, 'task.receipt', { status: 'failed' }],
      ),
    );
    expect(bars(lanes, 'a')).toEqual([['failed', 10, 50, 1]]);
    expect(bars(lanes, null)).toEqual([
      ['running', 0, 50, 1],
      ['recovering', 50, 60, 1],
      ['failed', 60, 70, 1],
    ]);
  });
});

it('ticks in round steps', () => {
  expect([400, 1_900, 47_000, 3_600_000].map(tickStep)).toEqual([100, 500, 10_000, 720_000]);
});
