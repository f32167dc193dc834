import type { Topology } from '@aos/contracts';

type Node = Topology['nodes'][number];
type Edge = Topology['edges'][number];

export interface Place extends Node {
  x: number;
  y: number;
}
export interface Line extends Edge {
  id: string;
  path: string;
  width: number;
  /** Where its numbers stand. */
  x: number;
  y: number;
}
export interface MapLayout {
  places: Place[];
  lines: Line[];
  width: number;
  height: number;
}

export const PLACE_PX = { width: 184, height: 56 };
const MARGIN_PX = { x: 24, y: 40 };
const THINNEST = 1;
const THICKEST = 6;

/** Smaller than this it is no longer read; what is wider then is scrolled. */
const SMALLEST = 0.75;

/** So that the whole width is in sight, where that is legible; never larger than life. */
export const zoomFor = (width: number, roomPx: number): number =>
  width <= roomPx || roomPx === 0 ? 1 : Math.max(SMALLEST, roomPx / width);

/** Left to right, by who calls whom. dagre comes with the first picture and not with the room. */
export async function layOutMap(topology: Topology): Promise<MapLayout> {
  const { default: dagre } = await import('@dagrejs/dagre');
  const graph = new dagre.graphlib.Graph({ multigraph: false });
  graph.setGraph({
    rankdir: 'LR',
    nodesep: 28,
    ranksep: 88,
    marginx: MARGIN_PX.x,
    marginy: MARGIN_PX.y,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(topology.nodes.map(({ id }) => id));
  for (const { id } of topology.nodes) graph.setNode(id, { ...PLACE_PX });
  const edges = topology.edges.filter(({ from, to }) => known.has(from) && known.has(to));
  for (const { from, to } of edges) graph.setEdge(from, to, {});
  dagre.layout(graph);
  const most = Math.max(1, ...edges.map(({ calls }) => calls));
  const { width = 0, height = 0 } = graph.graph();
  const routes = edges.map(
    ({ from, to }) => (graph.edge(from, to) as { points: { x: number; y: number }[] }).points,
  );
  // dagre measures the places only; what goes around them may go above and below them all.
  const bends = routes.flat().map(({ y }) => y);
  const top = Math.max(0, MARGIN_PX.y - Math.min(MARGIN_PX.y, ...bends));
  const down = <Point extends { y: number }>(point: Point) => ({ ...point, y: point.y + top });
  return {
    width,
    height: Math.max(height, ...bends.map((y) => y + MARGIN_PX.y)) + top,
    places: topology.nodes.map((node) => {
      const { x, y } = down(graph.node(node.id));
      return { ...node, x: x - PLACE_PX.width / 2, y: y - PLACE_PX.height / 2 };
    }),
    lines: edges.map((edge, index) => {
      const points = routes[index]!.map(down);
      const middle = points[Math.floor(points.length / 2)]!;
      return {
        ...edge,
        id: `${edge.from} ${edge.to}`,
        path: smooth(points),
        // By the logarithm: one busy edge must not make hairs of the others.
        width: THINNEST + (THICKEST - THINNEST) * (Math.log1p(edge.calls) / Math.log1p(most)),
        x: middle.x,
        y: middle.y,
      };
    }),
  };
}

/** A curve through the middles between the points, straight at both ends. */
function smooth(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (!first || !last) return '';
  const curves = rest.map((point, index) => {
    const next = rest[index + 1] ?? last;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  return `M${first.x} ${first.y} ${curves.join(' ')} L${last.x} ${last.y}`;
}
