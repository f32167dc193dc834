import { Module } from '@nestjs/common';
import { HttpModule } from '../../platform/http/http.module.js';
import { AuditController } from './audit.controller.js';
import { AuditQueries } from './audit.queries.js';
import { Checkpoints } from './checkpoints.js';
import { DailyCheck } from './daily-check.js';
import { Sealer } from './sealer.js';
import { AuditVerifier } from './verifier.js';

@Module({
  imports: [HttpModule],
  controllers: [AuditController],
  providers: [AuditQueries, AuditVerifier, Checkpoints, DailyCheck, Sealer],
})
export class AuditModule {}
