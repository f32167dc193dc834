import { Injectable } from '@nestjs/common';
import { type OutboundOAuth, type RegisterServer, say } from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { AddressRefused, GuardedFetch } from '../chain/guarded-fetch.js';
import { storable } from '../chain/result-check.js';
import { ServerExists, ServerNameTaken, ServerUrlRefused } from '../integrations.errors.js';
import type { RestService } from '../openapi/rest-upstream.js';
import { type Listed, Registry, type ServerRow, healthOf, nothingListed } from '../registry.js';
import type { UpstreamFault } from '../upstreams/upstream.js';
import { Upstreams } from '../upstreams/upstreams.js';
import type { Health } from '../upstreams/warm-client.js';
import { registryChanged } from './registry-changed.js';

/** It is connected, and has said so already. */
const ABOUT_LIMIT_MS = 5_000;

/** A server to be registered, wherever it comes from. */
export type NewServer = Omit<RegisterServer, 'transport'> & {
  transport: RegisterServer['transport'] | 'openapi';
  openapi?: RestService;
};

export interface Seen {
  health: Health;
  listed: Listed;
}

/**
 * The two halves of a registration, for one server or for many: `look` connects and reads the tools, outside any
 * transaction; `store` keeps what was seen, with its audit row and event, inside the caller's.
 */
@Injectable()
export class Registration {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly upstreams: Upstreams,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
    private readonly outside: GuardedFetch,
  ) {}

  requireName(name: string): void {
    if (name.startsWith('agent-')) throw new ServerNameTaken(name);
  }

  /** Where a token would be asked for. The refusal is in the audit: someone wanted this machine to ask there. */
  async requireEndpoint(
    ctx: Ctx,
    { name, auth }: Pick<NewServer, 'name' | 'auth'>,
    action: 'registry.create' | 'registry.change' = 'registry.create',
  ): Promise<void> {
    if (!auth || !isOAuth(auth)) return;
    const address = auth.tokenUrl ?? auth.issuer!;
    try {
      await this.outside.check(address);
    } catch (error) {
      if (!(error instanceof AddressRefused)) throw error;
      await this.audit.recordAlone(ctx, {
        action,
        resource: `mcp-server:${name}`,
        outcome: 'denied',
        diff: { address, why: error.message },
      });
      throw new ServerUrlRefused(error.said);
    }
  }

  async requireFree(name: string): Promise<void> {
    const taken = await this.database.query('SELECT 1 FROM mcp_registry WHERE name = $1', [name]);
    if (taken.length > 0) throw new ServerExists(name);
  }

  /** Of a service that is called by itself, not as a tool server. @throws ServerUrlRefused */
  async requireAddress(address: string): Promise<void> {
    try {
      await this.outside.check(address);
    } catch (error) {
      if (error instanceof AddressRefused) throw new ServerUrlRefused(error.said);
      throw error;
    }
  }

  async look(input: NewServer): Promise<Seen> {
    const route = routeOf(input);
    const began = performance.now();
    try {
      const listed = await this.registry.ask(route);
      const latencyMs = Math.round(performance.now() - began);
      const { capabilities } = await this.upstreams.of(route).about({ timeoutMs: ABOUT_LIMIT_MS });
      // Followed once it is registered.
      if (capabilities.prompts || capabilities.resources)
        this.upstreams.onChange(route.name, { kind: 'new' });
      return {
        listed,
        health: { state: 'healthy', latencyMs },
      };
    } catch (error) {
      await this.upstreams.close(route.name); // the first call tries anew, without the pause after this failure
      const { message, said } = error as UpstreamFault;
      // What a dying server says need not be text.
      return {
        listed: nothingListed,
        health: storable({ state: 'unhealthy', error: message, said }),
      };
    }
  }

  async store(tx: Tx, ctx: Ctx, input: NewServer, seen: Seen): Promise<ServerRow> {
    await this.insert(tx, input, seen.health);
    await this.registry.keepTools(tx, input.name, seen.listed, ctx.traceId);
    const { openapi: _, ...told } = input;
    await this.audit.record(tx, ctx, {
      action: 'registry.create',
      resource: `mcp-server:${input.name}`,
      diff: { after: { ...told, tools: seen.listed.tools.map((tool) => tool.definition.name) } },
    });
    const isWell = seen.health.state === 'healthy';
    const how =
      seen.health.state === 'healthy'
        ? say('server-registered', { server: input.name, count: seen.listed.tools.length })
        : say('server-registered-away', {
            server: input.name,
            why: seen.health.said ?? seen.health.error,
          });
    await this.outbox.append(tx, [registryChanged(ctx, input.name, 'registered', how, isWell)]);
    return this.registry.findForChange(tx, input.name);
  }

  private async insert(tx: Tx, input: NewServer, health: Health): Promise<void> {
    const route = routeOf(input);
    const { count } = await sql(
      tx,
      `INSERT INTO mcp_registry (name, base_url, description, capabilities, auth_token, timeout_ms, transport, command, args,
                                 idempotent_tools, use_prefix, health, limits, auth, openapi)
       VALUES ($1, $2, $3, '{}', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (name) DO NOTHING`,
      [
        input.name,
        route.base_url,
        input.description ?? '',
        route.auth_token,
        input.timeoutMs ?? null,
        input.transport,
        route.command,
        route.args,
        input.idempotentTools ?? [],
        input.prefix ?? true,
        JSON.stringify(healthOf(health)),
        JSON.stringify(input.limits ?? {}),
        route.auth && JSON.stringify(route.auth),
        route.openapi && JSON.stringify(route.openapi),
      ],
    );
    if (count === 0) throw new ServerExists(input.name);
  }
}

/** The way to a server, as its row will say it. */
export const routeOf = (input: NewServer) => ({
  name: input.name,
  transport: input.transport,
  base_url: input.url ?? `stdio:${input.name}`,
  command: input.command ?? null,
  args: input.args ?? [],
  auth_token: input.auth?.secret ?? null,
  auth: input.auth && isOAuth(input.auth) ? input.auth : null,
  openapi: input.openapi ?? null,
});

const isOAuth = (auth: object): auth is OutboundOAuth => 'type' in auth;
