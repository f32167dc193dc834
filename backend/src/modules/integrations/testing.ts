import { randomBytes, randomUUID } from 'node:crypto';
import { rolePermissions } from '@aos/contracts';
import { isNative, openTestDatabase, temporaryFolder } from '../../../test/harness.js';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { readEnvironment } from '../../platform/config/environment.js';
import { MasterKey } from '../../platform/config/master-key.js';
import type { Ctx } from '../../platform/http/context.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { Redactor } from '../../platform/telemetry/redactor.js';
import { ArtifactStore } from '../artifacts/index.js';
import { PutSecretHandler, PutSecret } from '../config/commands/put-secret.js';
import { Vault } from '../config/index.js';
import { BuiltinHost } from './builtin-host.js';
import { BuiltinSeed } from './builtin-seed.js';
import { type BuiltinServers, builtinServers } from './builtin-servers.js';
import type { RunOfCall } from './call.js';
import { Ledger } from './chain/ledger.js';
import { ChangeMcpServerHandler } from './commands/change-server.js';
import { RegisterMcpServer, RegisterMcpServerHandler } from './commands/register-server.js';
import { RemoveMcpServerHandler } from './commands/remove-server.js';
import { Gateway } from './gateway.js';
import { ReadOnlySql } from './read-only-sql.js';
import { Registry } from './registry.js';
import { RegistryQueries } from './registry.queries.js';
import { InProcessServers } from './upstreams/in-process.js';
import { Upstreams } from './upstreams/upstreams.js';

/** The module's real parts on a real database, wired by hand: what specs of the gateway start from. */
export async function startGateway(servers: BuiltinServers = builtinServers) {
  const { database, close } = await openTestDatabase();
  const dataDir = await temporaryFolder();
  const environment = readEnvironment({
    AOS_DATA_DIR: dataDir,
    AOS_MASTER_KEY: randomBytes(32).toString('base64'),
  });
  const outbox = new Outbox(new Wakeups(database));
  const audit = new AuditTrail(database);
  const vault = new Vault(database, audit, MasterKey.load(environment), new Redactor());
  const artifacts = new ArtifactStore(environment, database, outbox, audit);
  const inProcess = new InProcessServers();
  const upstreams = new Upstreams(environment, vault, inProcess);
  const registry = new Registry(database, upstreams);
  registry.onModuleInit();
  const readOnlySql = new ReadOnlySql(database);
  new BuiltinHost(environment, servers, inProcess, artifacts, readOnlySql).onModuleInit();
  await new BuiltinSeed(database, registry, servers).onApplicationBootstrap();
  const ledger = new Ledger(database, outbox);
  const gateway = new Gateway(registry, ledger, vault, audit);
  const putSecret = new PutSecretHandler(database, vault, audit, outbox);
  const register = new RegisterMcpServerHandler(
    database,
    registry,
    upstreams,
    outbox,
    audit,
    environment,
  );
  return {
    database,
    dataDir,
    environment,
    outbox,
    audit,
    vault,
    artifacts,
    inProcess,
    upstreams,
    registry,
    readOnlySql,
    ledger,
    gateway,
    queries: new RegistryQueries(database, registry),
    change: new ChangeMcpServerHandler(database, registry, upstreams, outbox, audit),
    remove: new RemoveMcpServerHandler(database, registry, upstreams, outbox, audit),
    register: (input: RegisterMcpServer['input'], by: Ctx = admin()) =>
      register.execute(new RegisterMcpServer(by, input)),
    secret: (name: string, value: string) =>
      putSecret.execute(new PutSecret(admin(), name, { value, purpose: 'test', projectId: null })),
    async stop(): Promise<void> {
      await upstreams.onApplicationShutdown();
      await close();
    },
  };
}

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

export const ledgerOf = (parts: Pick<GatewayParts, 'database'>) =>
  parts.database.query<LedgerRowOfTest>('SELECT * FROM tool_calls ORDER BY started_at');
