import { randomBytes, randomUUID } from 'node:crypto';
import { SystemConfig, rolePermissions } from '@aos/contracts';
import { isNative, openTestDatabase } from '../../../test/harness.js';
import { temporaryFolder } from '../../../test/temporary-folder.js';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { readEnvironment } from '../../platform/config/environment.js';
import { MasterKey } from '../../platform/config/master-key.js';
import type { Ctx } from '../../platform/http/context.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { Redactor } from '../../platform/telemetry/redactor.js';
import { ArtifactStore } from '../artifacts/index.js';
import { Proposals, Proposed } from '../proposals/index.js';
import { PutSecretHandler, PutSecret } from '../config/commands/put-secret.js';
import { Settings, Vault } from '../config/index.js';
import { BuiltinHost } from './builtin-host.js';
import { BuiltinSeed } from './builtin-seed.js';
import { type BuiltinServers, builtinServers } from './builtin-servers.js';
import type { RunOfCall } from './call.js';
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
import { GuardedFetch } from './chain/guarded-fetch.js';
import { Ledger } from './chain/ledger.js';
import { ChangeMcpServerHandler } from './commands/change-server.js';
import { Registration } from './commands/registration.js';
import { Registrations } from './commands/registrations.js';
import { RegisterMcpServer, RegisterMcpServerHandler } from './commands/register-server.js';
import { RemoveMcpServerHandler } from './commands/remove-server.js';
import { Gateway } from './gateway.js';
import { ReadOnlySql } from './read-only-sql.js';
import { Registry } from './registry.js';
import { RegistryQueries } from './registry.queries.js';
import { ServerReports } from './server-reports.js';
import { InProcessServers } from './upstreams/in-process.js';
import { Launches } from './upstreams/launches.js';
import { CallerAssertions } from './upstreams/caller-assertions.js';
import { OutboundTokens } from './upstreams/outbound-tokens.js';
import { Upstreams } from './upstreams/upstreams.js';

