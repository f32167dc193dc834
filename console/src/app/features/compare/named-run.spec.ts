import { namedRun } from './named-run';

const traceId = '0123456789abcdef0123456789abcdef';

describe('what somebody types to name a run', () => {
  it.each([
    [` ${traceId.toUpperCase()} `, { traceId }],
    [`https://aos.example/console/projects/runs/${traceId}?tab=trace`, { traceId }],
    [`/console/monitor/traces/${traceId}`, { traceId }],
    ['17', { jobId: '17' }],
    ['#17', { jobId: '17' }],
  ])('%s is that one', (text, run) => expect(namedRun(text)).toEqual(run));

  it.each(['the birds', '017', traceId.slice(1), `/runs/${traceId}00`, ''])(
    '%j is a text to look for',
    (text) => expect(namedRun(text)).toBeNull(),
  );
});
