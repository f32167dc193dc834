import { fitsAny, fitsPattern } from './name-pattern.js';

describe('a pattern of names', () => {
  it.each([
    ['env.files.write', 'env.files.write', true],
    ['env.files.write', 'env.*', true],
    ['env.files.write', '*.write', true],
    ['env.files.write', 'env.*.write', true],
    ['env.files.write', '*', true],
    ['env.files.write', '*files*', true],
    ['envy.files', 'env.*', false],
    ['env.files', 'env', false],
    ['ab', 'a*b*b', false],
    ['aXb', 'a.b', false],
    ['aa', 'a*a*a', false],
    ['', '*', true],
  ])('%s against %s: %s', (name, pattern, fits) => {
    expect(fitsPattern(name, pattern)).toBe(fits);
  });

  it('takes linear time, whatever the pattern', () => {
    const began = process.cpuUsage();
    expect(fitsPattern('a'.repeat(100_000), `${'*a'.repeat(100)}*b`)).toBe(false);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(10);
  });

  it('is fitted when any of several is', () => {
    expect(fitsAny('a.b', ['x.*', 'a.*'])).toBe(true);
    expect(fitsAny('a.b', [])).toBe(false);
  });
});
