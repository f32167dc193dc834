import { context, trace } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { LogLine } from '@aos/contracts';
import { EventEmitter } from 'node:events';
import { Database } from '../database/database.js';
import { Redactor } from './redactor.js';

export interface LogEntry {
  level: LogLine['level'];
  logger: string;
  message: string;
  attributes?: Record<string, unknown>;
  /** Without it, the trace that is active where the line is written. */
  traceId?: string | null;
  jobId?: string | null;
}

interface Waiting extends LogEntry {
  at: string;
  spanId: string | null;
}

const FLUSH_AFTER_MS = 500;
const levels = ['debug', 'info', 'warn', 'error'];
/** What waits for the database, at most. Past it lines are dropped, never the work, and their number is told. */
const MOST_WAITING = 5_000;
const LONGEST_MESSAGE = 8_000;
const LONGEST_ATTRIBUTES = 16_000;

/**
 * Keeps what the server has to say in the `logs` table, next to the lines of agents. Lines wait in memory and are
 * written together, off the path of whoever wrote them, with known secrets taken out. How long they stay is a matter
 * of the table's partitions.
 */
@Injectable()
export class LogStore implements BeforeApplicationShutdown {
  private waiting: Waiting[] = [];
  private dropped = 0;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private isStopped = false;
  /** Of the settings: lines below it are not kept. */
  keptFrom: 'info' | 'warn' | 'error' = 'info';
  private readonly fresh = new EventEmitter().setMaxListeners(0);

  constructor(
    private readonly database: Database,
    private readonly redactor: Redactor,
  ) {}

  /** Says "look now" to who follows the log in this process. */
  onFresh(listener: () => void): () => void {
    this.fresh.on('fresh', listener);
    return () => this.fresh.off('fresh', listener);
  }

  add(entry: LogEntry): void {
    if (this.isStopped || levels.indexOf(entry.level) < levels.indexOf(this.keptFrom)) return;
    if (this.waiting.length >= MOST_WAITING) {
      this.dropped += 1;
      return;
    }
    const span = trace.getActiveSpan()?.spanContext();
    this.waiting.push({
      ...entry,
      at: new Date().toISOString(),
      traceId: entry.traceId === undefined ? (span?.traceId ?? null) : entry.traceId,
      spanId: entry.traceId === undefined ? (span?.spanId ?? null) : null,
    });
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref();
  }

  /** Everything added so far is in the table when this returns, unless the database refuses it. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(() => this.write());
    await this.writing;
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.flush();
    this.isStopped = true;
  }

  private async write(): Promise<void> {
    const lines = this.waiting;
    if (lines.length === 0) return;
    this.waiting = [];
    const { dropped } = this;
    this.dropped = 0;
    if (dropped > 0)
      lines.push({
        level: 'warn',
        logger: 'LogStore',
        message: `${dropped} lines were dropped: more was logged than could be written.`,
        at: new Date().toISOString(),
        spanId: null,
      });
    const rows = JSON.stringify(lines.map((line) => toRow(line, this.redactor)));
    // Writing lines must neither make spans nor, when it fails, lines.
    await context
      .with(suppressTracing(context.active()), () => this.database.query(insert, [rows]))
      .then(
        () => this.fresh.emit('fresh'),
        () => (this.dropped += lines.length),
      );
  }
}

function toRow(line: Waiting, redactor: Redactor): Record<string, unknown> {
  const attributes = JSON.stringify(redactor.redact(line.attributes ?? {}));
  return {
    created_at: line.at,
    level: line.level,
    logger: line.logger.slice(0, 100),
    message: writable(redactor.redact(line.message)).slice(0, LONGEST_MESSAGE),
    trace_id: line.traceId ?? null,
    span_id: line.spanId,
    job_id: line.jobId ?? null,
    attributes:
      attributes.length > LONGEST_ATTRIBUTES
        ? { cut: writable(attributes).slice(0, LONGEST_ATTRIBUTES) }
        : (JSON.parse(writable(attributes)) as unknown),
  };
}

/** Postgres takes no NUL in text, neither as it is nor escaped in JSON. */
const writable = (text: string) => text.replaceAll('\0', '').replaceAll('\\u0000', '');

/** The agent is that of the job. */
const insert = `
  INSERT INTO logs (created_at, level, logger, message, trace_id, span_id, job_id, agent_id, attributes)
  SELECT l.created_at, l.level, l.logger, l.message, l.trace_id, l.span_id, l.job_id, j.agent_id, l.attributes
    FROM jsonb_to_recordset($1::jsonb) AS l(created_at timestamptz, level text, logger text, message text,
         trace_id text, span_id text, job_id bigint, attributes jsonb)
    LEFT JOIN jobs j ON j.id = l.job_id`;
