import { SdkHttpError } from '@modelcontextprotocol/client';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type Principal, systemPrincipal } from '../../../platform/http/context.js';
import { Vault } from '../../config/index.js';
import type { OutboundOAuth } from '@aos/contracts';
import { GuardedFetch } from '../chain/guarded-fetch.js';
import { type RestService, RestUpstream } from '../openapi/rest-upstream.js';
import { InProcessServers } from './in-process.js';
import { dialOf } from './dial.js';
import { Launches } from './launches.js';
import { OutboundTokens, type RevealSecret } from './outbound-tokens.js';
import { PerCaller } from './per-caller.js';
import type { Upstream, UpstreamChange } from './upstream.js';
import { type Dial, type Health, WarmClient } from './warm-client.js';

/** A registered server as far as reaching it goes. */
export interface UpstreamRow {
  name: string;
  transport: 'http' | 'sse' | 'stdio' | 'builtin' | 'agent' | 'openapi';
  base_url: string;
  command: string | null;
  args: string[];
  is_launch_kept?: boolean;
  auth_token: string | null;
  auth?: OutboundOAuth | null;
  openapi?: RestService | null;
  /** Of its registration; one that is only tried, or about to be registered, has none. */
  version?: number;
}

/** All that a connection depends on. */
export const wayTo = (row: UpstreamRow): string =>
  JSON.stringify([
    row.transport,
    row.base_url,
    row.command,
    row.args,
    row.auth_token,
    row.auth ?? null,
    row.openapi ?? null,
  ]);

/**
 * The kept connections of this process, one per registered server, made when first needed. A server that was
 * registered anew with another address gets another one; calls under way over the old one are cut.
 */
@Injectable()
export class Upstreams implements OnApplicationShutdown {
  private readonly open = new Map<
    string,
    { row: UpstreamRow; route: string; upstream: Upstream }
  >();
  /** Set by the registry, which keeps what it hears. */
  onHealth: (server: string, health: Health) => void = () => undefined;
  /** Set by who offers the servers' lists to others. */
  onChange: (server: string, change: UpstreamChange) => void = () => undefined;

  constructor(
    private readonly launches: Launches,
    private readonly vault: Vault,
    private readonly inProcess: InProcessServers,
    private readonly outside: GuardedFetch,
    private readonly tokens: OutboundTokens,
  ) {}

  of(row: UpstreamRow): Upstream {
    const open = this.open.get(row.name);
    // The registry hands out the same row for some seconds: most calls compare nothing.
    if (open?.row === row) return open.upstream;
    const route = wayTo(row);
    const known = open;
    if (known?.route === route) {
      known.row = row;
      return known.upstream;
    }
    const upstream = this.make(row);
    this.open.set(row.name, { row, route, upstream });
    // The old one is given up; that its farewell fails changes nothing.
    known?.upstream.close().catch(() => undefined);
    return upstream;
  }

  /** Whether it is connected to, or is about to be; a server may be so before it is registered. */
  has(name: string): boolean {
    return this.open.has(name);
  }

  /** Those of which the connection was last asked for by their registration. */
  registered(): UpstreamRow[] {
    return [...this.open.values()].flatMap(({ row }) => (row.version === undefined ? [] : [row]));
  }

  /** Whether the connection was last asked for by just this. */
  holds(row: UpstreamRow): boolean {
    return this.open.get(row.name)?.row === row;
  }

  async close(name: string): Promise<void> {
    const known = this.open.get(name);
    this.open.delete(name);
    await known?.upstream.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled([...this.open.keys()].map((name) => this.close(name)));
  }

  private make(row: UpstreamRow): Upstream {
    if (row.transport === 'builtin' || row.transport === 'agent')
      return this.inProcess.upstream(row.transport, row.name);
    const reveal = (secret: string) =>
      this.vault.reveal(
        { actor: systemPrincipal, traceId: '', ip: null },
        secret,
        null,
        `mcp-server:${row.name}`,
      );
    if (row.transport === 'openapi') return new RestUpstream(row.openapi!, this.outside, reveal);
    const route = {
      name: row.name,
      transport: row.transport,
      url: row.base_url,
      command: row.command,
      args: row.args,
      is_launch_kept: row.is_launch_kept,
      authSecret: row.auth_token,
    };
    const dial = (as: Principal | undefined) =>
      row.auth
        ? this.signedIn(row.name, row.auth, as ?? systemPrincipal, reveal, (token) =>
            dialOf(route, this.launches, () => Promise.resolve(token)),
          )
        : dialOf(route, this.launches, reveal);
    const connect = (as: Principal | undefined) =>
      new WarmClient({
        server: row.name,
        dial: dial(as),
        // That one caller is turned away says nothing of the server.
        ...(as
          ? {}
          : {
              onHealth: (health) => this.onHealth(row.name, health),
              onChange: (change) => this.onChange(row.name, change),
            }),
        redact: this.vault.redactor(),
        dropWhenSilent: row.transport === 'stdio',
      });
    return row.auth?.perCaller ? new PerCaller(connect) : connect(undefined);
  }

  /** With another token where the server refuses one that it was shown before: not twice for each connection. */
  private signedIn(
    server: string,
    oauth: OutboundOAuth,
    as: Principal,
    reveal: RevealSecret,
    dialWith: (token: string) => Dial,
  ): Dial {
    let shown: string | undefined;
    const show = async () => (shown = await this.tokens.tokenFor(server, oauth, reveal, as));
    return async (signal, prepare) => {
      const before = shown;
      const token = await show();
      try {
        return await dialWith(token)(signal, prepare);
      } catch (error) {
        const isRefused = error instanceof SdkHttpError && error.status === 401;
        if (!isRefused || token !== before) throw error;
        this.tokens.refuse(server, oauth, as, token);
        return dialWith(await show())(signal, prepare);
      }
    };
  }
}
