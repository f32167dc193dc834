import { spanWords } from './span-words';

const now = new Date(2026, 10, 26, 12, 0);
const at = (year: number, month: number, day: number, hour = 9) =>
  new Date(year, month - 1, day, hour).toISOString();

describe('the words of a span', () => {
  it('are those of the language, and name what both ends share only once', () => {
    const day = [at(2026, 11, 3), at(2026, 11, 3, 17)];
    expect(spanWords(day, 'en', now)).toMatch(/^3 Nov, 09:00\s?–\s?17:00$/);
    expect(spanWords(day, 'zh', now)).toMatch(/^11(\/|月)3日? 09:00\s?[–-]\s?17:00$/);
  });

  it('leave out this year and tell another', () => {
    expect(spanWords([at(2026, 11, 3), ''], 'en', now)).toBe('3 Nov, 09:00 –');
    expect(spanWords(['', at(2025, 11, 3)], 'en', now)).toBe('– 3 Nov 2025, 09:00');
  });

  it('are none where there is no moment, or the end comes first', () => {
    expect(spanWords([], 'en', now)).toBe('');
    expect(spanWords([at(2026, 11, 4), at(2026, 11, 3)], 'en', now)).toBe('');
  });
});
