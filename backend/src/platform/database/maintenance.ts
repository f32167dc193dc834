import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  Optional,
} from '@nestjs/common';
import { OLAP, type Olap } from '../olap/olap.js';
import { Database } from './database.js';
import { ensurePartitions, readKeptDays } from './partitions.js';

const HOUR_MS = 3600_000;
/** Also a process that never runs for an hour drops what is past. Not at once: a start has other things to do. */
const FIRST_MS = 60_000;

/**
 * What has to be done now and then so that nothing grows without bound: next weeks' partitions are made,
 * old ones dropped, and the few tables that are not partitioned are pruned. Each statement may be run by
 * several processes at once. A failure is logged and tried again an hour later; partitions are made three
 * weeks ahead, so there is time.
 */
@Injectable()
export class Maintenance implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Maintenance.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    @Optional() @Inject(OLAP) private readonly olap?: Olap,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule(FIRST_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private schedule(ms: number): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.running = this.run().finally(() => this.schedule(HOUR_MS));
    }, ms).unref();
  }

  async run(): Promise<void> {
    try {
      await ensurePartitions(this.database, Date.now(), this.olap !== undefined);
      const { events } = await readKeptDays(this.database);
      await this.database.query(
        `DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'`,
      );
      await this.database.query(
        `DELETE FROM sessions WHERE expires_at < now() - interval '7 days'`,
      );
      // Those of proposals that were decided went with the decision.
      await this.database.query(
        'DELETE FROM proposed_secrets v USING proposals p WHERE p.id = v.proposal_id AND p.expires_at <= now()',
      );
      await this.database.query(
        `DELETE FROM proposals WHERE coalesce(decided_at, expires_at) < now() - interval '90 days'`,
      );
      if (events === null) return;
      await this.database.query(
        `DELETE FROM event_payloads WHERE created_at < now() - make_interval(days => $1)`,
        [events + 7],
      );
    } catch (error) {
      this.logger.error(
        `Maintenance failed and will be tried again in an hour: ${(error as Error).message}`,
      );
    }
  }
}
