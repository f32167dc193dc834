import { Injectable } from '@nestjs/common';
import { HttpMetrics } from '../../platform/http/http-metrics.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { TraceExport } from '../../platform/telemetry/trace-export.js';
import { Instruments } from '../../platform/telemetry/instruments.js';
import { ToolMetrics } from '../integrations/index.js';
import { Copy } from './copy.js';
import { Probe } from './probe.js';

/** The process, its database and its routes in the text format of Prometheus. */
@Injectable()
export class Metrics {
  constructor(
    private readonly probe: Probe,
    private readonly http: HttpMetrics,
    private readonly tools: ToolMetrics,
    private readonly instruments: Instruments,
    private readonly wakeups: Wakeups,
    private readonly copy: Copy,
    private readonly traces: TraceExport,
  ) {}

  async render(): Promise<string> {
    const own = [
      ...this.process(),
      ...(await this.database()),
      ...(await this.clickhouse()),
      ...this.collector(),
      ...this.instruments.render(),
      '',
    ].join('\n');
    return own + this.http.render() + this.tools.render();
  }

  private process(): string[] {
    const cpu = process.cpuUsage();
    const memory = process.memoryUsage();
    const loop = this.probe.eventLoop();
    const pool = this.probe.pool;
    const bus = this.wakeups.busState;
    return [
      ...metric(
        'process_cpu_seconds_total',
        'counter',
        'CPU time used.',
        (cpu.user + cpu.system) / 1e6,
      ),
      ...metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', memory.rss),
      ...metric(
        'process_start_time_seconds',
        'gauge',
        'Start of the process.',
        Math.round(Date.now() / 1000 - process.uptime()),
      ),
      ...metric('nodejs_heap_used_bytes', 'gauge', 'Heap in use.', memory.heapUsed),
      ...metric(
        'nodejs_eventloop_delay_mean_seconds',
        'gauge',
        'How late the event loop was, since the last scrape.',
        loop.mean,
      ),
      ...metric(
        'nodejs_eventloop_delay_p99_seconds',
        'gauge',
        'The same, 99th percentile.',
        loop.p99,
      ),
      ...metric('aos_db_pool_connections', 'gauge', 'Connections to the database.', pool.total),
      ...metric('aos_db_pool_idle', 'gauge', 'Connections that nobody uses.', pool.idle),
      ...metric(
        'aos_db_pool_waiting',
        'gauge',
        'Callers that wait for a connection.',
        pool.waiting,
      ),
      ...(bus
        ? [
            ...metric('aos_bus_up', 'gauge', 'Whether others hear this process.', Number(bus.isUp)),
            ...metric(
              'aos_bus_refused_total',
              'counter',
              'Messages on the bus that no process of this installation had sealed.',
              bus.refused,
            ),
          ]
        : []),
    ];
  }

  private collector(): string[] {
    const { state, sent, lost } = this.traces.state;
    if (state === 'off') return [];
    return [
      '# HELP aos_trace_export_spans_total Spans for the collector, since it was set.',
      '# TYPE aos_trace_export_spans_total counter',
      `aos_trace_export_spans_total{outcome="sent"} ${sent}`,
      `aos_trace_export_spans_total{outcome="lost"} ${lost}`,
    ];
  }

  private async clickhouse(): Promise<string[]> {
    const state = await this.copy.state();
    if (!state) return [];
    return [
      ...metric('aos_clickhouse_up', 'gauge', 'Whether ClickHouse answers.', Number(state.isUp)),
      '# HELP aos_clickhouse_lag_seconds How long the oldest row has waited to be copied.',
      '# TYPE aos_clickhouse_lag_seconds gauge',
      ...state.behind.map(
        ({ source, seconds }) => `aos_clickhouse_lag_seconds{source="${source}"} ${seconds}`,
      ),
      '# HELP aos_clickhouse_lost_rows_total Rows that retention took away before they were copied.',
      '# TYPE aos_clickhouse_lost_rows_total counter',
      ...state.behind.map(
        ({ source, lost }) => `aos_clickhouse_lost_rows_total{source="${source}"} ${lost}`,
      ),
    ];
  }

  /** A scrape has to say that the database is away, not fail with it. */
  private async database(): Promise<string[]> {
    const state = await this.probe.databaseState().catch(() => undefined);
    const up = metric('aos_database_up', 'gauge', 'Whether the database answers.', state ? 1 : 0);
    if (!state) return up;
    return [
      ...up,
      ...metric(
        'aos_relay_lag_seconds',
        'gauge',
        'Age of the oldest event that is not published yet.',
        state.relayLagSeconds,
      ),
      ...metric(
        'aos_audit_unsealed_rows',
        'gauge',
        'Rows of the audit record that wait to be sealed, up to 10,000.',
        state.unsealed.rows,
      ),
      ...metric(
        'aos_audit_unsealed_seconds',
        'gauge',
        'How long the oldest of them has waited.',
        state.unsealed.oldestSeconds,
      ),
      ...metric('aos_relay_last_seq', 'counter', 'Last number given to an event.', state.lastSeq),
      ...metric(
        'aos_approvals_pending',
        'gauge',
        'Approvals that wait for a decision.',
        state.pendingApprovals,
      ),
      '# HELP aos_jobs Jobs that have not ended, by status.',
      '# TYPE aos_jobs gauge',
      ...state.jobs.map(({ status, count }) => `aos_jobs{status="${status}"} ${count}`),
    ];
  }
}

const metric = (name: string, type: 'counter' | 'gauge', help: string, value: number) => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  `${name} ${value}`,
];
