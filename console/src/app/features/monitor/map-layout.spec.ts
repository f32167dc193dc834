import type { Topology } from '@aos/contracts';
import { PLACE_PX, layOutMap, zoomFor } from './map-layout';

const measures = { errors: 0, p95Ms: 1 };
const node = (id: string) => ({ ...measures, id, kind: 'node' as const, name: id, calls: 1 });
const edge = (from: string, to: string) => ({ ...measures, from, to, calls: 1 });

/** What a run looks like: several call the last one straight, past all that stand between them. */
const callees = {
  api: ['jobs', 'database'],
  jobs: ['reviser', 'critic', 'planner', 'executor', 'database'],
  executor: ['env', 'skills', 'database'],
  ...{ reviser: ['database'], critic: ['database'], planner: ['database'] },
  ...{ env: ['database'], skills: ['database'], database: [] },
};
const detour = {
  nodes: Object.keys(callees).map(node),
  edges: Object.entries(callees).flatMap(([from, all]) => all.map((to) => edge(from, to))),
} as unknown as Topology;

test('places and lines all lie on the picture', async () => {
  const { places, lines, width, height } = await layOutMap(detour);
  for (const { x, y } of places) {
    expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
    expect(x + PLACE_PX.width).toBeLessThanOrEqual(width);
    expect(y + PLACE_PX.height).toBeLessThanOrEqual(height);
  }
  for (const { path } of lines) {
    const ys = [...path.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, , y]) => Number(y));
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...ys)).toBeLessThanOrEqual(height);
  }
});

test('a picture is made smaller until it fits, but not below what can be read', () => {
  expect(zoomFor(1_400, 1_216)).toBeCloseTo(0.869, 3);
  expect(zoomFor(800, 1_216)).toBe(1);
  expect(zoomFor(4_000, 1_216)).toBe(0.75);
  expect(zoomFor(1_400, 0)).toBe(1);
});
