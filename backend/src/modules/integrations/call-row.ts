import type { Said, ToolCall } from '@aos/contracts';

/** What a row of the ledger is read by, whoever reads it. */
export const callColumns = `id, job_id, trace_id, step_id, attempt, server, tool, status, args, result, error, error_said,
  error_fingerprint, started_at, finished_at, actor`;

export interface CallRow {
  id: string;
  job_id: string | null;
  trace_id: string;
  step_id: string | null;
  attempt: number;
  server: string;
  tool: string;
  status: ToolCall['status'];
  args: Record<string, unknown>;
  result: unknown;
  error: string | null;
  error_said: Said | null;
  error_fingerprint: string | null;
  started_at: Date;
  finished_at: Date | null;
  actor: string;
}

export const toToolCall = (row: CallRow): ToolCall => ({
  id: row.id,
  jobId: row.job_id === null ? null : String(row.job_id),
  traceId: row.trace_id,
  stepId: row.step_id,
  attempt: row.attempt,
  server: row.server,
  tool: row.tool,
  status: row.status,
  args: row.args,
  result: row.result ?? undefined,
  error: row.error,
  ...(row.error_said ? { said: row.error_said } : {}),
  errorFingerprint: row.error_fingerprint,
  startedAt: row.started_at.toISOString(),
  finishedAt: row.finished_at?.toISOString() ?? null,
  durationMs: row.finished_at ? row.finished_at.getTime() - row.started_at.getTime() : null,
  actor: row.actor,
});
