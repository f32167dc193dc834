import { ToolMetrics } from './tool-metrics.js';

let metrics: ToolMetrics;
beforeEach(() => {
  metrics = new ToolMetrics();
});
afterEach(() => jest.restoreAllMocks());

const lines = (containing: string) =>
  metrics
    .render()
    .split('\n')
    .filter((line) => !line.startsWith('#') && line.includes(containing));

it('counts calls by their outcome, and how long those took that reached the tool', () => {
  metrics.observe('s', 't', 'ok', 0.02);
  metrics.observe('s', 't', 'timeout', 3);
  metrics.observe('s', 't', 'policy_denied', 0.001);
  expect(lines('calls_total')).toEqual([
    'aos_tool_calls_total{server="s",tool="t",outcome="ok"} 1',
    'aos_tool_calls_total{server="s",tool="t",outcome="timeout"} 1',
    'aos_tool_calls_total{server="s",tool="t",outcome="policy_denied"} 1',
  ]);
  const duration = 'aos_tool_call_duration_seconds';
  expect(lines('le="0.01"')).toEqual([`${duration}_bucket{server="s",tool="t",le="0.01"} 0`]);
  expect(lines('le="0.025"')).toEqual([`${duration}_bucket{server="s",tool="t",le="0.025"} 1`]);
  expect(lines('le="+Inf"')).toEqual([`${duration}_bucket{server="s",tool="t",le="+Inf"} 2`]);
});

it('makes of a name no line of its own', () => {
  metrics.observe('s', 'a"} 1\nevil{b="\\', 'unknown_tool', 0);
  expect(lines('evil')).toEqual([
    'aos_tool_calls_total{server="s",tool="a\\"} 1\\nevil{b=\\"\\\\",outcome="unknown_tool"} 1',
  ]);
});

it('knows five thousand names, whatever else is asked for', () => {
  for (let n = 0; n < 5_001; n++) metrics.observe('s', `t${n}`, 'ok', 0.01);
  metrics.observe('s', 't0', 'ok', 0.01);
  expect(lines('calls_total')).toHaveLength(5_000);
  expect(lines('_count{')).toHaveLength(5_000);
  expect(lines('calls_total{server="s",tool="t0"')[0]).toMatch(/ 2$/);
  expect(lines('"t5000"')).toEqual([]);
});

describe('how a server does', () => {
  it('is told by its last thousand calls, of which refusals are none', () => {
    metrics.observe('s', 't', 'timeout', 1);
    for (let n = 0; n < 1_023; n++) metrics.observe('s', 't', 'ok', 0.01);
    metrics.observe('s', 't', 'policy_denied', 9);
    metrics.observe('', 't', 'timeout', 9);
    expect(metrics.statsOf('s')).toMatchObject({ calls: 1_024, errors: 1, p50Ms: 10, p95Ms: 10 });
    metrics.observe('s', 't', 'ok', 0.01);
    expect(metrics.statsOf('s')).toMatchObject({ calls: 1_024, errors: 0, errorRate: 0 });
    metrics.forget('s');
    expect(metrics.statsOf('s')).toMatchObject({ calls: 0, errorRate: 0, p50Ms: null });
  });

  it('is told of a quarter of an hour', () => {
    const began = Date.now();
    const now = jest.spyOn(Date, 'now').mockReturnValue(began);
    metrics.observe('s', 't', 'tool_error', 0.01);
    now.mockReturnValue(began + 900_000);
    expect(metrics.statsOf('s')).toMatchObject({ windowSeconds: 900, calls: 1, errorRate: 1 });
    now.mockReturnValue(began + 900_001);
    expect(metrics.statsOf('s')).toMatchObject({ calls: 0, errorRate: 0 });
  });
});
