import type { Span } from '@aos/contracts';
import { layOut, visible } from './span-tree';

const span = (spanId: string, parentSpanId: string | null, atMs: number, lengthMs = 10): Span => ({
  traceId: 't',
  spanId,
  parentSpanId,
  name: spanId,
  kind: 'internal',
  startedAt: new Date(1_700_000_000_000 + atMs).toISOString(),
  durationUs: lengthMs * 1000,
  status: 'ok',
  statusMessage: null,
  attributes: {},
  events: [],
});
const names = (rows: { span: Span; depth: number }[]) =>
  rows.map(({ span: { name }, depth }) => `${' '.repeat(depth)}${name}`);

describe('the span tree', () => {
  it('puts children under their parent, by their start, whatever order they came in', () => {
    const { rows, lengthUs } = layOut([
      span('late', 'root', 50),
      span('leaf', 'early', 12),
      span('root', null, 0, 100),
      span('early', 'root', 10),
    ]);
    expect(names(rows)).toEqual(['root', ' early', '  leaf', ' late']);
    expect(rows[0]?.descendants).toBe(3);
    expect(lengthUs).toBe(100_000);
  });

  it('keeps spans whose parent is not there', () => {
    expect(names(layOut([span('stray', 'gone', 0)]).rows)).toEqual(['stray']);
  });

  it('folds a span with all that is below it', () => {
    const { rows } = layOut([
      span('a', null, 0),
      span('b', 'a', 1),
      span('c', 'b', 2),
      span('d', null, 3),
    ]);
    expect(names(visible(rows, new Set(['a'])))).toEqual(['a', 'd']);
  });

  it('takes 10,000 spans in a chain', () => {
    const chain = Array.from({ length: 10_000 }, (_, n) =>
      span(`s${n}`, n ? `s${n - 1}` : null, n),
    );
    expect(layOut(chain).rows).toHaveLength(10_000);
  });
});
