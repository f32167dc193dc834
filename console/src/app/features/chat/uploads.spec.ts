import { inputName } from './uploads';

describe('the name of an input', () => {
  it.each([
    ['birdstrikes.csv', [], 'birdstrikes'],
    ['Bird strikes (2).csv', [], 'Bird_strikes_2'],
    ['2026 sales.csv', [], 'sales'],
    ['销售.csv', [], 'file'],
    ['a.csv', ['a'], 'a_2'],
    [`${'x'.repeat(200)}.csv`, [], 'x'.repeat(56)],
  ])('of %s is what a step can refer to', (fileName, taken, expected) => {
    const name = inputName(fileName, taken);
    expect(name).toBe(expected);
    expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
  });
});
