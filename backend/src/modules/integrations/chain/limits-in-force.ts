import { Injectable } from '@nestjs/common';
import type { ServerLimits, SystemConfig } from '@aos/contracts';
import { Settings } from '../../config/index.js';
import type { ServerRow } from '../registry.js';
import type { Passage } from './link.js';

/** One count that a call is held against. */
export interface LimitInForce {
  key: string;
  limit: number;
  /** For the words of a refusal. */
  of: string;
}

/** The limits of a server: its own where it has any, else those of the settings. */
export interface LimitsOfServer {
  perMinute: number | null;
  perDay: number | null;
  toolPerMinute: number | null;
  concurrent: number;
}

@Injectable()
export class LimitsInForce {
  constructor(private readonly settings: Settings) {}

  async ofServer(own: ServerLimits): Promise<LimitsOfServer> {
    return ownOrAll(own, (await this.settings.system()).gateway.limits);
  }

  /** How long a call to a server may take: its own limit where it has one. */
  async timeoutMs({ timeout_ms: own }: Pick<ServerRow, 'timeout_ms'>): Promise<number> {
    return own ?? (await this.settings.system()).gateway.defaultTimeoutMs;
  }

  async perMinute({ ctx, call, name, target }: Passage): Promise<LimitInForce[]> {
    const { limits } = (await this.settings.system()).gateway;
    const own = ownOrAll(target.server.limits, limits);
    return some([
      [`actor:${ctx.actor.id}`, limits.principalPerMinute, ctx.actor.name],
      [`server:${call.server}`, own.perMinute, call.server],
      [toolKey(name), own.toolPerMinute, name],
    ]);
  }

  async perDay({ ctx, call, target }: Passage): Promise<LimitInForce[]> {
    const { limits } = (await this.settings.system()).gateway;
    const own = ownOrAll(target.server.limits, limits);
    return some([
      [dayKey(`actor:${ctx.actor.id}`), limits.principalPerDay, ctx.actor.name],
      [dayKey(`server:${call.server}`), own.perDay, call.server],
    ]);
  }
}

const ownOrAll = (own: ServerLimits, all: SystemConfig['gateway']['limits']): LimitsOfServer => ({
  perMinute: own.perMinute ?? all.serverPerMinute,
  perDay: own.perDay ?? all.serverPerDay,
  toolPerMinute: own.toolPerMinute ?? all.toolPerMinute,
  concurrent: own.concurrent ?? all.serverConcurrent,
});

/** Of `server.tool`. */
export const toolKey = (tool: string) => `tool:${tool}`;

const DAY_MS = 86_400_000;
let today = { number: NaN, name: '' };

/** Days are those of UTC, the same for every process. */
export function dayKey(of: string, now = Date.now()): string {
  const number = Math.floor(now / DAY_MS);
  if (number !== today.number) today = { number, name: new Date(now).toISOString().slice(0, 10) };
  return `day:${today.name}:${of}`;
}

export const msToMidnight = (now = Date.now()) => DAY_MS - (now % DAY_MS);

const some = (limits: [string, number | null, string][]): LimitInForce[] =>
  limits.flatMap(([key, limit, of]) => (limit === null ? [] : [{ key, limit, of }]));
