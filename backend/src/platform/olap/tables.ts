/**
 * What the copy looks like in ClickHouse. A row may come more than once: who copied it may have ended before it was noted
 * how far it had come. So every table is a ReplacingMergeTree, ordered by what makes a row itself, and whoever reads says
 * FINAL, by which the last one of them counts and the others do not. The views do so for whoever looks with tools of
 * their own.
 *
 * Nothing grows without bound: a row goes a good year after what it tells of (ALTER TABLE … MODIFY TTL keeps it shorter
 * or longer).
 */
const KEPT = 'INTERVAL 400 DAY';

const table = (name: string, columns: string, time: string, order: string) =>
  `CREATE TABLE IF NOT EXISTS ${name} (installation LowCardinality(String), ${columns})
   ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(${time}) ORDER BY (installation, ${order})
   TTL toDateTime(${time}) + ${KEPT}`;

const counts = (names: readonly string[]) => names.map((name) => `${name} Int64`).join(', ');
const sizes = (names: readonly string[]) => names.map((name) => `${name} Float64`).join(', ');

export const tables = [
  table(
    'logs',
    `id Int64, created_at DateTime64(6, 'UTC'), level LowCardinality(String), logger LowCardinality(String),
     message String, trace_id Nullable(String), span_id Nullable(String), job_id Nullable(Int64),
     agent_id Nullable(Int64), project_id Nullable(String), attributes String`,
    'created_at',
    'created_at, id',
  ),
  table(
    'spans',
    `id Int64, trace_id String, span_id String, parent_span_id Nullable(String), name String,
     kind LowCardinality(String), started_at DateTime64(6, 'UTC'), duration_us Int64, status LowCardinality(String),
     status_message Nullable(String), attributes String, events String, project_id Nullable(String)`,
    'started_at',
    'trace_id, started_at, id',
  ),
  table(
    'events',
    `id Int64, seq Int64, created_at DateTime64(6, 'UTC'), trace_id Nullable(String), job_id Nullable(Int64),
     project_id Nullable(String), topic LowCardinality(Nullable(String)), type LowCardinality(String),
     severity LowCardinality(Nullable(String)), actor Nullable(String), summary String, payload String`,
    'created_at',
    'type, created_at, id',
  ),
  table(
    'metric_samples',
    `at DateTime64(3, 'UTC'), step_s UInt16, process String, roles LowCardinality(String),
     ${sizes(['cpu_percent', 'loop_mean_ms', 'loop_p99_ms', 'relay_lag_ms'])},
     ${counts(['rss_bytes', 'heap_bytes', 'clients', 'queued', 'running', 'waiting', 'scheduled'])},
     ${counts(['events', 'requests', 'request_errors', 'jobs_succeeded', 'jobs_failed', 'jobs_cancelled'])},
     ${counts(['calls_succeeded', 'calls_failed'])},
     job_ms Map(String, Int64), call_ms Map(String, Int64)`,
    'at',
    'step_s, at, process',
  ),
  `CREATE VIEW IF NOT EXISTS tool_calls AS
   SELECT installation, created_at AS finished_at, trace_id, job_id, project_id, actor,
          JSONExtractString(payload, 'callId') AS call_id, JSONExtractString(payload, 'server') AS server,
          JSONExtractString(payload, 'tool') AS tool, JSONExtractInt(payload, 'attempt') AS attempt,
          JSONExtractString(payload, 'status') AS status, JSONExtractInt(payload, 'durationMs') AS duration_ms,
          JSONExtractString(payload, 'kind') AS error_kind, JSONExtractString(payload, 'fingerprint') AS error_fingerprint
     FROM events FINAL WHERE type = 'tool.call'`,
  `CREATE VIEW IF NOT EXISTS ended_jobs AS
   SELECT installation, created_at AS finished_at, trace_id, job_id, project_id,
          JSONExtractString(payload, 'status') AS status, JSONExtractInt(payload, 'durationMs') AS duration_ms,
          JSONExtractInt(payload, 'attempts') AS attempts, JSONExtractFloat(payload, 'cost', 'cny') AS cost_cny,
          JSONExtractInt(payload, 'cost', 'inputTokens') AS input_tokens,
          JSONExtractInt(payload, 'cost', 'outputTokens') AS output_tokens
     FROM events FINAL WHERE type = 'task.receipt'`,
];
