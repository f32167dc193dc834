import { relativeTime } from './time';

const now = Date.UTC(2026, 10, 26, 10, 0);

describe('an age', () => {
  it('is told in whole units, and with room around its number in Chinese as in all other sentences', () => {
    expect(relativeTime(now - 41_000, now, 'zh')).toBe('41 秒前');
    expect(relativeTime(now + 11 * 3_600_000, now, 'zh')).toBe('11 小时后');
    expect(relativeTime(now - 2 * 86_400_000, now, 'en')).toMatch(/^2\s?d/);
    expect(relativeTime(now - 1_000, now, 'zh')).toBe('刚刚');
  });
});
