import { Module } from '@nestjs/common';
import { EventLines } from './event-lines.js';
import { History } from './history.js';
import { Live } from './live.js';
import { LogsQueries } from './logs.queries.js';
import { Meter } from './meter.js';
import { MetricsQueries } from './metrics.queries.js';
import { MonitorController } from './monitor.controller.js';
import { Sampler } from './sampler.js';
import { TopologyQueries } from './topology.queries.js';
import { TracesQueries } from './traces.queries.js';

@Module({
  controllers: [MonitorController],
  providers: [
    Meter,
    Sampler,
    EventLines,
    History,
    MetricsQueries,
    LogsQueries,
    TracesQueries,
    TopologyQueries,
    Live,
  ],
})
export class MonitorModule {}
