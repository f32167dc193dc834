import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Database } from '../../../platform/database/database.js';
import { Registry } from '../registry.js';
import { UpstreamFault } from './upstream.js';
import { type UpstreamRow, Upstreams } from './upstreams.js';

const EVERY_MS = 20_000;
const LIMIT_MS = 5000;

/**
 * Asks every server now and then whether it answers, so that its health is known before somebody needs it, and
 * one that was away is found again without anybody calling it. A server over a pipe that was never needed is
 * not started for this. Each is asked for itself: one that hangs holds up no other. One that answers is asked for its
 * tools as well: who changes a definition to do harm sends no word of it.
 */
@Injectable()
export class HealthProbes implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(HealthProbes.name);
  private readonly asking = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly upstreams: Upstreams,
    private readonly registry: Registry,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async look(): Promise<void> {
    try {
      // Whole rows: one without how it signs in would be another server, with a connection of its own.
      const rows = await this.database.query<UpstreamRow>(
        `SELECT * FROM mcp_registry WHERE is_enabled AND transport IN ('http', 'sse', 'stdio')`,
      );
      await Promise.all(rows.map((row) => this.ask(row)));
    } catch (error) {
      this.logger.warn({ msg: 'the tool servers could not be looked at', err: error });
    }
  }

  private async ask(row: UpstreamRow): Promise<void> {
    if (this.asking.has(row.name)) return;
    this.asking.add(row.name);
    try {
      if (await this.upstreams.of(row).probe(LIMIT_MS)) await this.registry.lookForChanges(row);
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error; // else it went meanwhile, and its health tells
    } finally {
      this.asking.delete(row.name);
    }
  }
}
