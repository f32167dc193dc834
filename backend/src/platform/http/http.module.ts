import { Global, Module } from '@nestjs/common';
import type { Environment } from '../config/environment.js';
import { MasterKey } from '../config/master-key.js';
import { ENVIRONMENT } from '../platform.module.js';
import { AddressGate } from './address-gate.js';
import { ClientAddress } from './client-address.js';
import { Denials } from './denials.js';
import { HttpMetrics } from './http-metrics.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** What `configureHttp` puts around every route. */
@Global()
@Module({
  providers: [
    {
      provide: MasterKey,
      inject: [ENVIRONMENT],
      useFactory: (environment: Environment) => MasterKey.load(environment),
    },
    HttpMetrics,
    ClientAddress,
    AddressGate,
    Denials,
    IdempotencyInterceptor,
  ],
  exports: [MasterKey, AddressGate, HttpMetrics, ClientAddress, Denials, IdempotencyInterceptor],
})
export class HttpModule {}
