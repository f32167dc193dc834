import type { LogLine } from '@aos/contracts';
import { anEvent } from '../../../../testing/factories';
import { linesOf } from './run-log';

const line = (message: string, attributes: Record<string, unknown> = {}): LogLine =>
  ({
    ...{ id: message, level: 'info', logger: 'http', traceId: 'trace-1' },
    ...{ at: '2026-11-22T10:00:01.000Z', message, attributes },
  }) as LogLine;

describe('the log of a run', () => {
  it('says once what both the events and the log have, and leaves in the log what is only there', () => {
    const events = [anEvent({ seq: 7, summary: 'Step 1 is done.' })];
    const logs = [
      line('Step 1 is done.', { seq: 7 }),
      line('Step 2 is done.', { seq: 8 }),
      line('POST /api/chat/send 202 in 18 ms'),
    ];
    expect(linesOf(events, logs, ({ summary }) => summary).map(({ text }) => text)).toEqual([
      'Step 1 is done.',
      'Step 2 is done.',
      'POST /api/chat/send 202 in 18 ms',
    ]);
  });
});
