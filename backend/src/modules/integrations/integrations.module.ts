import { Module } from '@nestjs/common';
import { OutsideTokens } from '../../platform/http/outside-tokens.js';
import { ArtifactsModule } from '../artifacts/index.js';
import { ConfigModule } from '../config/index.js';
import { AccessController } from './access.controller.js';
import { AggregateController } from './aggregate/aggregate.controller.js';
import { CallsInFront } from './aggregate/calls-in-front.js';
import { McpErrors } from './aggregate/mcp-errors.filter.js';
import { ShortWay } from '../../platform/http/short-way.js';
import { aggregateParts } from './aggregate/parts.js';
import { BuiltinHost } from './builtin-host.js';
import { BuiltinSeed } from './builtin-seed.js';
import { BUILTIN_SERVERS, builtinServers } from './builtin-servers.js';
import { ApprovalLink } from './chain/approval.js';
import { BulkheadLink } from './chain/bulkhead.js';
import { CapabilityLink } from './chain/capability-link.js';
import { Chain } from './chain/chain.js';
import { CircuitLink } from './chain/circuit.js';
import { IdentityLink } from './chain/identity-link.js';
import { LedgerLink } from './chain/ledger-link.js';
import { Limits } from './chain/limits.js';
import { LimitsInForce } from './chain/limits-in-force.js';
import { PinLink } from './chain/pin.js';
import { Policies } from './chain/policies.js';
import { PolicyLink } from './chain/policy.js';
import { QuotaLink, RateLimitLink } from './chain/rate-limit.js';
import { RedactionLink } from './chain/redaction.js';
import { RedactionRules } from './chain/redaction-rules.js';
import { ResultCheckLink } from './chain/result-check-link.js';
import { SchemaLink } from './chain/schema.js';
import { TokenBuckets } from './chain/token-buckets.js';
import { ToolLink } from './chain/tool.js';
import { ToolMetrics } from './chain/tool-metrics.js';
import { ToolSchemas } from './chain/tool-schema.js';
import { TraceLink } from './chain/trace.js';
import { UpstreamLink } from './chain/upstream-link.js';
import { Capabilities } from './chain/capability.js';
import { GuardedFetch } from './chain/guarded-fetch.js';
import { BearerTokens } from './chain/identity.js';
import { CallsQueries } from './calls.queries.js';
import { CallsUnderWay } from './calls-under-way.js';
import { Ledger } from './chain/ledger.js';
import { ApprovePinHandler } from './commands/approve-pin.js';
import { ChangeMcpServerHandler } from './commands/change-server.js';
import { ImportOpenApiHandler } from './commands/import-openapi.js';
import { ImportMcpServersHandler } from './commands/import-servers.js';
import { IssueGrantHandler } from './commands/issue-grant.js';
import { Registration } from './commands/registration.js';
import { Registrations } from './commands/registrations.js';
import { RegisterMcpServerHandler } from './commands/register-server.js';
import { RemoveMcpServerHandler } from './commands/remove-server.js';
import { ProposalsModule } from '../proposals/index.js';
import { SavePoliciesHandler } from './commands/save-policies.js';
import { TryMcpServerHandler } from './commands/try-server.js';
import { Gateway } from './gateway.js';
import { ImportsController } from './imports.controller.js';
import { IntegrationsController } from './integrations.controller.js';
import { PinsQueries } from './pins.queries.js';
import { PoliciesController } from './policies.controller.js';
import { PoliciesQueries } from './policies.queries.js';
import { ReadOnlySql } from './read-only-sql.js';
import { Registry } from './registry.js';
import { RegistryQueries } from './registry.queries.js';
import { ToolReportQueries } from './tool-report.queries.js';
import { ToolServersController } from './tool-servers.controller.js';
import { ServerReports } from './server-reports.js';
import { GoneServers } from './upstreams/gone-servers.js';
import { HealthProbes } from './upstreams/health-probes.js';
import { InProcessServers } from './upstreams/in-process.js';
import { Launches } from './upstreams/launches.js';
import { CallerAssertions } from './upstreams/caller-assertions.js';
import { OutboundTokens } from './upstreams/outbound-tokens.js';
import { Upstreams } from './upstreams/upstreams.js';
import { WorkspaceSweep } from './workspace-sweep.js';

/** The links of the chain, and what they share. */
const chainLinks = [
  ApprovalLink,
  BulkheadLink,
  CapabilityLink,
  Chain,
  CircuitLink,
  IdentityLink,
  LedgerLink,
  Limits,
  LimitsInForce,
  PinLink,
  Policies,
  PolicyLink,
  QuotaLink,
  RateLimitLink,
  RedactionLink,
  ResultCheckLink,
  SchemaLink,
  TokenBuckets,
  ToolLink,
  ToolMetrics,
  ToolSchemas,
  TraceLink,
  UpstreamLink,
];

@Module({
  imports: [ArtifactsModule, ConfigModule, ProposalsModule],
  controllers: [
    AccessController,
    AggregateController,
    ImportsController,
    IntegrationsController,
    PoliciesController,
    ToolServersController,
  ],
  providers: [
    ...aggregateParts,
    GoneServers,
    HealthProbes,
    { provide: BUILTIN_SERVERS, useValue: builtinServers },
    ...chainLinks,
    ApprovePinHandler,
    BearerTokens,
    { provide: OutsideTokens, useExisting: BearerTokens },
    McpErrors,
    { provide: ShortWay, useClass: CallsInFront },
    BuiltinHost,
    BuiltinSeed,
    Capabilities,
    CallerAssertions,
    CallsQueries,
    CallsUnderWay,
    ChangeMcpServerHandler,
    Gateway,
    GuardedFetch,
    RedactionRules,
    InProcessServers,
    ImportMcpServersHandler,
    ImportOpenApiHandler,
    IssueGrantHandler,
    Launches,
    Ledger,
    PinsQueries,
    PoliciesQueries,
    ReadOnlySql,
    RegisterMcpServerHandler,
    OutboundTokens,
    Registration,
    Registrations,
    Registry,
    RegistryQueries,
    RemoveMcpServerHandler,
    SavePoliciesHandler,
    ServerReports,
    ToolReportQueries,
    TryMcpServerHandler,
    Upstreams,
    WorkspaceSweep,
  ],
  exports: [BearerTokens, Gateway, InProcessServers, Registry, ToolMetrics, Upstreams],
})
export class IntegrationsModule {}
