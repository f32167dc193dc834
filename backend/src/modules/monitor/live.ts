import { Injectable } from '@nestjs/common';
import type { LiveLogsQuery, MonitorLogLine } from '@aos/contracts';
import type { Request, Response } from 'express';
import type { Ctx } from '../../platform/http/context.js';
import { follow } from '../../platform/http/follow.js';
import { LogStore } from '../../platform/telemetry/log-store.js';
import { LATE_IDS, LogsQueries } from './logs.queries.js';
import { MetricsQueries } from './metrics.queries.js';
import { Sampler } from './sampler.js';

/** Lines of other processes are found at this pace; those of this one at once. */
const LOG_EVERY_MS = 1_000;
const METRICS_EVERY_MS = 10_000;

/** What Monitor shows as it happens. These are streams of their own: `/agent/events` carries value events only. */
@Injectable()
export class Live {
  constructor(
    private readonly logs: LogsQueries,
    private readonly metrics: MetricsQueries,
    private readonly sampler: Sampler,
    private readonly store: LogStore,
  ) {}

  async tail(ctx: Ctx, query: LiveLogsQuery, request: Request, response: Response): Promise<void> {
    let position = await this.logs.head();
    // What was there before is the reader's already; what is seen later is remembered while it may come again.
    let seen = await this.logs.idsUpTo(position);
    await follow(
      {
        stopped: this.sampler.stopping.signal,
        isPaced: true,
        everyMs: LOG_EVERY_MS,
        hear: [(wake) => this.store.onFresh(wake)],
        look: async () => {
          const lines = await this.logs.fresh(ctx, query, position, seen);
          if (lines.length === 0) return [];
          position = lines.reduce(
            (most, { id }) => (BigInt(id) > most ? BigInt(id) : most),
            position,
          );
          const oldest = position - LATE_IDS;
          seen = [...seen, ...lines.map(({ id }) => id)].filter((id) => BigInt(id) > oldest);
          return [{ event: 'lines', data: lines satisfies MonitorLogLine[] }];
        },
      },
      request,
      response,
    );
  }

  async now(request: Request, response: Response): Promise<void> {
    await follow(
      {
        stopped: this.sampler.stopping.signal,
        isPaced: true,
        everyMs: METRICS_EVERY_MS,
        hear: [(wake) => this.sampler.onMeasured(wake)],
        look: async () => [{ event: 'now', data: await this.metrics.now() }],
      },
      request,
      response,
    );
  }
}
