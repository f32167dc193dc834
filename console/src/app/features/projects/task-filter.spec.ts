import { aJob } from '../../../testing/factories';
import { filterOf, matches, requestOf } from './task-filter';

const now = Date.parse('2026-11-22T12:00:00.000Z');
const filter = (params: Parameters<typeof filterOf>[0]) => filterOf(params, now);

describe('the filter of tasks', () => {
  it('asks the server what the address says', () => {
    expect(
      requestOf(
        filter({
          project: 'red',
          status: 'failed,cancelled',
          agent: '7',
          text: ' csv ',
          since: '24h',
          took: '1000-10000',
        }),
      ),
    ).toEqual({
      projectId: 'red',
      status: 'failed,cancelled',
      agentId: '7',
      text: 'csv',
      from: '2026-11-21T12:00:00.000Z',
      minMs: 1000,
      maxMs: 10_000,
    });
    expect(requestOf(filter({ took: '600000-' }))).toEqual({ minMs: 600_000 });
  });

  it('leaves out what makes no sense', () => {
    expect(
      requestOf(filter({ status: 'lost,', since: 'ever', took: 'long', from: 'x', text: '  ' })),
    ).toEqual({});
  });

  it.each([
    ['another project', { project: 'red' }, { projectId: 'blue' }],
    ['another state', { status: 'queued' }, { status: 'running' as const }],
    ['another agent', { agent: '1' }, { agentId: '2', agentName: 'two' }],
    ['other words', { text: 'plot' }, { goal: 'Clean' }],
    ['an earlier time', { since: '1h' }, { createdAt: '2026-11-22T10:59:59.000Z' }],
    ['a later time', { to: '2026-11-22T09:00:00.000Z' }, {}],
    ['too short', { took: '60000-' }, { finishedAt: '2026-11-22T10:00:30.000Z' }],
    ['not begun', { took: '-1000' }, { startedAt: null }],
  ])('turns a row away: %s', (_, params, over) => {
    expect(matches(filter(params), aJob(over))).toBe(false);
  });

  it('takes what fits in every part', () => {
    const params = { project: 'red', status: 'running', agent: 'two', text: 'CLEAN', since: '7d' };
    const job = aJob({ projectId: 'red', agentId: '2', agentName: 'two', goal: 'Clean the file' });
    expect(matches(filter(params), job)).toBe(true);
  });
});
