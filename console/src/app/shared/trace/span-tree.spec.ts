import type { Span } from '@aos/contracts';
import { layOut, layOutAside, parentRow, startOf, visible } from './span-tree';

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
const critical = (spans: Span[]) =>
  layOut(spans)
    .rows.filter(({ isCritical }) => isCritical)
    .map((row) => row.span.name);

describe('the span tree', () => {
  it('puts children under their parent, by their start, whatever order they came in', () => {
    const { rows, lengthUs } = layOut([
      span('late', 'root', 50),
      span('leaf', 'early', 12),
      span('root', null, 0, 100),
      span('early', 'root', 10),
    ]);
    expect(names(rows)).toEqual(['root', ' early', '  leaf', ' late']);
    expect(rows.map(({ descendants }) => descendants)).toEqual([3, 1, 0, 0]);
    expect(lengthUs).toBe(100_000);
    expect(parentRow(rows, 3)).toBe(0);
    expect(parentRow(rows, 0)).toBe(-1);
  });

  it('keeps spans whose parent is not there', () => {
    expect(names(layOut([span('stray', 'gone', 0)]).rows)).toEqual(['stray']);
  });

  it('tells microseconds apart', () => {
    const at = (startedAt: string) => startOf({ ...span('a', null, 0), startedAt });
    expect(at('2026-11-26T10:00:00.123457Z') - at('2026-11-26T10:00:00.123Z')).toBe(457);
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

  it('takes 10,000 spans in a chain, and as many side by side', async () => {
    const chain = Array.from({ length: 10_000 }, (_, n) =>
      span(`s${n}`, n ? `s${n - 1}` : null, n),
    );
    expect(layOut(chain).rows).toHaveLength(10_000);
    const fan = Array.from({ length: 10_000 }, (_, n) => span(`s${n}`, n ? 's0' : null, n));
    const { rows } = await layOutAside(fan, new AbortController().signal);
    expect(rows[0]?.descendants).toBe(9_999);
  });
});

describe('the critical path', () => {
  it('is what the root had to wait for, one after the other', () => {
    expect(
      critical([
        span('root', null, 0, 100),
        span('first', 'root', 0, 40),
        span('beside', 'root', 5, 20),
        span('second', 'root', 42, 58),
        span('inner', 'second', 45, 50),
        span('quick', 'second', 45, 5),
      ]),
    ).toEqual(['root', 'first', 'second', 'inner']);
  });

  it('goes on below a request that was over before what it had started', () => {
    expect(
      critical([
        span('request', null, 0, 10),
        span('check', 'request', 1, 2),
        span('enqueue', 'request', 5, 4),
        span('job', 'enqueue', 12, 80),
      ]),
    ).toEqual(['request', 'check', 'enqueue', 'job']);
  });

  it('is in the root that ended last, and nowhere when there is nothing', () => {
    expect(critical([span('a', null, 0, 10), span('b', null, 2, 30)])).toEqual(['b']);
    expect(critical([])).toEqual([]);
  });
});
