import { Module } from '@nestjs/common';
import { ArtifactsModule } from '../artifacts/index.js';
import { ConfigModule } from '../config/index.js';
import { AccessController } from './access.controller.js';
import { AggregateController } from './aggregate/aggregate.controller.js';
import { aggregateParts } from './aggregate/parts.js';
import { BuiltinHost } from './builtin-host.js';
import { BuiltinSeed } from './builtin-seed.js';
import { BUILTIN_SERVERS, builtinServers } from './builtin-servers.js';
import { Capabilities } from './chain/capability.js';
import { GuardedFetch } from './chain/guarded-fetch.js';
import { BearerTokens } from './chain/identity.js';
import { CallsQueries } from './calls.queries.js';
import { Ledger } from './chain/ledger.js';
import { ChangeMcpServerHandler } from './commands/change-server.js';
import { IssueGrantHandler } from './commands/issue-grant.js';
import { RegisterMcpServerHandler } from './commands/register-server.js';
import { RemoveMcpServerHandler } from './commands/remove-server.js';
import { TryMcpServerHandler } from './commands/try-server.js';
import { Gateway } from './gateway.js';
import { IntegrationsController } from './integrations.controller.js';
import { ReadOnlySql } from './read-only-sql.js';
import { Registry } from './registry.js';
import { RegistryQueries } from './registry.queries.js';
import { ToolServersController } from './tool-servers.controller.js';
import { InProcessServers } from './upstreams/in-process.js';
import { Upstreams } from './upstreams/upstreams.js';

@Module({
  imports: [ArtifactsModule, ConfigModule],
  controllers: [
    AccessController,
    AggregateController,
    IntegrationsController,
    ToolServersController,
  ],
  providers: [
    ...aggregateParts,
    { provide: BUILTIN_SERVERS, useValue: builtinServers },
    BearerTokens,
    BuiltinHost,
    BuiltinSeed,
    Capabilities,
    CallsQueries,
    ChangeMcpServerHandler,
    Gateway,
    GuardedFetch,
    InProcessServers,
    IssueGrantHandler,
    Ledger,
    ReadOnlySql,
    RegisterMcpServerHandler,
    Registry,
    RegistryQueries,
    RemoveMcpServerHandler,
    TryMcpServerHandler,
    Upstreams,
  ],
  exports: [BearerTokens, Gateway, InProcessServers, Registry, Upstreams],
})
export class IntegrationsModule {}
