import type { Episode } from '@aos/contracts';
import { aJob } from '../../../testing/factories';
import { measuresOf, yuan } from './facts';

const run = (ms: number | null, cny: number, attempts = 1): Episode =>
  ({
    job: aJob({
      startedAt: '2026-11-22T10:00:00.000Z',
      finishedAt: ms === null ? null : new Date(Date.UTC(2026, 10, 22, 10) + ms).toISOString(),
    }),
    ...{ cost: { cny, inputTokens: 1_000, outputTokens: 234 }, attempts, steps: [], toolCalls: [] },
  }) as unknown as Episode;
const said = (left: Episode, right: Episode) =>
  Object.fromEntries(
    measuresOf(left, right).map(({ name, left, right, difference }) => [
      name,
      [left, right, difference],
    ]),
  );

describe('the numbers of two runs', () => {
  it('say by how much the other is more or less', () => {
    const facts = said(run(2_000, 0.5), run(3_000, 0.25, 2));
    expect(facts['took']).toEqual(['2.0 s', '3.0 s', '+1.0 s (+50 %)']);
    expect(facts['cost']).toEqual(['¥0.50', '¥0.25', '−¥0.25 (−50 %)']);
    expect(facts['tokens']).toEqual(['1,234', '1,234', '=']);
    expect(facts['attempts']).toEqual(['1', '2', '+1']);
  });

  it('say nothing of a time that is not over, and no share of nothing', () => {
    const facts = said(run(2_000, 0), run(null, 0.02));
    expect(facts['took']).toEqual(['2.0 s', '', '']);
    expect(facts['cost']).toEqual(['¥0.00', '¥0.0200', '+¥0.0200']);
  });

  it('do not round a small cost away', () => {
    expect([yuan(0), yuan(0.0034), yuan(12.345)]).toEqual(['¥0.00', '¥0.0034', '¥12.35']);
  });
});
