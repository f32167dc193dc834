import { type Mark, marksOf } from './trace-view';

const TEXT_PX = 60;
const boxOf = ({ left, side }: Mark, width: number) => {
  const at = (left / 100) * width;
  return side === 'right' ? [at, at + TEXT_PX] : [at - TEXT_PX, at];
};

describe('the axis of a trace', () => {
  const widths = [120, 170, 200, 260, 340, 520, 900, 1400];
  const stretches = [
    [0, 60_000],
    [0, 61_537],
    [12_345, 19_876],
    [0, 999_999],
    [3, 17],
  ].map(([fromUs, toUs]) => ({ fromUs: fromUs!, toUs: toUs! }));

  it.each(widths)('of %d pixels has texts beside each other, and none over its end', (width) => {
    for (const stretch of stretches) {
      const boxes = marksOf(stretch, width)
        .filter(({ side }) => side !== null)
        .map((mark) => boxOf(mark, width));
      expect(boxes.length).toBeGreaterThan(0);
      boxes.forEach(([from, to], index) => {
        expect(from).toBeGreaterThanOrEqual(index === 0 ? 0 : boxes[index - 1]![1]!);
        expect(to).toBeLessThanOrEqual(width);
      });
    }
  });

  it('says how long the axis is where there is little room', () => {
    const texts = marksOf({ fromUs: 0, toUs: 4_200_000 }, 205).filter(({ side }) => side !== null);
    expect(texts.map(({ atUs }) => atUs)).toEqual([0, 2_000_000]);
  });

  it('has about five marks where there is room', () => {
    const marks = marksOf({ fromUs: 0, toUs: 61_537 }, 900);
    expect(marks.map(({ atUs, side }) => [atUs, side])).toEqual([
      [0, 'right'],
      [20_000, 'right'],
      [40_000, 'right'],
      [60_000, 'left'],
    ]);
  });
});
