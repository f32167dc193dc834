import { Module } from '@nestjs/common';
import { MonitorController } from './monitor.controller.js';
import { MonitorQueries } from './monitor.queries.js';

@Module({ controllers: [MonitorController], providers: [MonitorQueries] })
export class MonitorModule {}
