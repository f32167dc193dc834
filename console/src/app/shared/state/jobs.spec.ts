import { aJob, anEvent } from '../../../testing/factories';
import { StreamEvents } from './connection';
import { JobsEvents, type LiveJob, jobs } from './jobs';

const start = jobs.reducer(undefined, { type: 'start' });
const after = (...actions: Parameters<typeof jobs.reducer>[1][]) =>
  actions.reduce(jobs.reducer, start);
const tells = (...events: Parameters<typeof anEvent>[0][]) =>
  StreamEvents.received({ events: events.map((event) => anEvent(event)) });
const job = (state: typeof start): LiveJob => state.entities['job-1']!;

describe('the jobs', () => {
  it('learn of a task from its first event, before any row was loaded', () => {
    const state = after(
      tells({
        seq: 1,
        type: 'task.acceptance',
        payload: { goal: 'Clean it', steps: [{ id: 'a', tool: 'x.y' }] },
      }),
    );
    expect(job(state)).toMatchObject({
      goal: 'Clean it',
      status: 'running',
      progress: { done: 0, total: 1 },
    });
  });

  it('let a task that is to start later wait for its time, whatever is told first', () => {
    const scheduledAt = '2027-01-01T08:00:00.000Z';
    const told = tells({
      seq: 1,
      type: 'task.acceptance',
      payload: { goal: 'Later', scheduledAt },
    });
    const row = JobsEvents.loaded({
      job: aJob({ status: 'scheduled', scheduledAt, startedAt: null }),
    });
    for (const state of [after(told), after(told, row), after(row, told)])
      expect(job(state)).toMatchObject({ status: 'scheduled', scheduledAt, startedAt: null });
    expect(job(jobs.reducer(after(told), tells({ seq: 2 }))).status).toBe('running');
    const begun = aJob({ status: 'running', scheduledAt, startedAt: '2027-01-01T08:00:01.000Z' });
    expect(job(after(JobsEvents.loaded({ job: begun }), told)).status).toBe('running');
  });

  it('let a task wait on when one of several people has said yes', () => {
    const voted = { seq: 3, payload: { approvalId: 'approval-1', stepId: 'plot', given: 1 } };
    const state = after(
      JobsEvents.loaded({ job: aJob() }),
      tells({ seq: 2, type: 'approval.request' }, voted),
    );
    expect(job(state).status).toBe('waiting');
  });

  it('follow a task to its receipt', () => {
    const state = after(
      JobsEvents.loaded({ job: aJob() }),
      tells(
        { seq: 2, payload: { stepId: 'plot', done: 2, total: 4 } },
        { seq: 3, type: 'approval.request' },
      ),
    );
    expect(job(state)).toMatchObject({ status: 'waiting', progress: { done: 2, current: 'plot' } });
    const ended = jobs.reducer(
      state,
      tells({ seq: 4, type: 'task.receipt', payload: { status: 'succeeded', attempts: 2 } }),
    );
    expect(job(ended)).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(job(ended).finishedAt).not.toBeNull();
  });

  it('say that a task recovers until it has', () => {
    const recovering = after(tells({ seq: 1, type: 'recovery.start' }));
    expect(job(recovering).isRecovering).toBe(true);
    expect(
      job(jobs.reducer(recovering, tells({ seq: 2, type: 'recovery.done' }))).isRecovering,
    ).toBe(false);
  });

  it('are not turned back by an event that is older than what they know', () => {
    const state = after(
      tells({ seq: 9, payload: { done: 3, total: 4 } }),
      tells({ seq: 5, payload: { done: 1, total: 4 } }),
    );
    expect(job(state).progress.done).toBe(3);
  });

  it('are not turned back by a row that was read before the receipt came', () => {
    const state = after(
      tells({ seq: 9, type: 'task.receipt', payload: { status: 'failed' } }),
      JobsEvents.listLoaded({ jobs: [aJob({ status: 'running' })], nextCursor: null }),
    );
    expect(job(state).status).toBe('failed');
  });

  it('take a page of another list, the newest first, and keep what the stream told', () => {
    const state = after(
      tells({ seq: 9, type: 'task.receipt', payload: { status: 'failed' } }),
      JobsEvents.pageLoaded({
        jobs: [
          aJob({ status: 'running' }),
          aJob({ id: 'job-2', createdAt: '2026-11-23T10:00:00.000Z' }),
          aJob({ id: 'job-3', createdAt: '2026-11-21T10:00:00.000Z' }),
        ],
      }),
    );
    expect(state.ids).toEqual(['job-2', 'job-1', 'job-3']);
    expect(job(state).status).toBe('failed');
    expect(state.list.state).toBe('idle');
  });

  it('take a repeat of the same events without a change', () => {
    const events = tells({ seq: 1, type: 'task.acceptance' }, { seq: 2, payload: { done: 1 } });
    const once = after(events);
    expect(jobs.reducer(once, events)).toEqual(once);
  });
});
