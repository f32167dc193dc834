import { Module } from '@nestjs/common';
import { ArtifactsModule } from '../artifacts/index.js';
import { ConfigModule } from '../config/index.js';
import { BuiltinHost } from './builtin-host.js';
import { BuiltinSeed } from './builtin-seed.js';
import { BUILTIN_SERVERS, builtinServers } from './builtin-servers.js';
import { Ledger } from './chain/ledger.js';
import { ChangeMcpServerHandler } from './commands/change-server.js';
import { RegisterMcpServerHandler } from './commands/register-server.js';
import { RemoveMcpServerHandler } from './commands/remove-server.js';
import { Gateway } from './gateway.js';
import { IntegrationsController } from './integrations.controller.js';
import { ReadOnlySql } from './read-only-sql.js';
import { Registry } from './registry.js';
import { RegistryQueries } from './registry.queries.js';
import { InProcessServers } from './upstreams/in-process.js';
import { Upstreams } from './upstreams/upstreams.js';

@Module({
  imports: [ArtifactsModule, ConfigModule],
  controllers: [IntegrationsController],
  providers: [
    { provide: BUILTIN_SERVERS, useValue: builtinServers },
    BuiltinHost,
    BuiltinSeed,
    ChangeMcpServerHandler,
    Gateway,
    InProcessServers,
    Ledger,
    ReadOnlySql,
    RegisterMcpServerHandler,
    Registry,
    RegistryQueries,
    RemoveMcpServerHandler,
    Upstreams,
  ],
  exports: [Gateway, InProcessServers, Registry, Upstreams],
})
export class IntegrationsModule {}
