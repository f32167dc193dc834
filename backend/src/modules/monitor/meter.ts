import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { EventRow } from '../../platform/outbox/event-row.js';
import { Relay } from '../../platform/outbox/relay.js';
import { Instruments } from '../../platform/telemetry/instruments.js';
import { type Sizes, addUp, count } from '../../platform/telemetry/sizes.js';

const endings = ['succeeded', 'failed', 'cancelled'] as const;
type Ending = (typeof endings)[number];

export class Counts {
  events = 0;
  jobs: Record<Ending, number> = { succeeded: 0, failed: 0, cancelled: 0 };
  jobMs: Sizes = {};
  calls: Record<'succeeded' | 'failed', number> = { succeeded: 0, failed: 0 };
  callMs: Sizes = {};

  add(other: Counts): void {
    this.events += other.events;
    for (const ending of endings) this.jobs[ending] += other.jobs[ending];
    this.calls.succeeded += other.calls.succeeded;
    this.calls.failed += other.calls.failed;
    addUp(this.jobMs, other.jobMs);
    addUp(this.callMs, other.callMs);
  }
}

/**
 * Counts what ends, from the events that say so: each is numbered exactly once, by one relay of all processes, and
 * is handed over here in that moment. So the sum over processes is right, whichever process did the work, and
 * neither the queue nor the gateway has to do anything for it.
 */
@Injectable()
export class Meter implements OnApplicationShutdown {
  private counts = new Counts();
  private readonly stop: () => void;
  private readonly jobEnded;
  private readonly callEnded;
  private readonly eventNumbered;

  constructor(relay: Relay, instruments: Instruments) {
    this.jobEnded = instruments.histogram('aos_job_duration_seconds', 'Jobs that ended, by how.');
    this.callEnded = instruments.histogram(
      'aos_tool_call_duration_seconds',
      'Tool calls that ended, by server and how.',
    );
    this.eventNumbered = instruments.counter('aos_events_total', 'Events numbered, by topic.');
    this.stop = relay.onStamped((rows) => rows.forEach((row) => this.take(row)));
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  /** What was counted since the last call. */
  takeCounts(): Counts {
    const counts = this.counts;
    this.counts = new Counts();
    return counts;
  }

  /** A listener of the relay must not throw: what it cannot read it does not count. */
  private take(row: EventRow): void {
    this.counts.events += 1;
    this.eventNumbered({ topic: row.topic ?? '' });
    if (row.type === 'task.receipt') this.takeReceipt(row.large_payload ?? row.payload);
    else if (row.type === 'tool.call') this.takeCall(row.large_payload ?? row.payload);
  }

  private takeReceipt({ status, durationMs }: Record<string, unknown>): void {
    const ending = endings.find((name) => name === status);
    if (!ending) return;
    this.counts.jobs[ending] += 1;
    const ms = Number(durationMs);
    if (ending === 'cancelled' || !Number.isFinite(ms)) return;
    count(this.counts.jobMs, ms);
    this.jobEnded({ status: ending }, ms / 1000);
  }

  private takeCall({ status, server, durationMs }: Record<string, unknown>): void {
    const ending = status === 'succeeded' ? 'succeeded' : 'failed';
    this.counts.calls[ending] += 1;
    const ms = Number(durationMs);
    if (!Number.isFinite(ms)) return;
    count(this.counts.callMs, ms);
    this.callEnded({ server: String(server), status: ending }, ms / 1000);
  }
}
