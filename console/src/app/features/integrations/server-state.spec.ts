import type { McpServerInfo, ServerStanding } from '@aos/contracts';
import { serverInfo } from '../../../testing/factories';
import { asTheyDo, errorShare, failsOften, stateOf } from './server-state';

const answering = {
  enabled: true,
  circuit: { state: 'closed' },
  health: { state: 'healthy' },
} as unknown as McpServerInfo;
const activity = (calls: number, failed: number) =>
  ({ calls, failed }) as Parameters<typeof stateOf>[1];

describe('how a server does', () => {
  it('is well while too few of its calls are known, and the failed ones are marked all the same', () => {
    expect(stateOf(answering, activity(2, 2))).toBe('healthy');
    expect(failsOften(activity(2, 2))).toBe(true);
    expect(errorShare(activity(2, 2))).toBe('100 %');
  });

  it('is worth a look once every fifth of at least five calls fails', () => {
    expect(stateOf(answering, activity(5, 1))).toBe('degraded');
    expect(stateOf(answering, activity(6, 1))).toBe('healthy');
    expect(failsOften(activity(6, 1))).toBe(false);
  });

  it('has nothing to mark before the first call', () => {
    expect(failsOften(activity(0, 0))).toBe(false);
    expect(failsOften(undefined)).toBe(false);
  });
});

it('is all that a server does now that the list is told anew, and what it was registered as stays', () => {
  const standing: ServerStanding = {
    ...{ name: 'shop', version: 1, state: 'healthy', circuit: 'closed', tools: 0 },
  };
  expect(asTheyDo([serverInfo], [standing])).toEqual([serverInfo]);
  const now: ServerStanding = {
    ...{ name: 'shop', version: 1, state: 'unhealthy', circuit: 'open', tools: 3 },
    error: 'Nobody answers',
    perMinute: { limit: 60, used: 7 },
    pins: { changed: 1, quarantined: 2 },
  };
  expect(asTheyDo([serverInfo], [now])).toEqual([
    {
      ...serverInfo,
      tools: 3,
      health: { ...serverInfo.health, state: 'unhealthy', error: 'Nobody answers' },
      circuit: { ...serverInfo.circuit, state: 'open' },
      quota: { ...serverInfo.quota, perMinute: now.perMinute },
      pins: now.pins,
    },
  ]);
});
