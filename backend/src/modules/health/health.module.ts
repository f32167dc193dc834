import { Module } from '@nestjs/common';
import { IntegrationsModule } from '../integrations/index.js';
import { HealthController } from './health.controller.js';
import { Metrics } from './metrics.js';
import { Probe } from './probe.js';

@Module({
  imports: [IntegrationsModule],
  controllers: [HealthController],
  providers: [Probe, Metrics],
})
export class HealthModule {}
