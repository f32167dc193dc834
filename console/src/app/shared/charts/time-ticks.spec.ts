import { timeTicks } from './time-ticks';

const at = (text: string) => new Date(text).getTime();
const hours = (ticks: number[]) =>
  ticks.map((tick) => {
    const time = new Date(tick);
    return `${time.getDate()} ${time.getHours()}:${String(time.getMinutes()).padStart(2, '0')}`;
  });

describe('the moments that an axis names', () => {
  it.each([
    [
      '2026-11-26T22:58:31',
      '2026-11-26T23:58:31',
      ['26 23:00', '26 23:15', '26 23:30', '26 23:45'],
    ],
    [
      '2026-11-26T23:40:00',
      '2026-11-26T23:55:00',
      ['26 23:40', '26 23:45', '26 23:50', '26 23:55'],
    ],
    ['2026-11-26T18:00:00', '2026-11-27T00:00:00', ['26 18:00', '26 20:00', '26 22:00', '27 0:00']],
    ['2026-11-20T09:00:00', '2026-11-27T09:00:00', ['22 0:00', '24 0:00', '26 0:00']],
  ])('are round and alike far apart from %s to %s', (from, to, ticks) => {
    expect(hours(timeTicks(at(from), at(to)))).toEqual(ticks);
  });

  it('are none where there is no stretch of time', () => {
    expect(timeTicks(5, 5)).toEqual([]);
    expect(timeTicks(Infinity, -Infinity)).toEqual([]);
  });
});
