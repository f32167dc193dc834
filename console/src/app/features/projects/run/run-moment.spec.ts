import type { AosEvent, StepState } from '@aos/contracts';
import { anEvent } from '../../../../testing/factories';
import { momentOf } from './run-moment';

const step = (id: string, over: Partial<StepState> = {}): StepState => ({
  id,
  tool: 'skills.csv.clean',
  needs: [],
  approval: 'auto',
  state: 'done',
  attempts: 1,
  startedAt: '2026-11-22T10:00:02.000Z',
  finishedAt: '2026-11-22T10:00:03.000Z',
  args: {},
  error: null,
  ...over,
});
let second = 0;
const at = (type: string, payload: Record<string, unknown> = {}): AosEvent => {
  second += 1;
  const createdAt = new Date(Date.UTC(2026, 10, 22, 10, 0, second)).toISOString();
  return anEvent({ type, payload, createdAt, summary: `${type} at ${second}` });
};
const time = (seconds: number) => Date.UTC(2026, 10, 22, 10, 0, seconds);

beforeEach(() => (second = 0));

const events = () => [
  at('job.status', { status: 'queued' }), // 1
  at('run.sense'), // 2
  at('run.plan'), // 3
  at('run.step', { stepId: 'clean', state: 'running', attempts: 1 }), // 4
  at('run.step', { stepId: 'clean', state: 'failed', attempts: 1, error: 'No such file' }), // 5
  at('run.step', { stepId: 'clean', state: 'running', attempts: 2 }), // 6
  at('artifact.created', { artifactId: 'a1' }), // 7
  at('run.step', { stepId: 'clean', state: 'done', attempts: 2 }), // 8
  at('approval.request', { stepId: 'plot' }), // 9
  at('approval.decided', { stepId: 'plot', decision: 'continue' }), // 10
  at('recovery.start'), // 11
  at('recovery.done'), // 12
  at('task.receipt', { status: 'succeeded' }), // 13
];
const plan = [step('clean'), step('plot')];

describe('a moment of a run', () => {
  it('before the planner was done has no plan, and nothing lit', () => {
    const moment = momentOf(plan, events(), time(2));
    expect(moment).toMatchObject({ status: 'running', isPlanned: false });
    expect(moment.steps.get('clean')).toMatchObject({ state: 'pending', attempts: 0 });
  });

  it('shows a step as it stood then: failed, tried again, done', () => {
    const all = events();
    const clean = (seconds: number) => momentOf(plan, all, time(seconds)).steps.get('clean');
    expect(clean(4)).toMatchObject({ state: 'running', attempts: 1, startedAt: time(4) });
    expect(clean(5)).toMatchObject({ state: 'failed', error: 'No such file', finishedAt: time(5) });
    expect(clean(6)).toMatchObject({
      state: 'running',
      attempts: 2,
      error: null,
      finishedAt: null,
    });
    expect(clean(8)).toMatchObject({ state: 'done', startedAt: time(6), finishedAt: time(8) });
  });

  it('holds only what had been made by then', () => {
    const all = events();
    expect([...momentOf(plan, all, time(6)).artifactIds]).toEqual([]);
    expect([...momentOf(plan, all, time(7)).artifactIds]).toEqual(['a1']);
  });

  it('waits for a person, recovers and ends, in their time', () => {
    const all = events();
    const look = (seconds: number) => momentOf(plan, all, time(seconds));
    expect(look(9).status).toBe('waiting');
    expect(look(9).steps.get('plot')?.state).toBe('waiting');
    expect(look(10)).toMatchObject({ status: 'running' });
    expect(look(11).isRecovering).toBe(true);
    expect(look(12).isRecovering).toBe(false);
    expect(look(13)).toMatchObject({
      status: 'succeeded',
      told: { summary: 'task.receipt at 13' },
    });
  });

  it.each(['failed', 'cancelled'])('has no step to do any more once the run has %s', (status) => {
    const all = [
      at('run.plan'), // 1
      at('run.step', { stepId: 'clean', state: 'running', attempts: 1 }), // 2
      at('approval.request', { stepId: 'plot' }), // 3
      at('task.receipt', { status }), // 4
    ];
    const states = (seconds: number) =>
      [...momentOf([...plan, step('report')], all, time(seconds)).steps].map(
        ([id, { state, finishedAt }]) => [id, state, finishedAt],
      );
    expect(states(3)).toEqual([
      ['clean', 'running', null],
      ['plot', 'waiting', null],
      ['report', 'pending', null],
    ]);
    expect(states(4)).toEqual([
      ['clean', 'failed', time(4)],
      ['plot', 'skipped', time(4)],
      ['report', 'skipped', time(4)],
    ]);
  });

  it('without a limit is now', () => {
    expect(momentOf(plan, events(), null).status).toBe('succeeded');
  });

  it('takes a step that a rerun took over as done from the beginning', () => {
    const taken = step('clean', { startedAt: null });
    expect(momentOf([taken], [at('run.plan')], null).steps.get('clean')?.state).toBe('done');
  });

  it('is not led astray by a payload of another version', () => {
    const odd = [at('run.step', { stepId: 7, state: 'dancing' }), at('job.status', { status: 1 })];
    expect(momentOf(plan, odd, null).steps.get('clean')?.state).toBe('pending');
  });
});