/** The module's real parts on a real database, wired by hand: what specs of the gateway start from. */
export async function startGateway(servers: BuiltinServers = builtinServers) {
  const { database, close } = await openTestDatabase();
  const dataDir = await temporaryFolder();
  const environment = readEnvironment({
    AOS_DATA_DIR: dataDir,
    AOS_MASTER_KEY: randomBytes(32).toString('base64'),
    AOS_PUBLIC_URL: 'https://aos.example',
  });
  const wakeups = new Wakeups(database);
  const outbox = new Outbox(wakeups);
  const masterKey = MasterKey.load(environment);
  const audit = new AuditTrail(database);
  const redactor = new Redactor();
  const vault = new Vault(database, audit, masterKey, redactor);
  const artifacts = new ArtifactStore(environment, database, outbox, audit);
  const inProcess = new InProcessServers();
  const settings = new Settings(database, wakeups);
  await settings.onModuleInit();
  const outside = new GuardedFetch(settings);
  const assertions = new CallerAssertions(masterKey, environment);
  const launches = new Launches(environment, settings);
  const upstreams = new Upstreams(
    launches,
    vault,
    inProcess,
    outside,
    new OutboundTokens(outside, assertions, redactor, audit),
  );
  const inForce = new LimitsInForce(settings);
  const registry = new Registry(database, upstreams, outbox, wakeups, inForce);
  registry.onModuleInit();
  const readOnlySql = new ReadOnlySql(database);
  new BuiltinHost(
    environment,
    servers,
    inProcess,
    artifacts,
    readOnlySql,
    vault,
    settings,
  ).onModuleInit();
  await new BuiltinSeed(database, registry, servers).onApplicationBootstrap();
  const ledger = new Ledger(database, outbox);
  const limits = new Limits(database);
  const buckets = new TokenBuckets(database);
  const schemas = new ToolSchemas();
  const metrics = new ToolMetrics();
  const policies = new Policies(database, wakeups);
  const policy = new PolicyLink(policies, audit);
  const schema = new SchemaLink(schemas, vault, ledger);
  const bulkhead = new BulkheadLink(inForce);
  const circuit = new CircuitLink(settings, database, outbox);
  const chain = new Chain(
    new TraceLink(metrics),
    new IdentityLink(audit),
    new CapabilityLink(limits),
    new ToolLink(registry),
    policy,
    new PinLink(),
    schema,
    new QuotaLink(limits, inForce),
    new RateLimitLink(buckets, inForce),
    new ApprovalLink(database, outbox, audit, settings, masterKey),
    bulkhead,
    circuit,
    new LedgerLink(ledger),
    new RedactionLink(vault, new RedactionRules(settings)),
    new ResultCheckLink(schemas),
    new UpstreamLink(vault, settings),
  );
  const gateway = new Gateway(chain, registry, policy, schema);
  const reports = new ServerReports(limits, buckets, inForce, bulkhead, circuit, metrics);
  const proposals = new Proposals(audit, outbox);
  const putSecret = new PutSecretHandler(database, vault, audit, outbox, proposals);
  const registration = new Registration(database, registry, upstreams, outbox, audit, outside);
  const registrations = new Registrations(
    ...([database, registration, upstreams, launches, proposals] as const),
  );
  const register = atOnce(new RegisterMcpServerHandler(registrations, reports));
  return {
    database,
    dataDir,
    environment,
    outbox,
    audit,
    vault,
    artifacts,
    inProcess,
    launches,
    outside,
    registration,
    registrations,
    proposals,
    upstreams,
    registry,
    readOnlySql,
    ledger,
    gateway,
    chain,
    circuit,
    limits,
    buckets,
    assertions,
    masterKey,
    metrics,
    policies,
    settings,
    wakeups,
    reports,
    queries: new RegistryQueries(database, registry, reports),
    change: atOnce(
      new ChangeMcpServerHandler(
        database,
        registry,
        registration,
        upstreams,
        circuit,
        outbox,
        audit,
        wakeups,
        reports,
        launches,
        proposals,
      ),
    ),
    remove: new RemoveMcpServerHandler(
      database,
      registry,
      upstreams,
      outbox,
      audit,
      wakeups,
      circuit,
      metrics,
      proposals,
    ),
    /** Saves settings, on top of the defaults. */
    async configure(gateway: object, security: object = {}): Promise<void> {
      await database.query(
        `INSERT INTO config_versions (scope, version, config, created_by)
         SELECT 'system', max(version) + 1, $1, 'test' FROM config_versions WHERE scope = 'system'`,
        [JSON.stringify(SystemConfig.parse({ gateway, security }))],
      );
      wakeups.wake('control');
    },
    register: (input: RegisterMcpServer['input'], by: Ctx = admin()) =>
      register.execute(new RegisterMcpServer(by, input)),
    secret: (name: string, value: string) =>
      putSecret.execute(new PutSecret(admin(), name, { value, purpose: 'test', projectId: null })),
    async stop(): Promise<void> {
      await upstreams.onApplicationShutdown();
      await ledger.onApplicationShutdown();
      await close();
    },
  };
}

/** Where nobody wants a second person: the answer is what was changed. */
export const atOnce = <C, R>(handler: { execute(command: C): Promise<R | Proposed> }) => ({
  async execute(command: C): Promise<R> {
    const answer = await handler.execute(command);
    if (answer instanceof Proposed) throw new Error('a second person is wanted');
    return answer;
  },
});

export type GatewayParts = Awaited<ReturnType<typeof startGateway>>;
export { isNative };

export const admin = (): Ctx => actor('admin');

export function actor(role: keyof typeof rolePermissions, projectId: string | null = null): Ctx {
  const id = randomUUID();
  return {
    actor: {
      kind: 'user',
      id: `user:${id}`,
      name: role,
      userId: id,
      grants: rolePermissions[role].map((permission) => ({ permission, projectId })),
    },
    traceId: randomBytes(16).toString('hex'),
    ip: null,
  };
}

/** The run that a test's call belongs to; the guard lets everything pass. */
export const run = (overrides: Partial<RunOfCall> = {}): RunOfCall => ({
  jobId: '1',
  traceId: randomBytes(16).toString('hex'),
  stepId: 'step',
  projectId: null,
  createdAt: new Date(),
  attempt: 1,
  fence: '1',
  guard: () => Promise.resolve(),
  onOpenCall: 'ask',
  ...overrides,
});

export interface LedgerRowOfTest {
  id: string;
  idempotency_key: string;
  status: string;
  args: unknown;
  result: unknown;
  error: string | null;
  error_kind: string | null;
  error_fingerprint: string | null;
}

export async function ledgerOf({ database, ledger }: Pick<GatewayParts, 'database' | 'ledger'>) {
  await ledger.settled();
  return database.query<LedgerRowOfTest>('SELECT * FROM tool_calls ORDER BY started_at');
}
