import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type LogLine, type Severity, isValueEvent } from '@aos/contracts';
import type { EventRow } from '../../platform/outbox/event-row.js';
import { Relay } from '../../platform/outbox/relay.js';
import { LogStore } from '../../platform/telemetry/log-store.js';

const levels: Record<Severity, LogLine['level']> = {
  info: 'info',
  success: 'info',
  warning: 'warn',
  error: 'error',
};

/**
 * What tasks did, as lines of the log: their value events, and whatever else went wrong. The rest of the events
 * would say the same in more words; they are in the trace.
 */
@Injectable()
export class EventLines implements OnApplicationShutdown {
  private readonly stop: () => void;

  constructor(
    relay: Relay,
    private readonly log: LogStore,
  ) {
    this.stop = relay.onStamped((rows) => rows.forEach((row) => this.write(row)));
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private write(row: EventRow): void {
    const level = levels[row.severity ?? 'info'];
    if (level === 'info' && !isValueEvent(row.type)) return;
    this.log.add({
      level,
      logger: row.type,
      message: row.summary,
      traceId: row.trace_id,
      jobId: row.job_id,
      attributes: { seq: Number(row.seq), payload: row.payload },
    });
  }
}
