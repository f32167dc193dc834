import { type DynamicModule, Global, Module } from '@nestjs/common';
import { AuditTrail } from './audit/audit-trail.js';
import { BUS, type Bus } from './bus/bus.js';
import type { Environment } from './config/environment.js';
import { Database } from './database/database.js';
import { Maintenance } from './database/maintenance.js';
import { OLAP, type Olap } from './olap/olap.js';
import { Outbox } from './outbox/outbox.js';
import { Wakeups } from './outbox/wakeups.js';
import { Instruments } from './telemetry/instruments.js';
import { LogStore } from './telemetry/log-store.js';
import { Redactor } from './telemetry/redactor.js';
import { TraceExport } from './telemetry/trace-export.js';

/** Injection token of the Environment that the process was started with. */
export const ENVIRONMENT = Symbol('ENVIRONMENT');

/** What every module stands on. The database is opened before Nest starts and closed after it. */
@Global()
@Module({})
export class PlatformModule {
  /**
   * @param bus as AOS_BUS says; NOTIFY where there is none
   * @param olap as CLICKHOUSE_URL says
   * @param traces what OpenTelemetry was started with; else spans go nowhere
   */
  static forRoot(
    environment: Environment,
    database: Database,
    bus?: Bus,
    olap?: Olap,
    traces = new TraceExport(),
  ): DynamicModule {
    return {
      module: PlatformModule,
      providers: [
        { provide: ENVIRONMENT, useValue: environment },
        { provide: Database, useValue: database },
        ...(bus ? [{ provide: BUS, useValue: bus }] : []),
        { provide: OLAP, useValue: olap },
        { provide: TraceExport, useValue: traces },
        Wakeups,
        Outbox,
        AuditTrail,
        Maintenance,
        Instruments,
        LogStore,
        Redactor,
      ],
      exports: [
        ENVIRONMENT,
        OLAP,
        Database,
        Wakeups,
        Outbox,
        AuditTrail,
        Instruments,
        LogStore,
        Redactor,
        TraceExport,
      ],
    };
  }
}
