/** A plan from left to right: a step stands to the right of all that it needs. */
export const NODE_W = 208;
export const NODE_H = 64;
const GAP_X = 56;
const GAP_Y = 20;
const LANE_H = 14;
const SWEEPS = 4;

export interface PlanNode {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly layer: number;
}
export interface PlanEdge {
  readonly from: string;
  readonly to: string;
  readonly path: string;
}
export interface PlanLayout {
  readonly nodes: readonly PlanNode[];
  readonly edges: readonly PlanEdge[];
  readonly width: number;
  readonly height: number;
}

interface Step {
  readonly id: string;
  readonly needs: readonly string[];
}
/** A step, or the place where an edge crosses a layer that neither of its ends is in. */
interface Place {
  readonly key: string;
  readonly layer: number;
  readonly isStep: boolean;
  readonly before: string[];
  readonly after: string[];
  y: number;
}

export function layOut(steps: readonly Step[]): PlanLayout {
  const layers = layersOf(steps);
  const { places, chains } = placesOf(steps, layers);
  const columns = order(places);
  const height = stack(columns);
  const x = (layer: number) => layer * (NODE_W + GAP_X);
  const nodes = steps.map(({ id }) => {
    const place = places.get(id)!;
    return { id, layer: place.layer, x: x(place.layer), y: place.y };
  });
  const edges = chains.map((chain) => ({
    from: chain[0]!,
    to: chain.at(-1)!,
    path: pathOf(
      chain.map((key) => places.get(key)!),
      x,
    ),
  }));
  const width = columns.length === 0 ? 0 : x(columns.length - 1) + NODE_W;
  return { nodes, edges, width, height };
}

/** One more than the furthest of what it needs. A circle, which the server refuses, would end here all the same. */
function layersOf(steps: readonly Step[]): Map<string, number> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const layers = new Map<string, number>();
  const visit = (step: Step, path: ReadonlySet<string>): number => {
    const known = layers.get(step.id);
    if (known !== undefined) return known;
    const needs = step.needs
      .map((id) => byId.get(id))
      .filter((need): need is Step => need !== undefined && !path.has(need.id));
    const inner = new Set([...path, step.id]);
    const layer = needs.reduce((most, need) => Math.max(most, visit(need, inner) + 1), 0);
    layers.set(step.id, layer);
    return layer;
  };
  for (const step of steps) visit(step, new Set());
  return layers;
}

function placesOf(steps: readonly Step[], layers: ReadonlyMap<string, number>) {
  const places = new Map<string, Place>();
  const put = (key: string, layer: number, isStep: boolean) =>
    places.set(key, { key, layer, isStep, before: [], after: [], y: 0 });
  for (const { id } of steps) put(id, layers.get(id) ?? 0, true);
  const chains: string[][] = [];
  for (const { id, needs } of steps)
    for (const need of needs) {
      const [from, to] = [layers.get(need), layers.get(id) ?? 0];
      if (from === undefined || from >= to) continue;
      const chain = [need];
      for (let layer = from + 1; layer < to; layer += 1) {
        const key = `${need} ${id} ${layer}`;
        put(key, layer, false);
        chain.push(key);
      }
      chain.push(id);
      chain.slice(1).forEach((key, n) => {
        places.get(chain[n]!)!.after.push(key);
        places.get(key)!.before.push(chain[n]!);
      });
      chains.push(chain);
    }
  return { places, chains };
}

/** Each place near the middle of its neighbours, first from the left and then from the right, a few times over. */
function order(places: ReadonlyMap<string, Place>): Place[][] {
  const columns: Place[][] = [];
  for (const place of places.values()) (columns[place.layer] ??= []).push(place);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForth = sweep % 2 === 0;
    const turn = isForth ? columns : columns.toReversed();
    for (const column of turn) {
      const rank = new Map(columns.flatMap((each) => each.map(({ key }, n) => [key, n] as const)));
      const middle = ({ before, after, key }: Place) => {
        const near = isForth ? before : after;
        return near.length === 0
          ? rank.get(key)!
          : near.reduce((sum, each) => sum + rank.get(each)!, 0) / near.length;
      };
      const weights = new Map(column.map((place) => [place.key, middle(place)]));
      column.sort((a, b) => weights.get(a.key)! - weights.get(b.key)!);
    }
  }
  return columns;
}

/** One under the other, each column in the middle of the highest. */
function stack(columns: readonly Place[][]): number {
  const room = (place: Place) => (place.isStep ? NODE_H : LANE_H);
  const heights = columns.map((column) =>
    column.reduce((sum, place) => sum + room(place) + GAP_Y, -GAP_Y),
  );
  const height = Math.max(0, ...heights);
  columns.forEach((column, n) => {
    let y = (height - heights[n]!) / 2;
    for (const place of column) {
      place.y = y;
      y += room(place) + GAP_Y;
    }
  });
  return height;
}

function pathOf(chain: readonly Place[], x: (layer: number) => number): string {
  const middle = (place: Place) => place.y + (place.isStep ? NODE_H : LANE_H) / 2;
  const [first, ...rest] = chain;
  let [fromX, fromY] = [x(first!.layer) + NODE_W, middle(first!)];
  let path = `M${fromX} ${fromY}`;
  for (const place of rest) {
    const [toX, toY] = [x(place.layer), middle(place)];
    const bend = (toX - fromX) / 2;
    path += `C${fromX + bend} ${fromY} ${toX - bend} ${toY} ${toX} ${toY}`;
    [fromX, fromY] = [toX, toY];
    if (place.isStep) continue;
    fromX = toX + NODE_W;
    path += `H${fromX}`;
  }
  return path;
}
