import { type Sizes, addUp, count, percentile } from './sizes.js';

describe('sizes by class', () => {
  it('gives percentiles within a tenth of the true ones, also when added up from parts', () => {
    const values = Array.from({ length: 10_000 }, (_, n) => 1 + ((n * 7919) % 10_000) * 3);
    const halves: Sizes[] = [{}, {}];
    values.forEach((value, index) => count(halves[index % 2]!, value));
    const all: Sizes = {};
    for (const half of halves) addUp(all, half);
    const sorted = values.toSorted((a, b) => a - b);
    for (const part of [0.5, 0.95, 0.99]) {
      const truth = sorted[Math.ceil(sorted.length * part) - 1]!;
      expect(Math.abs(percentile(all, part)! - truth) / truth).toBeLessThan(0.1);
    }
    expect(Object.keys(all).length).toBeLessThan(80);
  });

  it('knows nothing of nothing, and takes zero and the very large', () => {
    expect(percentile({}, 0.5)).toBeNull();
    const sizes: Sizes = {};
    for (const value of [0, 0, 1e15]) count(sizes, value);
    expect(percentile(sizes, 0.5)).toBe(1);
    expect(percentile(sizes, 0.99)).toBeGreaterThan(1e8);
  });
});
