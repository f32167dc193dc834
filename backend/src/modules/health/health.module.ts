import { Module } from '@nestjs/common';
import { IntegrationsModule } from '../integrations/index.js';
import { Backlog } from '../../platform/olap/backlog.js';
import { Copy } from './copy.js';
import { DataFolder } from './data-folder.js';
import { HealthController } from './health.controller.js';
import { Metrics } from './metrics.js';
import { Probe } from './probe.js';

@Module({
  imports: [IntegrationsModule],
  controllers: [HealthController],
  providers: [Probe, DataFolder, Metrics, Copy, Backlog],
})
export class HealthModule {}
