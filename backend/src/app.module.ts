import { type DynamicModule, Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { OpenTelemetryModule } from 'nestjs-otel';
import { AgentsModule } from './modules/agents/index.js';
import { ArtifactsModule } from './modules/artifacts/index.js';
import { AuditModule } from './modules/audit/index.js';
import { AuthModule } from './modules/auth/index.js';
import { BlueprintsModule } from './modules/blueprints/index.js';
import { ChatModule } from './modules/chat/index.js';
import { ConfigModule } from './modules/config/index.js';
import { HealthModule } from './modules/health/index.js';
import { IdentitiesModule } from './modules/identities/index.js';
import { IntegrationsModule } from './modules/integrations/index.js';
import { JobsModule } from './modules/jobs/index.js';
import { MemoryModule } from './modules/memory/index.js';
import { MonitorModule } from './modules/monitor/index.js';
import { ProjectsModule } from './modules/projects/index.js';
import { RbacModule } from './modules/rbac/index.js';
import { RunsModule } from './modules/runs/index.js';
import { ViewsModule } from './modules/views/index.js';
import type { Bus } from './platform/bus/bus.js';
import type { Environment } from './platform/config/environment.js';
import type { Database } from './platform/database/database.js';
import { HttpModule } from './platform/http/http.module.js';
import type { Olap } from './platform/olap/olap.js';
import { OlapModule } from './platform/olap/olap.module.js';
import { PlatformModule } from './platform/platform.module.js';
import { PlatformStreamModule } from './platform/realtime/stream.module.js';
import type { TraceExport } from './platform/telemetry/trace-export.js';

@Module({})
export class AppModule {
  static forRoot(
    environment: Environment,
    database: Database,
    bus?: Bus,
    olap?: Olap,
    traces?: TraceExport,
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.forRoot(environment, database, bus, olap, traces),
        CqrsModule.forRoot(),
        OpenTelemetryModule.forRoot(),
        HttpModule,
        PlatformStreamModule,
        OlapModule,
        AuthModule,
        RbacModule,
        AuditModule,
        ConfigModule,
        ProjectsModule,
        ArtifactsModule,
        JobsModule,
        IdentitiesModule,
        IntegrationsModule,
        AgentsModule,
        RunsModule,
        BlueprintsModule,
        ChatModule,
        MemoryModule,
        MonitorModule,
        ViewsModule,
        HealthModule,
      ],
    };
  }
}
