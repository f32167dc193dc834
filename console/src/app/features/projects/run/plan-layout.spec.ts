import { NODE_H, NODE_W, layOut } from './plan-layout';

const steps = (plan: Record<string, string[]>) =>
  Object.entries(plan).map(([id, needs]) => ({ id, needs }));
const place = (layout: ReturnType<typeof layOut>, id: string) =>
  layout.nodes.find((node) => node.id === id)!;

describe('the layout of a plan', () => {
  it('puts a step to the right of everything that it needs', () => {
    const layout = layOut(steps({ d: ['c', 'a'], a: [], b: ['a'], c: ['b'] }));
    for (const { from, to } of layout.edges)
      expect(place(layout, from).x + NODE_W).toBeLessThan(place(layout, to).x);
    expect(layout.edges).toHaveLength(4);
  });

  it('lets no two steps lie on each other, nor outside the sheet', () => {
    const wide = Object.fromEntries([
      ['root', []],
      ...Array.from({ length: 9 }, (_, n) => [`leaf${n}`, ['root']]),
      ['end', ['leaf0', 'leaf8', 'root']],
    ]) as Record<string, string[]>;
    const layout = layOut(steps(wide));
    for (const a of layout.nodes) {
      expect(a.y).toBeGreaterThanOrEqual(0);
      expect(a.y + NODE_H).toBeLessThanOrEqual(layout.height);
      expect(a.x + NODE_W).toBeLessThanOrEqual(layout.width);
      for (const b of layout.nodes)
        if (a.id < b.id && a.layer === b.layer) expect(Math.abs(a.y - b.y)).toBeGreaterThan(NODE_H);
    }
  });

  it('leads an edge that skips a layer past the steps in it', () => {
    const layout = layOut(steps({ a: [], b: ['a'], c: ['a', 'b'] }));
    const skipping = layout.edges.find(({ from, to }) => from === 'a' && to === 'c')!;
    const lane = Number(/ (-?[\d.]+)H/.exec(skipping.path)![1]);
    const { y } = place(layout, 'b');
    expect(lane < y || lane > y + NODE_H).toBe(true);
  });

  it('untangles two lines that would cross', () => {
    const layout = layOut(steps({ a: [], b: [], x: ['b'], y: ['a'] }));
    const isAbove = (one: string, other: string) => place(layout, one).y < place(layout, other).y;
    expect(isAbove('a', 'b')).toBe(isAbove('y', 'x'));
  });

  it('stands with nothing, with one, with unknown needs and with a circle', () => {
    expect(layOut([])).toEqual({ nodes: [], edges: [], width: 0, height: 0 });
    expect(layOut(steps({ a: ['gone'] })).nodes).toEqual([{ id: 'a', layer: 0, x: 0, y: 0 }]);
    expect(layOut(steps({ a: ['b'], b: ['a'] })).nodes).toHaveLength(2);
  });
});
