import { Global, Module } from '@nestjs/common';
import { Backlog } from './backlog.js';
import { Shipper } from './shipper.js';

/** The copy of the history that CLICKHOUSE_URL names; idle where it is unset. */
@Global()
@Module({ providers: [Shipper, Backlog], exports: [Shipper, Backlog] })
export class OlapModule {}
