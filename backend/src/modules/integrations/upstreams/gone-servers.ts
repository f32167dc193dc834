import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { describeFailure } from '../../../platform/database/away.js';
import { Database } from '../../../platform/database/database.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { CircuitLink } from '../chain/circuit.js';
import { LaunchRefused } from '../integrations.errors.js';
import { Launches } from './launches.js';
import { type UpstreamRow, Upstreams, wayTo } from './upstreams.js';

const EVERY_MS = 20_000;

/**
 * Lets go of the servers that another process has removed, switched off or moved: whoever changes a registration closes
 * their own connection, and no other process would be told by a call that nobody makes any more. A program that was
 * switched off as harmful would run on here, with what it was given to sign in. So would one whose package was taken off
 * the list of those that may run: whoever saves the settings closes no connection.
 *
 * Looked for at each word of a change, and now and then, since such a word can be lost. One that is being registered,
 * or tried, is in no row yet and is left alone.
 */
@Injectable()
export class GoneServers implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(GoneServers.name);
  private looking: Promise<void> | undefined;
  private isToldAgain = false;
  private stopListening: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly upstreams: Upstreams,
    private readonly circuit: CircuitLink,
    private readonly wakeups: Wakeups,
    private readonly launches: Launches,
  ) {}

  /** The embedded database has one process, which loses no word of its own. */
  onModuleInit(): void {
    this.stopListening = this.wakeups.on('control', () => void this.look());
    if (this.database.kind === 'embedded') return;
    this.timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    this.stopListening?.();
    clearInterval(this.timer);
  }

  /** Resolves once a look that began after this was called has ended. */
  look(): Promise<void> {
    if (this.looking) this.isToldAgain = true;
    this.looking ??= this.lookOn().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async lookOn(): Promise<void> {
    do {
      this.isToldAgain = false;
      try {
        await this.letGo(this.upstreams.registered());
      } catch (error) {
        this.logger.warn(`servers that went could not be looked for: ${describeFailure(error)}`);
      }
    } while (this.isToldAgain);
  }

  private async letGo(held: UpstreamRow[]): Promise<void> {
    if (held.length === 0) return;
    const rows = await this.database.query<UpstreamRow>(
      'SELECT * FROM mcp_registry WHERE is_enabled AND name = ANY($1)',
      [held.map(({ name }) => name)],
    );
    const present = new Map(rows.map((row) => [row.name, row]));
    for (const row of held) {
      const now = present.get(row.name);
      const stays = now && wayTo(now) === wayTo(row) && (await this.mayRun(now));
      if (stays || !this.upstreams.holds(row)) continue;
      // What it did says nothing of one that comes by its name.
      this.circuit.forget(row.name);
      await this.upstreams.close(row.name);
    }
  }

  private async mayRun(row: UpstreamRow): Promise<boolean> {
    if (row.transport !== 'stdio') return true;
    try {
      await this.launches.approve(row);
      return true;
    } catch (error) {
      if (error instanceof LaunchRefused) return false;
      throw error;
    }
  }
}
