import { Injectable } from '@nestjs/common';
import type { McpServerInfo, ServerStanding, ToolReport } from '@aos/contracts';
import { BulkheadLink } from './chain/bulkhead.js';
import { CircuitLink } from './chain/circuit.js';
import { Limits } from './chain/limits.js';
import { LimitsInForce, dayKey, toolKey } from './chain/limits-in-force.js';
import { TokenBuckets } from './chain/token-buckets.js';
import { ToolMetrics } from './chain/tool-metrics.js';
import { type ServerRow, leftOutOf } from './registry.js';

/** A server as it is registered, and as it does: what of its limits is used, how its last calls went. */
@Injectable()
export class ServerReports {
  constructor(
    private readonly limits: Limits,
    private readonly buckets: TokenBuckets,
    private readonly inForce: LimitsInForce,
    private readonly bulkhead: BulkheadLink,
    private readonly circuit: CircuitLink,
    private readonly metrics: ToolMetrics,
  ) {}

  async of(row: ServerRow): Promise<McpServerInfo> {
    return {
      name: row.name,
      url: row.base_url,
      transport: row.transport,
      command: row.command,
      args: row.args,
      description: row.description ?? '',
      authSecret: row.auth_token,
      oauth: row.auth,
      caps: row.capabilities,
      enabled: row.is_enabled,
      health: healthOf(row),
      quota: await this.quotaOf(row),
      limits: row.limits,
      circuit: this.circuit.report(row.name),
      stats: this.metrics.statsOf(row.name),
      pins: { changed: row.tools_changed, quarantined: row.tools_quarantined },
      tools: row.tools,
      leftOut: leftOutOf(row.left_out),
      timeoutMs: await this.inForce.timeoutMs(row),
      idempotentTools: row.idempotent_tools,
      version: row.version,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    };
  }

  async standingOf(row: ServerRow): Promise<ServerStanding> {
    const { perMinute: limit } = await this.inForce.ofServer(row.limits);
    const perMinute = await used(this.buckets, `server:${row.name}`, limit);
    const { state, error, said } = healthOf(row);
    const pins = { changed: row.tools_changed, quarantined: row.tools_quarantined };
    return {
      name: row.name,
      version: row.version,
      state,
      circuit: this.circuit.report(row.name).state,
      tools: row.tools,
      ...(error === null ? {} : { error }),
      ...(said ? { said } : {}),
      ...(perMinute ? { perMinute } : {}),
      ...(pins.changed + pins.quarantined > 0 ? { pins } : {}),
    };
  }

  /** What a tool shares with its server, and what is used of its own limit. */
  async ofTool(
    row: ServerRow,
    tool: string,
  ): Promise<Pick<ToolReport, 'perMinute' | 'quota' | 'circuit' | 'health'>> {
    const { toolPerMinute } = await this.inForce.ofServer(row.limits);
    return {
      perMinute: await used(this.buckets, toolKey(`${row.name}.${tool}`), toolPerMinute),
      quota: await this.quotaOf(row),
      circuit: this.circuit.report(row.name),
      health: healthOf(row),
    };
  }

  private async quotaOf({ name, limits }: ServerRow): Promise<McpServerInfo['quota']> {
    const { perMinute, perDay, concurrent } = await this.inForce.ofServer(limits);
    return {
      perMinute: await used(this.buckets, `server:${name}`, perMinute),
      perDay: await used(this.limits, dayKey(`server:${name}`), perDay),
      concurrent: { limit: concurrent, used: this.bulkhead.inFlight(name) },
    };
  }
}

const used = async (counts: Limits | TokenBuckets, key: string, limit: number | null) =>
  limit === null ? null : { limit, used: await counts.used(key, limit) };

const healthOf = ({ is_enabled, health }: ServerRow): McpServerInfo['health'] => ({
  state: is_enabled ? health.state : 'disabled',
  checkedAt: health.checkedAt ?? null,
  error: health.error ?? null,
  ...(health.said ? { said: health.said } : {}),
  latencyMs: health.latencyMs ?? null,
});
